import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { Lease, Store, StoredPattern } from '../ports.js';

let database: TestDatabase;
let store: Store;
let lease: Lease;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'one', pool: 2 });
  const taken = await store.leases.take('patterns', 'one', 60_000);
  if (!taken) throw new Error('nobody else wants it');
  lease = taken;
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const pattern = (id: string, since: number, overAt?: number): StoredPattern => {
  return { mesh: 'm', id, since, overAt, document: { id } };
};
const ids = (patterns: readonly StoredPattern[]): [string, number | undefined][] =>
  patterns.map(({ id, overAt }) => [id, overAt]);

it('keeps what the job knows, and the next job goes on with it', async () => {
  expect(await store.patterns.state('m')).toEqual({ at: 0, patterns: [] });
  await store.patterns.save(lease, 'm', { at: 20_000, patterns: [pattern('a', 5), pattern('b', 3)] });
  expect(await store.patterns.state('m')).toEqual({ at: 20_000, patterns: [pattern('b', 3), pattern('a', 5)] });
  expect(await store.patterns.state('other')).toEqual({ at: 0, patterns: [] });
});

it('what is not mentioned any more is over, what is over stays to be read', async () => {
  await store.patterns.save(lease, 'm', { at: 30_000, patterns: [pattern('a', 5, 25_000)] });
  expect(ids(await store.patterns.list('m', 0))).toEqual([
    ['b', 30_000],
    ['a', 25_000],
  ]);
  expect(ids(await store.patterns.list('m', 26_000))).toEqual([['b', 30_000]]);
});

it('a job that has lost its lease writes nothing', async () => {
  const late = { ...lease, fence: lease.fence - 1 };
  const state = { at: 99_000, patterns: [pattern('late', 1)] };
  await expect(store.patterns.save(late, 'm', state)).rejects.toThrow();
  expect((await store.patterns.state('m')).at).toBe(30_000);
});
