import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProxyOfRevisionView, ProxyThenView } from '#libs/api';
import { ofRevisionText, thenText } from '../../apps/cli/src/explain/past.js';
import { Terminal } from '../../apps/cli/src/testing/terminal.js';
import { sleep, until } from '../../apps/demo/src/narrator.js';
import { MESH, NAMESPACE } from '../../apps/demo/src/topology.js';
import { type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const PATIENCE_MS = 120_000;
const LEASE_EVERY_MS = 5_000;

const service = (name: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]
---`;

const route = (path: string, type = 'PathPrefix'): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: back, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: back }]
  rules:
    - matches: [{ path: { type: ${type}, value: "${path}" } }]
      backendRefs: [{ name: back, port: 8080 }]`;

/** Too large a program for the Envoy of picky. */
const REGEX = '/(c|[d-k]{1,20}x|[l-z]{1,30}y).*';

let mesh: Mesh;
let front: Member;
let picky: Member;
let user: Terminal;
/** Times at which what was delivered had been recorded, by what it was. */
const times: Record<string, string> = {};
const revisions: Record<string, number> = {};

const ask = <T>(path: string, query: Readonly<Record<string, string>>): Promise<T> =>
  mesh.controlPlane.request<T>(
    'GET',
    `/api/v1/meshes/${MESH}/explain/${path}?${new URLSearchParams({ namespace: NAMESPACE, ...query })}`,
  );
const then = (name: string, at: string): Promise<ProxyThenView> => ask('at', { name, at });
const tableThen = (name: string, at: string): Promise<ProxyThenView> =>
  ask('at', { name, at, type: 'RDS', resource: 'shop/back' });
const content = async (name: string, at: string): Promise<string> =>
  JSON.stringify((await tableThen(name, at)).resource?.content);
const get = (from: Member, path: string) => sendRaw(from, { path, host: 'back' });
const now = (): string => new Date().toISOString();

/** Applies it, waits until it is delivered and what that did is recorded. */
async function change(what: string, text: string): Promise<void> {
  const { change: id } = await mesh.apply(text);
  revisions[what] = Number(id.slice('c-'.length));
  await until(`${what} is recorded`, PATIENCE_MS, async () => {
    for (const name of ['front', 'picky']) {
      const { revision } = await then(name, '-0s');
      if (revision !== revisions[what]) throw new Error(`${name} is at ${revision}`);
    }
    return true;
  });
  times[what] = now();
  await sleep(1_500);
}

beforeAll(async () => {
  mesh = await Mesh.start();
  await mesh.apply(['front', 'back', 'picky'].map(service).join(''));
  times['before'] = now();
  [front, , picky] = await Promise.all([
    mesh.join('front', 21),
    mesh.join('back', 22),
    mesh.join('picky', 23, { maxRegexProgram: 20 }),
  ]);
  await untilStatus(200, () => get(front, '/'));
  await change('A', route('/a'));
  await untilStatus(200, () => get(front, '/a'));
  await change('B', route('/b'));
  await untilStatus(200, () => get(picky, '/b'));
  await change('C', route(REGEX, 'RegularExpression'));
  await untilStatus(200, () => get(front, '/c'));
  // A process that is killed is known to have lived until it last renewed its lease.
  await sleep(LEASE_EVERY_MS + 500);
  await mesh.controlPlane.kill();
  await sleep(1_000);
  times['away'] = now();
  await sleep(1_000);
  await mesh.controlPlane.start();
  await until('everybody is back', PATIENCE_MS, async () => {
    const all = await Promise.all(['front', 'picky'].map((name) => then(name, '-0s')));
    return all.every(({ attached, since }) => attached && since > (times['away'] ?? ''));
  });
  times['back'] = now();
  const { url, token } = mesh.controlPlane;
  user = new Terminal({ HEDDLE_SERVER: url, HEDDLE_TOKEN: token, HEDDLE_NAMESPACE: NAMESPACE });
});

afterAll(async () => {
  await user?.close();
  await mesh?.stop();
});

describe('what a stock Envoy was running', () => {
  it.each([
    ['front', 'A', '"pathSeparatedPrefix":"/a', '/a'],
    ['front', 'B', '"pathSeparatedPrefix":"/b', '/b'],
    ['front', 'C', '[d-k]', REGEX],
    ['picky', 'B', '"pathSeparatedPrefix":"/b', '/b'],
    // What it refused it did not run.
    ['picky', 'C', '"pathSeparatedPrefix":"/b', '/b'],
  ])('%s after %s', async (name, what, text) => {
    const found = await tableThen(name, times[what] ?? '');
    expect(found).toMatchObject({ attached: true, replica: 'demo', registered: true, revision: revisions[what] });
    expect(JSON.stringify(found.resource?.content)).toContain(text);
    const confirmed = name === 'picky' && what === 'C' ? 'B' : what;
    expect(found.resource?.change?.change).toBe(`c-${revisions[confirmed]}`);
    expect(await content(name, `c-${revisions[what]}`)).toContain(text);
  });

  it('names what was refused then, and only then', async () => {
    const [before, after, other] = await Promise.all([
      then('picky', times['B'] ?? ''),
      then('picky', times['C'] ?? ''),
      then('front', times['C'] ?? ''),
    ]);
    expect(after.refused).toMatchObject([
      { type: 'RDS', name: 'shop/back', about: { kind: 'Service' }, message: expect.stringMatching(/regex|program/i) },
    ]);
    expect([before.refused, other.refused]).toEqual([[], []]);
    expect(thenText(after)).toContain('refused: it ran what it had before\n└─ RDS shop/back: ');
    expect((await get(picky, '/b')).status).toBe(200);
  });

  it('while the control plane was dead: what it had, unattached', async () => {
    const found = await tableThen('front', times['away'] ?? '');
    expect(found).toMatchObject({ attached: false, revision: revisions['C'] });
    expect(found.until && found.until <= (times['away'] ?? '')).toBe(true);
    expect(JSON.stringify(found.resource?.content)).toContain('[d-k]');
    expect(thenText(found)).toContain('not attached to a replica then: this is what it had last');
  });

  it('after the restart: what it refuses once more is still not what it runs', async () => {
    for (const name of ['front', 'picky'])
      expect(await then(name, times['back'] ?? '')).toMatchObject({ attached: true });
    expect(await content('front', times['back'] ?? '')).toContain('[d-k]');
    expect(await content('picky', times['back'] ?? '')).toContain('"pathSeparatedPrefix":"/b');
  });

  it('lists clusters, listeners and routes with their hashes, the same for the same', async () => {
    const [a, b] = [await then('front', times['A'] ?? ''), await then('front', times['B'] ?? '')];
    const named = ({ resources }: ProxyThenView) =>
      new Map(resources.map((one) => [`${one.type} ${one.name}`, one.hash]));
    expect([...named(a).keys()]).toEqual(
      expect.arrayContaining(['CDS shop/back/8080', 'CDS inbound/http', 'LDS outbound', 'RDS shop/back']),
    );
    expect([...named(a).keys()].filter((name) => /^(EDS|SDS)/.test(name))).toEqual([]);
    const changed = [...named(b)].filter(([name, hash]) => named(a).get(name) !== hash).map(([name]) => name);
    expect(changed).toEqual(['RDS shop/back']);
    expect(a.services).toContainEqual({
      about: { kind: 'Service', namespace: 'shop', name: 'back' },
      instances: [{ namespace: 'shop', name: 'back-1', state: 'routable' }],
    });
    expect(thenText(a)).toMatch(/^RDS +shop\/back +Service shop\/back +[0-9a-f]{12} +r\d+ *$/m);
    expect(thenText(a)).toContain('Service shop/back: back-1 routable');
  });

  it('is not known before it first came', async () => {
    const { url, token } = mesh.controlPlane;
    const query = new URLSearchParams({ namespace: NAMESPACE, name: 'front', at: times['before'] ?? '' });
    const response = await fetch(`${url}/api/v1/meshes/${MESH}/explain/at?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      type: 'urn:heddle:problem:nothing-known',
      detail: expect.stringMatching(/shop\/front-1 .* the first record after it is of 20/),
    });
  });
});

describe('what it would be sent of an older revision', () => {
  it('is recompiled', async () => {
    const revision = `${revisions['A']}`;
    const found = await ask<ProxyOfRevisionView>('revision', {
      name: 'front',
      revision,
      type: 'RDS',
      resource: 'shop/back',
    });
    expect(JSON.stringify(found.resource?.content)).toContain('"pathSeparatedPrefix":"/a');
    expect(found.resource?.now).toBe('other');
    const others = found.resources
      .filter(({ now: today }) => today !== 'same')
      .map(({ type, name }) => `${type} ${name}`);
    expect([others, found.added, found.withheld]).toEqual([['RDS shop/back'], [], []]);
    // As it was really sent.
    expect((await tableThen('front', times['A'] ?? '')).resource?.hash).toBe(found.resource?.hash);
    const { resource: _, ...rest } = found;
    expect(ofRevisionText(rest)).toContain("recompiled, with today's compiler and today's instances");
    expect(ofRevisionText(rest)).toMatch(/RDS +shop\/back +Service shop\/back +[0-9a-f]{12} +another content/);
  });
});

describe('at a terminal', () => {
  const since = (revision: string) => `c-${revisions[revision]}`;

  it('heddle explain --at', async () => {
    const { code, out } = await user.heddle('explain', 'picky', '--at', since('C'));
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        `^shop/picky-1 at 20\\S+Z\\n├─ revision ${revisions['C']}, .*; the mesh was at ${revisions['C']}\\n└─ attached to demo, held from 20\\S+Z to 20\\S+Z\\nTYPE +NAME`,
      ),
    );
    expect(out).toContain('refused: it ran what it had before\n└─ RDS shop/back: ');
    const one = await user.heddle('explain', 'picky', 'RDS', 'shop/back', '--at', since('C'));
    expect(one.out).toMatch(new RegExp(`RDS shop/back [0-9a-f]{12}, since ${since('B')} of 20`));
    expect(one.out).toContain('a newer one was refused: ');
    expect(one.out).toContain('pathSeparatedPrefix: /b');
  });

  it('heddle diff --at --at', async () => {
    const { code, out } = await user.heddle('diff', 'front', '--at', since('A'), '--at', since('B'));
    expect(code).toBe(1);
    expect(out).toMatch(/^~ change RDS shop\/back\n.*pathSeparatedPrefix.*"?\/a"?.*"?\/b"?/);
    expect(await user.heddle('diff', 'picky', '--at', since('B'), '--at', since('C'))).toMatchObject({
      code: 0,
      out: 'no difference\n',
    });
    expect(await user.heddle('diff', 'front', since('B'), '--at', since('A'))).toMatchObject({
      err: expect.stringContaining('--at goes with one proxy'),
    });
  });
});
