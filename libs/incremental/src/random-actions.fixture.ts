/** What may happen to a graph, at random. */
import fc from 'fast-check';
import { SHELVES } from './random-graph.fixture.js';
import type { PassBudget } from './types.js';

export const NODES = 9;
export const INPUTS = 6;
export const nodeId = fc.nat(NODES - 1);
export const inputId = fc.nat(INPUTS - 1);
/** A new value, or none. */
const write = fc.tuple(inputId, fc.option(fc.nat(5), { nil: undefined }));
const writes = fc.array(write, { maxLength: 4 });
const cell = fc.oneof(
  nodeId.map((key) => `n${key}`),
  fc.nat(SHELVES - 1).map((key) => `s${key}`),
);
const just = <T extends string>(name: T) => fc.record({ do: fc.constant(name) });
export const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), write }) },
  { weight: 3, arbitrary: just('pass') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), cell }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('observe' as const), cell }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unobserve' as const), cell }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), sliced: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fork' as const), writes, reads: fc.array(cell) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), writes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('held' as const), cell, looks: fc.nat(6) }) },
  { weight: 1, arbitrary: just('release') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lane' as const), writes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('lane step' as const), looks: fc.nat(6), grain: fc.nat(3) }) },
  { weight: 2, arbitrary: just('lane check') },
  { weight: 1, arbitrary: just('lane close') },
  { weight: 2, arbitrary: just('begin') },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('step' as const), looks: fc.nat(6), grain: fc.nat(3) }) },
  { weight: 2, arbitrary: just('adopt') },
  { weight: 1, arbitrary: just('abandon') },
);
export type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** A slice that is over after so many looks at the clock. */
export const budget = (looks: number, grain: number): PassBudget => {
  let left = looks;
  return { grain, exhausted: () => --left < 0 };
};
