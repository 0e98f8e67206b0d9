import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChanges } from '#libs/changes';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import {
  aBinding,
  anExternalService,
  aPolicy,
  aRole,
  aRoute,
  aService,
  Caller,
  given,
  refusal,
} from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';
import { AccessControl } from './access-control.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
/** Editor in the namespace shop. */
let shop: Caller;
/** Editor of what has the label team=a, in the namespace shop. */
let teamA: Caller;
const A = { team: 'a' };
const B = { team: 'b' };

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, { policies });
  admin = new Caller(api, await api.token('admin'));
  await given(
    admin,
    aService('shop/mine', A),
    aService('shop/theirs', B),
    aService('bank/vault'),
    aBinding('shop-editors', 'editor', 'shop', { namespaces: ['shop'] }),
    aBinding('team-a', 'editor', 'team-a', { namespaces: ['shop'], selector: { matchLabels: A } }),
  );
  shop = await Caller.of(api, 'sam', 'shop');
  teamA = await Caller.of(api, 'ann', 'team-a');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

describe('a role in a namespace', () => {
  it('is one there and nowhere else, and says what is missing and who has it', async () => {
    expect((await shop.apply([aService('shop/new')])).status).toBe(200);
    const refused = await shop.call('PUT', 'namespaces/bank/services/vault', { body: aService('bank/vault') });
    expect(refused.body).toMatchObject({
      status: 403,
      detail:
        'this needs create Service bank/vault in mesh default: editor, operator, admin include it; an admin of mesh default can give it by a RoleBinding',
      missing: { verb: 'create', kind: 'Service', mesh: 'default', namespace: 'bank', name: 'vault' },
    });
    expect(refusal(await shop.call('GET', 'namespaces/bank/services/vault'))).toEqual([403, 'get Service']);
    expect(refusal(await shop.call('GET', 'namespaces/bank/services/nothing'))).toEqual([403, 'get Service']);
  });

  it('shows what is there and nothing else', async () => {
    expect(await admin.names('services')).toContain('bank/vault');
    expect(await shop.names('services')).toEqual(['shop/mine', 'shop/new', 'shop/theirs']);
    expect((await shop.call('GET', '/api/v1/meshes')).body.items).toHaveLength(1);
    expect((await (await Caller.of(api, 'nobody')).call('GET', '/api/v1/meshes')).body.items).toEqual([]);
  });

  it('does not reach the mesh as a whole, nor what is about security', async () => {
    expect(refusal(await shop.apply([aPolicy('RetryPolicy', 'shop/all', 'mesh')]))).toEqual([
      403,
      'create RetryPolicy',
    ]);
    expect(refusal(await shop.apply([aPolicy('AuthorizationPolicy', 'shop/deny')]))).toEqual([
      403,
      'create AuthorizationPolicy',
    ]);
    expect(refusal(await shop.call('PATCH', '/api/v1/meshes/default', { body: { spec: {} } }))).toEqual([
      403,
      'update Mesh',
    ]);
    expect((await shop.apply([aPolicy('RetryPolicy', 'shop/own')])).status).toBe(200);
  });

  it('refuses all of a request for one resource of it, and names each', async () => {
    const answer = await shop.apply(
      [aService('shop/late'), aService('bank/x')],
      [{ kind: 'Service', namespace: 'bank', name: 'vault' }],
    );
    expect(answer.status).toBe(403);
    expect(answer.body.violations.map((v: { resource: { name: string } }) => v.resource.name)).toEqual(['x', 'vault']);
    expect((await admin.call('GET', 'namespaces/shop/services/late')).status).toBe(404);
    expect((await shop.call('POST', 'apply', { body: { manifests: [aService('bank/x')], dryRun: true } })).status).toBe(
      403,
    );
  });

  it('is told that a host name is taken, not by whom', async () => {
    const named = (at: string) => {
      const document = aService(at);
      return { ...document, spec: { ...document.spec, hostnames: ['pay.example.com'] } };
    };
    await given(admin, named('bank/vault'));
    const taken = async (who: Caller) => (await who.apply([named('shop/new')])).body.detail;
    expect(await taken(shop)).toContain('"pay.example.com" already belongs to another service');
    expect(await taken(admin)).toContain('"pay.example.com" already belongs to bank/vault');
  });

  it('shows of the past what is its own, and how much is not', async () => {
    await given(admin, aService('shop/both'), aService('bank/both'), aService('bank/more'));
    await given(admin, aService('bank/secret'));
    const { items } = (await shop.call('GET', 'history')).body;
    expect(JSON.stringify(items)).not.toMatch(/bank|RoleBinding/);
    expect(items[0]).toMatchObject({ items: [{ name: 'both' }], hidden: 2 });
    expect((await admin.call('GET', 'history')).body.items[0]).not.toHaveProperty('hidden');
    const few = (await shop.call('GET', 'history?limit=2')).body.items as { revision: number }[];
    expect(few).toEqual(items.slice(0, 2));
  });
});

describe('SEC-48: of two admins, each of a namespace,', () => {
  it('none writes or reads anything of any kind in that of the other', async () => {
    await given(
      admin,
      aBinding('shop-admins', 'admin', 'shop-admins', { namespaces: ['shop'] }),
      aBinding('bank-admins', 'admin', 'bank-admins', { namespaces: ['bank'] }),
    );
    const both = [
      [await Caller.of(api, 'sid', 'shop-admins'), 'shop', 'bank'],
      [await Caller.of(api, 'bea', 'bank-admins'), 'bank', 'shop'],
    ] as const;
    const kinds = api.deps.registry.kinds.filter(({ scope }) => scope === 'namespace');
    expect(kinds.length).toBeGreaterThan(7);
    for (const [who, own, foreign] of both) {
      for (const { kind, plural } of kinds) {
        for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
          const at = (namespace: string) => who.call(method, `namespaces/${namespace}/${plural}/none`);
          expect(refusal(await at(foreign)), `${method} ${kind}`).toEqual([403, expect.stringContaining(kind)]);
          expect((await at(own)).status, `${method} ${kind}`).not.toBe(403);
        }
        const gone = await who.apply([], [{ kind, namespace: foreign, name: 'none' }]);
        expect(refusal(gone), kind).toEqual([403, `delete ${kind}`]);
      }
      expect((await who.call('GET', `namespaces/${foreign}/instances`)).status).toBe(403);
      const shown = (await who.call('GET', 'services')).body.items as { metadata: { namespace: string } }[];
      expect(new Set(shown.map(({ metadata }) => metadata.namespace))).toEqual(new Set([own]));
    }
  });
});

describe('SEC-48: a policy or route acts on', () => {
  it('what is in the caller’s namespace, or consents by a ReferenceGrant', async () => {
    const foreign = [aPolicy('RetryPolicy', 'shop/foreign', 'bank/vault')];
    const refused = await shop.apply(foreign);
    expect([...refusal(refused), refused.body.detail]).toEqual([
      403,
      'create RetryPolicy',
      expect.stringContaining('it acts on Service bank/vault'),
    ]);
    await given(admin, {
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'shop', namespace: 'bank' },
      spec: {
        from: [{ group: 'heddle.dev', kind: 'RetryPolicy', namespace: 'shop' }],
        to: [{ group: '', kind: 'Service', name: 'vault' }],
      },
    });
    expect((await shop.apply(foreign)).status).toBe(200);
    expect((await shop.apply([aPolicy('TimeoutPolicy', 'shop/foreign', 'bank/vault')])).status).toBe(403);
  });

  it.each([
    ['a policy', () => aPolicy('TimeoutPolicy', 'shop/p', 'shop/theirs', A)],
    ['a policy of the namespace', () => aPolicy('TimeoutPolicy', 'shop/p', undefined, A)],
    ['a policy on what is not there', () => aPolicy('TimeoutPolicy', 'shop/p', 'shop/nothing', A)],
    ['a route', () => aRoute('shop/p', 'shop/theirs', A)],
    ['a route of all its callers', () => aRoute('shop/p', 'bank/vault', A)],
    ['a namesake', () => anExternalService('shop/theirs', A)],
    ['something without the label', () => aService('shop/p')],
    ['something with another label', () => aService('shop/p', B)],
  ])('what has the caller’s label: %s is refused', async (_, document) => {
    expect((await teamA.apply([document()])).status).toBe(403);
  });

  it.each([
    ['a policy', () => aPolicy('TimeoutPolicy', 'shop/q', 'shop/mine', A)],
    ['a route', () => aRoute('shop/q', 'shop/mine', A)],
    ['something new', () => aService('shop/q', A)],
    ['an external service', () => anExternalService('shop/q2', A)],
  ])('what has the caller’s label: %s is taken', async (_, document) => {
    const answer = await teamA.apply([document()]);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  });

  it('what comes with it in the same request', async () => {
    const both = [aService('shop/pair', A), aPolicy('TimeoutPolicy', 'shop/pair', 'shop/pair', A)];
    expect((await teamA.apply(both)).status).toBe(200);
    const stolen = [aService('shop/pair', B), aPolicy('TimeoutPolicy', 'shop/pair', 'shop/pair', A)];
    expect((await teamA.apply(stolen)).status).toBe(403);
  });
});

describe('SEC-34: labels are a border', () => {
  const relabel = (labels: object) => ({ body: { metadata: { labels } } });

  it('that no object is moved across', async () => {
    expect(refusal(await teamA.call('PATCH', 'namespaces/shop/services/mine', relabel({ team: 'b' })))).toEqual([
      403,
      'update Service',
    ]);
    expect((await teamA.call('PATCH', 'namespaces/shop/services/theirs', relabel({ team: 'a' }))).status).toBe(404);
    expect(
      (await teamA.call('PUT', 'namespaces/shop/services/theirs', { body: aService('shop/theirs', A) })).status,
    ).toBe(403);
    expect((await admin.call('GET', 'namespaces/shop/services/theirs')).body.metadata.labels).toEqual(B);
    expect((await teamA.call('PATCH', 'namespaces/shop/services/mine', relabel({ tier: 'x' }))).status).toBe(200);
  });

  it('behind which things look like things that are not there', async () => {
    expect(await teamA.names('services')).not.toContain('shop/theirs');
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', {}]] as const) {
      const at = async (name: string) => {
        const answer = await teamA.call(method, `namespaces/shop/services/${name}`, body ? { body } : {});
        return [answer.status, JSON.stringify({ ...answer.body, requestId: '' }).replaceAll(name, 'x')];
      };
      expect(await at('theirs')).toEqual(await at('nowhere'));
      expect((await at('theirs'))[0]).toBe(404);
    }
    const gone = (name: string) => teamA.apply([], [{ kind: 'Service', namespace: 'shop', name }]);
    expect([(await gone('theirs')).status, (await gone('nowhere')).status]).toEqual([404, 404]);
  });

  it('also when the label changes between the decision and the write', async () => {
    const control = new AccessControl({
      registry: api.deps.registry,
      resources: api.store.resources,
      policies: api.deps.roles,
    });
    const [, id = ''] = teamA.token.split('_');
    const info = (await api.deps.auth.listApiTokens()).find((one) => one.id === id);
    if (!info) throw new Error('no such token');
    await given(admin, aService('shop/contested', A));
    const authorize = control.authorizer({ type: 'api', ...info }, 'default');
    let asked = 0;
    const changes = createChanges({ ...api.deps, store: api.store, live: () => Promise.resolve(undefined) });
    const result = await changes.apply({
      mesh: 'default',
      actor: { name: 'ann', role: 'none', ip: '', requestId: '' },
      message: '',
      documents: [{ ...aService('shop/contested', { ...A, mine: 'again' }) }],
      async authorize(writes) {
        const verdict = await authorize(writes);
        asked += 1;
        if (asked === 1) await given(admin, aService('shop/contested', B));
        return verdict;
      },
    });
    expect([asked, result]).toMatchObject([2, { ok: false, error: { code: 'forbidden' } }]);
    expect((await admin.call('GET', 'namespaces/shop/services/contested')).body.metadata.labels).toEqual(B);
  });

  it('for instances and tokens of proxies, too', async () => {
    await given(
      admin,
      aRole('hosts', {
        verbs: ['*'],
        kinds: ['Instance', 'ProxyToken'],
        selector: { matchLabels: { workload: 'web' } },
      }),
      aBinding('hosts', 'hosts', 'hosts', { namespaces: ['shop'] }),
    );
    const hosts = await Caller.of(api, 'hal', 'hosts');
    const put = (name: string, workload: string, port: number) =>
      hosts.call('PUT', `namespaces/shop/instances/${name}`, {
        body: {
          workload,
          bind: { address: '10.1.2.3', ports: { http: port } },
          app: { ports: { http: 80 } },
          outbound: { address: `127.101.0.${port - 9000}` },
          labels: { workload },
        },
      });
    expect((await put('web-1', 'web', 9001)).status).toBe(201);
    expect((await put('pay-1', 'pay', 9002)).status).toBe(403);
    const proxyToken = (workload: string) =>
      hosts.call('POST', 'namespaces/shop/proxy-tokens', { body: { workload, instance: `${workload}-1` } });
    expect([(await proxyToken('web')).status, (await proxyToken('pay')).status]).toEqual([201, 403]);
    await admin.call('PUT', 'namespaces/shop/instances/pay-1', {
      body: {
        workload: 'pay',
        bind: { address: '10.1.2.4', ports: { http: 80 } },
        app: { ports: { http: 80 } },
        labels: { workload: 'pay' },
      },
    });
    expect((await hosts.call('GET', 'instances')).body.items.map((one: { name: string }) => one.name)).toEqual([
      'web-1',
    ]);
    expect((await hosts.call('GET', 'namespaces/shop/instances/pay-1')).status).toBe(404);
    expect((await hosts.call('DELETE', 'namespaces/shop/instances/pay-1')).status).toBe(404);
  });
});
