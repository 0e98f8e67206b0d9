import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { StagedView } from '#libs/changes';
import { until } from '../../apps/demo/src/narrator.js';
import { OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { Load } from './load.js';
import { HTTP_PORT, type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const PATIENCE_MS = 300_000;
const STAGED = '/api/v1/meshes/default/staged';
const service = (name: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: ${HTTP_PORT}, protocol: http }]`;

/** Adds a header to requests, so that one sees which callers have the route. */
const marked = (mark: string, match = '{ path: { type: PathPrefix, value: / } }'): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - matches: [${match}]
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: { set: [{ name: x-mark, value: "${mark}" }] }
      backendRefs: [{ name: orders, port: ${HTTP_PORT} }]`;
const DENY = `
apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: orders, namespace: shop }
spec:
  targetRef: { kind: Service, name: orders }
  action: DENY
  rules: [{ to: [{ paths: ["/*"] }] }]`;
const REGEX = '{ path: { type: RegularExpression, value: "/(a|b|c|d|e|f|g|h){1,9}(x|y|z){1,9}.*" } }';

let mesh: Mesh;
let callers: Member[];
let orders: Member;

beforeAll(async () => {
  mesh = await Mesh.start();
  await mesh.apply(`${service('web')}\n---${service('orders')}\n---${marked('old')}`);
  orders = await mesh.join('orders', 1);
  // Four hosts, whose Envoys refuse large regular expressions.
  callers = await Promise.all(
    [2, 3, 4, 5].map((index) => mesh.join('web', index, { name: `web-${index}`, maxRegexProgram: 40 })),
  );
  for (const caller of callers) await untilStatus(200, () => sendRaw(caller, { path: '/', host: 'orders' }));
});
afterAll(() => mesh?.stop());

/** Which callers' requests bear which mark now. */
async function marks(): Promise<string[]> {
  const found: string[] = [];
  for (const caller of callers) {
    const { status } = await sendRaw(caller, { path: '/', host: 'orders' });
    found.push(status === 200 ? String(orders.seen.at(-1)?.headers['x-mark']) : String(status));
  }
  return found;
}

/** True once exactly the members have the mark, and the others another one. */
async function membersHave(id: string, mark: string, other: string): Promise<boolean> {
  const { members, seen } = await look(id);
  const wanted = callers.map(({ sidecar }) => (members.includes(`shop/${sidecar.plan.name}`) ? mark : other));
  const found = await marks();
  if (String(found) !== String(wanted)) throw new Error(`${found} instead of ${wanted}`);
  return seen?.acked === members.length;
}

async function tryOut(text: string, trial: object): Promise<string> {
  const manifests = parseAllDocuments(text).map((document): unknown => document.toJS());
  const answer = await mesh.controlPlane.request<{ change: string; staged?: string }>(
    'POST',
    '/api/v1/meshes/default/apply',
    { manifests, trial },
  );
  return answer.staged ?? answer.change;
}
const look = (id: string): Promise<StagedView> => mesh.controlPlane.request('GET', `${STAGED}/${id}`);
const reaches = (id: string, state: StagedView['state'], wave?: number): Promise<StagedView> =>
  until(`${id} is ${state}`, PATIENCE_MS, async () => {
    const view = await look(id);
    if (view.state !== state || (wave !== undefined && view.wave !== wave)) throw new Error(JSON.stringify(view));
    return view;
  });
const act = (id: string, what: string): Promise<StagedView> =>
  mesh.controlPlane.request('POST', `${STAGED}/${id}/${what}`);

describe('a canary', () => {
  it('goes to two of five first, then to all, and stays', async () => {
    const id = await tryOut(marked('new'), { canary: [25], observeSeconds: 2 });
    const first = await reaches(id, 'canary', 1);
    expect(first.members).toHaveLength(2);
    await until('its members have it', PATIENCE_MS, () => membersHave(id, 'new', 'old'));
    const seen = await until('they are seen', PATIENCE_MS, async () => {
      const { seen: found } = await look(id);
      return found?.given === 2 && found;
    });
    expect(Object.keys(seen.hosts)).toHaveLength(2);
    const done = await reaches(id, 'done');
    expect(done.change).toMatch(/^c-\d+$/);
    await until('all have it', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'new'));
    const history = await mesh.controlPlane.request<{ items: { change: string; actor: string }[] }>(
      'GET',
      '/api/v1/meshes/default/history',
    );
    expect(history.items[0]).toMatchObject({ change: done.change });
  });

  it('is taken back when the Envoys of two hosts refuse it, and nobody else was given it', async () => {
    const refused = (): Promise<number> => mesh.controlPlane.metric('xds_nacks_total');
    const before = await refused();
    const id = await tryOut(marked('regex', REGEX), { canary: [50], observeSeconds: 1 });
    const view = await reaches(id, 'reverted');
    expect(view.reason).toMatch(/^refused on 127\.0\.40\.\d, 127\.0\.40\.\d.*: RDS shop\/orders: .*regex/i);
    expect(await refused()).toBeGreaterThanOrEqual(before + 2);
    await until('all have what they had', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'new'));
    const status = await mesh.controlPlane.request<{ items: { types: { state: string }[] }[] }>(
      'GET',
      '/api/v1/meshes/default/proxies',
    );
    expect(status.items.flatMap(({ types }) => types.map(({ state }) => state))).not.toContain('NACKED');
  });

  it('is taken back when the failures of its proxies rise on two hosts, while others go on as before', async () => {
    await mesh.apply(service('nowhere'));
    const loads = callers.map(
      ({ sidecar }) => new Load({ host: sidecar.plan.outbound, port: OUTBOUND_HTTP_PORT, authority: 'orders' }, 1),
    );
    try {
      await until('requests flow', PATIENCE_MS, async () => loads.every(({ total }) => total > 50));
      const failedBefore = loads.map(({ failures }) => failures.length);
      expect(failedBefore).toEqual([0, 0, 0, 0]);
      const broken = marked('broken').replace('name: orders, port', 'name: nowhere, port');
      const id = await tryOut(broken, { canary: [50], observeSeconds: 600 });
      const { members } = await reaches(id, 'canary');
      const view = await reaches(id, 'reverted');
      expect(view.reason).toMatch(/^failures rose on 127.*: \d+(\.\d)? % of \d+ requests failed \(.*\), 0 % before$/);
      await until('all have what they had', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'new'));
      callers.forEach(({ sidecar }, i) => {
        const isMember = members.includes(`shop/${sidecar.plan.name}`);
        expect((loads[i]?.failures.length ?? 0) > 0, sidecar.plan.name).toBe(isMember);
      });
    } finally {
      await Promise.all(loads.map((load) => load.stop()));
    }
  });

  it('keeps others from writing what it holds, and can be ended by hand', async () => {
    const id = await tryOut(marked('mine'), { canary: [50], observeSeconds: 600 });
    await until('its members have it', PATIENCE_MS, () => membersHave(id, 'mine', 'new'));
    await expect(mesh.apply(marked('yours'))).rejects.toThrow(new RegExp(`409.*is in ${id}`));
    const second = await tryOut(service('other'), { canary: [50] });
    expect(await look(second)).toMatchObject({ state: 'queued', reason: `${id} is open` });
    expect(await act(id, 'revert')).toMatchObject({ state: 'reverted', reason: 'taken back by demo' });
    await until('nobody has it', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'new'));
    await reaches(second, 'canary');
    await act(second, 'revert');
  });

  it('holds back nothing else: a policy that denies reaches everybody, members too', async () => {
    const id = await tryOut(marked('open'), { canary: [50], observeSeconds: 600 });
    await until('its members have it', PATIENCE_MS, () => membersHave(id, 'open', 'new'));
    await mesh.apply(DENY);
    await until('all are denied', PATIENCE_MS, async () => (await marks()).every((mark) => mark === '403'));
    expect(await look(id)).toMatchObject({ state: 'canary' });
    await mesh.remove('authorizationpolicies', 'orders');
    await act(id, 'revert');
    await until('all have what they had', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'new'));
  });

  it('goes on where it was when the control plane was killed', async () => {
    const id = await tryOut(marked('survivor'), { canary: [50], observeSeconds: 600 });
    await until('its members have it', PATIENCE_MS, () => membersHave(id, 'survivor', 'new'));
    const had = await marks();
    await mesh.controlPlane.kill();
    expect(await marks()).toEqual(had);
    await mesh.controlPlane.start();
    await until('its proxies are back', PATIENCE_MS, () => membersHave(id, 'survivor', 'new'));
    await act(id, 'promote');
    await until('all have it', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'survivor'));
  });
});

describe('a change to be confirmed', () => {
  it('is taken back when nobody does, also when the control plane was away at that time', async () => {
    const id = await tryOut(marked('unconfirmed'), { confirmWithinSeconds: 4 });
    await until('all have it', PATIENCE_MS, async () => (await marks()).every((mark) => mark === 'unconfirmed'));
    await mesh.controlPlane.kill();
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    await mesh.controlPlane.start();
    const view = await reaches(id, 'reverted');
    expect(view.reason).toBe('nobody confirmed it within 4 s');
    await until('all have what they had', PATIENCE_MS, async () => (await marks()).every((m) => m === 'survivor'));
  });

  it('stays when somebody does', async () => {
    const id = await tryOut(marked('confirmed'), { confirmWithinSeconds: 600 });
    await reaches(id, 'watched');
    expect(await act(id, 'confirm')).toMatchObject({ state: 'done', reason: 'confirmed by demo' });
    expect(await marks()).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed']);
  });
});
