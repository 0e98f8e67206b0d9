import { heading, prove } from '../narrator.js';
import { askAs, type Call, callAs } from '../requests.js';
import { applyFile, delivered, remove, replica, type Shop } from '../shop-mesh.js';

/** Step 4: matches, rewrites, time limits, retries, and who may call whom. */
export async function rules(shop: Shop): Promise<void> {
  heading('4. Routes, time limits, retries and access policy');
  await routes(shop);
  await resilience(shop);
  await access(shop);
}

async function routes(shop: Shop): Promise<void> {
  const web = replica(shop, 'web-1').plan;
  await delivered(shop, await applyFile(shop, 'routes.yaml', 'a header match and a rewrite'));
  const canary = await askAs(web, { host: 'orders', path: '/v1/1', headers: { 'x-canary': 'blue' } });
  const usual = await askAs(web, { host: 'orders', path: '/v1/1' });
  prove(
    canary.version === 'blue' && usual.version === 'green',
    'a request with x-canary: blue goes to blue, others to green',
    [canary.version, usual.version],
  );
  const rewritten = await askAs(web, { host: 'catalog', path: '/old/items?page=2' });
  prove(
    rewritten.path === '/items?page=2' && rewritten.headers['x-shop'] === 'heddle',
    '/old/items becomes /items, and a request header is set',
    { path: rewritten.path, headers: rewritten.headers },
  );
}

async function resilience(shop: Shop): Promise<void> {
  const web = replica(shop, 'web-1').plan;
  const flaky: Call = { host: 'payments', path: `/flaky?fail=1&key=${process.pid}-a` };
  const before = await callAs(web, flaky);
  prove(before.status === 503, 'without a policy a 503 of the application is the answer', before);
  await delivered(shop, await applyFile(shop, 'resilience.yaml', 'time limit and retries for payments'));
  const retried = await askAs(web, { ...flaky, path: `/flaky?fail=1&key=${process.pid}-b` });
  prove(
    retried.attempt === 3,
    'RetryPolicy: an endpoint that fails once at each of its replicas succeeds at the third attempt',
    retried,
  );
  const slow = await callAs(web, { host: 'payments', path: '/slow?ms=20000', timeoutMs: 15_000 });
  prove(slow.status === 504, 'TimeoutPolicy: an answer that takes 20 s is given up', slow);
}

async function access(shop: Shop): Promise<void> {
  const others = ['catalog-1', 'payments-1'].map((name) => replica(shop, name).plan);
  const web = replica(shop, 'web-1').plan;
  const orders: Call = { host: 'orders', path: '/v1/1' };
  const opened = await connectionsOpened(shop);
  await delivered(shop, await applyFile(shop, 'only-web.yaml', 'only web may call orders'));
  const denied = await Promise.all(others.map((caller) => callAs(caller, orders)));
  prove(
    denied.every((answer) => answer.status === 403),
    'AuthorizationPolicy: everybody but web gets 403',
    denied,
  );
  prove((await callAs(web, orders)).status === 200, 'web is let in', '');
  await remove(shop, 'authorizationpolicies', 'only-web');
  const restored = await untilAllowed(
    shop,
    others.map((caller) => () => callAs(caller, orders)),
  );
  prove(restored, 'removing the policy restores them', restored);
  const dropped = (await connectionsOpened(shop)).drained - opened.drained;
  prove(dropped === 0, 'no connection was drained by the policy or its removal', dropped);
}

async function untilAllowed(shop: Shop, calls: readonly (() => Promise<{ status: number }>)[]): Promise<boolean> {
  const deadline = performance.now() + 10_000 * shop.slowness;
  while (performance.now() < deadline) {
    const answers = await Promise.all(calls.map((call) => call()));
    if (answers.every((answer) => answer.status === 200)) return true;
  }
  return false;
}

/** Connections that the inbound listeners of orders closed to make room for a new configuration. */
async function connectionsOpened(shop: Shop): Promise<{ drained: number }> {
  let drained = 0;
  for (const [name, one] of shop.replicas) {
    if (name.startsWith('orders-')) drained += await one.sidecar.stat('http.inbound_http.downstream_cx_drain_close');
  }
  return { drained };
}
