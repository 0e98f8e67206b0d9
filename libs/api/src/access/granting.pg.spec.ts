import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { aBinding, aRole, Caller, given, refusal } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
/** Admin of the namespace shop. */
let head: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, { policies });
  admin = new Caller(api, await api.token('admin'));
  await given(
    admin,
    aBinding('heads', 'admin', 'heads', { namespaces: ['shop'] }),
    aRole('binder', { verbs: ['create', 'update'], groups: ['administration'] }),
    aRole('giver', { verbs: ['bind'], kinds: ['Role'], names: ['viewer'] }),
    aRole('author', { verbs: ['escalate'], kinds: ['Role'] }),
    aRole('clerk', { verbs: ['create', 'list'], kinds: ['ApiToken'] }),
    aBinding('binders', 'binder', 'binders'),
    aBinding('givers', 'binder', 'givers'),
    aBinding('givers-2', 'giver', 'givers'),
    aBinding('authors', 'binder', 'authors'),
    aBinding('authors-2', 'author', 'authors'),
    aBinding('clerks', 'clerk', 'clerks'),
    aBinding('ops', 'operator', 'ops'),
  );
  head = await Caller.of(api, 'hanna', 'heads');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const shop = { namespaces: ['shop'] };

describe('SEC-34: nobody grants what he does not hold', () => {
  it('the admin of a namespace gives roles in it, and in it only', async () => {
    expect((await head.apply([aBinding('h-1', 'editor', 'new', shop)])).status).toBe(200);
    expect(refusal(await head.apply([aBinding('h-2', 'viewer', 'new')]))).toEqual([403, 'create RoleBinding']);
    expect((await head.apply([aBinding('h-3', 'viewer', 'new', { namespaces: ['shop', 'bank'] })])).status).toBe(403);
    expect((await head.apply([aRole('h-4', { verbs: ['get'], kinds: ['Service'] })])).status).toBe(403);
  });

  it('nor does he reach bindings of others by moving them', async () => {
    await given(admin, aBinding('bank', 'viewer', 'bankers', { namespaces: ['bank'] }));
    expect((await head.apply([aBinding('bank', 'viewer', 'bankers', shop)])).status).toBe(403);
    expect((await head.apply([aBinding('h-1', 'editor', 'new', { namespaces: ['bank'] })])).status).toBe(403);
    expect((await head.call('DELETE', 'rolebindings/bank')).status).toBe(404);
    expect(await head.names('rolebindings')).toEqual(['h-1', 'heads']);
    expect((await head.call('DELETE', 'rolebindings/h-1')).status).toBe(200);
  });

  it('bindings and roles need the rights that they give', async () => {
    const binder = await Caller.of(api, 'bo', 'binders');
    const refused = await binder.apply([aBinding('b-1', 'viewer', 'token bo')]);
    expect([...refusal(refused), refused.body.detail]).toEqual([
      403,
      'get Instance',
      expect.stringContaining('nobody grants what he does not hold, and '),
    ]);
    expect((await binder.apply([aRole('b-2', { verbs: ['*'], kinds: ['*'] })])).status).toBe(403);
    expect((await binder.apply([aRole('binder', { verbs: ['*'], groups: ['administration'] })])).status).toBe(403);
    expect((await binder.apply([aRole('b-3', { verbs: ['update'], kinds: ['Role'] })])).status).toBe(200);
    expect((await binder.apply([aBinding('b-4', 'b-3', 'others')])).status).toBe(200);
    expect((await binder.apply([aBinding('b-5', 'not-there', 'others')])).body.detail).toContain(
      '(there is no role not-there)',
    );
  });

  it('a role and its binding may come together, and are judged together', async () => {
    const binder = await Caller.of(api, 'bo', 'binders');
    const both = (verb: string) => [aRole('b-6', { verbs: [verb], kinds: ['Role'] }), aBinding('b-6', 'b-6', 'others')];
    expect((await binder.apply(both('create'))).status).toBe(200);
    expect((await binder.apply(both('delete'))).status).toBe(403);
  });

  it('`bind` gives away a role that one does not have, `escalate` writes it', async () => {
    const giver = await Caller.of(api, 'gil', 'givers');
    expect((await giver.apply([aBinding('g-1', 'viewer', 'guests')])).status).toBe(200);
    expect((await giver.apply([aBinding('g-2', 'editor', 'guests')])).status).toBe(403);
    const author = await Caller.of(api, 'ava', 'authors');
    expect((await author.apply([aRole('a-1', { verbs: ['*'], kinds: ['*'] })])).status).toBe(200);
    expect((await author.apply([aBinding('a-2', 'a-1', 'token ava')])).status).toBe(403);
  });

  it('an operator grants nothing', async () => {
    const ops = await Caller.of(api, 'olga', 'ops');
    expect(refusal(await ops.apply([aBinding('o-1', 'viewer', 'x')]))).toEqual([403, 'create RoleBinding']);
    expect(refusal(await ops.call('GET', 'rolebindings'))).toEqual([403, 'list RoleBinding']);
  });
});

describe('SEC-34: tokens', () => {
  const make = (by: Caller, body: object) => by.call('POST', '/api/v1/tokens', { body: { name: 't', ...body } });

  it('have no more than their maker, be it by role, name or group', async () => {
    const clerk = await Caller.of(api, 'cleo', 'clerks');
    const here = { meshes: ['default'] };
    expect((await make(clerk, here)).status).toBe(201);
    expect(refusal(await make(clerk, {}))).toEqual([403, 'create ApiToken']);
    expect(refusal(await make(clerk, { meshes: ['default', 'other'] }))).toEqual([403, 'create ApiToken']);
    const more = [{ role: 'viewer' }, { groups: ['ops'] }, { groups: ['heads'] }, { role: 'admin' }];
    const answers = await Promise.all(more.map((one) => make(clerk, { ...here, ...one })));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    await given(admin, aBinding('boss', 'operator', 'token boss'));
    expect((await make(clerk, { ...here, name: 'boss' })).status).toBe(403);
    expect((await make(clerk, { ...here, groups: ['clerks'] })).status).toBe(201);
  });

  it('of one mesh are made by its admin, and are worth nothing elsewhere', async () => {
    const mesh = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'other' }, spec: {} };
    expect((await admin.call('PUT', '/api/v1/meshes/other', { body: mesh })).status).toBe(201);
    const local = new Caller(api, await api.token('admin', { name: 'lola', meshes: ['other'] }));
    expect((await make(local, { role: 'admin' })).status).toBe(403);
    const made = await make(local, { role: 'operator', meshes: ['other'] });
    expect(made.status).toBe(201);
    const ops = new Caller(api, made.body.token);
    expect((await ops.call('GET', '/api/v1/meshes/other')).status).toBe(200);
    expect((await ops.call('GET', '/api/v1/meshes/default')).status).toBe(404);
    expect((await ops.call('GET', '/metrics')).status).toBe(403);
    expect((await ops.call('DELETE', '/api/v1/meshes/other/proxy-tokens/aaaaaaaaaaaaaaaa.bbbbbbbb')).status).toBe(403);
    const seen = (await local.call('GET', '/api/v1/tokens')).body.items as { id: string; meshes: string[] }[];
    expect(seen.map(({ meshes }) => meshes)).toEqual([['other'], ['other']]);
    const [, adminId] = admin.token.split('_');
    expect((await local.call('DELETE', `/api/v1/tokens/${adminId}`)).status).toBe(404);
    expect((await admin.call('GET', '/api/v1/meshes')).status).toBe(200);
    expect((await local.call('DELETE', `/api/v1/tokens/${made.body.id}`)).status).toBe(204);
  });

  it('say who they are and what they may do', async () => {
    const me = (await head.call('GET', '/api/v1/whoami')).body;
    expect(me).toMatchObject({ name: 'hanna', role: 'none', groups: ['heads'], meshes: [] });
    expect(me.bindings).toEqual([
      { mesh: 'default', binding: 'heads', role: 'admin', namespaces: ['shop'], labels: {} },
    ]);
    const can = async (query: string) => (await head.call('GET', `can-i?${query}`)).body;
    expect(await can('verb=update&kind=svc&namespace=shop')).toEqual({
      allowed: true,
      by: 'RoleBinding heads (role admin)',
    });
    expect(await can('verb=update&kind=services')).toMatchObject({
      allowed: false,
      limited: 'for some objects only: by namespace, name or label',
      missing: { verb: 'update', kind: 'Service', roles: ['editor', 'operator', 'admin'] },
    });
    expect(await can('verb=update&kind=mesh&name=default')).toMatchObject({ allowed: false });
    expect(await can('verb=create&kind=proxytokens&namespace=shop')).toMatchObject({ allowed: true });
    expect(await can('verb=create&kind=rolebinding&namespace=shop')).toMatchObject({ allowed: true });
    expect(await can('verb=get&kind=metrics&namespace=shop')).toMatchObject({
      missing: { roles: expect.arrayContaining(['viewer']) },
    });
    expect((await head.call('GET', 'can-i?verb=eat&kind=services')).status).toBe(400);
    expect((await head.call('GET', 'can-i?verb=get&kind=pods')).status).toBe(400);
  });

  it('see built-in roles, and of the others those that they may read', async () => {
    const names = async (by: Caller) =>
      ((await by.call('GET', 'access/roles')).body.items as { name: string }[]).map(({ name }) => name);
    const builtIn = ['viewer', 'editor', 'operator', 'security', 'auditor', 'admin'];
    expect(await names(head)).toEqual(builtIn);
    expect(await names(admin)).toEqual([...builtIn, ...(await admin.names('roles'))]);
  });
});
