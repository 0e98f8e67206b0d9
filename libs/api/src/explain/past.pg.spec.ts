import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LiveMesh } from '#libs/changes';
import { MeshGraph } from '#libs/compiler';
import { ClusterSchema, encode, RouteConfigurationSchema } from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import type { HeldEntry, StoredResource } from '#libs/store';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { createTestDatabase, runStatements, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { aBinding, anExternalService, aRoute, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
/** Viewer in the namespace shop. */
let shop: Caller;
const MESH = 'default';
const MINUTE = 60_000;
const INSTANCES = [instance('shop/web-0'), instance('shop/orders-0'), instance('bank/vault-0')];
/** Held back by a test: what is being recompiled waits for it. */
let gate: Promise<void> = Promise.resolve();
let entered = (): void => {};

function compiled(rows: readonly StoredResource[]): MeshGraph {
  const graph = new MeshGraph({ mesh: MESH, policies });
  for (const row of rows) {
    const { apiVersion, kind, namespace, name, labels, annotations, spec, updatedRevision, createdRevision } = row;
    const metadata = { namespace: namespace || undefined, name, labels, annotations };
    const parsed = api.deps.registry.parse({ apiVersion, kind, metadata, spec }, MESH);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const id = { kind, namespace, name };
    graph.setResource(id, parsed.value.toDomain({ ...id, revision: updatedRevision, createdRevision }));
  }
  for (const one of INSTANCES) graph.setInstance(one);
  graph.pass();
  return graph;
}

async function liveMesh(): Promise<LiveMesh> {
  const { configRevision } = await api.store.identity();
  const { resources } = await api.store.resources.asOf(MESH, configRevision);
  return {
    ...{ graph: compiled(resources), configRevision, runtimeRevision: 0 },
    slice: () => ({ exhausted: () => false }),
    usersOf: () => [],
    isConnected: () => true,
  };
}

const cluster = (name: string) => ({ type: 'CDS', name, bytes: encode(ClusterSchema, { name }) });
const table = (name: string, text: string) => ({
  ...{ type: 'RDS', name },
  bytes: encode(RouteConfigurationSchema, { name, virtualHosts: [{ name: text, domains: ['*'] }] }),
});
type Resource = ReturnType<typeof cluster>;

/** What a proxy was seen to hold from so many minutes ago on. */
async function held(minutes: number, revision: number, resources: readonly Resource[], pins: readonly object[] = []) {
  const entries = resources.map(({ type, name, bytes }): HeldEntry => [type, name, contentHash(bytes)]);
  const hash = contentHash(JSON.stringify(entries));
  const own: HeldEntry = ['LDS', 'outbound', 'not stored'];
  await api.store.spans.write('test', {
    artifacts: resources.map((one, i) => ({ ...one, mesh: MESH, hash: entries[i]?.[2] ?? '', revision })),
    manifests: [
      { mesh: MESH, hash, base: undefined, entries },
      { mesh: MESH, hash: 'own', base: undefined, entries: [own] },
    ],
    starts: [
      {
        ...{ mesh: MESH, instance: 'shop/web-0', agoMs: minutes * MINUTE },
        held: { manifest: hash, own: 'own', pins: pins as never, revision },
      },
    ],
  });
}

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, {
    policies,
    live: () => liveMesh(),
    recompile: async (_, __, rows) => {
      entered();
      await gate;
      return { graph: compiled(rows), withheld: [] };
    },
  });
  admin = new Caller(api, await api.token('admin', { name: 'root' }));
  await given(
    admin,
    aService('shop/web'),
    aService('shop/orders'),
    aService('bank/vault'),
    anExternalService('shop/out'),
  ); // 2
  await given(admin, aRoute('shop/orders', 'shop/orders')); // 3
  await given(admin, aBinding('shop-viewers', 'viewer', 'shop', { namespaces: ['shop'] })); // 4
  await admin.apply([], [{ kind: 'HTTPRoute', namespace: 'shop', name: 'orders' }]); // 5
  shop = new Caller(api, await api.token('none', { name: 'sam', groups: ['shop'] }));
  await runStatements(database.url, [
    `UPDATE replica SET started_at = 0`,
    `UPDATE change SET at = now() - (ARRAY[60, 51, 31, 20, 11])[revision] * interval '1 minute'`,
  ]);
  const clusters = [cluster('shop/orders/80'), cluster('bank/vault/80'), cluster('shop/out/80')];
  await held(50, 2, [...clusters, table('shop/orders', 'old')]);
  await held(30, 3, [...clusters, table('shop/orders', 'new')]);
  const refusal = { type: 'RDS', hash: 'h', message: 'no' };
  await held(
    10,
    5,
    [...clusters, table('shop/orders', 'new')],
    [
      { ...refusal, name: 'shop/orders' },
      { ...refusal, name: 'bank/vault' },
    ],
  );
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const ask = (caller: Caller, question: string, query: Readonly<Record<string, string>>) =>
  caller.call('GET', `explain/${question}?${new URLSearchParams({ namespace: 'shop', name: 'web', ...query })}`);
const at = (caller: Caller, when: string, more: Readonly<Record<string, string>> = {}) =>
  ask(caller, 'at', { at: when, ...more });
const ORDERS = { type: 'RDS', resource: 'shop/orders' };

describe('GET explain/at', () => {
  it('is what the proxy held then, with the revisions of then', async () => {
    const { status, body } = await at(admin, '-40m', ORDERS);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      proxy: { namespace: 'shop', instance: 'web-0', workload: 'web' },
      ...{ registered: true, attached: true, replica: 'test', revision: 2, meshRevision: 2, hidden: 0, refused: [] },
      resource: {
        ...{
          type: 'RDS',
          name: 'shop/orders',
          revision: 2,
          about: { kind: 'Service', namespace: 'shop', name: 'orders' },
        },
        content: { name: 'shop/orders', virtualHosts: [{ name: 'old' }] },
        change: { change: 'c-2' },
      },
    });
    expect(body.until).toBeDefined();
    const later = await at(admin, '-20m', ORDERS);
    expect(later.body.resource).toMatchObject({ revision: 3, content: { virtualHosts: [{ name: 'new' }] } });
    expect((await at(admin, '-1m')).body).toMatchObject({ revision: 5, attached: true });
    expect((await at(admin, '-1m')).body.until).toBeUndefined();
  });

  it('knows the kind of what a resource is about, and whose the others are', async () => {
    const { body } = await at(admin, '-1m');
    const abouts = body.resources.map(
      ({ type, name, about }: { type: string; name: string; about: { kind: string; name: string } }) =>
        [type, name, about.kind, about.name].join(' '),
    );
    expect(abouts).toEqual([
      'CDS bank/vault/80 Service vault',
      'CDS shop/orders/80 Service orders',
      'CDS shop/out/80 ExternalService out',
      'LDS outbound Proxy web-0',
      'RDS shop/orders Service orders',
    ]);
    expect(body.services).toContainEqual({
      about: { kind: 'Service', namespace: 'shop', name: 'orders' },
      instances: [{ namespace: 'shop', name: 'orders-0', state: 'unknown' }],
    });
  });

  it('says nothing of what the caller may not read, but how much that is', async () => {
    const { body } = await at(shop, '-1m');
    expect(JSON.stringify(body)).not.toContain('vault');
    expect(body).toMatchObject({ hidden: 3, refused: [{ name: 'shop/orders', message: 'no' }] });
    expect((await at(shop, '-1m', { type: 'CDS', resource: 'bank/vault/80' })).body).toMatchObject({
      status: 404,
      detail: 'proxy shop/web has no CDS bank/vault/80',
    });
    const foreign = await shop.call('GET', 'explain/at?namespace=bank&name=vault&at=-1m');
    expect(foreign.body).toMatchObject({ status: 404, detail: 'no proxy bank/vault is registered' });
  });

  it('of a change it is what the proxy had of it', async () => {
    for (const [change, revision] of [
      ['c-2', 2],
      ['c-3', 3],
      // It changed nothing of what the proxy holds.
      ['c-4', 3],
      ['c-5', 5],
    ] as const)
      expect((await at(admin, change)).body).toMatchObject({ revision });
    expect((await at(admin, 'c-9')).body).toMatchObject({
      status: 404,
      detail: 'there is no config revision 9 of this mesh: the newest of all is 5',
    });
    expect(await at(admin, 'c-1')).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('first record') },
    });
  });

  it('says when nothing is known, and the nearest time of which something is', async () => {
    const { status, body } = await at(admin, '-55m');
    expect([status, body.type]).toEqual([404, 'urn:heddle:problem:nothing-known']);
    const [, next = ''] = /the first record after it is of (\S+)/.exec(body.detail) ?? [];
    expect((await at(admin, next)).body).toMatchObject({ revision: 2 });
    const orders = await admin.call('GET', 'explain/at?namespace=shop&name=orders&at=-1m');
    expect(orders.body.detail).toMatch(
      /nothing is known of what shop\/orders-0 .* nothing has been recorded of it since/,
    );
    const nobody = await admin.call('GET', 'explain/at?namespace=shop&name=nobody&at=-1m');
    expect(nobody.body.detail).toBe('no proxy shop/nobody is registered: there are shop/orders-0, shop/web-0');
  });

  it('knows a proxy that is gone by its own name', async () => {
    await api.store.spans.write('test', {
      ...{ artifacts: [], manifests: [] },
      starts: [
        {
          ...{ mesh: MESH, instance: 'shop/gone-0', agoMs: MINUTE },
          held: { manifest: 'none', own: 'own', pins: [], revision: 5 },
        },
      ],
    });
    const { body } = await admin.call('GET', 'explain/at?namespace=shop&name=gone-0&at=-0s');
    expect(body).toMatchObject({ registered: false, proxy: { instance: 'gone-0', workload: '' } });
  });

  it.each([
    [{ at: '2026-11-23T14:02' }, /\/at: say of which time zone it is: 2026-11-23T14:02Z for UTC/],
    [{ at: '2999-01-01T00:00Z' }, /\/at: is later than now/],
    [{ at: '-1m', type: 'RDS' }, /\/resource: give type and resource together/],
    [{ at: '-1m', type: 'EDS', resource: 'shop/orders/80' }, /\/type: CDS, LDS, SRDS or RDS: of endpoints/],
    [{}, /\/at: /],
  ])('refuses %j', async (query, detail) => {
    expect(await ask(admin, 'at', query)).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(detail) },
    });
  });
});

describe('GET explain/revision', () => {
  const revision = (caller: Caller, of: string, more: Readonly<Record<string, string>> = {}) =>
    ask(caller, 'revision', { revision: of, ...more });

  it('is compiled of the resources of then', async () => {
    const then = await revision(admin, '3', ORDERS);
    expect(then).toMatchObject({ status: 200, body: { revision: 3, head: 5, withheld: [], hidden: 0 } });
    expect(then.body.resource).toMatchObject({ now: 'other' });
    expect(JSON.stringify(then.body.resource.content)).toContain('HTTPRoute/shop/orders/0');
    const before = await revision(admin, '2', ORDERS);
    expect(before.body.resource).toMatchObject({ now: 'same' });
    const first = await revision(admin, '1');
    expect(first.body.resources.map(({ name }: { name: string }) => name)).not.toContain('shop/orders/80');
    expect(first.body.added.map(({ name }: { name: string }) => name)).toContain('shop/orders/80');
  });

  it('says nothing of what the caller may not read', async () => {
    const { body } = await revision(shop, '3');
    expect(JSON.stringify(body)).not.toContain('vault');
    expect(body.hidden).toBeGreaterThan(0);
  });

  it('one at a time', async () => {
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const isCompiling = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const first = revision(admin, '3');
    await isCompiling;
    const second = await revision(admin, '3');
    open();
    expect(second).toMatchObject({ status: 503, body: { type: 'urn:heddle:problem:busy' } });
    expect(second.headers.get('retry-after')).toBe('2');
    expect((await first).status).toBe(200);
    expect((await revision(admin, '3')).status).toBe(200);
  });

  it.each([
    ['9', 404, /no config revision 9 of this mesh: the newest of all is 5/],
    ['0', 400, /\/revision: a config revision: a number from 1/],
    ['c-3', 400, /\/revision: a config revision/],
  ])('refuses %s', async (of, status, detail) => {
    expect(await revision(admin, of)).toMatchObject({ status, body: { detail: expect.stringMatching(detail) } });
  });

  it('refuses what history no longer has, with the oldest that it has', async () => {
    await runStatements(database.url, ['UPDATE history_range SET lower = 3 WHERE lower = 0']);
    expect(await revision(admin, '1')).toMatchObject({
      status: 410,
      body: { detail: 'history was cut: the oldest revision is 2' },
    });
    await runStatements(database.url, ['UPDATE history_range SET lower = 0 WHERE lower = 3']);
  });
});
