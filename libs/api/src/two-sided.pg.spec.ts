import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { type ServedApi, serveApi } from '../testing/served-api.js';

const MESH = '/api/v1/meshes/default';
const mesh = (spec: object) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Mesh',
  metadata: { name: 'default' },
  spec,
});

describe('a change with two sides', () => {
  let database: TestDatabase;
  let api: ServedApi;
  const apply = (spec: object, more: object = {}) =>
    api.call('POST', `${MESH}/apply`, { body: { manifests: [mesh(spec)], ...more } });
  const lastAudit = async (): Promise<string> => {
    const { body } = await api.call('GET', `${MESH}/audit?limit=1`);
    return JSON.stringify(body);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await serveApi(database.url, { policies });
  });
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  it('STRICT is refused while another replica was told of plaintext, by every way to write; forced, it is audited why', async () => {
    expect((await apply({ mtls: { mode: 'PERMISSIVE' } })).status).toBe(200);
    const node = 'default/shop/orders/orders-1';
    await api.store.plaintext.report([{ mesh: 'default', node, port: 'http', requests: 7 }]);
    const refused = await apply({});
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      type: expect.stringMatching(/plaintext-in-use$/),
      detail: expect.stringMatching(/Workload shop\/orders \(7\).*--force/),
      violations: [{ code: 'plaintext-in-use' }],
    });
    expect((await apply({}, { dryRun: true })).status).toBe(409);
    expect((await api.call('PUT', MESH, { body: mesh({}) })).body).toMatchObject({
      type: expect.stringMatching(/plaintext-in-use$/),
    });
    // What has nothing to do with it is written as ever.
    expect((await apply({ mtls: { mode: 'PERMISSIVE' }, scoping: 'Declared' })).status).toBe(200);
    expect(await lastAudit()).not.toContain('forced');
    expect((await apply({}, { force: true })).status).toBe(200);
    expect(await lastAudit()).toMatch(/"forced".*plaintext-in-use.*Workload shop\/orders \(7\)/);
    // Nothing stood against this one.
    expect((await apply({ mtls: { mode: 'PERMISSIVE' } }, { force: true })).status).toBe(200);
    expect(await lastAudit()).not.toContain('forced');
  });

  it('another trust domain is nobody’s matter without instances, and else goes in steps', async () => {
    const PERMISSIVE = { mtls: { mode: 'PERMISSIVE' } };
    expect((await apply({ ...PERMISSIVE, trustDomain: 'a.example' })).status).toBe(200);
    const registered = await api.call('PUT', `${MESH}/namespaces/shop/instances/orders-1`, {
      body: {
        workload: 'orders',
        bind: { address: '192.0.2.1', ports: { http: 8080 } },
        app: { address: '127.0.0.1', ports: { http: 8081 } },
      },
    });
    expect(registered.status).toBeLessThan(300);
    expect((await apply({ ...PERMISSIVE, trustDomain: 'b.example' })).body).toMatchObject({
      type: expect.stringMatching(/trust-domain-in-use$/),
    });
    expect((await apply({ ...PERMISSIVE, trustDomain: 'a.example', trustDomainAliases: ['b.example'] })).status).toBe(
      200,
    );
    const early = await apply({ ...PERMISSIVE, trustDomain: 'b.example', trustDomainAliases: ['a.example'] });
    expect(early.body).toMatchObject({
      type: expect.stringMatching(/stage-not-delivered$/),
      detail: expect.stringContaining('shop/orders-1'),
    });
    const forced = await apply(
      { ...PERMISSIVE, trustDomain: 'b.example', trustDomainAliases: ['a.example'] },
      { force: true },
    );
    expect(forced.status).toBe(200);
    const contract = await apply({ ...PERMISSIVE, trustDomain: 'b.example' });
    expect(contract.body.violations.map(({ code }: { code: string }) => code)).toEqual([
      'stage-not-delivered',
      'trust-domain-aliases-in-use',
    ]);
  });
});
