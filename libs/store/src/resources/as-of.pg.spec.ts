import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { Store, WriteItem } from '../ports.js';
import { put, request } from '../testing/fixtures.js';

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a' });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const write = async (...items: readonly WriteItem[]): Promise<number> => {
  const result = await store.resources.write(request(items));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.revision;
};
const remove = (name: string): WriteItem => ({ op: 'delete', kind: 'Service', namespace: 'default', name });

describe('a mesh as of a revision', () => {
  it('is what was there: changed, deleted, made anew and untouched', async () => {
    const first = await write(put('Service', 'kept', { n: 1 }), put('Service', 'changed', { n: 1 }));
    const second = await write(put('Service', 'gone', { n: 1 }), put('Service', 'anew', { n: 1 }));
    const third = await write(put('Service', 'changed', { n: 2 }), put('Service', 'anew', { n: 2 }));
    const fourth = await write(remove('gone'), remove('anew'));
    const head = await write(put('Service', 'anew', { n: 3 }), put('Service', 'late'));
    const of = async (revision: number) => {
      const then = await store.resources.asOf('default', revision);
      expect(then.head).toBe(head);
      return Object.fromEntries(
        then.resources
          .filter(({ kind }) => kind === 'Service')
          .map(({ name, spec, createdRevision, updatedRevision }) => [
            name,
            [spec['n'], createdRevision, updatedRevision],
          ]),
      );
    };
    expect(await of(first)).toEqual({ kept: [1, first, first], changed: [1, first, first] });
    expect(await of(second)).toEqual({
      ...{ kept: [1, first, first], changed: [1, first, first] },
      ...{ gone: [1, second, second], anew: [1, second, second] },
    });
    expect(await of(third)).toEqual({
      ...{ kept: [1, first, first], changed: [2, first, third] },
      ...{ gone: [1, second, second], anew: [2, second, third] },
    });
    expect(await of(fourth)).toEqual({ kept: [1, first, first], changed: [2, first, third] });
    const now = await store.resources.asOf('default', head);
    const { items } = await store.resources.list({ mesh: 'default', kind: 'Service', limit: 500 });
    expect(now.resources.filter(({ kind }) => kind === 'Service')).toEqual(items);
  });

  it('is whole: kinds without a namespace too, and nothing of another mesh', async () => {
    const { resources } = await store.resources.asOf('default', Number.MAX_SAFE_INTEGER);
    expect(resources.filter(({ kind }) => kind === 'Mesh').map(({ name }) => name)).toEqual(['default']);
    expect(await store.resources.asOf('other', 1)).toMatchObject({ resources: [] });
  });
});
