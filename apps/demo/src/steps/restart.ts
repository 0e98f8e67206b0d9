import { during, heading, prove, proven, tell, until } from '../narrator.js';
import { askAs, Load } from '../requests.js';
import { apply, delivered, proveNone, proxies, replica, type Shop } from '../shop-mesh.js';
import { ordersRoute } from './shift.js';

/** Envoy needs at most its longest back-off, 1 s, plus a handshake. */
const RECONNECT_MS = 2_000;

/** Step 6: the control plane dies; nobody notices. */
export async function restart(shop: Shop): Promise<void> {
  heading('6. The control plane is killed and comes back');
  const load = new Load(replica(shop, 'web-1').plan, { host: 'orders', path: '/v1/1' });
  const before = await updates(shop);
  const killedAt = Date.now();
  await shop.controlPlane.kill();
  tell('killed by SIGKILL; traffic runs on');
  const sent = load.sent;
  await until('traffic without a control plane', 30_000 * shop.slowness, async () => load.sent > sent + 50);
  const open = shop.controlPlane.xdsPortOpen();
  await during('it starts again on the same data', () => shop.controlPlane.start());
  await reconnected(shop, killedAt, await open);
  prove(
    (await shop.controlPlane.metric('heddle_certificates_issued_total')) === 0,
    'no key and no certificate was made',
    'some',
  );
  const after = await updates(shop);
  const differences = [...after]
    .filter(([key, value]) => value !== before.get(key))
    .map(([key, value]) => `${key}: ${before.get(key)} -> ${value}`);
  prove(differences.length === 0, 'no update of any type was sent to a sidecar that has everything', differences);
  await changeAfterwards(shop);
  proveNone((await load.stop()).failures, load.sent, 'through the whole outage');
}

async function reconnected(shop: Shop, killedAt: number, openAt: number): Promise<void> {
  const all = await until('every sidecar is connected again', 30_000 * shop.slowness, async () => {
    const list = (await proxies(shop)).filter(
      (proxy) => proxy.connectedSince && Date.parse(proxy.connectedSince) > killedAt,
    );
    return list.length >= shop.replicas.size ? list : undefined;
  });
  const last = Math.max(...all.map((proxy) => Date.parse(proxy.connectedSince ?? '')));
  const limit = RECONNECT_MS * shop.slowness;
  prove(
    last - openAt <= limit,
    `all ${all.length} sidecars were connected ${Math.max(0, last - openAt)} ms after the port was open (limit ${Math.round(limit)} ms)`,
    last - openAt,
  );
}

/** Successful updates by type, as every Envoy counts them itself. */
async function updates(shop: Shop): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [name, one] of shop.replicas) {
    for (const [stat, value] of await one.sidecar.stats(
      'update_(success|rejected)$|server.*certificates|ssl_context_update_by_sds',
    ))
      found.set(`${name} ${stat}`, value);
  }
  return found;
}

async function changeAfterwards(shop: Shop): Promise<void> {
  await delivered(shop, await apply(shop, [ordersRoute(0, 100)], 'a change right after the restart'));
  const answer = await askAs(replica(shop, 'web-1').plan, { host: 'orders', path: '/v1/1' });
  prove(answer.version === 'green', 'a change right after the restart works', answer.version);
  const ledger = {
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'Service',
    metadata: { name: 'ledger', namespace: 'shop' },
    spec: {
      ports: [{ name: 'grpc', port: 9191, protocol: 'grpc' }],
      selector: { matchLabels: { workload: 'payments' } },
    },
  };
  const progress = await delivered(shop, await apply(shop, [ledger], 'a service with a listener of its own'));
  proven(`so does one that gives ${progress.total} sidecars a new listener`);
}
