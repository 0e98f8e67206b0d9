import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TYPE } from '#libs/envoy-api';
import type { BackendPort, Contribution, OneOf, PolicyKind } from '#libs/model';
import {
  aMesh,
  anAddress,
  anInstance,
  aPolicy,
  aService,
  type Input,
  TestMesh,
} from '../../testing/src/builders/index.js';

interface Spec {
  readonly sampleOneIn?: OneOf;
  readonly to?: BackendPort;
}

const specOf = (effective: unknown): readonly Contribution<Spec>[] => effective as readonly Contribution<Spec>[];

/** A kind about proxies: a sample, and a collector that it names with the workload. */
const TELLS: PolicyKind = {
  kind: 'TestTells',
  plural: 'testtells',
  summary: 'What sidecars tell, for tests.',
  side: 'proxy',
  targets: ['Workload', 'Service', 'Mesh'],
  schema: z.unknown(),
  resolve: (contributions) => contributions,
  contributors: (effective) =>
    specOf(effective)
      .slice(0, 1)
      .map(({ source }) => source),
  toProxy: (effective, { workload, backend }) => {
    const [{ spec, source } = { spec: {} as Spec, source: undefined }] = specOf(effective);
    const found = spec.to && source && backend(spec.to, source);
    return {
      ...(spec.sampleOneIn && { sampleOneIn: spec.sampleOneIn }),
      ...(found && { tracing: { spawnUpstreamSpan: true, customTags: [{ tag: workload }] } }),
      isNamed: spec.to !== undefined,
    };
  },
  backends: (spec) => ((spec as Spec).to ? [{ path: '/spec/to', backend: (spec as Spec).to as BackendPort }] : []),
};

const MESH = { level: 'Mesh', kind: 'Mesh', namespace: '', name: 'default' } as const;
const NAMESPACE = { level: 'Namespace', kind: '', name: '' } as const;
const workload = (name: string) => ({ level: 'Workload', kind: 'Workload', name }) as const;
const tells = (name: string, target: Parameters<typeof aPolicy>[2]['target'], spec: Spec): Input =>
  aPolicy('TestTells', `shop/${name}`, { target, spec });

const COLLECTOR: BackendPort = { kind: 'Service', namespace: 'shop', name: 'collector', port: 9090 };
const tcp = [{ name: 'tcp', port: 9090, protocol: 'tcp' as const, targetPort: 'tcp' }];

function meshOf(...inputs: readonly Input[]): TestMesh {
  const mesh = new TestMesh([TELLS]);
  mesh.apply(
    aService('shop/db', { ports: tcp }),
    aService('shop/collector', { ports: tcp }),
    anAddress('shop/db', 1),
    anAddress('shop/collector', 2),
    ...['web', 'api', 'collector'].map((name) => anInstance(`shop/${name}-1`, { workload: name })),
    anInstance('other/job-1', { workload: 'job' }),
    ...inputs,
  );
  return mesh;
}

/** Key of the listener that an instance has for a service at its own address. */
const listenerOf = (mesh: TestMesh, instance: string, service = 'db'): string =>
  mesh.seen(instance).get(`${TYPE.listener} outbound/shop/${service}/9090`)?.key ?? '';
const place = (key: string): string => /@([^|]*)/.exec(key)?.[1] ?? '';
const sample = (mesh: TestMesh, instance: string): readonly string[] => [
  ...new Set(JSON.stringify(mesh.json(instance, TYPE.listener, 'outbound')).match(/1\/\d+/g)),
];

describe('what sidecars of a place share', () => {
  it.each<[string, Input[], Record<string, string>]>([
    ['nobody says anything', [], { web: '', api: '', job: '' }],
    ['the mesh as a whole', [tells('a', MESH, { sampleOneIn: 2 })], { web: '', api: '', job: '' }],
    ['a namespace', [tells('a', NAMESPACE, { sampleOneIn: 2 })], { web: 'shop', api: 'shop', job: '' }],
    ['a workload', [tells('a', workload('web'), { sampleOneIn: 2 })], { web: 'shop/web', api: '', job: '' }],
    [
      'a workload in a namespace that is told of',
      [tells('a', workload('web'), { sampleOneIn: 2 }), tells('b', NAMESPACE, { sampleOneIn: 4 })],
      { web: 'shop/web', api: 'shop', job: '' },
    ],
    [
      'a workload and a namespace that say what the mesh says',
      [
        ...['a', 'b', 'c'].map((name, i) =>
          tells(name, [MESH, NAMESPACE, workload('web')][i] ?? MESH, { sampleOneIn: 2 }),
        ),
      ],
      { web: '', api: '', job: '' },
    ],
    [
      'something that holds the name of the workload',
      [tells('a', MESH, { to: COLLECTOR })],
      { web: 'shop/web', api: 'shop/api', job: 'other/job' },
    ],
  ])('%s', (_, inputs, expected) => {
    const mesh = meshOf(...inputs);
    const found = { web: 'shop/web-1', api: 'shop/api-1', job: 'other/job-1' };
    expect(
      Object.fromEntries(Object.entries(found).map(([name, instance]) => [name, place(listenerOf(mesh, instance))])),
    ).toEqual(expected);
  });
});

describe('what applies', () => {
  it('is the most specific, for every listener of the sidecar, and the default when it has gone', () => {
    const mesh = meshOf(tells('a', workload('web'), { sampleOneIn: 2 }), tells('b', MESH, { sampleOneIn: 4 }));
    expect([sample(mesh, 'shop/web-1'), sample(mesh, 'shop/api-1')]).toEqual([['1/2'], ['1/4']]);
    for (const name of ['a', 'b']) mesh.apply({ delete: { kind: 'TestTells', namespace: 'shop', name } });
    expect([sample(mesh, 'shop/web-1'), sample(mesh, 'shop/api-1')]).toEqual([['1/16'], ['1/16']]);
  });

  it('brings the cluster that is called to a sidecar whose services do not depend on it, before the listener', () => {
    const mesh = meshOf(aMesh({ scoping: 'Declared' }), tells('a', MESH, { to: COLLECTOR }));
    const listener = mesh.seen('shop/web-1').get(`${TYPE.listener} outbound`);
    expect(listener?.requires).toEqual([{ type: TYPE.cluster, name: 'shop/collector/9090' }]);
    expect(mesh.seen('shop/web-1').has(`${TYPE.cluster} shop/collector/9090`)).toBe(true);
  });

  it('leaves out what a sidecar would tell itself, and what is not there', () => {
    const mesh = meshOf(tells('a', MESH, { to: COLLECTOR }));
    const traces = (instance: string): boolean =>
      JSON.stringify(mesh.json(instance, TYPE.listener, 'outbound')).includes('spawnUpstreamSpan');
    expect([traces('shop/web-1'), traces('shop/collector-1')]).toEqual([true, false]);
    mesh.apply({ delete: { kind: 'Service', namespace: 'shop', name: 'collector' } });
    expect(traces('shop/web-1')).toBe(false);
    const [accepted] = mesh.graph.conditions({ kind: 'TestTells', namespace: 'shop', name: 'a' });
    expect(accepted).toMatchObject({ type: 'Accepted', status: 'False', reason: 'BackendNotFound' });
  });

  it('names the winner when a policy has no effect', () => {
    const mesh = meshOf(tells('a', MESH, { sampleOneIn: 2 }), tells('b', MESH, { sampleOneIn: 4 }));
    const conditions = mesh.graph.conditions({ kind: 'TestTells', namespace: 'shop', name: 'b' });
    expect(conditions.find(({ type }) => type === 'Effective')).toMatchObject({ status: 'False', reason: 'Shadowed' });
  });
});
