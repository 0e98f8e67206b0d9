import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { durationMs, TYPE } from '#libs/envoy-api';
import type { Contribution, PolicyKind } from '#libs/model';
import {
  anInstance,
  aPolicy,
  aRoute,
  aService,
  backend,
  type Input,
  rule,
  TestMesh,
} from '../../testing/src/builders/index.js';

interface Spec {
  readonly requestMs?: number;
  readonly connectMs?: number;
  readonly maxConnections?: number;
}
type Effective = readonly Contribution<unknown>[];
const specs = (effective: unknown) => effective as readonly Contribution<Spec>[];
const first = <K extends keyof Spec>(effective: unknown, field: K) =>
  specs(effective).find((c) => c.spec[field] !== undefined);

/** A client-side kind with fields in the route and in the cluster. */
const LIMITS: PolicyKind = {
  kind: 'TestLimits',
  plural: 'testlimits',
  summary: 'Limits for tests.',
  side: 'client',
  targets: ['Service', 'HTTPRoute', 'Mesh'],
  schema: z.unknown(),
  resolve: (contributions): Effective => contributions,
  contributors: (effective) =>
    (['requestMs', 'connectMs', 'maxConnections'] as const).flatMap((field) => first(effective, field)?.source ?? []),
  toRoute: (effective) => {
    const request = first(effective, 'requestMs')?.spec.requestMs;
    return request === undefined ? {} : { action: { timeout: durationMs(request) } };
  },
  toCluster: (effective) => {
    const connect = first(effective, 'connectMs')?.spec.connectMs;
    const most = first(effective, 'maxConnections')?.spec.maxConnections;
    return {
      cluster: {
        ...(connect === undefined ? {} : { connectTimeout: durationMs(connect) }),
        ...(most === undefined ? {} : { circuitBreakers: { thresholds: [{ maxConnections: most }] } }),
      },
    };
  },
};

const limits = (name: string, target: Parameters<typeof aPolicy>[2]['target'], spec: Spec): Input =>
  aPolicy('TestLimits', `shop/${name}`, { target, spec });
const onService = { name: 'orders' };
const onNamespace = { level: 'Namespace', kind: '', name: '' } as const;
const onMesh = { level: 'Mesh', kind: 'Mesh', namespace: '', name: 'default' } as const;
const onRoute = { level: 'Route', kind: 'HTTPRoute', name: 'orders' } as const;

function meshOf(...inputs: readonly Input[]): TestMesh {
  const mesh = new TestMesh([LIMITS]);
  mesh.apply(aService('shop/orders'), anInstance('shop/web-1'), ...inputs);
  return mesh;
}
const timeouts = (mesh: TestMesh): readonly string[] => [
  ...new Set(JSON.stringify(mesh.json('shop/web-1', TYPE.route, 'shop/orders')).match(/"timeout":"[^"]*"/g)),
];
const conditions = (mesh: TestMesh, name: string) =>
  mesh.graph.conditions({ kind: 'TestLimits', namespace: 'shop', name });

describe('a client-side policy', () => {
  it('changes the routes and clusters of its target at callers', () => {
    const mesh = meshOf(limits('p', onService, { requestMs: 1500, connectMs: 200 }));
    expect(timeouts(mesh)).toEqual(['"timeout":"1.500s"']);
    expect(mesh.json('shop/web-1', TYPE.cluster, 'shop/orders/8080')).toMatchObject({ connectTimeout: '0.200s' });
  });

  it('keeps the retry budget when it sets another limit', () => {
    const mesh = meshOf(limits('p', onService, { maxConnections: 7 }));
    expect(mesh.json('shop/web-1', TYPE.cluster, 'shop/orders/8080')).toMatchObject({
      circuitBreakers: { thresholds: [{ maxConnections: 7, retryBudget: { minRetryConcurrency: 20 } }] },
    });
  });

  it('yields to what is more specific, and to the rule’s own timeout', () => {
    const route = (timeoutMs?: number) =>
      aRoute('shop/orders', { rules: [rule({ backends: [backend('shop/orders')], timeoutMs })] });
    const policies = [
      limits('mesh', onMesh, { requestMs: 1000 }),
      limits('namespace', onNamespace, { requestMs: 2000 }),
      limits('service', onService, { requestMs: 3000 }),
      limits('route', onRoute, { requestMs: 4000 }),
    ];
    expect(timeouts(meshOf(...policies))).toEqual(['"timeout":"3s"']);
    expect(timeouts(meshOf(route(), ...policies))).toEqual(['"timeout":"4s"']);
    expect(timeouts(meshOf(route(5000), ...policies))).toEqual(['"timeout":"5s"']);
  });

  it('runs at most 5 queries when it changes for one service', () => {
    const mesh = meshOf(aService('shop/other'), limits('p', onService, { requestMs: 1, connectMs: 1 }));
    const { run } = mesh.graph.counters;
    const change = mesh.apply(limits('p', onService, { requestMs: 2, connectMs: 2 }));
    expect(change.set.map((r) => r.key).sort()).toEqual([
      'default|cluster|shop/orders/8080',
      'default|routes|shop/orders',
    ]);
    expect(mesh.graph.counters.run - run).toBeLessThanOrEqual(5);
  });

  it('SEC-48: of another namespace needs a grant', () => {
    const foreign = aPolicy('TestLimits', 'team/p', {
      target: { namespace: 'shop', name: 'orders' },
      spec: { requestMs: 1 },
    });
    const mesh = meshOf(foreign);
    expect(timeouts(mesh)).toEqual(['"timeout":"0s"']);
    expect(mesh.graph.conditions({ kind: 'TestLimits', namespace: 'team', name: 'p' })).toMatchObject([
      { type: 'Accepted', status: 'False', reason: 'RefNotPermitted' },
    ]);
  });
});

describe('conditions of a policy', () => {
  it('say who shadows one that contributes no field', () => {
    const mesh = meshOf(
      limits('wide', onNamespace, { requestMs: 1 }),
      limits('near', onService, { requestMs: 2, connectMs: 2 }),
    );
    expect(conditions(mesh, 'near')).toMatchObject([
      { status: 'True' },
      { type: 'Effective', status: 'True', reason: 'Effective' },
    ]);
    expect(conditions(mesh, 'wide')).toMatchObject([
      { type: 'Accepted', status: 'True' },
      {
        type: 'Effective',
        status: 'False',
        reason: 'Shadowed',
        message: expect.stringContaining('TestLimits shop/near'),
      },
    ]);
  });

  it('say that it is effective where it contributes one field anywhere', () => {
    const mesh = meshOf(
      aService('shop/other'),
      limits('wide', onNamespace, { requestMs: 1 }),
      limits('near', onService, { requestMs: 2 }),
    );
    expect(conditions(mesh, 'wide')[1]).toMatchObject({ status: 'True', reason: 'Effective' });
  });

  it.each([
    ['a service that is not there', { name: 'none' }],
    ['a port that is not there', { level: 'ServicePort', name: 'orders', section: 'none' }],
    ['a route that is not there', onRoute],
  ] as const)('refuse %s', (_, target) => {
    expect(conditions(meshOf(limits('p', target, { requestMs: 1 })), 'p')).toMatchObject([
      { type: 'Accepted', status: 'False', reason: 'TargetNotFound' },
    ]);
  });
});
