/** Counters, not times: what a change costs must not grow with the mesh around it. */
import { describe, expect, it } from 'vitest';
import type { GraphCounters } from '#libs/incremental';
import { invariant } from '#libs/kernel';
import type { PolicyKind } from '#libs/model';
import { policies } from '#policies';
import { aMesh, anInstance, aPolicy, aService, type Input, TestMesh } from '../../testing/src/builders/index.js';

const LARGE = 400;
const SMALL = 20;

const timeoutPolicy: PolicyKind | undefined = policies.find(({ kind }) => kind === 'TimeoutPolicy');
invariant(timeoutPolicy, 'there is a TimeoutPolicy');

const timeout = (service: string, seconds: number): Input =>
  aPolicy('TimeoutPolicy', `shop/${service}`, {
    target: { name: service },
    spec: timeoutPolicy.schema.parse({ request: `${seconds}s`, connect: `${seconds}s` }),
  });

/** Services with an instance each, as many policies, and everybody in everybody's view or with two dependencies. */
function mesh(size: {
  readonly services: number;
  readonly policies: number;
  readonly scoping: 'All' | 'Declared';
}): TestMesh {
  const made = new TestMesh(policies);
  const each = (count: number, input: (i: number) => Input): Input[] =>
    Array.from({ length: count }, (_, i) => input(i));
  made.apply(
    aMesh({ scoping: size.scoping }),
    ...each(size.services, (i) =>
      aService(`shop/s${i}`, {
        dependencies: [`shop/s${(i + 1) % size.services}`, `shop/s${(i + 2) % size.services}`],
      }),
    ),
    ...each(size.services, (i) => anInstance(`shop/s${i}-1`)),
    ...each(size.policies, (i) => timeout(`s${i + 5}`, 2)),
  );
  return made;
}

function costOf(made: TestMesh, input: Input): GraphCounters {
  const before = made.graph.counters;
  expect(made.apply(input).set.length).toBeGreaterThan(0);
  const { verified, run, edges } = made.graph.counters;
  return { verified: verified - before.verified, run: run - before.run, edges: edges - before.edges };
}

describe.each(['All', 'Declared'] as const)('with scoping %s', (scoping) => {
  const sizes = [
    mesh({ services: SMALL, policies: 1, scoping }),
    mesh({ services: LARGE, policies: 1, scoping }),
    mesh({ services: LARGE, policies: LARGE - 10, scoping }),
  ];

  it('an endpoint change costs at most 3 queries, and the same whatever the services in view and the policies', () => {
    const costs = sizes.map((made) => costOf(made, anInstance('shop/s3-1', { routable: false })));
    expect(costs[0]?.run).toBeLessThanOrEqual(3);
    expect(costs).toEqual([costs[0], costs[0], costs[0]]);
  });

  it('a policy of one service costs at most 5 queries, and the same whatever the services in view and the policies', () => {
    const first = sizes.map((made) => costOf(made, timeout('s3', 7)));
    const again = sizes.map((made) => costOf(made, timeout('s3', 9)));
    for (const costs of [first, again]) {
      expect(costs[0]?.run).toBeLessThanOrEqual(5);
      expect(costs).toEqual([costs[0], costs[0], costs[0]]);
    }
  });

  it('a plan of that changes nothing, and costs no more', () => {
    const cells = sizes.map((made) => made.graph.size);
    const plan = timeout('s4', 7);
    for (const made of sizes) {
      const fork = made.graph.fork({ puts: 'put' in plan ? [plan.put] : [], deletes: [] });
      expect(fork.changes().changed).toHaveLength(2);
      expect(fork.counters.run).toBeLessThanOrEqual(5);
    }
    expect(sizes.map((made) => made.graph.size)).toEqual(cells);
  });
});
