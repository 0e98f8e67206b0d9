import { heading, prove, proven, tell, until } from '../narrator.js';
import { Load } from '../requests.js';
import { apply, delivered, proveNone, replica, type Shop } from '../shop-mesh.js';

/** Step 3: blue to green by weights, measured. */
export async function shift(shop: Shop): Promise<void> {
  heading('3. Orders goes from blue to green by weights');
  await weights(shop, 100, 0);
  const load = new Load(replica(shop, 'web-1').plan, { host: 'orders', path: '/v1/1' });
  for (const [blue, green] of [
    [100, 0],
    [90, 10],
    [0, 100],
  ] as const) {
    await weights(shop, blue, green);
    await split(shop, load, blue);
  }
  proveNone((await load.stop()).failures, load.sent, 'during the whole shift');
}

async function weights(shop: Shop, blue: number, green: number): Promise<void> {
  const answer = await apply(shop, [ordersRoute(blue, green)], `orders ${blue}/${green}`);
  // What is so already makes no change, and there is nothing to wait for.
  if (!answer.change) return;
  const progress = await delivered(shop, answer);
  proven(`${blue}/${green}: commit to the last of ${progress.total} Envoys' ACK in ${progress.elapsedMs} ms`);
}

/** Counts answers until the share can be told from another one; 4 standard deviations of slack. */
async function split(shop: Shop, load: Load, blue: number): Promise<void> {
  load.resetCounts();
  const wanted = blue === 90 ? 400 : 60;
  const counts = (): [number, number] => [load.versions.get('blue') ?? 0, load.versions.get('green') ?? 0];
  await until('enough answers', 120_000 * shop.slowness, async () => counts()[0] + counts()[1] >= wanted + 16);
  const [b, g] = counts();
  const share = (100 * b) / (b + g);
  const slack = blue === 90 ? 4 * Math.sqrt((90 * 10) / (b + g)) : 100 * (8 / (b + g));
  tell(`  measured: ${b} blue, ${g} green`);
  prove(Math.abs(share - blue) <= slack, `${blue}/${100 - blue} is what callers get (${share.toFixed(1)} % blue)`, {
    b,
    g,
  });
}

export function ordersRoute(blue: number, green: number): unknown {
  const backend = (subset: string, weight: number): unknown => ({
    kind: 'Service',
    group: '',
    name: 'orders',
    port: 8080,
    subset,
    weight,
  });
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'orders' }],
      rules: [{ backendRefs: [backend('blue', blue), backend('green', green)] }],
    },
  };
}
