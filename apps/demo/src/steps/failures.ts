import { BUCKET_MS } from '#libs/telemetry';
import { heading, prove, tell, until } from '../narrator.js';
import { type Call, Load } from '../requests.js';
import { apply, delivered, remove, replica, type Shop } from '../shop-mesh.js';
import { MESH } from '../topology.js';

interface PatternAnswer {
  readonly name: string;
  readonly state: 'active' | 'over';
  /** End of the newest bucket with such failures. Milliseconds since the epoch. */
  readonly until: number;
  readonly sentence: string;
  readonly scope: { readonly callees: readonly string[]; readonly instances?: readonly string[] };
  readonly suspects: readonly { readonly id: string; readonly title: string; readonly reversible: boolean }[];
}

/** Step 11: three faults are made, of three kinds; Heddle names each, and the change that brought it about. */
export async function failures(shop: Shop): Promise<void> {
  heading('11. Failures get names');
  await usual(shop);
  // In this order: web has just failed to reach catalog when it fails by itself, and must not be thought to fail by that.
  await badHost(shop);
  await tooShort(shop);
  await refusedByPolicy(shop);
  tell(`the three are also on the dashboard: ${shop.controlPlane.url}/`);
}

/** A service for each fault, so that one does not begin in what is left of another. */
const CATALOG: Call = { host: 'catalog', path: '/work' };
const WEB: Call = { host: 'web', path: '/slow?ms=60' };
const PAYMENTS: Call = { host: 'payments', path: '/work' };

/** What is unusual is told by what was usual: some requests that all succeed. */
async function usual(shop: Shop): Promise<void> {
  const loads = [load(shop, 'web-1', CATALOG), load(shop, 'orders-blue-1', WEB), load(shop, 'web-1', PAYMENTS)];
  await until('sidecars have told of requests', 60_000 * shop.slowness, async () => {
    const { items } = await get<{ readonly items: readonly { readonly name: string }[] }>(shop, 'services?since=2m');
    return ['catalog', 'web', 'payments'].every((name) => items.some((item) => item.name === name));
  });
  await Promise.all(loads.map((one) => one.stop()));
}

/** The application of one of two catalogs hangs up; the sidecar beside it does not know. */
async function badHost(shop: Shop): Promise<void> {
  const running = load(shop, 'web-1', CATALOG);
  await replica(shop, 'catalog-2').stopApp();
  tell('the application of catalog-2 is gone, its Envoy is not');
  const found = await named(shop, 'catalog', (pattern) =>
    (pattern.scope.instances ?? []).some((instance) => instance.endsWith('/catalog-2')),
  );
  prove(
    ['bad_host', 'connection_refused'].includes(found.name),
    `named: ${found.name.replaceAll('_', ' ')}, ${found.sentence}`,
    found,
  );
  await replica(shop, 'catalog-2').restartApp();
  await running.stop();
}

/** A change that gives a service less time than it needs. */
async function tooShort(shop: Shop): Promise<void> {
  const running = load(shop, 'orders-blue-1', WEB);
  const policy = {
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'TimeoutPolicy',
    metadata: { name: 'hasty', namespace: 'shop' },
    spec: { targetRef: { kind: 'Service', name: 'web' }, request: '40ms' },
  };
  const { change } = await apply(shop, [policy], 'web answers at once, or not at all');
  const found = await named(shop, 'web', ({ name }) => name === 'timeout_too_short');
  proveSuspect(found, change);
  await remove(shop, 'timeoutpolicies', 'hasty');
  await running.stop();
}

/** A change that lets somebody in no more. */
async function refusedByPolicy(shop: Shop): Promise<void> {
  const running = load(shop, 'web-1', PAYMENTS);
  const policy = {
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'not-web', namespace: 'shop' },
    spec: {
      targetRef: { kind: 'Service', name: 'payments' },
      action: 'DENY',
      rules: [{ from: [{ workloads: ['shop/web'] }] }],
    },
  };
  const applied = await apply(shop, [policy], 'web may not call payments');
  await delivered(shop, applied);
  const found = await named(shop, 'payments', ({ name }) => name === 'authorization');
  proveSuspect(found, applied.change);
  await remove(shop, 'authorizationpolicies', 'not-web');
  await running.stop();
}

const load = (shop: Shop, name: string, call: Call): Load => new Load(replica(shop, name).plan, call, 4);

const get = <T>(shop: Shop, path: string): Promise<T> =>
  shop.controlPlane.request<T>('GET', `/api/v1/meshes/${MESH}/telemetry/${path}`);

/** The pattern that is meant, once it is told of. */
async function named(
  shop: Shop,
  service: string,
  isMeant: (pattern: PatternAnswer) => boolean,
): Promise<PatternAnswer> {
  const begun = performance.now();
  const now = Date.now();
  // What an earlier step did may still be told of, and what is the same again has the same name and begin.
  const isNew = (pattern: PatternAnswer): boolean => pattern.until > now + BUCKET_MS; // what ends sooner was there before the fault
  const found = await until(`the failures of ${service} get a name`, 90_000 * shop.slowness, async () => {
    const { items } = await get<{ items: readonly PatternAnswer[] }>(shop, `patterns?service=shop/${service}`);
    return items.find((pattern) => pattern.state === 'active' && isNew(pattern) && isMeant(pattern));
  });
  tell(`  after ${Math.round((performance.now() - begun) / 1000)} s`);
  return found;
}

function proveSuspect(found: PatternAnswer, change: string): void {
  const [first] = found.suspects;
  prove(
    first?.id === change && first.reversible,
    `named: ${found.name.replaceAll('_', ' ')}, ${found.sentence}; suspected: ${change}, which heddle rollback takes back`,
    found,
  );
}
