import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { durationMs } from '#libs/envoy-api';
import type { Contribution, PolicyKind, Registry } from '#libs/model';
import type { StoredResource, WriteItem } from '#libs/store';
import { policies } from '#policies';
import {
  instanceRow,
  MISTAKE,
  mistaken,
  namespaceOf,
  serviceName,
  storedRow,
} from '../../../testing/src/builders/index.js';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { TestReplica } from './test-replica.fixture.js';

const actor = { name: 'tests', role: 'admin', ip: '127.0.0.1', requestId: 'r-1' };
const SERVICES = 1_000;

interface Level {
  readonly level: number;
}
const levelOf = (contributions: readonly Contribution<unknown>[]): number => {
  const [first] = contributions as readonly Contribution<Level>[];
  return first?.spec.level ?? 0;
};
const base = {
  summary: 'For tests.',
  targets: ['Service', 'Mesh'],
  schema: z.strictObject({ level: z.number() }),
  resolve: (contributions: readonly Contribution<unknown>[]) => contributions,
  contributors: (effective: unknown) => (effective as readonly Contribution<unknown>[]).map(({ source }) => source),
};
/** A build that can translate levels up to the given one. */
const kindsUpTo = (most: number): readonly PolicyKind[] => {
  const translated = (effective: unknown): number => {
    const level = levelOf(effective as readonly Contribution<unknown>[]);
    if (level > most) throw new Error(`level ${level} is beyond this build`);
    return level;
  };
  return [
    ...policies,
    {
      ...{ ...base, kind: 'TestPace', plural: 'testpaces', side: 'client' },
      toRoute: (effective) => ({ action: { timeout: durationMs(translated(effective)) } }),
    },
    {
      ...{ ...base, kind: 'TestDoor', plural: 'testdoors', side: 'server' },
      toInbound: (effective) => ({ deny: { policies: { [`level-${translated(effective)}`]: {} } } }),
    },
  ];
};

const item = ({ kind, namespace, name, apiVersion, spec }: StoredResource): WriteItem => ({
  op: 'put',
  manifest: { apiVersion, kind, metadata: { name, namespace, labels: {}, annotations: {} }, spec },
});
const policy = (kind: string, service: number, spec: object): WriteItem =>
  item(
    storedRow(kind, namespaceOf(service), `p-${service}`, {
      targetRef: { kind: 'Service', name: serviceName(service) },
      ...spec,
    }),
  );
const routeTable = (service: number): string => `routes|${namespaceOf(service)}/${serviceName(service)}`;
const door = (service: number): string => `inbound-routes|${namespaceOf(service)}/${serviceName(service)}/http`;

describe('REL-25 a stored resource that can no longer be evaluated', () => {
  let database: TestDatabase;
  const replicas: TestReplica[] = [];
  const start = async (name: string, most = 9, build?: (registry: Registry) => Registry): Promise<TestReplica> => {
    const replica = await TestReplica.start(database.url, name, kindsUpTo(most), build);
    replicas.push(replica);
    return replica;
  };
  const stopAll = async (): Promise<void> => {
    for (const replica of replicas.splice(0)) await replica.stop();
  };
  const write = async ({ store }: TestReplica, ...items: readonly WriteItem[]): Promise<number> => {
    const written = await store.resources.write({ mesh: 'default', actor, message: 'test', items });
    if (!written.ok) throw new Error(JSON.stringify(written.error));
    return written.value.revision;
  };
  const rows = (statement: string): Promise<unknown[]> => database.rows(statement);
  /** What an older build could have left: a spec of which this one knows nothing, with all that goes with a write. */
  const poison = (kind: string, name: string): Promise<unknown> =>
    database.rows(`
      SET session_replication_role = replica;
      UPDATE stream SET revision = revision + 1 WHERE stream = 'config';
      UPDATE resource SET spec = '{"once": true}', version = version + 1,
        updated_revision = (SELECT revision FROM stream WHERE stream = 'config') WHERE kind = '${kind}' AND name = '${name}';
      INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
        SELECT 'config', updated_revision, 0, 'put', uid, mesh, kind, namespace, name FROM resource
        WHERE kind = '${kind}' AND name = '${name}'`);

  beforeEach(async () => {
    database = await createTestDatabase();
    const first = await start('first');
    const spec = (i: number) => ({ ports: [{ name: 'http', port: 8080, protocol: 'http' }], description: `of ${i}` });
    const all = Array.from({ length: SERVICES }, (_, i) => i);
    await write(
      first,
      ...all.map((i) => item(storedRow('Service', namespaceOf(i), serviceName(i), { ports: spec(i).ports }))),
      policy('TestPace', 1, { level: 1 }),
      policy('TestDoor', 2, { level: 1 }),
      policy('TimeoutPolicy', 3, { request: '3s' }),
    );
    for (const i of [1, 2, 3, 4]) {
      const { uid, attached, routable, leaving, detachedAt, runtimeRevision, envoyVersion, features, ...instance } =
        instanceRow(i);
      await first.store.instances.register(instance, actor);
    }
  });
  afterEach(async () => {
    await stopAll();
    await database?.drop();
  });

  it('of which the row no longer parses: one row, the last good revision everywhere, also from scratch; writing it mends it', async () => {
    const [a] = replicas;
    if (!a) throw new Error('there is no replica');
    const b = await start('b');
    await a.catchUp();
    const good = a.fingerprint;
    await poison('TimeoutPolicy', 'p-3');
    const both = async (): Promise<number> => {
      await Promise.all([a.turn(), b.turn()]);
      return (await rows('SELECT 1 FROM quarantine')).length;
    };
    await expect.poll(both).toBe(1); // a turn waits for a compilation that is under way
    await both();
    expect(await rows('SELECT mesh, bad_revision::int, use_revision::int FROM quarantine')).toEqual([
      { mesh: 'default', bad_revision: 3, use_revision: 2 },
    ]);
    const audited = `SELECT actor, payload::json->'reason' AS reason FROM audit_entry WHERE action = 'quarantine'`;
    expect(await rows(audited)).toMatchObject([
      { actor: 'system:quarantine', reason: { kind: 'TimeoutPolicy', name: 'p-3', badRevision: 3, useRevision: 2 } },
    ]);
    const scratch = await start('scratch');
    for (const replica of [a, b, scratch]) {
      expect((await replica.catchUp()).fingerprint).toBe(good);
      expect(replica.errors.filter((line) => line.includes('is in quarantine'))).toHaveLength(1);
    }
    // The rest of the mesh goes on.
    await write(a, policy('TimeoutPolicy', 4, { request: '4s' }));
    const before = b.versionOf(routeTable(4));
    expect((await b.catchUp()).versionOf(routeTable(4))).not.toBe(before);
    await write(a, policy('TimeoutPolicy', 3, { request: '33s' }));
    const mended = (await a.catchUp()).fingerprint;
    expect([await a.store.quarantine.list('default'), (await b.catchUp()).fingerprint === mended]).toEqual([[], true]);
    expect((await scratch.catchUp()).fingerprint).toBe(mended);
    expect(a.versionOf(routeTable(3))).not.toBe(scratch.versionOf(routeTable(1)));
  });

  it.each(['reading', 'evaluating'])(
    'over which a build throws when %s it: it starts, withholds that one, and serves the revision before',
    async (mistake) => {
      const [old] = replicas;
      if (!old) throw new Error('there is no replica');
      const good = (await old.catchUp()).fingerprint;
      const timeout = policy('TimeoutPolicy', 3, { request: '9s' });
      if (timeout.op !== 'put') throw new Error('a policy is put');
      const { metadata, ...rest } = timeout.manifest;
      const annotations = { [MISTAKE]: mistake };
      await write(old, { op: 'put', manifest: { ...rest, metadata: { ...metadata, annotations } } });
      const wanted = (await old.catchUp()).fingerprint;
      await stopAll();

      const [a, b] = [await start('a', 9, mistaken), await start('b', 9, mistaken)];
      expect(a.host.unparsables).toMatchObject([
        { id: { name: 'p-3' }, message: expect.stringContaining(`a mistake in ${mistake}`) },
      ]);
      await Promise.all([a.turn(), b.turn()]);
      await Promise.all([a.turn(), b.turn()]);
      const scratch = await start('scratch', 9, mistaken);
      for (const replica of [a, b, scratch]) expect((await replica.catchUp()).fingerprint).toBe(good);
      expect(await a.store.quarantine.list('default')).toMatchObject([
        { kind: 'TimeoutPolicy', badRevision: 3, useRevision: 2, reason: expect.stringContaining('a mistake in') },
      ]);
      await stopAll();

      const mended = await start('mended');
      const [quarantined] = await mended.store.quarantine.list('default');
      await mended.store.quarantine.release('default', quarantined?.uid ?? '', actor);
      await mended.turn();
      expect(mended.fingerprint).toBe(wanted);
    },
  );

  it('whose translation throws after an upgrade: both replicas and a third from scratch serve the revision before', async () => {
    const [old] = replicas;
    if (!old) throw new Error('there is no replica');
    const good = (await old.catchUp()).fingerprint;
    const goodPace = old.versionOf(routeTable(1));
    const goodDoor = old.versionOf(door(2));
    await write(old, policy('TestPace', 1, { level: 2 }));
    await write(old, policy('TestDoor', 2, { level: 2 }));
    expect((await old.catchUp()).fingerprint).not.toBe(good);
    await stopAll();

    const [a, b] = [await start('a', 1), await start('b', 1)];
    expect([a.versionOf(routeTable(1)), a.host.graph.failing.length > 1]).toEqual([undefined, true]);
    expect(a.versionOf(door(2))).not.toBe(goodDoor); // denies everybody
    await Promise.all([a.turn(), b.turn()]);
    await Promise.all([a.turn(), b.turn()]);
    const scratch = await start('scratch', 1);
    for (const replica of [a, b, scratch]) {
      await replica.catchUp();
      expect([replica.versionOf(routeTable(1)), replica.versionOf(door(2))]).toEqual([goodPace, goodDoor]);
      expect([replica.fingerprint === good, replica.host.graph.failing]).toEqual([true, []]);
    }
    expect(await a.store.quarantine.list('default')).toMatchObject([
      { kind: 'TestDoor', badRevision: 4, useRevision: 2, reason: expect.stringContaining('level 2 is beyond') },
      { kind: 'TestPace', badRevision: 3, useRevision: 2 },
    ]);
    expect(await rows('SELECT 1 FROM quarantine')).toHaveLength(2);
  });

  it('of which no revision is good: an access policy denies, another policy is left out, and all agree', async () => {
    const [old] = replicas;
    if (!old) throw new Error('there is no replica');
    await write(old, policy('TestPace', 4, { level: 5 }), policy('TestDoor', 4, { level: 5 }));
    await old.catchUp();
    await stopAll();
    const [a, b] = [await start('a', 1), await start('b', 1)];
    const closed = a.versionOf(door(4));
    for (const replica of [a, b, a]) await replica.turn();
    const scratch = await start('scratch', 1);
    for (const replica of [b, scratch])
      expect((await replica.catchUp()).fingerprint).toBe((await a.catchUp()).fingerprint);
    expect([a.versionOf(door(4)), a.versionOf(routeTable(4)) === undefined]).toEqual([closed, false]);
    expect((await a.store.quarantine.list('default')).map(({ kind, useRevision }) => [kind, useRevision])).toEqual([
      ['TestDoor', 0],
      ['TestPace', 0],
    ]);
  });

  it('is tried again when it is released: after the upgrade that can read it, it counts', async () => {
    const [old] = replicas;
    if (!old) throw new Error('there is no replica');
    await write(old, policy('TestPace', 1, { level: 2 }));
    const wanted = (await old.catchUp()).fingerprint;
    await stopAll();
    const broken = await start('broken', 1);
    await broken.turn();
    const [quarantined] = await broken.store.quarantine.list('default');
    await stopAll();
    const mended = await start('mended', 2);
    expect((await mended.catchUp()).fingerprint).not.toBe(wanted);
    expect(await mended.store.quarantine.release('default', quarantined?.uid ?? '', actor)).toBe(true);
    expect(await mended.store.quarantine.release('default', quarantined?.uid ?? '', actor)).toBe(false);
    await mended.turn();
    expect([mended.fingerprint === wanted, await mended.store.quarantine.list('default')]).toEqual([true, []]);
    expect(await mended.store.verifyAudit()).toMatchObject({ ok: true });
  });

  it('is left alone when a tenth of a mesh does not parse: then the build is to blame', async () => {
    const [a] = replicas;
    if (!a) throw new Error('there is no replica');
    await database.rows(`SET session_replication_role = replica;
      UPDATE resource SET spec = '{"once": true}' WHERE kind = 'Service' AND hashtext(name) % 5 = 0`);
    const b = await start('b');
    await b.turn();
    expect([
      await rows('SELECT 1 FROM quarantine'),
      b.errors.some((line) => line.includes('this build is to blame')),
    ]).toEqual([[], true]);
  });
});
