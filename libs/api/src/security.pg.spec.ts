import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { type ServedApi, serveApi } from '../testing/served-api.js';
import { operationsOf } from './openapi.js';
import type { Operation } from './openapi.operation.js';
import { FIXED_OPERATIONS } from './openapi.operations.js';

let database: TestDatabase;
let api: ServedApi;
let operations: Operation[];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url);
  operations = operationsOf(api.deps.registry);
  // So that the mesh is not empty: nothing below may delete it.
  const spec = { ports: [{ name: 'http', port: 80, protocol: 'http' }] };
  const body = { apiVersion: 'heddle.dev/v1alpha1', spec };
  expect((await api.call('PUT', '/api/v1/meshes/default/namespaces/default/services/keep', { body })).status).toBe(201);
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

/** Sends bytes as they are: fetch would normalise them. */
async function raw(text: string): Promise<string> {
  const socket = connect(api.port, '127.0.0.1');
  await once(socket, 'connect');
  // Not ended from this side: half a connection is a request cut short.
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const line = (method: string, path: string, headers: string[] = []): string =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const concrete = (path: string): string =>
  path
    .replace('{mesh}', 'default')
    .replace('{namespace}', 'default')
    .replaceAll(/\{\w+\}/g, 'x');

describe('who may call', () => {
  it('SEC-32: no spelling of an address reaches data without a token', async () => {
    const closed = operations.filter(({ access }) => access !== 'anonymous');
    const spellings = (path: string): string[] => [
      path,
      `${path}/`,
      `/${path}`,
      path.toUpperCase(),
      path.replace('/api', '/%61pi'),
      path.replaceAll('/v1/', '/v1//'),
      path.replace('/v1/', '/v1%2f'),
      `${path};x=1`,
      `${path}?token=x`,
      `${path}#x`,
      `/livez/..${path}`,
    ];
    for (const { method, path } of closed) {
      for (const spelled of spellings(concrete(path))) {
        const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
        for (const verb of methods) {
          const answer = await raw(line(verb, spelled, ['X-HTTP-Method-Override: GET', 'Content-Length: 0']));
          expect([400, 401, 404], `${verb} ${spelled}`).toContain(statusOf(answer));
        }
      }
      expect(statusOf(await raw(line(method.toUpperCase(), concrete(path), ['Content-Length: 0'])))).toBe(401);
    }
  });

  it('SEC-34: another mesh looks like none', async () => {
    for (const { method, path } of operations.filter((o) => o.path.includes('{mesh}/'))) {
      const body = method === 'put' || method === 'post' ? {} : undefined;
      const answer = await api.call(method.toUpperCase(), concrete(path).replace('/default', '/other'), {
        body: method === 'patch' ? {} : body,
      });
      expect(answer.status, `${method} ${path}`).toBeOneOf([404, 400]);
      if (method === 'get') expect(answer.status).toBe(404);
    }
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer hdl_0000000000000000_00', 'Bearer a.b.c', 'bearer  x'])(
    'a header "%s" is 401 and says how to log in',
    async (authorization) => {
      const answer = await api.call('GET', '/api/v1/meshes', { token: '', headers: { authorization } });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="heddle"']);
    },
  );

  it('the description lists exactly the addresses that exist', async () => {
    const document = (await api.call('GET', '/api/openapi.json', { token: '' })).body;
    expect(document.openapi).toBe('3.1.0');
    const described = Object.entries<object>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((m) => `${m} ${path}`),
    );
    expect(described).toHaveLength(new Set(described).size);
    expect(described.length).toBeGreaterThan(FIXED_OPERATIONS.length);
    for (const { method, path } of operations) {
      const answer = await api.call(method.toUpperCase(), concrete(path));
      expect(answer.body?.type, `${method} ${path}`).not.toBe('urn:heddle:problem:no-such-endpoint');
    }
    const page = await api.call('GET', '/api/docs', { token: '' });
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    for (const [, asset] of (page.body as string).matchAll(/(?:href|src)="([^"]+)"/g)) {
      expect((await api.call('GET', asset ?? '', { token: '' })).status).toBe(200);
    }
  });
});

describe('what is sent', () => {
  const put = (headers: Record<string, string>, body: string) =>
    api.call('PUT', '/api/v1/meshes/default/namespaces/default/services/x', { body, headers });

  it.each([
    'text/plain',
    'application/json\tx',
    'application/json;charset=utf-16',
    'application/jsonx',
    'application/merge-patch+json',
    'application/x-www-form-urlencoded',
  ])('SEC-36: as %s is 415', async (type) => {
    expect((await put({ 'content-type': type }, '{}')).status).toBe(415);
  });

  it('SEC-36: as JSON in UTF-8 is read', async () => {
    const answer = await put({ 'content-type': 'application/json; charset=utf-8' }, '{}');
    expect(answer.body.type).toBe('urn:heddle:problem:invalid');
  });

  it.each([
    ['{"a":1,"a":2}', 'duplicate-name'],
    ['{"__proto__":{}}', 'forbidden-name'],
    ['{"a"', 'malformed-json'],
    [`${'['.repeat(10_000)}`, 'too-deep'],
  ])('SEC-37: %s is refused by name', async (body, code) => {
    const answer = await put({}, body);
    expect([answer.status, answer.body.type]).toEqual([400, `urn:heddle:problem:${code}`]);
  });

  it('SEC-37: with a field that is not one is 400 at every address', async () => {
    const bodies: [string, string, object][] = [
      ['POST', '/api/v1/tokens', { name: 'a', role: 'viewer', extra: 1 }],
      ['POST', '/api/v1/login/exchange', { token: 'a', extra: 1 }],
      ['POST', '/api/v1/meshes/default/apply', { manifests: [], extra: 1 }],
      ['POST', '/api/v1/meshes/default/namespaces/default/proxy-tokens', { workload: 'a', instance: 'a', extra: 1 }],
      [
        'PUT',
        '/api/v1/meshes/default/namespaces/default/instances/a',
        { workload: 'a', bind: { address: '10.0.0.1', ports: {} }, app: { ports: {} }, extra: 1 },
      ],
      [
        'PUT',
        '/api/v1/meshes/default',
        { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec: {}, extra: 1 },
      ],
    ];
    for (const [method, path, body] of bodies) {
      const answer = await api.call(method, path, { body });
      expect([answer.status, answer.body.violations?.[0]?.path], path).toEqual([400, '/extra']);
    }
  });

  it('SEC-38: as an object where a text belongs is 400', async () => {
    for (const name of [{ $ne: '' }, ['a'], null, 1]) {
      expect((await api.call('POST', '/api/v1/tokens', { body: { name, role: 'viewer' } })).status).toBe(400);
    }
    for (const name of ['%00', '..%2f..', "a'--", '%5B%5D']) {
      expect((await api.call('GET', `/api/v1/meshes/default/namespaces/default/services/${name}`)).status).toBe(404);
    }
  });

  it('SEC-39: too much of it is 413 long before its end, and compressed is 415', async () => {
    const announced = await raw(
      line(
        'PUT',
        '/api/v1/meshes/default',
        await withToken(['Content-Type: application/json', 'Content-Length: 100000000']),
      ),
    );
    expect(statusOf(announced)).toBe(413);
    expect(await streamed('/api/v1/meshes/default', 'PUT', 3_000_000)).toBe(413);
    expect(await streamed('/api/v1/meshes/default/apply', 'POST', 3_000_000)).toBe(400);
    expect(await streamed('/api/v1/meshes/default/apply', 'POST', 8_000_000)).toBe(413);
    expect((await put({ 'content-encoding': 'gzip' }, '{}')).status).toBe(415);
  });

  const withToken = async (headers: string[]): Promise<string[]> => [
    ...headers,
    `Authorization: Bearer ${await api.token('admin')}`,
  ];

  /** Sends chunk after chunk without announcing how many. */
  async function streamed(path: string, method: string, size: number): Promise<number> {
    const headers = { authorization: `Bearer ${await api.token('admin')}`, 'content-type': 'application/json' };
    const request = httpRequest({ port: api.port, host: '127.0.0.1', path, method, headers });
    const answered = once(request, 'response') as Promise<[{ statusCode: number; resume(): void }]>;
    request.on('error', () => {}); // the server ends the connection: the answer is what counts
    for (let sent = 0; sent < size && !request.destroyed; sent += 65_536) request.write('x'.repeat(65_536));
    request.end();
    const [response] = await answered;
    response.resume();
    return response.statusCode;
  }
});

describe('what comes back', () => {
  it('SEC-35: nothing for a foreign Host, nothing for a foreign page', async () => {
    for (const host of ['evil.test', 'localhost.evil.test', 'a@localhost', '127.0.0.1.evil.test:80']) {
      expect(statusOf(await raw(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)), host).toBe(421);
    }
    for (const host of ['localhost:8190', '127.0.0.1', '[::1]:1', 'heddle.test', 'LOCALHOST']) {
      expect(statusOf(await raw(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)), host).toBe(200);
    }
    const preflight = await api.call('OPTIONS', '/api/v1/meshes', {
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'PUT' },
    });
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('SEC-47: repeats nothing that could run in a browser', async () => {
    const script = '%3Cscript%3Ealert(1)%3C/script%3E';
    for (const path of [
      `/${script}`,
      `/api/v1/meshes/${script}`,
      `/api/v1/meshes/default/services?${script}=1`,
      '/%E0%A4%A',
    ]) {
      const answer = await api.call('GET', path);
      expect(answer.status).toBeOneOf([400, 404]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('x-powered-by')).toBeNull();
    }
    expect(JSON.stringify((await api.call('GET', `/${script}`)).body)).not.toContain('script');
  });

  it('is a status and nothing else without a token', async () => {
    expect((await api.call('GET', '/livez', { token: '' })).body).toEqual({ status: 'ok' });
    expect((await api.call('GET', '/readyz', { token: '' })).body).toEqual({ status: 'ready', xds: true, api: true });
    expect((await api.call('GET', '/metrics', { token: '' })).status).toBe(401);
    expect((await api.call('GET', '/metrics', { token: await api.token('viewer') })).body).toBe('up 1\n');
  });
});
