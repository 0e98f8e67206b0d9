import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditKeys, kekOf } from '#libs/identity';
import { systemClock } from '#libs/kernel';
import { verifyExport } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import type { AuditLine } from '../../testing/audit-answers.js';
import { idleDelivery, type ServedApi, serveApi } from '../../testing/served-api.js';

const MESH = '/api/v1/meshes/default';
const service = (port: number) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name: 'orders', namespace: 'shop' },
  spec: { ports: [{ name: 'http', port, protocol: 'http' }] },
});
const ORDERS = 'kind=Service&namespace=shop&name=orders';

describe('history and audit over REST', () => {
  let database: TestDatabase;
  let api: ServedApi;
  const revisions: number[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    const counts = { total: 5, refusing: 0, elapsedMs: 0, refused: [], behind: [] };
    const delivery = {
      ...idleDelivery,
      of: (_: string, revision: number) => ({ ...counts, acked: revision === revisions[0] ? 5 : 3 }),
    };
    api = await serveApi(database.url, { delivery });
    for (const port of [8080, 8081, 8082]) {
      const applied = await api.call('POST', `${MESH}/apply`, {
        body: { manifests: [service(port)], message: `port ${port}` },
      });
      revisions.push(applied.body.revision);
    }
    await api.call('PUT', `${MESH}/namespaces/shop/services/orders`, {
      body: service(9),
      headers: { 'if-match': '"77"' },
    });
  });

  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const lines = <T extends object>(text: unknown): T[] =>
    String(text)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T);

  it('lists changes of a resource with how far they were delivered', async () => {
    const { body } = await api.call('GET', `${MESH}/history?${ORDERS}&delivery=true&limit=2&actor=test-admin`);
    expect(body.items).toMatchObject([
      { message: 'port 8082', delivery: { state: 'Delivering', acked: 3, total: 5 } },
      { message: 'port 8081', items: [{ op: 'updated', name: 'orders' }] },
    ]);
    const older = await api.call('GET', `${MESH}/history?${ORDERS}&delivery=true&before=${revisions[1]}`);
    expect(older.body.items).toMatchObject([{ message: 'port 8080', delivery: { state: 'Delivered' } }]);
    expect((await api.call('GET', `${MESH}/history?until=2020-01-01T00:00:00Z`)).body.items).toEqual([]);
  });

  it('reads a resource at a revision, and what was changed between two', async () => {
    const at = await api.call('GET', `${MESH}/history/${revisions[1]}/resource?${ORDERS}`);
    expect(at.body).toMatchObject({
      revision: revisions[1],
      version: 2,
      manifest: { spec: { ports: [{ port: 8081 }] } },
    });
    const between = await api.call('GET', `${MESH}/diff?from=${revisions[0]}&to=${revisions[2]}`);
    expect(between.body.items).toMatchObject([
      {
        op: 'update',
        name: 'orders',
        fields: [
          { op: 'add', after: { port: 8082 } },
          { op: 'remove', before: { port: 8080 } },
        ],
        changes: [{ revision: revisions[1] }, { revision: revisions[2] }],
      },
    ]);
  });

  it.each([
    ['a time that is none', `${MESH}/history?since=yesterday`, 400, '/since'],
    ['a kind without a name', `${MESH}/audit?kind=Service`, 400, '/name'],
    ['a name without a kind', `${MESH}/history?name=orders`, 400, '/kind'],
    ['an action that there is not', `${MESH}/audit?action=dance`, 400, '/action'],
    ['a parameter that there is not', `${MESH}/audit?who=me`, 400, '/who'],
    ['a revision that is no number', `${MESH}/diff?from=two&to=1`, 400, '/from'],
  ])('refuses %s, and names the field', async (_what, path, status, field) => {
    const answer = await api.call('GET', path);
    expect(answer).toMatchObject({ status, body: { violations: [{ path: field }] } });
  });

  it.each([
    ['a revision that is yet to come', `${MESH}/diff?from=1&to=999`],
    ['a revision that is none', `${MESH}/history/x/resource?${ORDERS}`],
    ['a resource that was not there', `${MESH}/history/1/resource?${ORDERS}`],
    ['a mesh that is not there', `/api/v1/meshes/none/audit`],
  ])('has nothing for %s', async (_what, path) => {
    expect(await api.call('GET', path)).toMatchObject({ status: 404, body: { type: 'urn:heddle:problem:not-found' } });
  });

  it('REL-10 SEC-63 searches decisions, refusals too, by actor, resource, decision and time', async () => {
    const all = await api.call('GET', `${MESH}/audit?${ORDERS}`);
    expect((all.body.items as AuditLine[]).map(({ payload }) => payload.decision)).toEqual([
      'refused',
      'applied',
      'applied',
      'applied',
    ]);
    expect(all.body.items[0].payload).toMatchObject({
      actor: { name: 'test-admin', role: 'admin', ip: '127.0.0.1' },
      reason: { code: 'version-conflict' },
    });
    const refused = await api.call('GET', `${MESH}/audit?decision=refused&actor=test-admin`);
    expect(refused.body.items).toHaveLength(1);
    const page = await api.call('GET', `${MESH}/audit?${ORDERS}&limit=3`);
    const rest = await api.call('GET', `${MESH}/audit?${ORDERS}&limit=3&cursor=${page.body.cursor}`);
    expect([page.body.items.length, rest.body.items.length, rest.body.cursor]).toEqual([3, 1, undefined]);
    expect((await api.call('GET', `${MESH}/audit?since=2999-01-01T00:00:00Z`)).body.items).toEqual([]);
  });

  it('SEC-62 exports a chain that can be verified elsewhere, and verifies it against a checkpoint', async () => {
    const keys = new AuditKeys({
      authorities: api.store.authorities,
      kek: kekOf(new Uint8Array(32)),
      clock: systemClock,
      days: 0,
    });
    const [key] = await keys.current();
    const lease = await api.store.audit.lease('test', 60_000);
    if (lease === undefined) throw new Error('no lease');
    await api.store.audit.announceKey(lease, key, key);
    const checkpoint = JSON.parse((await api.store.audit.checkpoint(lease, key)) ?? '') as { hash: string };
    const exported = await api.call('GET', '/api/v1/audit/export');
    expect(exported.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const offline = await verifyExport(String(exported.body).split('\n'), {
      publicKeys: [createPublicKey(key.publicKey)],
    });
    expect(offline).toMatchObject({ ok: true, entries: 6, checkpoints: 1 });
    const good = await api.call('POST', '/api/v1/audit/verify', { body: { checkpoints: [checkpoint] } });
    expect(lines(good.body).at(-1)).toEqual({
      verdict: { ok: true, entries: 6, from: 1, to: 6, checkpoints: 2, beforeStart: 0 },
    });
    const bad = await api.call('POST', '/api/v1/audit/verify', {
      body: { checkpoints: [{ ...checkpoint, hash: '0'.repeat(64) }] },
    });
    expect(lines(bad.body).at(-1)).toMatchObject({ verdict: { ok: false, seq: 6 } });
    const shown = await api.call('GET', '/api/v1/audit/checkpoints');
    expect(shown.body.items).toMatchObject([
      { kind: 'key', statement: { publicKey: key.publicKey } },
      { kind: 'checkpoint', statement: checkpoint },
    ]);
  });

  it('SEC-64 failed logins are counted beside the chain, whose lock they never take', async () => {
    const before = await api.store.audit.search({ mesh: 'default', limit: 1 });
    const attempts = Array.from({ length: 500 }, (_, n) =>
      api.call('GET', `${MESH}/history`, { token: `hdl_wrong_${n}` }),
    );
    const statuses = new Set((await Promise.all(attempts)).map(({ status }) => status));
    expect(statuses).toEqual(new Set([401, 429]));
    const counted = async (): Promise<number> => {
      const { body } = await api.call('GET', '/api/v1/audit/access-failures');
      return body.items.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
    };
    await expect.poll(counted).toBe(500);
    const after = await api.store.audit.search({ mesh: 'default', limit: 1 });
    expect(after.items[0]?.seq).toBe(before.items[0]?.seq);
    expect(await api.store.audit.verify()).toMatchObject({ ok: true });
  });
});
