import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshGraph } from '#libs/compiler';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { compiledMesh } from '../../testing/compiled-mesh.js';
import { aBinding, aPolicy, aRoute, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
/** Viewer in the namespace shop. */
let shop: Caller;
/** Viewer of what has the label team=a, in the namespace shop. */
let teamA: Caller;
const A = { team: 'a' };
const policy = aPolicy('TimeoutPolicy', 'shop/five', 'shop/orders', A);
const five = { ...policy, spec: { ...policy.spec, request: '5s' } };
const INSTANCES = [instance('shop/web-0'), instance('shop/orders-0'), instance('bank/vault-0')];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, {
    policies,
    live: (mesh) => compiledMesh(api, mesh, { graph: new MeshGraph({ mesh, policies }), instances: INSTANCES }),
  });
  admin = new Caller(api, await api.token('admin', { name: 'root' }));
  await given(admin, aService('shop/web', A), aService('shop/orders'), aService('bank/vault'));
  await given(
    new Caller(api, await api.token('admin', { name: 'ann' })),
    aRoute('shop/orders', 'shop/orders', A),
    aPolicy('RetryPolicy', 'shop/again', 'shop/orders'),
    aPolicy('TimeoutPolicy', 'bank/everywhere', 'mesh'),
    five,
  );
  await given(
    admin,
    aBinding('shop-viewers', 'viewer', 'shop', { namespaces: ['shop'] }),
    aBinding('team-a', 'viewer', 'team-a', { namespaces: ['shop'], selector: { matchLabels: A } }),
  );
  shop = new Caller(api, await api.token('none', { name: 'sam', groups: ['shop'] }));
  teamA = new Caller(api, await api.token('none', { name: 'tom', groups: ['team-a'] }));
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const ask = async (caller: Caller, path: string) => caller.call('GET', `explain/${path}`);
const ROUTES = 'resource?namespace=shop&name=web&type=RDS&resource=shop/orders';

describe('GET explain/resource', () => {
  it('names every input with its revision, change and author', async () => {
    const { status, body } = await ask(admin, ROUTES);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      proxy: { namespace: 'shop', instance: 'web-0', workload: 'web' },
      resource: { type: 'RDS', name: 'shop/orders', about: { kind: 'Service', namespace: 'shop', name: 'orders' } },
      hidden: 0,
      policies: [
        { field: 'attempts', value: 2, from: { name: 'again', actor: 'ann' }, shadowed: [] },
        {
          field: 'requestMs',
          value: 5000,
          from: { name: 'five', actor: 'ann' },
          shadowed: [{ kind: 'TimeoutPolicy', namespace: 'bank', name: 'everywhere' }],
        },
      ],
    });
    const [service, route] = body.tree.from;
    expect(service).toMatchObject({
      what: 'Service shop/orders',
      written: { revision: 2, change: 'c-2', actor: 'root' },
    });
    expect(route).toMatchObject({
      what: 'HTTPRoute shop/orders',
      written: { revision: 3, change: 'c-3', actor: 'ann' },
    });
    expect(JSON.stringify(body)).not.toContain('labels');
  });

  it('leaves out what the caller may not read, and says how much that is', async () => {
    const { body } = await ask(shop, `${ROUTES}&full=true`);
    expect(body.hidden).toBe(2); // the policy of the bank as an input, and as one that lost
    expect(JSON.stringify(body)).not.toMatch(/bank|index/);
    expect(body.policies).toHaveLength(2);
    expect((await ask(shop, ROUTES)).body.tree.from).toHaveLength(3);
  });

  it.each([
    [
      'namespace=shop&name=nobody&type=RDS&resource=x',
      'no proxy shop/nobody is registered: there are shop/orders-0, shop/web-0',
    ],
    [
      'namespace=carts&name=web&type=RDS&resource=x',
      'no proxy carts/web is registered: there are bank/vault-0, shop/orders-0, shop/web-0',
    ],
    ['namespace=shop&name=web&type=LDS&resource=x', 'proxy shop/web has no LDS x: there are inbound/http, outbound'],
  ])('404 for %s says what there is', async (query, detail) => {
    expect(await ask(admin, `resource?${query}`)).toMatchObject({ status: 404, body: { detail } });
  });

  it('SEC-34 what one may not see is as if it were not there', async () => {
    const hidden = await ask(shop, 'resources?namespace=bank&name=vault');
    const absent = await ask(shop, 'resources?namespace=bank&name=nothing');
    expect([hidden.status, absent.status]).toEqual([404, 404]);
    expect(hidden.body.detail).toBe('no proxy bank/vault is registered');
    expect(absent.body.detail).toBe('no proxy bank/nothing is registered: there are shop/orders-0, shop/web-0');
    const foreign = await ask(shop, 'resource?namespace=shop&name=web&type=CDS&resource=bank/vault/80');
    expect(foreign).toMatchObject({ status: 404, body: { detail: expect.not.stringContaining('there are') } });
  });

  it('refuses what is no question by the name of the field', async () => {
    const { status, body } = await ask(admin, 'resource?namespace=shop&name=web&type=XDS&resource=a&mode=b');
    expect(status).toBe(400);
    expect(body.violations.map(({ path }: { path: string }) => path)).toEqual(['/type', '/mode']);
  });
});

describe('GET explain/resources', () => {
  it('lists what a proxy has, of what the caller may read', async () => {
    const all = (await ask(admin, 'resources?namespace=shop&name=web-0')).body;
    const own = (await ask(shop, 'resources?namespace=shop&name=web-0')).body;
    const names = (body: typeof all): string[] => body.resources.map((one: { name: string }) => one.name);
    expect(names(all)).toContain('bank/vault/80');
    expect(names(own).filter((name) => name.startsWith('bank'))).toEqual([]);
    expect(own.hidden).toBe(names(all).filter((name) => name.startsWith('bank')).length);
    expect(own.resources.length + own.hidden).toBe(all.resources.length);
  });
});

describe('GET explain/policy', () => {
  it('shows what it touches, and who wins over it', async () => {
    const { body } = await ask(admin, 'policy?kind=TimeoutPolicy&namespace=bank&name=everywhere');
    expect(body).toMatchObject({ total: 3, read: expect.any(Number), hidden: { resources: 0, proxies: 0, fields: 0 } });
    // orders has a policy of its own: read for it, and without effect there.
    expect(body.resources.map(({ name }: { name: string }) => name).sort()).toEqual(['bank/vault', 'shop/web']);
    expect(body.read).toBeGreaterThan(2);
    expect(body.loses).toMatchObject([{ place: expect.stringContaining('shop/orders'), from: { name: 'five' } }]);
  });

  it('counts what the caller may not read', async () => {
    const { body } = await ask(shop, 'policy?kind=TimeoutPolicy&namespace=shop&name=five');
    expect(body).toMatchObject({ hidden: { resources: 0, proxies: 1, fields: 1 }, total: 3 });
    expect(body.proxies.map(({ instance: name }: { instance: string }) => name).sort()).toEqual(['orders-0', 'web-0']);
    const foreign = await ask(shop, 'policy?kind=TimeoutPolicy&namespace=bank&name=everywhere');
    const absent = await ask(shop, 'policy?kind=TimeoutPolicy&namespace=bank&name=nothing');
    expect([foreign.body.detail, absent.body.detail]).toEqual([
      'there is no policy TimeoutPolicy bank/everywhere',
      'there is no policy TimeoutPolicy bank/nothing',
    ]);
  });

  it('a selector of labels counts', async () => {
    expect((await ask(teamA, 'policy?kind=TimeoutPolicy&namespace=shop&name=five')).status).toBe(200);
    expect((await ask(teamA, 'policy?kind=RetryPolicy&namespace=shop&name=again')).status).toBe(404);
  });
});

describe('POST explain/request', () => {
  const request = (caller: Caller, url: string) =>
    caller.call('POST', 'explain/request', { body: { from: { namespace: 'shop', name: 'web' }, url } });

  it('follows a request to its endpoints', async () => {
    const { status, body } = await request(shop, 'http://orders/v1/1');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      request: 'GET http://orders/v1/1',
      listener: 'outbound',
      destination: expect.stringMatching(/^shop\/orders\/80 by HTTPRoute\/shop\/orders\//),
      route: { by: { revision: 3, actor: 'ann' } },
      clusters: [
        { name: 'shop/orders/80', share: 1, endpoints: [{ address: '192.0.2.1:8080', instance: 'orders-0' }] },
      ],
    });
  });

  it('says nothing of what the caller may not read', async () => {
    expect((await request(admin, 'http://vault.bank/')).body.destination).toBe(
      'bank/vault/80 by Service/bank/vault/default',
    );
    expect(await request(shop, 'http://vault.bank/')).toMatchObject({
      status: 404,
      body: { detail: 'nothing that you may read takes this request' },
    });
  });

  it.each(['orders/v1', 'ftp://orders/', 'http://user@orders/', 'http:///x'])('refuses the URL %s', async (url) => {
    expect(await request(admin, url)).toMatchObject({ status: 400, body: { violations: [{ path: '/url' }] } });
  });
});

it('503 while nothing is compiled', async () => {
  const idle = await serveApi(database.url, { policies, replicaOf: api });
  try {
    const token = await api.token('admin', { name: 'second' });
    const path = '/api/v1/meshes/default/explain/resources?namespace=shop&name=web';
    expect(await idle.call('GET', path, { token })).toMatchObject({ status: 503, headers: expect.anything() });
  } finally {
    await idle.stop();
  }
});
