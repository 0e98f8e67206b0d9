import { heading, prove, tell, until } from '../narrator.js';
import { callAs, Load } from '../requests.js';
import { proveNone, replica, type Shop } from '../shop-mesh.js';
import { THIRD_CATALOG } from '../topology.js';

/** Step 2: a replica comes, one leaves well, one dies. */
export async function replicas(shop: Shop): Promise<void> {
  heading('2. Replicas come, leave well, and die');
  const load = new Load(replica(shop, 'web-1').plan, { host: 'catalog', path: '/items' });
  const third = await shop.startReplica(THIRD_CATALOG.name);
  await until('the third replica of catalog gets traffic', 30_000 * shop.slowness, async () =>
    load.instances.has(THIRD_CATALOG.name),
  );
  prove(true, 'a third replica of catalog was started and receives traffic', '');
  tell('it leaves by SIGTERM: deregistered, out of every Envoy, its last requests answered, then ended');
  const { acked } = await third.leave();
  shop.replicas.delete(THIRD_CATALOG.name);
  prove(acked, 'every Envoy confirmed that it is gone before it ended', { acked });
  proveNone((await load.stop()).failures, load.sent, 'while it came and left');
  await crash(shop);
}

async function crash(shop: Shop): Promise<void> {
  const web = replica(shop, 'web-1').plan;
  const gets = new Load(web, { host: 'catalog', path: '/items' });
  const posts = new Load(web, { host: 'catalog', path: '/work', method: 'POST' }, 2);
  await until('load runs', 10_000 * shop.slowness, async () => gets.sent > 20 && posts.sent > 10);
  tell('catalog-2, application and sidecar, is killed by SIGKILL');
  const victim = replica(shop, 'catalog-2');
  await victim.kill();
  const sent = gets.sent;
  await until('requests went on', 30_000 * shop.slowness, async () => gets.sent > sent + 100);
  await Promise.all([gets.stop(), posts.stop()]);
  proveNone(gets.failures, gets.sent, 'GETs while a replica died');
  prove(
    posts.failures.length <= 2,
    `of ${posts.sent} POSTs by 2 workers only those in flight on it failed (${posts.failures.length})`,
    posts.failures.length,
  );
  await victim.start();
  await until('catalog-2 is back', 60_000 * shop.slowness, async () =>
    (await callAs(web, { host: 'catalog', path: '/items' })).body.includes('catalog-2'),
  );
}
