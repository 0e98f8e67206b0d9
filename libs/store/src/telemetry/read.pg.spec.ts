import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import type { Store } from '../index.js';
import { openStore } from '../open-store.js';
import { aPart } from '../testing/signal-parts.js';

const NOW = Math.floor(Date.now() / 60_000) * 60_000;

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a', pool: 2 });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

describe('a bucket', () => {
  it('is known by its content, which is another when any part of it is', async () => {
    const spans = [{ lengthMs: 10_000, from: NOW, to: NOW + 20_000 }];
    const contents = async (): Promise<string> => JSON.stringify(await store.signals.buckets('default', spans));
    const seen = [await contents()];
    await store.signals.write(aPart(NOW, { '#3': 'one' }));
    seen.push(await contents());
    await store.signals.write(aPart(NOW, { '#3': 'one' }, { source: 'b' }));
    seen.push(await contents());
    await store.signals.write(aPart(NOW, { '#3': 'other' }, { source: 'b' }));
    seen.push(await contents());
    await store.signals.write(aPart(NOW + 20_000, { '#3': 'of another time' }));
    await store.signals.write(aPart(NOW, { '#3': 'other' }, { source: 'b' }));
    expect(await contents()).toBe(seen[3]);
    expect(new Set(seen).size).toBe(4);
    expect((await store.signals.buckets('default', spans)).map(({ at }) => at)).toEqual([NOW]);
  });

  it('is found by shelf, and where a build before kept each service apart, by the name of the service', async () => {
    await store.signals.write(
      aPart(
        NOW,
        { '#3': 'three', '#4': 'four', 'shop/orders/http': 'old', 'shop/stock/http': 'x' },
        { mesh: 'shelves' },
      ),
    );
    const spans = [{ lengthMs: 10_000, from: NOW, to: NOW + 10_000 }];
    const service = { shelf: '#3', prefix: 'shop/orders/' };
    const found = await store.signals.read({ mesh: 'shelves', view: 'service', spans, service });
    expect(found.map(({ shelf }) => shelf).toSorted()).toEqual(['#3', 'shop/orders/http']);
  });
});
