/** What holds of any mesh: order and history leave no trace, and nothing refers to what is not there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import type { PassBudget } from '#libs/incremental';
import {
  aGrant,
  aMesh,
  anAddress,
  anInstance,
  aRoute,
  aService,
  backend,
  type Input,
  idOf,
  routeMatch,
  rule,
  servicePort,
  TestMesh,
} from '../../testing/src/builders/index.js';
import { UNRESOLVED_CLUSTER } from './names.js';

const NAMESPACES = ['shop', 'team'];
const NAMES = ['a', 'b', 'c'];
const id = fc.tuple(fc.constantFrom(...NAMESPACES), fc.constantFrom(...NAMES)).map((parts) => parts.join('/'));

const service = fc
  .record({
    id,
    protocol: fc.constantFrom('http' as const, 'grpc' as const, 'tcp' as const),
    hostname: fc.constantFrom('', 'x.example.com', 'a.shop', 'y.example.com'),
    dependencies: fc.uniqueArray(id, { maxLength: 2 }),
    workload: fc.constantFrom(...NAMES),
  })
  .map((s) =>
    aService(s.id, {
      ports: [servicePort({ protocol: s.protocol })],
      hostnames: s.hostname === '' ? [] : [s.hostname],
      dependencies: s.dependencies,
      selector: { workload: s.workload },
      subsets: [{ name: 'green', labels: { version: 'green' } }],
    }),
  );
const route = fc
  .record({
    id,
    parent: id,
    to: fc.array(fc.tuple(id, fc.boolean(), fc.nat(2)), { maxLength: 3 }),
    path: fc.constantFrom('/', '/a', '/a/b'),
  })
  .map((r) => {
    const backends = r.to.map(([to, green, weight]) => backend(green ? `${to}/green` : to, { weight }));
    return aRoute(r.id, {
      parent: r.parent,
      rules: [rule({ backends, matches: [routeMatch({ path: { type: 'PathPrefix', value: r.path } })] })],
    });
  });
const instance = fc
  .record({
    id,
    workload: fc.constantFrom(...NAMES),
    routable: fc.boolean(),
    srds: fc.boolean(),
    version: fc.constantFrom('blue', 'green'),
  })
  .map((i) =>
    anInstance(`${i.id}-1`, {
      workload: i.workload,
      labels: { workload: i.workload, version: i.version },
      routable: i.routable,
      features: i.srds ? ['base', 'srds'] : ['base'],
    }),
  );
const address = fc.tuple(id, fc.integer({ min: 1, max: 65535 })).map(([key, number]) => anAddress(key, number));
const mesh = fc
  .record({
    scoping: fc.constantFrom('All' as const, 'Declared' as const),
    mtls: fc.constantFrom('STRICT' as const, 'PERMISSIVE' as const),
  })
  .map((m) => aMesh(m));
const grant = fc.constantFrom(...NAMESPACES).map((ns) => aGrant(ns, ns === 'shop' ? 'team' : 'shop'));

/** Inputs with one value per key. */
const inputs = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: service },
      { weight: 4, arbitrary: route },
      { weight: 4, arbitrary: instance },
      address,
      mesh,
      grant,
    ),
    { maxLength: 25 },
  )
  .map((list) => [...new Map(list.map((input) => [keyOf(input), input])).values()]);

function keyOf(input: Input): string {
  if ('put' in input) return JSON.stringify(idOf(input.put));
  if ('instance' in input) return `instance ${input.instance.namespace}/${input.instance.name}`;
  if ('address' in input) return `address ${input.address[0]}`;
  throw new Error('only inputs that set something');
}

function removal(input: Input): readonly Input[] {
  if ('put' in input) return [{ delete: idOf(input.put) }];
  if ('instance' in input) return [{ gone: input.instance }];
  return [];
}

function fingerprint(list: readonly Input[]): string {
  const scratch = new TestMesh();
  scratch.apply(...list);
  return scratch.fingerprint();
}

/** A slice that is over after so many looks at the clock. */
const budgetOf = (looks: number): PassBudget => {
  let left = looks;
  return { grain: 1, exhausted: () => --left < 0 };
};

/** Clusters that an Envoy resource names, anywhere. */
const clustersIn = (json: unknown): readonly string[] =>
  [...JSON.stringify(json).matchAll(/"(?:cluster|weightedClusters)":(?:"([^"]*)"|(\{"clusters":\[.*?\]\}))/g)].flatMap(
    ([, one, many]) =>
      one === undefined ? [...(many ?? '').matchAll(/"name":"([^"]*)"/g)].map((m) => m[1] ?? '') : [one],
  );

const runs = { numRuns: 60 };

describe('any mesh', () => {
  it('has the same bytes whatever the order of its inputs', () => {
    const shuffled = inputs.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(fingerprint(other)).toBe(fingerprint(list));
      }),
      runs,
    );
  });

  it('that grew step by step equals one made at once', () => {
    fc.assert(
      fc.property(inputs, (list) => {
        const grown = new TestMesh();
        for (const input of list) grown.apply(input);
        expect(grown.fingerprint()).toBe(fingerprint(list));
      }),
      runs,
    );
  });

  it('is as before when what was added is removed again', () => {
    fc.assert(
      fc.property(inputs, inputs, (base, extra) => {
        const known = new Set(base.map(keyOf));
        const added = extra.filter((input) => !known.has(keyOf(input)) && !('address' in input));
        const changed = new TestMesh();
        changed.apply(...base);
        const before = changed.fingerprint();
        changed.apply(...added);
        changed.apply(...added.flatMap(removal));
        expect(changed.fingerprint()).toBe(before);
      }),
      runs,
    );
  });

  it('that grew in slices, overtaken by its instances and now and then abandoned, equals one made at once', () => {
    const turn = fc.record({
      slices: fc.nat(6),
      looks: fc.nat(4),
      abandon: fc.boolean(),
      overtaking: fc.array(instance),
    });
    fc.assert(
      fc.property(inputs, inputs, fc.array(turn, { minLength: 1, maxLength: 3 }), (base, extra, turns) => {
        const grown = new TestMesh();
        grown.apply(...base);
        const state = new Map([...base, ...extra].map((input) => [keyOf(input), input]));
        turns.forEach(({ slices, looks, abandon, overtaking }, i) => {
          const pass = grown.begin(...(i === 0 ? extra : []));
          for (const other of [undefined, ...overtaking]) {
            for (let slice = 0; slice < slices; slice += 1) pass.step(budgetOf(looks));
            if (other) grown.apply(other);
            if (other) state.set(keyOf(other), other);
          }
          if (abandon) pass.abandon();
          else pass.adopt();
        });
        grown.apply();
        expect(grown.fingerprint()).toBe(fingerprint([...state.values()]));
      }),
      runs,
    );
  });

  it('names in every view only what the view has: clusters, endpoints, route configurations', () => {
    fc.assert(
      fc.property(inputs, (list) => {
        const made = new TestMesh();
        const change = made.apply(...list);
        expect(change.failures).toEqual([]);
        for (const input of list)
          if ('instance' in input) expectClosed(made, `${input.instance.namespace}/${input.instance.name}`);
      }),
      runs,
    );
  });
});

function expectClosed(made: TestMesh, instanceKey: string): void {
  const seen = made.seen(instanceKey);
  const missing: string[] = [];
  const need = (type: string, name: string): void => {
    if (!seen.has(`${type} ${name}`)) missing.push(`${type} ${name}`);
  };
  const scopes = new Set<string>();
  for (const resource of seen.values()) {
    for (const ref of resource.requires) need(ref.type, ref.name);
    const json = resourceToJson(resource.type, resource.bytes) as Record<string, never>;
    if (resource.type === TYPE.cluster && json['type'] === 'EDS') need(TYPE.endpoint, resource.name);
    if (resource.type === TYPE.route || resource.type === TYPE.listener) {
      for (const name of clustersIn(json)) if (name !== UNRESOLVED_CLUSTER) need(TYPE.cluster, name);
    }
    for (const [, name = ''] of JSON.stringify(json).matchAll(/"routeConfigName":"([^"]*)"/g)) need(TYPE.route, name);
    if (resource.type !== TYPE.scopedRoute) continue;
    need(TYPE.route, json['routeConfigurationName'] ?? '');
    const key = JSON.stringify(json['key']);
    expect(scopes, 'scope keys are unique').not.toContain(key);
    scopes.add(key);
  }
  expect(missing).toEqual([]);
}
