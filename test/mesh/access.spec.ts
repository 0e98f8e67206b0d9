import 'reflect-metadata';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { selfSigned } from '../self-signed.js';
import { exchange, HTTP_PORT, type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const SERVICES = `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: front, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]
---
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: back, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]`;

const NO_ADMIN = `
apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: no-admin, namespace: shop }
spec:
  targetRef: { kind: Service, name: back }
  action: DENY
  rules:
    - to: [{ paths: [/admin, /admin/*] }]`;

const routeTo = (service: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: back, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: back }]
  rules:
    - backendRefs: [{ name: ${service}, port: 8080 }]`;

let mesh: Mesh;
let front: Member;
let back: Member;

beforeAll(async () => {
  mesh = await Mesh.start();
  await mesh.apply(SERVICES);
  [front, back] = await Promise.all([mesh.join('front', 1), mesh.join('back', 2)]);
  await untilStatus(200, () => sendRaw(front, { path: '/', host: 'back' }));
});

afterAll(() => mesh?.stop());

/** What an application that decodes and resolves paths on its own takes a path for. */
function taken(path: string): string {
  const decoded = decodeURIComponent(path.replace(/[?#].*/, ''))
    .replaceAll('\\', '/')
    .replaceAll(/\/+/g, '/');
  return new URL(decoded, 'http://x').pathname;
}

describe('a denied path, through two stock Envoys', () => {
  beforeAll(async () => {
    await mesh.apply(NO_ADMIN);
    await untilStatus(403, () => sendRaw(front, { path: '/admin', host: 'back' }));
  });
  afterAll(() => mesh.remove('authorizationpolicies', 'no-admin'));

  it.each([
    '/admin',
    '/admin/',
    '/admin/users?x=1',
    '//admin',
    '///admin//users',
    '/./admin',
    '/x/../admin',
    '/x/y/../../admin/users',
    '/../admin',
    '/%61dmin',
    '/%61%64%6d%69%6e/users',
    '/%2e/admin',
    '/x/%2e%2e/admin',
    '/x/%2E%2E/admin',
    '/x/.%2e/admin',
    '/x%2f..%2fadmin',
    '/x/..%2fadmin',
    '/%2fadmin',
    '/%2Fadmin/users',
    '/admin%2fusers',
    '/admin%5cusers',
    '/x/..%5cadmin',
    '/x\\..\\admin',
    '\\admin',
    '/admin#x',
    '/admin?x#y',
    'http://back/admin',
    'http://back//admin',
    'http://front/../admin',
  ])('SEC-51 %s does not reach the application as what is denied', async (path) => {
    back.seen.length = 0;
    const { status } = await sendRaw(front, { path, host: 'back' });
    expect(back.seen.map((request) => taken(request.path)).filter((way) => /^\/admin(\/|$)/.test(way))).toEqual([]);
    expect([200, 400, 403, 404]).toContain(status);
  });

  it('SEC-51 what is not denied arrives', async () => {
    const answer = await sendRaw(front, { path: '/administrator?next=/admin', host: 'back' });
    expect(answer).toMatchObject({ status: 200 });
  });
});

describe('a name, through two stock Envoys', () => {
  it.each(['back', 'back:8080', 'back.shop', 'back.shop.default.mesh:8080'])('%s is the service', async (host) => {
    front.seen.length = 0;
    expect(await sendRaw(front, { path: '/', host })).toMatchObject({ status: 200 });
    expect(front.seen).toEqual([]);
  });

  it.each([
    'BACK',
    'Back.Shop',
    'back.',
    'back.shop.',
    'back:80',
    'back@front',
    'back,front',
    'back:8080:8080',
    'bacK:x',
  ])('SEC-52 %s is the service or nobody, never another one', async (host) => {
    front.seen.length = 0;
    const { status } = await sendRaw(front, { path: '/', host });
    expect([200, 400, 404]).toContain(status);
    expect(front.seen).toEqual([]);
  });

  it('SEC-53 a header with an underscore, which some applications read as a dash, is refused', async () => {
    back.seen.length = 0;
    const { status } = await sendRaw(front, { path: '/', host: 'back', headers: ['x_role: admin'] });
    expect([status, back.seen]).toEqual([400, []]);
  });

  it('SEC-56 what a caller claims about its certificate is replaced by what was verified', async () => {
    back.seen.length = 0;
    const headers = ['x-forwarded-client-cert: URI=spiffe://default.heddle.local/shop/admin'];
    await sendRaw(front, { path: '/', host: 'back', headers });
    expect(back.seen[0]?.headers['x-forwarded-client-cert']).toContain('URI=spiffe://default.heddle.local/shop/front');
    expect(back.seen[0]?.headers['x-forwarded-client-cert']).not.toContain('shop/admin');
  });
});

describe('what a caller claims', () => {
  it('SEC-56 about its address, its path before rewrites and what Envoy is to do reaches no application', async () => {
    back.seen.length = 0;
    const forged = [
      'x-envoy-internal: true',
      'x-envoy-original-path: /admin',
      'x-envoy-external-address: 203.0.113.9',
      'x-envoy-decorator-operation: forged',
      'x-envoy-upstream-alt-stat-name: forged',
      'x-envoy-upstream-rq-timeout-ms: 1',
      'x-envoy-upstream-rq-per-try-timeout-ms: 1',
      'x-envoy-max-retries: 99',
      'x-envoy-retry-on: 5xx',
      'x-envoy-ip-tags: trusted',
      'x-envoy-force-trace: true',
      'x-envoy-attempt-count: 77',
    ];
    const { status } = await sendRaw(front, { path: '/', host: 'back', headers: forged });
    const headers = back.seen[0]?.headers ?? {};
    const arrived = Object.entries(headers).filter(([name]) => name.startsWith('x-envoy-'));
    expect([status, arrived]).toEqual([200, [['x-envoy-attempt-count', '1']]]);
    expect(JSON.stringify(headers)).not.toContain('forged');
  });
});

describe('names and paths that look like patterns', () => {
  const policy = (rules: string, action = 'DENY'): string => `
apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: literal, namespace: shop }
spec:
  targetRef: { kind: Service, name: back }
  action: ${action}
  rules:
    - ${rules}`;
  const statuses = (paths: readonly string[]) =>
    Promise.all(paths.map(async (path) => (await sendRaw(front, { path, host: 'back' })).status));

  it('SEC-54 of paths are taken literally', async () => {
    await mesh.apply(policy(`to: [{ paths: ['/a.c', '/x+', '/g(12)$', '/p.q/*'] }]`));
    const denied = ['/a.c', '/x+', '/g(12)$', '/p.q/', '/p.q/r'];
    await untilStatus(403, () => sendRaw(front, { path: '/a.c', host: 'back' }));
    expect(await statuses(denied)).toEqual(denied.map(() => 403));
    const others = ['/abc', '/axc', '/x', '/xx', '/g12', '/pxq/', '/p.q2/r'];
    expect(await statuses(others)).toEqual(others.map(() => 200));
    await mesh.remove('authorizationpolicies', 'literal');
  });

  it.each(['fron', 'front1', 'ront'])('SEC-54 of callers are taken whole: %s is not front', async (workload) => {
    await mesh.apply(policy(`from: [{ workloads: [shop/${workload}] }]`, 'ALLOW'));
    const { body } = await untilStatus(403, () => sendRaw(front, { path: '/', host: 'back' }));
    expect(body).toContain('RBAC');
    await mesh.remove('authorizationpolicies', 'literal');
  });

  it.each(['*', 'fro.t', 'fr[o]nt', 'front|back'])('SEC-54 %s is no caller', async (name) => {
    const manifests = [parse(policy(`from: [{ workloads: ['shop/${name}'] }]`, 'ALLOW'))];
    const applied = mesh.controlPlane.request('POST', '/api/v1/meshes/default/apply', { manifests });
    await expect(applied).rejects.toThrow(/ 400 .*rules.*from/s);
  });
});

describe('a caller without an identity of the mesh', () => {
  const head = ['GET / HTTP/1.1', 'Host: back', 'Connection: close'];
  const target = () => ({ port: HTTP_PORT, host: back.sidecar.plan.bind });
  const tls = (options: object) =>
    connectTls({ ...target(), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...options });

  it('SEC-55 in plain text gets nothing', async () => {
    back.seen.length = 0;
    expect(await exchange(connect(target()), head)).toEqual({ status: 0, body: '' });
    expect(back.seen).toEqual([]);
  });

  it('SEC-55 without a certificate gets nothing', async () => {
    back.seen.length = 0;
    expect(await exchange(tls({}), head)).toEqual({ status: 0, body: '' });
    expect(back.seen).toEqual([]);
  });

  it.each([
    ['its SPIFFE id from another authority', [{ type: 'url', value: 'spiffe://default.heddle.local/shop/front' }]],
    [
      'a DNS name that is spelled like a SPIFFE id',
      [{ type: 'dns', value: 'spiffe://default.heddle.local/shop/front' }],
    ],
  ] as const)('SEC-55 with %s gets nothing', async (_, names) => {
    back.seen.length = 0;
    const { certificate: cert, key } = await selfSigned(names);
    expect(await exchange(tls({ cert, key }), head)).toEqual({ status: 0, body: '' });
    expect(back.seen).toEqual([]);
  });
});

describe('a reference to what is not there', () => {
  const call = () => sendRaw(front, { path: '/', host: 'back' });
  const conditions = async (): Promise<string> => {
    const path = '/api/v1/meshes/default/namespaces/shop/httproutes/back';
    const { status } = await mesh.controlPlane.request<{ status: unknown }>('GET', path);
    return JSON.stringify(status);
  };
  afterAll(() => mesh.remove('httproutes', 'back'));

  it('is accepted with a warning, shown as a condition, and its traffic gets 500, nobody else’s answer', async () => {
    front.seen.length = 0;
    back.seen.length = 0;
    const { warnings } = await mesh.apply(routeTo('nowhere'));
    expect(warnings.map((warning) => warning.message).join()).toContain('nowhere');
    await untilStatus(500, call);
    expect([...front.seen, ...back.seen]).toEqual([]);
    expect(await conditions()).toMatch(/"type":"ResolvedRefs","status":"False"/);
  });

  it('is resolved by what comes, and deleting that warns and is 500 again', async () => {
    await mesh.apply(`${SERVICES.slice(0, SERVICES.indexOf('---')).replace('front', 'nowhere')}
  selector: { matchLabels: { app: back } }`);
    await untilStatus(200, call);
    expect(await conditions()).toMatch(/"type":"ResolvedRefs","status":"True"/);
    expect(JSON.stringify(await mesh.remove('services', 'nowhere'))).toContain('HTTPRoute');
    await untilStatus(500, call);
  });
});

describe('a policy that another one shadows', () => {
  const timeout = (name: string, target: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: TimeoutPolicy
metadata: { name: ${name}, namespace: shop }
spec: { targetRef: { kind: Service, name: back${target} }, request: 3s }`;

  it('is accepted with a warning that names the other', async () => {
    expect((await mesh.apply(timeout('port', ', sectionName: http'))).warnings).toEqual([]);
    const { warnings } = await mesh.apply(timeout('service', ''));
    expect(warnings).toMatchObject([
      {
        resource: { kind: 'TimeoutPolicy', name: 'service' },
        code: 'shadowed',
        message: expect.stringMatching(/^has no effect: shadowed by TimeoutPolicy shop\/port/),
      },
    ]);
  });
});
