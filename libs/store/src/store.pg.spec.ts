import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { openStore } from './open-store.js';
import type { Store } from './ports.js';
import { actor, at, instance, persistently, put, Recorder, request } from './testing/fixtures.js';

describe('the store', () => {
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

  const write = async (...args: Parameters<typeof request>) => {
    const result = await store.resources.write(request(...args));
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  };

  it('has the mesh default from the first start', async () => {
    expect(await store.resources.meshes()).toEqual(['default']);
    expect(await store.ping()).toBe(true);
  });

  it('creates, updates and deletes, each under a revision of its own', async () => {
    const created = await write([put('Service', 'crud', { ports: [1] }, { ifVersion: 0 })]);
    expect(created).toEqual({
      change: `c-${created.revision}`,
      revision: created.revision,
      items: [{ op: 'created', kind: 'Service', namespace: 'default', name: 'crud', version: 1 }],
    });
    const updated = await write([put('Service', 'crud', { ports: [2] }, { ifVersion: 1 })]);
    expect(updated.revision).toBe(created.revision + 1);
    const stored = await store.resources.get('default', 'Service', 'default', 'crud');
    expect(stored).toMatchObject({
      spec: { ports: [2] },
      version: 2,
      createdRevision: created.revision,
      updatedRevision: updated.revision,
    });
    await write([{ op: 'delete', kind: 'Service', namespace: 'default', name: 'crud' }]);
    expect(await store.resources.get('default', 'Service', 'default', 'crud')).toBeUndefined();
  });

  it('makes no revision when nothing changes, whatever the order of keys', async () => {
    const first = await write([put('Service', 'same', { a: 1, b: { c: 2, d: 3 } })]);
    const again = await write([put('Service', 'same', { b: { d: 3, c: 2 }, a: 1 })]);
    expect(again).toMatchObject({ change: '', revision: first.revision, items: [{ op: 'unchanged', version: 1 }] });
  });

  it('keeps documents as they were written, with every character JSON allows', async () => {
    const spec = { text: 'a\u0000b \ud800 "quoted" \\ ünïcode', list: [1.5, null, true], empty: {} };
    await write([put('Service', 'exact', spec)]);
    expect((await store.resources.get('default', 'Service', 'default', 'exact'))?.spec).toEqual(spec);
  });

  it('writes all items of a request or none', async () => {
    const refused = await store.resources.write(
      request([put('Service', 'half'), { op: 'delete', kind: 'Service', namespace: 'default', name: 'missing' }]),
    );
    expect(refused).toEqual({
      ok: false,
      error: { code: 'not-found', kind: 'Service', namespace: 'default', name: 'missing' },
    });
    expect(await store.resources.get('default', 'Service', 'default', 'half')).toBeUndefined();
  });

  it('refuses another version than the stored one, and names the current one', async () => {
    await write([put('Service', 'etag')]);
    const result = await store.resources.write(request([put('Service', 'etag', { x: 1 }, { ifVersion: 7 })]));
    expect(result).toMatchObject({ ok: false, error: { code: 'version-conflict', current: 1 } });
    const exists = await store.resources.write(request([put('Service', 'etag', { x: 1 }, { ifVersion: 0 })]));
    expect(exists).toMatchObject({ ok: false, error: { code: 'version-conflict', current: 1 } });
  });

  it('gives a hostname to one resource of a mesh, and lets it move within a request', async () => {
    await write([put('Service', 'shop', {}, { hostnames: ['shop.example', 'www.example'] })]);
    const taken = await store.resources.write(
      request([put('ExternalService', 'thief', {}, { hostnames: ['WWW.example'] })]),
    );
    expect(taken).toEqual({
      ok: false,
      error: { code: 'hostname-taken', hostname: 'www.example', namespace: 'default', name: 'shop' },
    });
    await write([
      put('Service', 'shop', { moved: true }, { hostnames: ['shop.example'] }),
      put('Service', 'new-shop', {}, { hostnames: ['www.example'] }),
    ]);
  });

  it('refuses a mesh that does not exist, and takes one that comes with its Mesh', async () => {
    const refused = await store.resources.write(request([put('Service', 'x')], { mesh: 'other' }));
    expect(refused).toMatchObject({ ok: false, error: { code: 'not-found', kind: 'Mesh', name: 'other' } });
    await write([put('Mesh', 'other'), put('Service', 'x')], { mesh: 'other' });
    await write([put('Service', 'y')], { mesh: 'other' });
    expect(await store.resources.meshes()).toEqual(['default', 'other']);
  });

  it('lists by label, page by page, in order', async () => {
    const labelled = (name: string, labels: Record<string, string>) => {
      const item = put('HTTPRoute', name);
      if (item.op !== 'put') throw new Error('not a put');
      return { ...item, manifest: { ...item.manifest, metadata: { ...item.manifest.metadata, labels } } };
    };
    await write(['r3', 'r1', 'r2', 'r4'].map((name) => labelled(name, { team: name === 'r4' ? 'b' : 'a', x: 'y' })));
    const query = { mesh: 'default', kind: 'HTTPRoute', labels: { team: 'a' }, limit: 2 };
    const first = await store.resources.list(query);
    expect(first.items.map((r) => r.name)).toEqual(['r1', 'r2']);
    const second = await store.resources.list({ ...query, cursor: first.cursor });
    expect(second.items.map((r) => r.name)).toEqual(['r3']);
    expect(second.cursor).toBeUndefined();
  });

  it('keeps the documents before and after in history', async () => {
    await write([put('Service', 'past', { v: 1 })]);
    const { revision } = await write([put('Service', 'past', { v: 2 })], { message: 'second', reverts: 'c-1' });
    const [entry] = await store.history.list({ mesh: 'default', limit: 1 });
    expect(entry).toMatchObject({ change: `c-${revision}`, message: 'second', actor: actor.name, reverts: 'c-1' });
    expect(entry?.items).toMatchObject([{ op: 'updated', before: { spec: { v: 1 } }, after: { spec: { v: 2 } } }]);
    const [older] = await store.history.list({ mesh: 'default', limit: 1, before: revision });
    expect(older?.revision).toBe(revision - 1);
  });

  it('REL-39 takes two requests with one key for one, and refuses another body under it', async () => {
    const keyed = request([put('Service', 'once')], { idempotencyKey: 'k1' });
    const once = () => persistently(() => store.resources.write(keyed));
    const [a, b] = await Promise.all([once(), once()]);
    expect(a).toEqual(b);
    expect(await store.resources.write(keyed)).toEqual(a);
    const other = await store.resources.write(request([put('Service', 'twice')], { idempotencyKey: 'k1' }));
    expect(other).toEqual({ ok: false, error: { code: 'idempotency-mismatch', key: 'k1' } });
  });

  it('hands changes to the feed: a snapshot first, then what is newer', async () => {
    const recorder = new Recorder();
    await store.feed.start(recorder.listen);
    expect(recorder.events[0]?.kind).toBe('snapshot');
    const { revision } = await write([put('Service', 'fed')]);
    await store.instances.register(instance('fed-1'), actor);
    await store.feed.poke();
    const last = recorder.events.at(-1);
    expect(recorder.puts).toContain('fed');
    expect(recorder.configRevisions.at(-1)).toBe(revision);
    expect(last?.kind).toBe('delta');
    await write([{ op: 'delete', kind: 'Service', namespace: 'default', name: 'fed' }]);
    await store.instances.transition({ op: 'remove', ...at('fed-1'), reason: 'test' });
    await store.feed.poke();
    const removed = recorder.events.flatMap((e) => (e.kind === 'delta' ? [...e.resources, ...e.instances] : []));
    expect(removed).toContainEqual({ op: 'delete', kind: 'Service', ...at('fed') });
    expect(removed).toContainEqual({ op: 'delete', ...at('fed-1') });
  });

  it('numbers services from 2 up, keeps the number over updates and tells the feed', async () => {
    const recorder = new Recorder();
    const other = await openStore({ url: database.url, replica: 'b' });
    try {
      await write([put('Mesh', 'numbers'), put('Service', 's1'), put('Service', 's2')], { mesh: 'numbers' });
      await other.feed.start(recorder.listen);
      const [event] = recorder.events;
      const addresses = event?.kind === 'snapshot' ? event.snapshot.addresses : new Map<string, number>();
      expect([addresses.get('numbers/default/s1'), addresses.get('numbers/default/s2')]).toEqual([2, 3]);
      await write([{ op: 'delete', kind: 'Service', namespace: 'default', name: 's2' }], { mesh: 'numbers' });
      await write([put('Service', 's1', { v: 2 }), put('Service', 's3')], { mesh: 'numbers' });
      await other.feed.poke();
      const delta = recorder.events.at(-1);
      const later = delta?.kind === 'delta' ? delta.addresses : new Map<string, number>();
      expect([later.get('numbers/default/s1'), later.get('numbers/default/s3')]).toEqual([2, 4]);
    } finally {
      await other.close();
    }
  });

  it('keeps the audit chain whole through all of it', async () => {
    const verdict = await store.verifyAudit();
    expect(verdict.ok).toBe(true);
    expect(verdict.ok && verdict.entries).toBeGreaterThan(15);
  });

  it('SEC-61: a token and its entry of the audit are written together, or neither is', async () => {
    const token = {
      ...{ id: 't0', name: 'n', role: 'viewer', groups: [], meshes: ['default'], secretHash: 'ab' },
      ...{ expiresAt: Date.now() + 1e6, createdAt: 1, lastUsedAt: 0, revoked: false },
    };
    await store.tokens.insert(token, actor);
    await expect(store.tokens.insert({ ...token, name: 'again' }, actor)).rejects.toThrow();
    await store.tokens.revoke('none', actor);
    await store.tokens.deny('j0', Date.now() + 1e6, 'lost', { actor, mesh: 'default' });
    const { items } = await store.audit.search({ mesh: 'default', actor: actor.name, limit: 2 });
    expect(items.map(({ payload }) => [payload.action, payload.token?.id, payload.token?.name])).toEqual([
      ['token-revoke', 'j0', undefined],
      ['token-create', 't0', 'n'],
    ]);
    await store.tokens.revoke('t0', actor);
  });

  it('SEC-38: keeps tokens, deny-list, authorities and progress', async () => {
    const token = {
      id: 't1',
      name: 'n',
      role: 'viewer',
      groups: ['team-a', 'quo"ted, {odd}'],
      meshes: [],
      secretHash: 'ab',
      expiresAt: Date.now() + 1e6,
      createdAt: 1,
      lastUsedAt: 0,
      revoked: false,
    };
    await store.tokens.insert(token, actor);
    expect(await store.tokens.find('t1')).toEqual(token);
    // SEC-38: what is missing finds nothing, instead of the first row that there is.
    for (const missing of [undefined, null, {}]) {
      const found = store.tokens.find(missing as unknown as string).catch(() => undefined);
      expect(await found).toBeUndefined();
    }
    expect(await store.tokens.revoke('t1', actor)).toBe(true);
    expect(await store.tokens.revoke('none', actor)).toBe(false);
    await store.tokens.touch('t1', 5);
    const [revoked] = (await store.tokens.list()).filter(({ id }) => id === 't1');
    expect(revoked).toEqual({ ...token, revoked: true, lastUsedAt: 5, expiresAt: expect.any(Number) });
    expect(revoked?.expiresAt).toBeLessThan(token.expiresAt);
    await store.tokens.revoke('t1', actor);
    expect(await store.tokens.find('t1')).toEqual(revoked);
    await store.tokens.deny('j1', Date.now() + 1e6, 'lost');
    await store.tokens.deny('j2', 5, 'over');
    expect([...(await store.tokens.denied()).keys()].sort()).toEqual(['j0', 'j1']);

    let made = 0;
    const create = async () => {
      made += 1;
      return {
        id: `ca-${made}`,
        mesh: 'default',
        purpose: 'root' as const,
        certificatePem: 'pem',
        wrappedKey: new Uint8Array([1, 2]),
        notAfter: 9,
        active: true,
      };
    };
    const [x, y] = await Promise.all([
      store.authorities.ensure('default', 'root', create),
      store.authorities.ensure('default', 'root', create),
    ]);
    expect(made).toBe(1);
    expect([x.id, y.id]).toEqual(['ca-1', 'ca-1']);
    expect((await store.authorities.list('default')).map((row) => [row.id, [...row.wrappedKey]])).toEqual([
      ['ca-1', [1, 2]],
    ]);
    const leaf = {
      serial: '01',
      mesh: 'default',
      spiffeId: 's',
      instance: 'i',
      notBefore: 1,
      notAfter: 2,
      issuer: 'ca-1',
    };
    await store.authorities.recordIssued([leaf, leaf]);
  });
});
