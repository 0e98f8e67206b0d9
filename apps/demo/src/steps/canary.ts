import { heading, prove, proven, tell, until } from '../narrator.js';
import { Load } from '../requests.js';
import { proveNone, remove, replica, type Shop } from '../shop-mesh.js';
import { HTTP_PORT, REPLICAS } from '../topology.js';
import { tryOut, untilTrial } from '../trial.js';

const WAVES = [20, 50];

/** Step 8: a change that some proxies have before others, and that is taken back when it is bad. */
export async function canary(shop: Shop): Promise<void> {
  heading('8. A change goes to a few proxies first; a bad one goes no further');
  await good(shop);
  await refused(shop);
  await failing(shop);
  await remove(shop, 'httproutes', 'catalog');
}

async function good(shop: Shop): Promise<void> {
  const load = new Load(replica(shop, 'web-1').plan, { host: 'catalog', path: '/' });
  const manifests = [catalogRoute({ timeouts: { request: '5s' } })];
  const id = await tryOut(shop, { manifests, message: 'time limit', trial: { canary: WAVES, observeSeconds: 0.5 } });
  for (const [i, share] of WAVES.entries()) {
    const { members } = await untilTrial(shop, id, (trial) => trial.wave > i || trial.wave === 0);
    if (members.length > 0) tell(`  wave ${i + 1}, ${share} %: ${members.join(', ')}`);
  }
  const { change } = await untilTrial(shop, id, ({ state }) => state === 'done');
  proven(`${id} went through ${WAVES.length} waves and is everybody's as ${change}`);
  proveNone((await load.stop()).failures, load.sent, 'meanwhile');
}

/** Heddle lets it pass; the demo's Envoys were set up with a lower limit than that. */
const LARGE = '/[a-z0-9]{1,200}';

async function refused(shop: Shop): Promise<void> {
  const matches = [{ path: { type: 'RegularExpression', value: LARGE } }];
  const manifests = [catalogRoute({ matches })];
  const id = await tryOut(shop, { manifests, message: 'an expression', trial: { canary: [20], observeSeconds: 60 } });
  const { members } = await untilTrial(shop, id, (trial) => trial.members.length > 0);
  const { state, reason } = await untilTrial(shop, id, (trial) => trial.state !== 'canary');
  tell(`  ${reason.slice(0, 160)}`);
  prove(
    state === 'reverted' && reason.startsWith('refused on host-a, host-b: '),
    `what the Envoys of ${members.join(' and ')} refuse, on two hosts, is taken back; nobody else was given it`,
    { state, reason },
  );
}

/** It is valid, and every Envoy takes it; its callers would not. */
async function failing(shop: Shop): Promise<void> {
  const manifests = [nowhere, catalogRoute({ backendRefs: [{ name: 'nowhere', port: HTTP_PORT }] })];
  const id = await tryOut(shop, { manifests, message: 'to nowhere', trial: { canary: [20], observeSeconds: 600 } });
  const { members } = await untilTrial(shop, id, (trial) => trial.members.length > 0);
  const names = members.map((proxy) => proxy.slice(proxy.indexOf('/') + 1));
  const plans = REPLICAS.filter(({ name }) => shop.replicas.has(name));
  const stranger = plans.find(({ name }) => !names.includes(name));
  const loads = plans.filter(({ name }) => names.includes(name)).map((plan) => new Load(plan, toCatalog, 2));
  const other = stranger && new Load(stranger, toCatalog, 2);
  const { state, reason } = await untilTrial(shop, id, (trial) => trial.state !== 'canary');
  await until('the members are answered again', 30_000 * shop.slowness, async () => {
    for (const load of loads) load.resetCounts();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return loads.every((load) => load.instances.size > 0);
  });
  const failures = await Promise.all(loads.map(async (load) => (await load.stop()).failures.length));
  tell(`  ${reason}`);
  prove(
    state === 'reverted' &&
      reason.startsWith('failures rose on host-a, host-b: ') &&
      failures.every((count) => count > 0),
    `what makes the requests of ${members.join(' and ')} fail is taken back after ${failures.join(' and ')} failures`,
    { state, reason, failures },
  );
  if (other) proveNone((await other.stop()).failures, other.sent, `${stranger.name}, which never had it`);
}

const toCatalog = { host: 'catalog', path: '/' };

const nowhere = {
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name: 'nowhere', namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: HTTP_PORT, protocol: 'http' }] },
};

const catalogRoute = (rule: object): unknown => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'catalog', namespace: 'shop' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'catalog' }],
    rules: [{ backendRefs: [{ name: 'catalog', port: HTTP_PORT }], ...rule }],
  },
});
