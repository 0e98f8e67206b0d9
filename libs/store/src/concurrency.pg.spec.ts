import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { openStore } from './open-store.js';
import { type Store, StoreUnavailable } from './ports.js';
import { CuttingProxy } from './testing/cutting-proxy.js';
import { actor, at, instance, persistently, put, Recorder, request, writeKeyed } from './testing/fixtures.js';

describe('two replicas on one database', () => {
  let database: TestDatabase;
  let a: Store;
  let b: Store;
  let raw: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    a = await openStore({ url: database.url, replica: 'a' });
    b = await openStore({ url: database.url, replica: 'b' });
    raw = new Client({ connectionString: database.url });
    await raw.connect();
  });

  afterAll(async () => {
    await raw?.end();
    await a?.close();
    await b?.close();
    await database?.drop();
  });

  it('REL-10 of two writes of one version one wins and one is refused, and both are audited', async () => {
    const before = await a.verifyAudit();
    await a.resources.write(request([put('Service', 'raced')]));
    const rounds = 30;
    for (let version = 1; version <= rounds; version += 1) {
      const results = await Promise.all(
        [a, b].map((store, n) =>
          writeKeyed(store, [put('Service', 'raced', { version, n }, { ifVersion: version })], `raced-${version}-${n}`),
        ),
      );
      expect(results.filter((result) => result.ok)).toHaveLength(1);
      const refused = results.find((result) => !result.ok);
      expect(refused).toMatchObject({ error: { code: 'version-conflict', current: version + 1 } });
    }
    const after = await a.verifyAudit();
    expect(after.ok && before.ok && after.entries - before.entries).toBe(1 + 2 * rounds);
  });

  it('REL-10 of two creations of one resource one wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const create = [put('Service', `new-${round}`, {}, { ifVersion: 0 })];
      const results = await Promise.all([a, b].map((store, n) => writeKeyed(store, create, `new-${round}-${n}`)));
      expect(results.filter((result) => result.ok)).toHaveLength(1);
    }
  });

  it('REL-9 a feed never misses a change, and revisions come in the order of commits', async () => {
    const recorder = new Recorder();
    const follower = await openStore({ url: database.url, replica: 'follower' });
    try {
      await follower.feed.start(recorder.listen);
      const writes = Array.from({ length: 60 }, (_, n) =>
        writeKeyed(n % 2 === 0 ? a : b, [put('Service', `many-${n}`), put('HTTPRoute', `r-${n % 5}`, { n })], `w-${n}`),
      );
      const registrations = Array.from({ length: 60 }, (_, n) =>
        persistently(() => (n % 2 === 0 ? a : b).instances.register(instance(`m-${n}`), actor)),
      );
      await Promise.all([...writes, ...registrations]);
      await follower.feed.poke();
      for (let n = 0; n < 60; n += 1) expect(recorder.puts).toContain(`many-${n}`);
      const revisions = recorder.configRevisions;
      expect(revisions).toEqual([...revisions].sort((x, y) => x - y));
      const seen = recorder.events.flatMap((e) => (e.kind === 'delta' ? e.instances : []));
      expect(new Set(seen.flatMap((e) => (e.op === 'put' ? [e.instance.name] : []))).size).toBe(60);
    } finally {
      await follower.close();
    }
  });

  it('REL-9 nobody can commit past a transaction that has its revision already', async () => {
    const { configRevision } = await a.identity();
    await raw.query('BEGIN');
    await raw.query(`UPDATE stream SET revision = revision + 1 WHERE stream = 'config'`);
    const later = a.resources.write(request([put('Service', 'later')]));
    expect((await b.identity()).configRevision).toBe(configRevision);
    await raw.query('COMMIT');
    expect(await later).toMatchObject({ ok: true, value: { revision: configRevision + 2 } });
  });

  it('REL-37 a lock that cannot be had within 2 s is an outage, not a wait', async () => {
    await raw.query('BEGIN');
    await raw.query(`SELECT 1 FROM stream WHERE stream = 'config' FOR UPDATE`);
    await expect(a.resources.write(request([put('Service', 'blocked')]))).rejects.toThrow(StoreUnavailable);
    await raw.query('ROLLBACK');
    expect(await a.resources.write(request([put('Service', 'blocked')]))).toMatchObject({ ok: true });
  });

  it('REL-38 requests that overlap in opposite order both succeed', async () => {
    const names = ['o1', 'o2', 'o3', 'o4'];
    for (let round = 0; round < 10; round += 1) {
      const all = (by: string) =>
        names.map((name) => put('Service', name, { round, by }, { hostnames: [`${name}.x`] }));
      const results = await Promise.all([
        writeKeyed(a, all('a'), `forth-${round}`),
        writeKeyed(b, all('b').toReversed(), `back-${round}`),
      ]);
      expect(results.map((result) => result.ok)).toEqual([true, true]);
    }
  });

  it('REL-39 a client whose connection died after the commit gets the first outcome, and there is one audit entry', async () => {
    const proxy = await CuttingProxy.start(database.url);
    const store = await openStore({ url: proxy.url, replica: 'cut' });
    try {
      const before = await a.verifyAudit();
      const keyed = request([put('Service', 'cut-off')], { idempotencyKey: 'cut' });
      proxy.cutAtNextCommit();
      await expect(store.resources.write(keyed)).rejects.toThrow(StoreUnavailable);
      const again = await store.resources.write(keyed);
      expect(again).toMatchObject({ ok: true, value: { items: [{ op: 'created', name: 'cut-off', version: 1 }] } });
      const after = await a.verifyAudit();
      expect(after.ok && before.ok && after.entries - before.entries).toBe(1);
    } finally {
      await store.close();
      await proxy.stop();
    }
  });

  it('writes only transitions of instances, each attachment its own entry', async () => {
    await a.instances.register(instance('t-1'), actor);
    const attach = (store: Store, replica: string) =>
      store.instances.transition({
        op: 'attach',
        ...at('t-1'),
        attachment: { replica, epoch: 'e', stream: 1 },
        envoyVersion: '1.40.0',
        features: ['srds'],
      });
    await Promise.all([attach(a, 'a'), attach(b, 'b')]);
    const revision = await attach(a, 'a');
    expect(await attach(a, 'a')).toBe(revision);
    await b.instances.transition({ op: 'detach', ...at('t-1'), attachment: { replica: 'b', epoch: 'e', stream: 1 } });
    expect(await a.instances.get('default', 'default', 't-1')).toMatchObject({
      attached: [{ replica: 'a', epoch: 'e', stream: 1 }],
      detachedAt: 0,
      features: ['srds'],
    });
    await a.instances.transition({ op: 'detach', ...at('t-1'), attachment: { replica: 'a', epoch: 'e', stream: 1 } });
    const detached = await a.instances.get('default', 'default', 't-1');
    expect(detached?.detachedAt).toBeGreaterThan(0);
    const swept = await a.instances.sweep({ detachedForMs: 0, removeLeavingAfterMs: 0 });
    expect(swept.map((row) => row.name)).toEqual(['t-1']);
    expect(await a.instances.list('default', 'elsewhere')).toEqual([]);
  });

  it('drops the attachments of a replica that has stopped, and of its own earlier runs', async () => {
    await a.instances.register(instance('stale'), actor);
    for (const [replica, epoch] of [
      ['dead', 'e'],
      ['a', 'an earlier run'],
    ] as const) {
      const attachment = { replica, epoch, stream: 1 };
      await b.instances.transition({ op: 'attach', ...at('stale'), attachment, envoyVersion: '', features: [] });
    }
    expect(await a.instances.sweep({ detachedForMs: 60_000, removeLeavingAfterMs: 0 })).toEqual([]);
    const row = await a.instances.get('default', 'default', 'stale');
    expect(row?.attached).toEqual([]);
    expect(row?.detachedAt).toBeGreaterThan(0);
  });
});
