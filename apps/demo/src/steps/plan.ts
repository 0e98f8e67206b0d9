import { heading, prove, proven, tell } from '../narrator.js';
import { Load } from '../requests.js';
import { type ApplyAnswer, apply as applyNow, delivered, proveNone, replica, type Shop } from '../shop-mesh.js';
import { MESH } from '../topology.js';
import { ordersRoute } from './shift.js';

interface Plan {
  readonly id: string;
  readonly intent: readonly { readonly op: string; readonly kind: string; readonly name: string }[];
  readonly envoy: { readonly items: readonly { readonly op: string; readonly type: string; readonly name: string }[] };
  readonly proxies: { readonly total: number; readonly touched: number };
  readonly cost: { readonly recomputed: number };
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
  readonly replay?: { readonly groups: readonly { readonly examples: readonly string[] }[] };
}

interface Explanation {
  readonly route?: { readonly name: string; readonly by?: { readonly change: string; readonly actor: string } };
  readonly clusters: readonly {
    readonly name: string;
    readonly share: number;
    readonly endpoints: readonly { readonly instance?: string; readonly address: string }[];
  }[];
}

const ROUTE = `/api/v1/meshes/${MESH}/namespaces/shop/httproutes/orders`;

/** Step 7: what a change will do is known before, done as it was planned, and taken back. */
export async function plan(shop: Shop): Promise<void> {
  heading('7. A change is planned, applied as planned, explained, and taken back');
  await findings(shop);
  await applyNow(shop, [ordersRoute(0, 100)], 'orders is green');
  const before = await specOf(shop);
  const load = new Load(replica(shop, 'web-1').plan, { host: 'orders', path: '/v1/1' });
  const half = await planned(shop, {
    manifests: [ordersRoute(50, 50)],
    message: 'half of orders to green',
    requests: [
      { host: 'orders', path: '/v1/1' },
      { host: 'catalog', path: '/' },
    ],
  });
  show(half);
  prove(JSON.stringify(await specOf(shop)) === JSON.stringify(before), 'a plan changes nothing', before);
  const change = await applied(shop, half);
  await explained(shop, change);
  await takenBack(shop, change);
  prove(JSON.stringify(await specOf(shop)) === JSON.stringify(before), 'the route is what it was before', before);
  proveNone((await load.stop()).failures, load.sent, 'there and back');
  await stale(shop);
}

/** A mistake is named before anybody has it. */
async function findings(shop: Shop): Promise<void> {
  const { findings } = await planned(shop, { manifests: [ordersRoute(0, 0)], save: false });
  const found = findings.find(({ code }) => code === 'no-weight');
  prove(found?.severity === 'critical', 'a route on which nothing has a weight is called critical', findings);
  tell(`  ${found?.message}`);
}

async function applied(shop: Shop, { id, proxies }: Plan): Promise<string> {
  const answer = await apply(shop, id);
  const progress = await delivered(shop, answer);
  // The plan counts who is registered: a replica that was killed is, for a while, and hears nothing.
  prove(
    progress.total > 0 && progress.total <= proxies.touched && progress.refused.length === 0,
    `applied: ${progress.acked} of ${progress.total} connected proxies have ACKed; the plan named ${proxies.touched}`,
    progress,
  );
  return answer.change;
}

/** Why a request goes where it goes, down to the change that decided it. */
async function explained(shop: Shop, change: string): Promise<void> {
  const answer = await shop.controlPlane.request<Explanation>('POST', `/api/v1/meshes/${MESH}/explain/request`, {
    from: { namespace: 'shop', name: 'web-1' },
    url: 'http://orders/v1/1',
  });
  const by = answer.route?.by;
  for (const { name, share, endpoints } of answer.clusters)
    tell(`  ${share * 100} % to ${name}: ${endpoints.map(({ instance, address }) => instance ?? address).join(', ')}`);
  prove(
    by?.change === change && answer.clusters.length === 2,
    `http://orders/v1/1 from web-1 is explained: ${answer.route?.name} by ${by?.actor} in ${by?.change}`,
    answer,
  );
}

async function takenBack(shop: Shop, change: string): Promise<void> {
  const back = await planned(shop, { rollback: { change }, message: `${change} was a mistake` });
  const { acked, total, elapsedMs } = await delivered(shop, await apply(shop, back.id));
  proven(`${change} is taken back, by a change of its own: ${acked} of ${total} proxies, ${elapsedMs} ms`);
}

/** What a plan was made from has changed: it is refused, and says who did it. */
async function stale(shop: Shop): Promise<void> {
  const first = await planned(shop, { manifests: [ordersRoute(80, 20)], message: 'the first plan' });
  const second = await planned(shop, { manifests: [ordersRoute(70, 30)], message: 'the second plan' });
  const change = await applied(shop, second);
  const refused = await apply(shop, first.id).then(
    () => '',
    (error: Error) => error.message,
  );
  prove(
    refused.includes('409') && refused.includes('plan-stale') && refused.includes(change),
    `a plan whose input has changed meanwhile is refused, naming ${change}`,
    refused,
  );
}

function show({ intent, envoy, proxies, cost, replay }: Plan): void {
  for (const { op, kind, name } of intent) tell(`  ${op} ${kind} ${name}`);
  for (const { op, type, name } of envoy.items) tell(`  Envoy: ${op} ${type} ${name}`);
  tell(`  ${proxies.touched} of ${proxies.total} proxies would notice; ${cost.recomputed} queries recomputed`);
  for (const { examples } of replay?.groups ?? []) tell(`  other treatment: ${examples.join(', ')}`);
  prove(
    proxies.touched > 0 && proxies.touched <= proxies.total && envoy.items.length > 0,
    'the plan names the Envoy resources and proxies that would change',
    { envoy, proxies },
  );
  const elsewhere = replay?.groups.flatMap(({ examples }) => examples) ?? [];
  prove(
    elsewhere.some((example) => example.includes('orders')) &&
      !elsewhere.some((example) => example.includes('catalog')),
    'of the sample requests, those to orders would go elsewhere and those to catalog would not',
    elsewhere,
  );
}

const planned = (shop: Shop, body: object): Promise<Plan> =>
  shop.controlPlane.request('POST', `/api/v1/meshes/${MESH}/plan`, body);

const apply = (shop: Shop, plan: string): Promise<ApplyAnswer> =>
  shop.controlPlane.request('POST', `/api/v1/meshes/${MESH}/apply`, { plan });

const specOf = async (shop: Shop): Promise<unknown> =>
  (await shop.controlPlane.request<{ spec: unknown }>('GET', ROUTE)).spec;
