/** What holds of any mesh: order and history leave no trace, and nothing refers to what is not there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import type { PassBudget } from '#libs/incremental';
import { type Input, idOf, TestMesh } from '../../testing/src/builders/index.js';
import { inputs, instance, keyOf } from '../../testing/src/random-mesh/index.js';
import { UNRESOLVED_CLUSTER } from './names.js';

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

  it('changes exactly as its fork said: the same resources, for the same proxies', () => {
    fc.assert(
      fc.property(inputs, inputs, fc.nat(), (base, extra, seed) => {
        const made = new TestMesh();
        made.apply(...base);
        const puts = extra.flatMap((input) => ('put' in input ? [input.put] : []));
        const written = new Set(puts.map((put) => JSON.stringify(idOf(put))));
        const stored = base.flatMap((input) => ('put' in input ? [idOf(input.put)] : []));
        const deletes = stored.filter((one, i) => (seed >> (i % 8)) % 3 === 0 && !written.has(JSON.stringify(one)));
        const proxies = base.flatMap((input) => ('instance' in input ? [input.instance] : []));
        const look = () => ({
          resources: new Map([...made.resources].map(([key, { version }]) => [key, version])),
          seen: new Map(proxies.map(({ namespace, name }) => [`${namespace}/${name}`, wire(made, namespace, name)])),
        });
        const before = look();
        const fork = made.graph.fork({ puts, deletes });
        const said = { resources: fork.resources().map(({ key }) => key), proxies: [...fork.proxies().keys()].sort() };
        expect(fork.failures()).toEqual([]);
        made.apply(...puts.map((put) => ({ put })), ...deletes.map((one) => ({ delete: one })));
        const after = look();
        const differ = <V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): string[] =>
          [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key)).sort();
        expect(said.resources).toEqual(differ(before.resources, after.resources));
        expect(said.proxies).toEqual(differ(before.seen, after.seen));
      }),
      { numRuns: 150 },
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

/** What a proxy holds, as text. */
const wire = (made: TestMesh, namespace: string, name: string): string =>
  [...made.seen(`${namespace}/${name}`)]
    .map(([id, { key, version }]) => `${id} ${key} ${version}`)
    .sort()
    .join('\n');

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
