import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { Store } from '../ports.js';
import { actor, at, instance, put, request } from '../testing/fixtures.js';

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'one', pool: 2 });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const HOUR_MS = 3_600_000;

it('tells what happened in a mesh, in its order, with whom it touched', async () => {
  const retry = put('RetryPolicy', 'often', { targetRef: { kind: 'Service', name: 'orders' } });
  const written = await store.resources.write(request([put('Service', 'orders'), retry], { message: '' }));
  const change = written.ok ? written.value.change : '';
  await store.instances.register(instance('orders-1', { labels: { workload: 'orders', version: 'green' } }), actor);
  await store.instances.transition({ op: 'routable', ...at('orders-1'), routable: true });
  await store.instances.transition({ op: 'routable', ...at('orders-1'), routable: false });
  const refused = [{ proxy: 'default/default/orders/orders-1', type: 'Cluster', name: 'c', message: 'no such field' }];
  const { configRevision } = await store.identity();
  const progress = { mesh: 'default', change: configRevision, replica: 'one', total: 1, acked: 0, refusing: 1 };
  await store.progress.save([{ ...progress, elapsedMs: 1, refused, behind: [] }]);

  const now = Date.now();
  const found = await store.timeline.between('default', now - HOUR_MS, now + HOUR_MS);
  expect(found.map(({ kind, id, title, touches, reversible }) => [kind, id, title, touches, reversible])).toEqual([
    ['change', 'c-1', 'first start (system)', [], true],
    [
      ...['change', change, 'created RetryPolicy default/often, created Service default/orders (tests)'],
      ...[['default/often', 'default/orders'], true],
    ],
    [
      ...['instance_joined', 'default/orders/orders-1', 'default/orders/orders-1 of version green takes traffic'],
      ...[['default/orders/orders-1', 'default/orders'], false],
    ],
    [
      ...['instance_unready', 'default/orders/orders-1', 'default/orders/orders-1 of version green is not ready'],
      ...[['default/orders/orders-1', 'default/orders'], false],
    ],
    [
      ...['refusal', change, `default/default/orders/orders-1 refused ${change}: no such field`],
      ...[['default/orders/orders-1'], true],
    ],
  ]);
  expect(found.map((one) => one.at)).toEqual(found.map((one) => one.at).sort((a, b) => a - b));
});

it('leaves out other times and other meshes', async () => {
  const now = Date.now();
  expect(await store.timeline.between('default', now - 2 * HOUR_MS, now - HOUR_MS)).toEqual([]);
  expect(await store.timeline.between('other', now - HOUR_MS, now + HOUR_MS)).toEqual([]);
});
