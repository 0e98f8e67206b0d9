import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { openStore } from './open-store.js';
import type { Store } from './ports.js';

let database: TestDatabase;
let stores: readonly Store[];

beforeAll(async () => {
  database = await createTestDatabase();
  stores = [
    await openStore({ url: database.url, replica: 'one', pool: 2 }),
    await openStore({ url: database.url, replica: 'two', pool: 2 }),
  ];
});
afterAll(async () => {
  for (const store of stores ?? []) await store.close();
  await database?.drop();
});

it('adds up what replicas were told of plaintext, each by its newest word, and leaves out what is older', async () => {
  const [one, two] = stores;
  const node = 'default/shop/orders/orders-1';
  const told = { mesh: 'default', node, port: 'http' };
  await one?.plaintext.report([{ ...told, requests: 2 }]);
  await one?.plaintext.report([
    { ...told, requests: 5 },
    { ...told, mesh: 'other', requests: 9 },
  ]);
  await two?.plaintext.report([{ ...told, requests: 3 }]);
  await two?.plaintext.report([]);
  const seen = await one?.plaintext.seen('default', 60_000);
  expect(seen).toEqual([{ node, port: 'http', requests: 8, ageMs: expect.any(Number) }]);
  expect(seen?.[0]?.ageMs).toBeLessThan(60_000);
  expect(await two?.plaintext.seen('default', 0)).toEqual([]);
});
