import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aGrant,
  aMesh,
  anInstance,
  aRoute,
  aService,
  backend,
  type Input,
  rule,
  TestMesh,
} from '../../../testing/src/builders/index.js';
import { inputs, instance, keyOf } from '../../../testing/src/random-mesh/index.js';
import type { Writes } from '../types.js';
import { isNothing } from './mesh-lane.js';

const writes = (...set: readonly Input[]): Writes => ({
  puts: set.flatMap((input) => ('put' in input ? [input.put] : [])),
  deletes: [],
});

const shop = (): TestMesh => {
  const made = new TestMesh();
  for (const [i, id] of ['shop/web', 'shop/orders'].entries()) made.apply(aService(id), { address: [id, i + 2] });
  for (const id of ['shop/web-1', 'shop/web-2', 'shop/orders-1'])
    made.apply(anInstance(id, { workload: id.split('/')[1]?.split('-')[0] ?? '' }));
  return made;
};
const timeout = (timeoutMs: number) =>
  aRoute('shop/orders', { parent: 'shop/orders', rules: [rule({ backends: [backend('shop/orders')], timeoutMs })] });
const ORDERS = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration shop/orders';
const version = (made: TestMesh, proxy: string): string | undefined => made.seen(proxy).get(ORDERS)?.version;

describe('a lane', () => {
  it('gives its members what the change makes, and others what they have', () => {
    const made = shop();
    const before = version(made, 'shop/web-2');
    made.openLane(writes(timeout(5)), ['shop/web-1']);
    const said = made.catchUp();
    expect(said?.set.map(({ name }) => name)).toEqual(['shop/orders']);
    expect(version(made, 'shop/web-1')).not.toBe(before);
    expect(version(made, 'shop/web-2')).toBe(before);
    expect(made.catchUp()).toSatisfy(isNothing);
  });

  it('lets an endpoint through to both at once, without a resource of its own for it', () => {
    const made = shop();
    made.openLane(writes(timeout(5)), ['shop/web-1']);
    made.catchUp();
    const change = made.apply(anInstance('shop/orders-2', { workload: 'orders' }));
    expect(change.set.some(({ name }) => name === 'shop/orders/8080')).toBe(true);
    expect(made.catchUp()).toSatisfy(isNothing);
  });

  it("closed together with the pass that makes its change everybody's: its members see no other bytes", () => {
    const made = shop();
    made.openLane(writes(timeout(5)), ['shop/web-1']);
    made.catchUp();
    const had = version(made, 'shop/web-1');
    made.apply(timeout(5));
    made.closeLane();
    expect([version(made, 'shop/web-1'), version(made, 'shop/web-2')]).toEqual([had, had]);
  });

  it('closed without it gives its members back what the others have, and leaves nothing behind', () => {
    const made = shop();
    const before = made.fingerprint();
    const staged = writes(timeout(5), aMesh({ scoping: 'Declared' }), aGrant('shop', 'team'));
    made.openLane(staged, ['shop/web-1', 'shop/orders-1']);
    made.catchUp();
    expect(made.fingerprint()).not.toBe(before);
    made.closeLane();
    expect(made.fingerprint()).toBe(before);
  });
});

/** What a proxy holds, as text, whatever the keys are called. */
const wire = (made: TestMesh, proxy: string): string =>
  [...made.seen(proxy)]
    .map(([name, resource]) => `${name} ${resource.version}`)
    .sort()
    .join('\n');

const step = fc.oneof(
  { weight: 3, arbitrary: instance.map((one) => ({ set: [one] })) },
  { weight: 2, arbitrary: inputs.map((set) => ({ set })) },
  { weight: 2, arbitrary: fc.constant('catch up' as const) },
  { weight: 1, arbitrary: fc.func(fc.boolean()).map((isMember) => ({ isMember })) },
);

describe('any lane over any mesh', () => {
  it('shows its members the mesh with the change and others without, at every moment something whole', () => {
    fc.assert(
      fc.property(inputs, inputs, fc.array(step, { maxLength: 6 }), (base, staged, steps) => {
        const made = new TestMesh();
        made.apply(...base);
        const state = new Map(base.map((input) => [keyOf(input), input]));
        const puts = staged.flatMap((input) => ('put' in input ? [input.put] : []));
        const held = new Set(puts.map((put) => keyOf({ put })));
        const proxies = () => [...state.values()].flatMap((input) => ('instance' in input ? [input.instance] : []));
        const named = () => proxies().map(({ namespace, name }) => `${namespace}/${name}`);
        let members = new Set(named().filter((_, i) => i % 2 === 0));
        const lane = made.openLane({ puts, deletes: [] }, members);
        const check = (): void => {
          made.catchUp();
          const [stable, candidate] = [new TestMesh(), new TestMesh()];
          stable.apply(...state.values());
          candidate.apply(...new Map([...state, ...puts.map((put) => [keyOf({ put }), { put }] as const)]).values());
          for (const proxy of named())
            expect(wire(made, proxy)).toBe(wire(members.has(proxy) ? candidate : stable, proxy));
        };
        check();
        for (const one of steps) {
          if (one === 'catch up') check();
          else if ('isMember' in one) {
            members = new Set(named().filter(one.isMember));
            lane.members = members;
          } else {
            // Nobody writes what an open change holds.
            const free = one.set.filter((input) => !held.has(keyOf(input)));
            made.apply(...free);
            for (const input of free) state.set(keyOf(input), input);
            // Members see what they saw or what is to come, and nothing that is not there.
            for (const proxy of named()) made.seen(proxy);
          }
        }
        check();
        made.closeLane();
        const stable = new TestMesh();
        stable.apply(...state.values());
        expect(made.fingerprint()).toBe(stable.fingerprint());
      }),
      { numRuns: 80 },
    );
  });
});
