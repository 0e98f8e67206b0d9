import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { idleRuntime, type ServedApi, serveApi } from '../testing/served-api.js';
import { severable } from '../testing/severable.js';

let database: TestDatabase;
let api: ServedApi;
const left: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const runtime = idleRuntime({
    deregister: (_, namespace, name, waitMs) =>
      Promise.resolve({ acked: left.push(`${namespace}/${name} ${waitMs}`) > 0 }),
  });
  api = await serveApi(database.url, { runtime });
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

describe('API tokens', () => {
  it('SEC-46: the one-time token makes one named admin token and dies', async () => {
    const exchange = (token: string) =>
      api.call('POST', '/api/v1/login/exchange', { token: '', body: { token, name: 'first' } });
    const first = await exchange(api.oneTimeToken);
    expect([first.status, first.body.role, first.body.name]).toEqual([201, 'admin', 'first']);
    expect((await api.call('GET', '/api/v1/tokens', { token: first.body.token })).status).toBe(200);
    expect((await exchange(api.oneTimeToken)).status).toBe(401);
  });

  it('SEC-44: are shown once, listed without secrets, and end when revoked', async () => {
    const made = await api.call('POST', '/api/v1/tokens', { body: { name: 'ci', role: 'viewer', ttlDays: 1 } });
    expect(made.status).toBe(201);
    expect(made.body.token).toMatch(/^hdl_/);
    const { token, id } = made.body;
    const listed = await api.call('GET', '/api/v1/tokens');
    expect(JSON.stringify(listed.body)).not.toContain(token.split('_')[2]);
    expect(listed.body.items.find((t: { id: string }) => t.id === id)).toMatchObject({
      name: 'ci',
      role: 'viewer',
      revoked: false,
    });
    expect((await api.call('GET', '/api/v1/meshes', { token })).status).toBe(200);
    expect((await api.call('DELETE', `/api/v1/tokens/${id}`)).status).toBe(204);
    expect((await api.call('GET', '/api/v1/meshes', { token })).status).toBe(401);
    expect((await api.call('DELETE', '/api/v1/tokens/nothing')).status).toBe(404);
  });

  it('SEC-44: a dump of the database logs nobody in', async () => {
    const token = await api.token('admin');
    const tables = (await database.rows(
      "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
    )) as { name: string }[];
    const rows: unknown[] = [];
    for (const { name } of tables) rows.push(...(await database.rows(`SELECT to_jsonb(t) AS row FROM ${name} t`)));
    const dump = JSON.stringify(rows);
    const [, id = '', secret = ''] = token.split('_');
    expect([tables.length > 10, dump.includes(id), dump.includes(secret)]).toEqual([true, true, false]);
    const [stored] = (await database.rows(`SELECT secret_hash FROM api_token WHERE id = '${id}'`)) as {
      secret_hash: string;
    }[];
    const forged = `hdl_${id}_${stored?.secret_hash}`;
    expect((await api.call('GET', '/api/v1/meshes', { token: forged })).status).toBe(401);
  });

  it('REL-39: are made once for one Idempotency-Key', async () => {
    const make = (name: string) =>
      api.call('POST', '/api/v1/tokens', { body: { name, role: 'viewer' }, headers: { 'idempotency-key': 'k' } });
    const first = await make('a');
    expect((await make('a')).body).toEqual(first.body);
    expect((await make('b')).status).toBe(422);
  });

  it.each([{ role: 'root' }, { ttlDays: 366 }, { ttlDays: 0 }, { name: '<b>' }])(
    'are not made with %j',
    async (wrong) => {
      expect((await api.call('POST', '/api/v1/tokens', { body: { name: 'a', role: 'viewer', ...wrong } })).status).toBe(
        400,
      );
    },
  );
});

const NAMESPACE = '/api/v1/meshes/default/namespaces/shop';
const body = (overrides: object = {}) => ({
  workload: 'orders',
  bind: { address: '10.1.2.3', ports: { http: 8080 } },
  app: { ports: { http: 8080 } },
  ...overrides,
});
const proxyToken = async (overrides: object = {}) =>
  (
    await api.call('POST', `${NAMESPACE}/proxy-tokens`, {
      body: { workload: 'orders', instance: 'orders-1', ...overrides },
    })
  ).body;

describe('proxy tokens', () => {
  it('are made, renewed by their holder, and revoked', async () => {
    const made = await proxyToken({ labels: { version: 'v1' }, ttlDays: 2 });
    expect(made).toMatchObject({ nodeId: 'default/shop/orders/orders-1', jti: expect.any(String) });
    const renewed = await api.call('POST', '/api/v1/tokens/renew', { token: made.token });
    expect([renewed.status, Object.keys(renewed.body).sort()]).toEqual([201, ['expiresAt', 'token']]);
    expect((await api.call('POST', '/api/v1/tokens/renew')).status).toBe(403);
    expect((await api.call('GET', '/api/v1/meshes', { token: made.token })).status).toBe(403);
    expect((await api.call('DELETE', `/api/v1/meshes/default/proxy-tokens/${made.jti}`)).status).toBe(204);
    for (const { token } of [made, renewed.body])
      expect((await api.call('POST', '/api/v1/tokens/renew', { token })).status).toBe(401);
  });

  it.each([{ workload: 'A' }, { instance: '*' }, { instance: 'a*b' }, { addresses: ['10.0.0.1'] }, { ttlDays: 91 }])(
    'are not made with %j',
    async (wrong) => {
      const answer = await api.call('POST', `${NAMESPACE}/proxy-tokens`, {
        body: { workload: 'orders', instance: 'a', ...wrong },
      });
      expect([answer.status, answer.body.violations.length > 0]).toEqual([400, true]);
    },
  );
});

describe('instances', () => {
  it('register, are listed, and leave', async () => {
    const { token } = await proxyToken({ labels: { version: 'v1' } });
    const path = `${NAMESPACE}/instances/orders-1`;
    const put = await api.call('PUT', path, { token, body: body() });
    expect([put.status, put.body.labels]).toEqual([201, { workload: 'orders', version: 'v1' }]);
    expect((await api.call('PUT', path, { token, body: body() })).status).toBe(200);
    expect((await api.call('GET', '/api/v1/meshes/default/instances')).body.items).toHaveLength(1);
    expect((await api.call('GET', `${NAMESPACE}/instances`)).body.items[0]).toMatchObject({
      name: 'orders-1',
      status: { routable: false },
    });
    expect((await api.call('DELETE', `${path}?wait=31`, { token })).status).toBe(400);
    expect((await api.call('DELETE', `${path}?wait=3`, { token })).body).toEqual({ acked: true });
    expect(left).toEqual(['shop/orders-1 3000']);
    expect((await api.call('DELETE', `${NAMESPACE}/instances/nobody`)).status).toBe(404);
  });

  it('SEC-1, SEC-13: are what their token grants and nothing else', async () => {
    const { token } = await proxyToken({ instance: 'orders-*', labels: { version: 'v1' }, addresses: ['10.1.0.0/16'] });
    const put = (name: string, overrides: object, namespace = 'shop') =>
      api.call('PUT', `/api/v1/meshes/default/namespaces/${namespace}/instances/${name}`, {
        token,
        body: body(overrides),
      });
    const refused = [
      await put('payments-1', {}),
      await put('orders-2', {}, 'other'),
      await put('orders-2', { workload: 'payments' }),
      await put('orders-2', { labels: { version: 'v2' } }),
      await put('orders-2', { labels: { team: 'a' } }),
      await put('orders-2', { bind: { address: '10.2.0.1', ports: { http: 8080 } } }),
      await put('orders-2', { advertised: '10.2.0.1' }),
      // Prometheus would ask whom the sidecar names: its own host, or any other.
      await put('orders-2', { metrics: { address: '127.0.0.1', port: 9090 } }),
    ];
    expect(refused.map((answer) => answer.status)).toEqual(refused.map(() => 403));
    const paths = refused.slice(-2).map((answer) => answer.body.violations[0].path);
    expect(paths).toEqual(['/advertised', '/metrics/address']);
    const elsewhere = await api.call('PUT', '/api/v1/meshes/other/namespaces/shop/instances/orders-2', {
      token,
      body: body(),
    });
    expect(elsewhere.status).toBe(404);
    expect((await put('orders-2', { bind: { address: '10.1.9.9', ports: { http: 8080 } } })).status).toBe(201);
  });

  it('SEC-13: keep their name to their workload, whoever asks', async () => {
    const path = '/api/v1/meshes/default/namespaces/shop/instances/shared-1';
    const put = (token: string | undefined, workload: string, port: number) =>
      api.call('PUT', path, {
        ...(token ? { token } : {}),
        body: body({ workload, bind: { address: '10.1.8.8', ports: { http: port } } }),
      });
    expect((await put(undefined, 'orders', 8080)).status).toBe(201);
    const { token } = await proxyToken({ workload: 'payments', instance: 'shared-*', addresses: ['10.1.0.0/16'] });
    const taken = await Promise.all([put(token, 'payments', 8081), put(undefined, 'payments', 8081)]);
    expect(taken.map(({ status, body: problem }) => [status, problem.detail])).toEqual(
      taken.map(() => [409, expect.stringMatching(/shop\/shared-1 belongs to the workload orders: take another name/)]),
    );
  });

  it('of one host do not share an address and port', async () => {
    const put = (name: string, overrides: object) =>
      api.call('PUT', `${NAMESPACE}/instances/${name}`, { body: body({ host: 'vm-9', ...overrides }) });
    expect((await put('vm9-a', {})).status).toBe(201);
    const clash = await put('vm9-b', { outbound: { address: '127.101.0.1' } });
    expect([clash.status, clash.body.detail]).toEqual([409, expect.stringContaining('shop/vm9-a')]);
    const both = await Promise.all(
      ['vm9-c', 'vm9-d'].map((name) =>
        put(name, { bind: { address: '10.1.2.3', ports: { http: 9000 } }, outbound: { address: '127.102.0.1' } }),
      ),
    );
    expect(both.map((answer) => answer.status).sort()).toEqual([201, 409]);
  });
});

describe('when something is away', () => {
  it('REL-2: a lost database is 503 with Retry-After and its name, and readiness is split', async () => {
    const lost = await createTestDatabase();
    const way = await severable(lost.url);
    const other = await serveApi(way.url);
    try {
      await way.sever();
      const answer = await other.call('GET', '/api/v1/meshes');
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
      expect(answer.body.detail).toContain('test database');
      const ready = await other.call('GET', '/readyz', { token: '' });
      expect([ready.status, ready.body]).toEqual([200, { status: 'ready', xds: true, api: false }]);
      expect((await other.call('GET', '/readyz/api', { token: '' })).status).toBe(503);
    } finally {
      await other.stop().catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error;
      });
      await lost.drop();
    }
  });

  it('SEC-45: guessing gets 429, whatever X-Forwarded-For says; a good token goes on', async () => {
    const good = await api.token('viewer');
    expect((await api.call('GET', '/api/v1/meshes', { token: good })).status).toBe(200);
    const guess = (i: number) =>
      api.call('GET', '/api/v1/meshes', {
        token: `hdl_${String(i).padStart(16, '0')}_${'0'.repeat(64)}`,
        headers: { 'x-forwarded-for': `10.0.0.${i}` },
      });
    expect((await guess(0)).status).toBe(401);
    await Promise.all(Array.from({ length: 40 }, (_, i) => guess(i)));
    const last = await guess(99);
    expect([last.status, Number(last.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await api.call('GET', '/api/v1/meshes', { token: good })).status).toBe(200);
  });
});
