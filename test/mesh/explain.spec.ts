import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MESH, NAMESPACE } from '../../apps/demo/src/topology.js';
import { type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const service = (name: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]
---`;

const ROUTES = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: back, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: back }]
  rules:
    - name: canary
      matches: [{ headers: [{ name: x-canary, value: "yes" }] }]
      backendRefs: [{ name: next, port: 8080 }]
    - name: moved
      matches: [{ path: { type: PathPrefix, value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }]
    - name: gone
      matches: [{ path: { type: Exact, value: /gone } }]
      backendRefs: [{ name: gone, port: 8080 }]
    - name: v1
      matches: [{ path: { type: PathPrefix, value: /v1 } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /api } } }]
      backendRefs: [{ name: back, port: 8080 }]
---
apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: no-admin, namespace: shop }
spec:
  targetRef: { kind: Service, name: back }
  action: DENY
  rules:
    - to: [{ paths: [/api/admin] }]`;

interface Explained {
  readonly destination: string;
  readonly effects: readonly string[];
  readonly clusters: readonly {
    readonly endpoints: readonly { readonly address: string; readonly instance: string }[];
    readonly guards: readonly { readonly from: { readonly name: string } }[];
  }[];
  readonly others: readonly { readonly route: string; readonly reason: string }[];
}

let mesh: Mesh;
let front: Member;
let back: Member;
let next: Member;

beforeAll(async () => {
  mesh = await Mesh.start();
  await mesh.apply(['front', 'back', 'next', 'gone'].map(service).join(''));
  [front, back, next] = await Promise.all([mesh.join('front', 4), mesh.join('back', 5), mesh.join('next', 6)]);
  for (const host of ['back', 'next']) await untilStatus(200, () => sendRaw(front, { path: '/', host }));
  await mesh.apply(ROUTES);
  await untilStatus(403, () => sendRaw(front, { path: '/v1/admin', host: 'back' }));
});

afterAll(() => mesh?.stop());

const explain = (path: string, host: string, headers: Readonly<Record<string, string>> = {}): Promise<Explained> =>
  mesh.controlPlane.request<Explained>('POST', `/api/v1/meshes/${MESH}/explain/request`, {
    from: { namespace: NAMESPACE, name: 'front' },
    url: `http://${host}${path}`,
    headers,
  });

const endpoints = ({ clusters }: Explained): readonly string[] =>
  clusters.flatMap((cluster) => cluster.endpoints.map(({ instance }) => instance));

describe('explain of a request and a stock Envoy', () => {
  it.each([
    ['/v1/1', 'back', 'back'],
    ['/v1', 'back.shop:8080', 'back'],
    ['/', 'next', 'next'],
  ])('agree on who answers %s at %s', async (path, host, workload) => {
    const explained = await explain(path, host);
    const answer = await sendRaw(front, { path, host });
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining(workload) });
    expect(endpoints(explained)).toEqual([`${workload}-1`]);
    const { seen } = workload === 'back' ? back : next;
    const becomes = explained.effects
      .find((effect) => effect.startsWith('path becomes '))
      ?.slice('path becomes '.length);
    expect(becomes ?? path).toBe(seen.at(-1)?.path);
  });

  it('agree on a header', async () => {
    const explained = await explain('/x', 'back', { 'x-canary': 'yes' });
    const answer = await sendRaw(front, { path: '/x', host: 'back', headers: ['x-canary: yes'] });
    expect(answer.body).toContain('next');
    expect([explained.destination, endpoints(explained)]).toEqual([
      'shop/next/8080 by HTTPRoute/shop/back/canary',
      ['next-1'],
    ]);
  });

  it('agree that the longer path goes before the header', async () => {
    const explained = await explain('/v1/1', 'back', { 'x-canary': 'yes' });
    const answer = await sendRaw(front, { path: '/v1/1', host: 'back', headers: ['x-canary: yes'] });
    expect(answer.body).toContain('back');
    expect(endpoints(explained)).toEqual(['back-1']);
  });

  it.each([
    ['/old/x', 302, 'redirect 302 to http://back/new/x by HTTPRoute/shop/back/moved'],
    ['/none', 404, '404: no route of virtual host 8080 of shop/back matches'],
    ['/gone', 503, 'shop/gone/8080 by HTTPRoute/shop/back/gone'],
  ])('agree that %s gets %i', async (path, status, destination) => {
    const explained = await explain(path, 'back');
    expect((await sendRaw(front, { path, host: 'back' })).status).toBe(status);
    expect([explained.destination, endpoints(explained)]).toEqual([destination, []]);
  });

  it('names who may refuse it at the destination', async () => {
    expect((await sendRaw(front, { path: '/v1/admin', host: 'back' })).status).toBe(403);
    const { clusters } = await explain('/v1/admin', 'back');
    expect(clusters.flatMap(({ guards }) => guards.map(({ from }) => from.name))).toEqual(['no-admin']);
  });

  it('says why the others were not taken', async () => {
    const { others } = await explain('/v1/1', 'back');
    expect(others.map(({ route }) => route).sort()).toEqual([
      'HTTPRoute/shop/back/canary',
      'HTTPRoute/shop/back/gone',
      'HTTPRoute/shop/back/moved',
    ]);
  });
});
