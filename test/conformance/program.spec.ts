import 'reflect-metadata';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import { IDENTITY, TRUST } from '#libs/identity';
import { renderBootstrap } from '#libs/launcher';
import { createRegistry } from '#libs/model';
import { policies } from '#policies';
import { compile } from '../golden/scenario.js';
import { selfSigned } from '../self-signed.js';

// What the engine cannot do by itself: duties of the program around it, shown on everything that the goldens compile.
const GOLDEN = join(import.meta.dirname, '../golden');

interface Seen {
  /** `<scenario> <instance>` */
  readonly who: string;
  readonly clusters: ReadonlySet<string>;
  /** Every object inside of every resource, as JSON. */
  readonly parts: readonly Readonly<Record<string, unknown>>[];
}

const seen: readonly Seen[] = readdirSync(GOLDEN, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const { mesh, sees } = compile(readFileSync(join(GOLDEN, name, 'input.yaml'), 'utf8'));
    return sees.map((instance): Seen => {
      const resources = [...mesh.seen(instance).values()];
      const parts = resources.flatMap((r) => [...partsOf(resourceToJson(r.type, r.bytes))]);
      return { who: `${name} ${instance}`, clusters: new Set(mesh.names(instance, TYPE.cluster)), parts };
    });
  });

function* partsOf(value: unknown): Iterable<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield Object.fromEntries(Object.entries(value));
  for (const part of Object.values(value)) yield* partsOf(part);
}

/** The cluster that a part of a route or listener sends to. */
const targetsOf = ({ cluster, weightedClusters }: Readonly<Record<string, unknown>>): unknown[] => [
  ...(typeof cluster === 'string' ? [cluster] : []),
  ...[...partsOf(weightedClusters)].flatMap(({ name }) => (typeof name === 'string' ? [name] : [])),
];

const aBootstrap = async () =>
  renderBootstrap({
    identity: { mesh: 'default', namespace: 'shop', workload: 'web', instance: 'web-1' },
    xds: { address: '127.0.0.1', port: 18000, serverName: 'control-plane.heddle.local' },
    admin: { address: '127.0.0.1', port: 9901 },
    caPem: (await selfSigned()).certificate,
    dir: '/etc/heddle',
  });

describe('what is compiled', () => {
  it('SDS-1 names no secret but the two that are there for every identity', () => {
    const names = seen.flatMap(({ parts }) => parts.filter((p) => 'sdsConfig' in p).map(({ name }) => name));
    expect(names.length).toBeGreaterThan(10);
    expect([...new Set(names)].sort()).toEqual([IDENTITY, TRUST].sort());
  });

  it('SDS-4 BUG-14 leaves the time to wait for a first answer as it is, everywhere but for the two roots of a bootstrap', async () => {
    for (const { parts } of seen) expect(parts.filter((part) => 'initialFetchTimeout' in part)).toEqual([]);
    const bootstrap = await aBootstrap();
    const forever = { initial_fetch_timeout: '0s' };
    expect(bootstrap).toMatchObject({ dynamic_resources: { cds_config: forever, lds_config: forever } });
    expect([...partsOf(bootstrap)].filter((part) => 'initial_fetch_timeout' in part)).toHaveLength(2);
  });

  it('BUG-15 needs nothing of the control plane for the way to the control plane', async () => {
    const sources = [...partsOf(await aBootstrap())].flatMap((part) =>
      'sds_config' in part ? [part['sds_config']] : [],
    );
    // The CA and the token, each in a file.
    expect(sources).toHaveLength(2);
    for (const source of sources) expect(source).toMatchObject({ path_config_source: { path: expect.any(String) } });
  });

  it('ENV-7 sends to no cluster that the same proxy does not get, and ends every HTTP filter chain with the router', () => {
    for (const { who, clusters, parts } of seen) {
      const targets = parts.flatMap(targetsOf);
      expect(targets.length).toBeGreaterThan(0);
      expect({ who, unknown: targets.filter((name) => name !== UNRESOLVED && !clusters.has(String(name))) }).toEqual({
        who,
        unknown: [],
      });
      const last = parts.flatMap(({ httpFilters }) => (Array.isArray(httpFilters) ? [httpFilters.at(-1)] : []));
      expect(last.length).toBeGreaterThan(0);
      for (const filter of last) expect(filter).toMatchObject({ typedConfig: { '@type': ROUTER } });
    }
  });
});

describe('what is admitted', () => {
  const registry = createRegistry(policies);
  const route = (rule: object) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { namespace: 'shop', name: 'orders' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'orders', port: 8080 }],
      rules: [{ backendRefs: [{ name: 'orders', port: 8080 }], ...rule }],
    },
  });
  const header = (name: string, value: string) => ({
    filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name, value }] } }],
  });

  it('GEN-18 a rule as such', () => {
    expect(registry.parse(route(header('x-a', 'b')), 'default')).toMatchObject({ ok: true });
  });

  it.each([
    ['a header name with a line end', header('x-a\n', 'b')],
    ['a header value with NUL', header('x-a', 'b\0')],
    ['no header name', header('', 'b')],
    ['a negative weight', { backendRefs: [{ name: 'orders', port: 8080, weight: -1 }] }],
    ['a path that does not start with a slash', { matches: [{ path: { type: 'PathPrefix', value: 'v1' } }] }],
    ['an expression that RE2 does not take', { matches: [{ path: { type: 'RegularExpression', value: '(?=a)' } }] }],
    ['a port beyond 65535', { backendRefs: [{ name: 'orders', port: 65_536 }] }],
  ])('GEN-18 not what Envoy would refuse later: %s', (_, rule) => {
    expect(registry.parse(route(rule), 'default')).toMatchObject({ ok: false });
  });
});

/** The share of a backend that does not exist: it is answered 500, on purpose and not because a cluster is late. */
const UNRESOLVED = 'unresolved';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
