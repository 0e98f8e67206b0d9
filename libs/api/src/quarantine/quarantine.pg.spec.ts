import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lease } from '#libs/store';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

const PATH = '/api/v1/meshes/default/quarantine';

describe('what is in quarantine', () => {
  let database: TestDatabase;
  let api: ServedApi;
  let lease: Lease;
  const uids = new Map<string, string>();

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await serveApi(database.url, { policies });
    for (const [namespace, team] of [
      ['shop', 'a'],
      ['bank', 'b'],
    ] as const) {
      for (const request of ['1s', '2s']) {
        const written = await api.call('PUT', `/api/v1/meshes/default/namespaces/${namespace}/timeoutpolicies/pace`, {
          body: {
            apiVersion: 'heddle.dev/v1alpha1',
            metadata: { name: 'pace', labels: { team } },
            spec: { targetRef: { kind: 'Service', name: 'orders' }, request },
          },
        });
        uids.set(namespace, written.body.metadata.uid);
      }
    }
    const taken = await api.store.leases.take('quarantine', 'test', 60_000);
    if (!taken) throw new Error('the lease is taken');
    lease = taken;
  });
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const put = async (namespace: string): Promise<boolean> => {
    const row = await api.store.resources.get('default', 'TimeoutPolicy', namespace, 'pace');
    if (!row) throw new Error('it was not written');
    const [use] = await api.store.quarantine.former([{ uid: row.uid, before: row.updatedRevision }], 1);
    return api.store.quarantine.put(lease, {
      uid: row.uid,
      badRevision: row.updatedRevision,
      use,
      reason: 'of a test',
    });
  };
  const report = (host: string) =>
    api.store.badContents.report({
      ...{ mesh: 'default', key: 'default|cluster|shop/orders/80', version: 'v2', type: 't', name: 'shop/orders/80' },
      ...{ proxy: `default/shop/web/${host}`, host, reason: 'it died', mayBeCommon: true },
      instead: { version: 'v1', bytes: new Uint8Array([1, 2]), requires: [] },
    });

  it('is shown to who may read it, with both revisions; putting it there twice is done once', async () => {
    expect([await put('shop'), await put('bank'), await put('shop')]).toEqual([true, true, false]);
    const { body } = await api.call('GET', PATH);
    expect(body.items).toMatchObject([
      { kind: 'TimeoutPolicy', namespace: 'bank', badRevision: 5, useRevision: 4, reason: 'of a test' },
      { kind: 'TimeoutPolicy', namespace: 'shop', badRevision: 3, useRevision: 2 },
    ]);
    const binding = {
      apiVersion: 'heddle.dev/v1alpha1',
      spec: { role: 'viewer', subjects: [{ kind: 'Token', name: 'test-none' }], namespaces: ['shop'] },
    };
    expect((await api.call('PUT', '/api/v1/meshes/default/rolebindings/shop', { body: binding })).status).toBe(201);
    const token = await api.token('none');
    const seen = await api.call('GET', PATH, { token });
    expect([seen.body.items.map((one: { namespace: string }) => one.namespace), seen.body.hidden]).toEqual([
      ['shop'],
      1,
    ]);
    const release = (namespace: string) => api.call('DELETE', `${PATH}/${uids.get(namespace)}`, { token });
    expect([(await release('bank')).status, (await release('shop')).status]).toEqual([403, 403]);
  });

  it('is released by who may write it, once, with the name of who did it; a write of it does the same', async () => {
    const token = await api.token('editor', { name: 'erin' });
    const release = () => api.call('DELETE', `${PATH}/${uids.get('shop')}`, { token });
    expect([(await release()).status, (await release()).status]).toEqual([204, 404]);
    const [entry] = (await api.store.audit.search({ mesh: 'default', action: 'quarantine-release', limit: 1 })).items;
    expect(entry?.payload).toMatchObject({ actor: { name: 'erin' }, reason: { namespace: 'shop', badRevision: 3 } });
    const spec = { targetRef: { kind: 'Service', name: 'orders' }, request: '3s' };
    const body = { apiVersion: 'heddle.dev/v1alpha1', metadata: { name: 'pace' }, spec };
    await api.call('PUT', '/api/v1/meshes/default/namespaces/bank/timeoutpolicies/pace', { body });
    expect((await api.call('GET', PATH)).body.items).toEqual([]);
  });

  it('REL-48 is not put there by who has lost the lease, nor by a build that is older than the schema', async () => {
    await database.rows(`UPDATE job_lease SET holder = 'other', fence = fence + 1`);
    await expect(put('shop')).rejects.toThrow('another replica does the job');
    const again = { ...lease, fence: lease.fence + 1, holder: 'other' };
    lease = again;
    await database.rows(`INSERT INTO migrations (timestamp, name) VALUES (9, 'OfTheNextRelease')`);
    expect(await put('shop')).toBe(false);
    await database.rows(`DELETE FROM migrations WHERE name = 'OfTheNextRelease'`);
    expect(await put('shop')).toBe(true);
  });

  it('REL-26 are contents, too: common on the word of two hosts, without their bytes in the answer', async () => {
    expect([(await report('h1')).everywhere, (await report('h1')).everywhere]).toEqual([false, false]);
    expect((await report('h2')).everywhere).toBe(true);
    const [content] = (await api.call('GET', PATH)).body.contents;
    expect(content).toMatchObject({ name: 'shop/orders/80', hosts: ['h1', 'h2'], everywhere: true });
    expect(content).not.toHaveProperty('instead');
    expect((await api.call('DELETE', `${PATH}/${content.id}`, { token: await api.token('editor') })).status).toBe(403);
    const operator = await api.token('operator');
    expect((await api.call('DELETE', `${PATH}/${content.id}`, { token: operator })).status).toBe(204);
    expect((await api.call('GET', PATH)).body.contents).toEqual([]);
    expect(await api.store.verifyAudit()).toMatchObject({ ok: true });
  });
});
