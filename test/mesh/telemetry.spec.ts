import 'reflect-metadata';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OUTCOMES, type Outcome } from '#libs/telemetry';
import type { MeshSidecar } from '../../apps/demo/src/mesh-sidecar.js';
import { HTTP_PORT } from '../../apps/demo/src/topology.js';
import { type Harvested, HarvestRig, service } from './harvest-rig.js';

const VERSIONS = ['1.36.4', '1.40.0'];

const route = (name: string): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'shop' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/slow' } }],
        backendRefs: [{ name, port: HTTP_PORT }],
        timeouts: { request: '100ms' },
      },
      {
        matches: [{ path: { type: 'PathPrefix', value: '/flaky' } }],
        backendRefs: [{ name, port: HTTP_PORT }],
        retry: { attempts: 2, codes: [503], backoff: '25ms' },
      },
      { matches: [{ path: { type: 'PathPrefix', value: '/good' } }], backendRefs: [{ name, port: HTTP_PORT }] },
    ],
  },
});

const denied = (name: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { targetRef: { kind: 'Service', name }, action: 'ALLOW', rules: [] },
});

/** Answers as the path says, and a `/flaky` request at its second attempt. */
function application(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  if (path.startsWith('/slow')) return;
  if (path.startsWith('/good/reset')) {
    request.socket.destroy();
    return;
  }
  const isFirst = request.headers['x-envoy-attempt-count'] === '1';
  const said = Number(/\/(\d{3})/.exec(path)?.[1] ?? 200);
  response.statusCode = path.startsWith('/flaky') && isFirst ? 503 : said;
  response.end('hello');
}

let rig: HarvestRig;

beforeAll(async () => {
  rig = await HarvestRig.start();
});
afterAll(() => rig?.stop());

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  await expect.poll(holds, { message: what }).toBe(true);
}

/** Sums over all harvests from one workload to one service, as `<outcome> <status>: <requests>/<attempts>`. */
function sums(caller: string, callee: string, harvests: readonly Harvested[] = rig.harvests): Record<string, string> {
  const found = new Map<string, { requests: number; attempts: number }>();
  for (const edge of harvests.flatMap(({ edges }) => edges)) {
    if (edge.caller !== caller || edge.callee !== callee) continue;
    const key = `${edge.outcome} ${edge.status}`;
    const { requests, attempts } = found.get(key) ?? { requests: 0, attempts: 0 };
    found.set(key, { requests: requests + edge.requests, attempts: attempts + edge.attempts });
  }
  return Object.fromEntries([...found].map(([key, { requests, attempts }]) => [key, `${requests}/${attempts}`]).sort());
}

async function calls(count: number, from: MeshSidecar, host: string, path: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    // Each 16th is in the sample.
    const id = `${(i % 16).toString(16)}${crypto.randomUUID().slice(1)}`;
    await rig.call(from, host, path, [`x-request-id: ${id}`, 'cookie: session=topsecret', 'user-agent: agent-secret']);
  }
}

describe.each(VERSIONS)('Envoy %s', (envoy) => {
  const number = envoy.slice(2, 4);
  const index = 10 * (1 + VERSIONS.indexOf(envoy));
  const named = (name: string): string => `${name}${number}`;
  const [front, back, deny, noapp, gone] = ['front', 'back', 'deny', 'noapp', 'gone'].map(named) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const [from, toBack] = [`shop/${front}`, `shop/${back}/8080`];

  it('requests, attempts and failures come out as they were, with who, where and why', async () => {
    await rig.server.apply(service(back), service(deny), service(noapp), service(gone), route(back), denied(deny));
    const caller = await rig.join({ workload: front, index, version: 'v1', envoy });
    await rig.join({ workload: back, index: index + 1, version: 'v1', envoy, application });
    await rig.join({ workload: back, index: index + 2, version: 'v2', envoy, application });
    await rig.join({ workload: deny, index: index + 3, version: 'v1', envoy, application });
    await rig.join({ workload: noapp, index: index + 4, version: 'v1', envoy });
    const leaving = await rig.join({ workload: gone, index: index + 5, version: 'v1', envoy, application });
    await until('gone is reached', async () => (await rig.call(caller, gone)).status === 200);
    await until('back is reached', async () => (await rig.call(caller, back, '/good')).status === 200);
    await until('deny is reached', async () => (await rig.call(caller, deny)).status === 403);
    await until('noapp is reached', async () => (await rig.call(caller, noapp)).status === 503);
    await leaving.kill();
    await until('the warming up was told', () => sums(from, `shop/${noapp}/8080`)['refused 503'] !== undefined);
    const before = rig.harvests.length;

    await calls(64, caller, back, '/good/page?token=topsecret');
    await calls(4, caller, back, '/good/500');
    await calls(3, caller, back, '/good/404');
    await calls(3, caller, back, '/flaky');
    await calls(2, caller, back, '/slow');
    await calls(2, caller, back, '/good/reset');
    await calls(2, caller, back, '/good/429');
    await calls(2, caller, back, '/nowhere');
    await calls(2, caller, deny, '/');
    await calls(2, caller, noapp, '/');
    await calls(2, caller, gone, '/');
    const since = (): readonly Harvested[] => rig.harvests.slice(before);

    await expect
      .poll(() => sums(from, toBack, since()))
      .toEqual({
        // The callee's sidecar answers for what was reset behind it, so that nothing is retried.
        ...{ 'error 500': '4/4', 'error 503': '0/3', 'no_route 404': '2/0', 'reset 503': '2/2' },
        ...{ 'ok 200': '67/67', 'ok 404': '3/3', 'throttled 429': '2/2', 'timeout 0': '0/2', 'timeout 504': '2/0' },
      });
    expect(sums(from, `shop/${deny}/8080`, since())).toEqual({ 'denied 403': '2/2' });
    expect(sums(from, `shop/${noapp}/8080`, since())).toEqual({ 'refused 503': '2/2' });
    expect(sums(from, `shop/${gone}/8080`, since())).toEqual({ 'refused 0': '0/6', 'refused 503': '2/0' });

    const cells = since().flatMap(({ instances }) => instances.filter(({ callee }) => callee === toBack));
    expect(new Set(cells.map(({ instance, version }) => `${instance} ${version}`))).toEqual(
      new Set([`shop/${back}/${back}-${index + 1} v1`, `shop/${back}/${back}-${index + 2} v2`]),
    );
    const attempts = since().flatMap(({ edges }) => edges.filter(({ callee }) => callee === toBack));
    const total = (rows: readonly { readonly attempts: number }[]): number =>
      rows.reduce((sum, row) => sum + row.attempts, 0);
    expect(total(cells)).toBe(total(attempts));
    const zones = since().flatMap((harvest) => harvest.zones.filter(({ callee }) => callee === toBack));
    expect(total(zones)).toBe(total(attempts));
    for (const row of cells) expect(OUTCOMES).toContain(row.outcome);

    const failures = since().flatMap((harvest) => harvest.failures);
    const flaky = failures.filter(({ path }) => path === '/flaky');
    expect(flaky.map(({ what, outcome, attempt, route: by }) => [what, outcome, attempt, by])).toEqual(
      Array.from({ length: 3 }, () => ['attempt', 'error', 1, `HTTPRoute/shop/${back}/1`]),
    );
    const slow = failures.filter(({ path }) => path === '/slow');
    // A request and its attempt have the same id.
    expect([slow.length, new Set(slow.map(({ requestId }) => requestId)).size]).toEqual([4, 2]);
    expect(slow.every(({ outcome }): boolean => outcome === ('timeout' satisfies Outcome))).toBe(true);
    expect(rig.text).not.toMatch(/topsecret|agent-secret|cookie/);
  });
});
