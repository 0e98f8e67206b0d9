import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { openStore } from './open-store.js';
import type { Store, WriteItem } from './ports.js';

let database: TestDatabase;
let store: Store;
const actor = { name: 'alice', role: 'admin', ip: '', requestId: '' };
const service = (name: string, port: number, labels: Record<string, string> = {}): WriteItem => ({
  op: 'put',
  manifest: {
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', labels, annotations: {} },
    spec: { ports: [{ port }] },
  },
});
const gone = (name: string): WriteItem => ({ op: 'delete', kind: 'Service', namespace: 'shop', name });
const write = (items: readonly WriteItem[], ifRevision?: number, message = '') =>
  store.resources.write({
    mesh: 'default',
    actor,
    message,
    items,
    ...(ifRevision === undefined ? {} : { ifRevision }),
  });
const revisionAfter = async (...items: readonly WriteItem[]): Promise<number> => {
  const written = await write(items, undefined, 'm');
  return written.ok ? written.value.revision : 0;
};

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'test', pool: 4 });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

describe('plans in the store', () => {
  it('are kept for a day as they were given, by mesh', async () => {
    const plan = { id: 'p-1', mesh: 'default', actor: 'alice', revision: 3, document: { text: 'a\u0000b', n: 1 } };
    const stored = await store.plans.insert(plan);
    expect(stored).toMatchObject({ ...plan, expired: false });
    expect(Date.parse(stored.expiresAt) - Date.parse(stored.createdAt)).toBe(86_400_000);
    expect(await store.plans.get('default', 'p-1')).toEqual(stored);
    expect(await store.plans.get('other', 'p-1')).toBeUndefined();
  });

  it('a write that was decided on another revision is refused, changes nothing and is no entry of the audit', async () => {
    const revision = await revisionAfter(service('if', 1));
    const before = await store.verifyAudit();
    expect(await write([service('if', 2)], revision - 1)).toEqual({ ok: false, error: { code: 'revision-moved' } });
    expect(await store.verifyAudit()).toEqual(before);
    expect((await store.resources.get('default', 'Service', 'shop', 'if'))?.version).toBe(1);
    expect((await write([service('if', 2)], revision)).ok).toBe(true);
    expect((await store.verifyAudit()).ok).toBe(true);
  });
});

describe('the past', () => {
  it('is one entry a resource, from what it was to what it became, with everybody who had a hand in it', async () => {
    const start = await revisionAfter(service('a', 1), service('b', 1));
    await revisionAfter(service('a', 2));
    await revisionAfter(service('a', 3), service('c', 1));
    const end = await revisionAfter(gone('b'), gone('c'));
    const net = await store.past.between('default', start, end);
    expect(
      net.map(({ name, before, after, changes }) => [name, before !== undefined, after !== undefined, changes.length]),
    ).toEqual([
      ['a', true, true, 2],
      ['b', true, false, 1],
      ['c', false, false, 2],
    ]);
    expect(net[0]).toMatchObject({
      before: { spec: { ports: [{ port: 1 }] } },
      after: { spec: { ports: [{ port: 3 }] } },
    });
    expect(net[0]?.changes[0]).toMatchObject({ change: `c-${start + 1}`, actor: 'alice', message: 'm' });
    expect(await store.past.between('other', start, end)).toEqual([]);
    expect((await store.past.change('default', end))?.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(await store.past.change('default', 9_999)).toBeUndefined();
  });

  it('labels find resources of every kind', async () => {
    await revisionAfter(
      service('mine', 1, { 'heddle.dev/owner': 'x', tier: 'a' }),
      service('others', 1, { 'heddle.dev/owner': 'y' }),
    );
    const found = await store.resources.labelled('default', { 'heddle.dev/owner': 'x' });
    expect(found.map(({ name }) => name)).toEqual(['mine']);
    expect(await store.resources.labelled('default', { 'heddle.dev/owner': 'x', tier: 'b' })).toEqual([]);
  });
});
