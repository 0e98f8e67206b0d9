import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { Store } from '../ports.js';
import { actor, put, request } from '../testing/fixtures.js';

describe('who wrote a resource', () => {
  let database: TestDatabase;
  let store: Store;
  const id = (name: string) => ({ kind: 'Service', namespace: 'default', name });

  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'test', pool: 2 });
    const write = async (by: string, name: string, value: number): Promise<void> => {
      const written = await store.resources.write(
        request([put('Service', name, { value })], { actor: { ...actor, name: by } }),
      );
      expect(written.ok).toBe(true);
    };
    await write('ann', 'orders', 1);
    await write('ben', 'orders', 2);
    await write('cid', 'web', 1);
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  it('is asked for many at once, in their order; of what is not there nothing is known', async () => {
    const { configRevision } = await store.identity();
    const asked = [id('web'), id('nothing'), { ...id('orders'), revision: configRevision - 2 }, id('orders')];
    const origins = await store.history.origins('default', asked);
    expect(origins.map(({ actor: by, revision, change }) => [by, revision, change])).toEqual([
      ['cid', configRevision, `c-${configRevision}`],
      [undefined, undefined, undefined],
      ['ann', configRevision - 2, `c-${configRevision - 2}`],
      ['ben', configRevision - 1, `c-${configRevision - 1}`],
    ]);
    expect(origins[0]).toMatchObject({ labels: {}, at: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it('is of one mesh', async () => {
    expect(await store.history.origins('other', [id('web')])).toMatchObject([{ actor: undefined, labels: undefined }]);
    expect(await store.history.origins('default', [])).toEqual([]);
  });
});
