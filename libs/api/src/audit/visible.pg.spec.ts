import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { type AuditLine, type Naming, namesOf } from '../../testing/audit-answers.js';
import { aBinding, anExternalService, aRole, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
/** Admin in the namespace shop: may read its audit. */
let shop: Caller;
/** May read the audit of the whole mesh, and nothing that it is about. */
let clerk: Caller;
/** Viewer of what has the label team=a, in every namespace. */
let teamA: Caller;
const A = { team: 'a' };
const revisions: number[] = [];

const apply = async (...manifests: readonly object[]): Promise<void> => {
  const { body } = await admin.apply(manifests);
  revisions.push(body.revision);
};
const named = ({ body }: { readonly body: { readonly items: readonly Naming[] } }): string[][] => namesOf(body.items);

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, { policies });
  admin = new Caller(api, await api.token('admin'));
  await given(
    admin,
    aRole('audit-clerk', { verbs: ['get'], kinds: ['Audit'] }),
    aBinding('shop-admins', 'admin', 'shop', { namespaces: ['shop'] }),
    aBinding('clerks', 'audit-clerk', 'clerks'),
    aBinding('team-a', 'auditor', 'team-a', { selector: { matchLabels: A } }),
    aBinding('moved', 'viewer', 'token secret-holder'),
  );
  await apply(aService('shop/mine', A), anExternalService('bank/vault'));
  await apply(aService('shop/mine'), aService('bank/ledger', A));
  await apply(aBinding('moved', 'viewer', 'shop', { namespaces: ['shop'] }));
  await apply(anExternalService('bank/vault', A));
  shop = await Caller.of(api, 'sam', 'shop');
  clerk = await Caller.of(api, 'carl', 'clerks');
  teamA = await Caller.of(api, 'ann', 'team-a');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

describe('the past of others', () => {
  it('SEC-34: is not there: neither their changes, nor what a change of several did to theirs', async () => {
    expect(named(await shop.call('GET', 'history'))).toEqual([
      ['shop/mine'],
      ['shop/mine'],
      ['/shop-admins'],
      ['/default'],
    ]);
    const theirs = await shop.call('GET', 'history?kind=ExternalService&namespace=bank&name=vault');
    expect(theirs.body).toEqual({ items: [] });
    const own = await shop.call('GET', 'history?kind=Service&namespace=shop&name=mine');
    expect(own.body.items.map(({ hidden }: { hidden: number }) => hidden)).toEqual([1, 1]);
    expect(named(await admin.call('GET', 'history?kind=ExternalService&namespace=bank&name=vault'))).toHaveLength(2);
  });

  it('SEC-34: of a resource that one may not read as it was looks like none', async () => {
    const at = (who: Caller, revision: number | undefined, query: string) =>
      who.call('GET', `history/${revision}/resource?${query}`);
    const vault = 'kind=ExternalService&namespace=bank&name=vault';
    const [foreign, absent] = [
      await at(shop, revisions[0], vault),
      await at(shop, revisions[0], vault.replace('vault', 'x')),
    ];
    expect([foreign.status, absent.status]).toEqual([404, 404]);
    expect(foreign.body.detail.replace('vault', 'x')).toBe(absent.body.detail);
    expect((await at(admin, revisions[0], vault)).status).toBe(200);
    // By the labels of then, not of now.
    const mine = 'kind=Service&namespace=shop&name=mine';
    expect((await at(teamA, revisions[0], mine)).status).toBe(200);
    expect((await at(teamA, revisions[1], mine)).status).toBe(404);
    expect((await at(teamA, revisions[0], vault)).status).toBe(404);
    expect((await at(teamA, revisions[3], vault)).status).toBe(200);
  });

  it('SEC-34: of a RoleBinding is for whom it was for, not for whom it is now', async () => {
    const at = (revision: number | undefined) =>
      shop.call('GET', `history/${revision}/resource?kind=RoleBinding&name=moved`);
    expect((await at(revisions[1])).status).toBe(404);
    expect((await at(revisions[2])).body).toMatchObject({ manifest: { spec: { namespaces: ['shop'] } } });
    expect(JSON.stringify((await shop.call('GET', 'history')).body)).not.toContain('secret-holder');
  });

  it('SEC-34: is left out of differences, which say how many others there are', async () => {
    const between = `diff?from=${(revisions[0] ?? 1) - 1}&to=${revisions[3]}`;
    const { body } = await shop.call('GET', between);
    expect(body).toMatchObject({ hidden: 3, items: [{ name: 'mine', op: 'create' }] });
    expect(JSON.stringify(body)).not.toMatch(/vault|ledger|secret-holder/);
    const all = (await admin.call('GET', between)).body;
    expect([all.items.length, all.hidden]).toEqual([4, 0]);
  });
});

describe('the audit of others', () => {
  it('SEC-34: a decision is for who may read the audit there, and the resource', async () => {
    expect(named(await shop.call('GET', 'audit?action=write'))).toEqual([['shop/mine'], ['shop/mine']]);
    expect((await shop.call('GET', 'audit?action=write')).body.items[0].hidden).toBe(1);
    expect((await shop.call('GET', 'audit?kind=Service&namespace=bank&name=ledger')).body.items).toEqual([]);
    // Entries have no labels; and who reads the audit only is told of no resource but the mesh that he is in.
    expect((await teamA.call('GET', 'audit')).body.items).toEqual([]);
    expect(named(await clerk.call('GET', 'audit')).flat()).toEqual(['/default']);
    const other = await new Caller(api, await api.token('viewer')).call('GET', 'audit');
    expect([other.status, other.body.missing]).toMatchObject([403, { verb: 'get', kind: 'Audit', mesh: 'default' }]);
  });

  it('SEC-34: who stood in the way is told to who may read him', async () => {
    const wanted = anExternalService('shop/copy');
    const spec = { ...wanted.spec, hostnames: ['bank-vault.example.com'] };
    expect((await shop.apply([{ ...wanted, spec }])).status).toBe(400);
    const reasonFor = async (who: Caller): Promise<unknown> =>
      (await who.call('GET', 'audit?decision=refused&kind=ExternalService&namespace=shop&name=copy')).body.items[0]
        .payload.reason;
    expect(await reasonFor(shop)).toEqual({ code: 'hostname-taken' });
    expect(await reasonFor(new Caller(api, await api.token('auditor')))).toMatchObject({ name: 'vault' });
  });
});

describe('who is let in', () => {
  const tokenEntries = async (who: Caller, path: string): Promise<AuditLine[]> =>
    ((await who.call('GET', path)).body.items as AuditLine[]).filter(({ payload }) => payload.token !== undefined);

  it('SEC-61, SEC-63: tokens are made and revoked in the audit, by whom, without what could be used', async () => {
    const made = (await admin.call('POST', '/api/v1/tokens', { body: { name: 'ci', role: 'viewer' } })).body;
    expect((await admin.call('DELETE', `/api/v1/tokens/${made.id}`)).status).toBe(204);
    const [revoked, created] = await tokenEntries(admin, '/api/v1/audit?limit=2');
    expect(created?.payload).toMatchObject({
      ...{ action: 'token-create', decision: 'applied', mesh: '' },
      actor: { name: 'test-admin', role: 'admin', ip: '127.0.0.1' },
      token: { kind: 'ApiToken', id: made.id, name: 'ci', grants: { role: 'viewer', groups: [], meshes: [] } },
    });
    expect(revoked?.payload).toMatchObject({ action: 'token-revoke', token: { id: made.id, name: 'ci' } });
    expect(JSON.stringify([created, revoked])).not.toContain(made.token.split('_')[2]);
    const exchanged = await api.call('POST', '/api/v1/login/exchange', {
      body: { token: api.oneTimeToken, name: 'first' },
      token: '',
    });
    const [login] = await tokenEntries(admin, '/api/v1/audit?limit=1');
    expect(login?.payload).toMatchObject({ actor: { name: 'one-time token' }, token: { id: exchanged.body.id } });
  });

  it('SEC-61, SEC-34: those of one mesh are in its audit, for who may read all of that', async () => {
    const body = { workload: 'orders', instance: 'orders-1' };
    const made = (await admin.call('POST', 'namespaces/shop/proxy-tokens', { body })).body;
    expect((await admin.call('DELETE', `proxy-tokens/${made.jti}`)).status).toBe(204);
    await admin.call('POST', '/api/v1/tokens', { body: { name: 'local', meshes: ['default'] } });
    const seen = await tokenEntries(clerk, 'audit');
    expect(seen.map(({ payload }) => [payload.action, payload.token?.kind])).toEqual([
      ['token-create', 'ApiToken'],
      ['token-revoke', 'ProxyToken'],
      ['token-create', 'ProxyToken'],
    ]);
    expect(seen[2]?.payload.token).toMatchObject({ id: made.jti, grants: { namespace: 'shop', workload: 'orders' } });
    expect(JSON.stringify(seen)).not.toContain(made.token);
    expect(await tokenEntries(shop, 'audit')).toEqual([]);
    // Not found by the resource whose change has the same revision.
    const about = await admin.call('GET', 'audit?kind=ExternalService&namespace=bank&name=vault');
    expect((about.body.items as AuditLine[]).map(({ payload }) => payload.action)).toEqual(['write', 'write']);
  });
});

describe('who tried what he may not', () => {
  const denials = async (): Promise<AuditLine['payload'][]> =>
    ((await admin.call('GET', 'audit?action=denied&limit=100')).body.items as AuditLine[]).map(
      ({ payload }) => payload,
    );

  it('SEC-63: writes that are not permitted are in the audit, whoever refuses them; reads are in the log', async () => {
    const viewer = new Caller(api, await api.token('viewer', { name: 'vera' }));
    await viewer.call('PUT', 'namespaces/bank/services/ledger', { body: aService('bank/ledger') });
    await viewer.call('GET', 'audit');
    await shop.apply([aService('shop/new'), aService('bank/new')]);
    await expect.poll(async () => (await denials()).length).toBe(2);
    expect(await denials()).toMatchObject([
      {
        ...{ decision: 'refused', actor: { name: 'sam' }, message: 'POST /api/v1/meshes/default/apply' },
        items: [{ op: 'create', kind: 'Service', namespace: 'bank', name: 'new' }],
        reason: { code: 'forbidden', missing: { verb: 'create', namespace: 'bank' } },
      },
      { actor: { name: 'vera' }, items: [{ kind: 'Service', namespace: 'bank', name: 'ledger' }] },
    ]);
  });

  it('SEC-64: so many of each caller, then they cost the chain nothing', async () => {
    const noisy = new Caller(api, await api.token('viewer', { name: 'noisy' }));
    const tries = Array.from({ length: 100 }, () => noisy.call('DELETE', 'namespaces/bank/services/ledger'));
    expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([403]));
    const own = async () => (await denials()).filter(({ actor }) => actor.name === 'noisy').length;
    await expect.poll(own).toBeGreaterThanOrEqual(20);
    expect(await own()).toBeLessThan(40);
    const counted = await own();
    await shop.call('GET', 'history');
    expect(await own()).toBe(counted);
    expect(await api.store.audit.verify()).toMatchObject({ ok: true });
  });
});
