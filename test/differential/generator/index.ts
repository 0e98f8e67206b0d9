/** Random route tables and requests from small alphabets, so that they collide and meet edge cases. */
import fc from 'fast-check';
import type { SampleRequest } from '#libs/changes';
import type { ManagerName } from '../managers.js';
import type { Table } from '../rig.js';
import { of, record } from './draw.js';
import { aimed, request } from './requests.js';
import { table } from './tables.js';

export interface Case {
  readonly manager: ManagerName;
  readonly table: Table;
  readonly requests: readonly SampleRequest[];
}

const randomCase: fc.Arbitrary<Case> = fc
  .tuple(of('outbound' as const, 'outbound' as const, 'inbound' as const, 'stripping' as const), table)
  .chain(([manager, made]) =>
    record<Case>({
      manager: fc.constant(manager),
      table: fc.constant(made),
      requests: fc.tuple(aimed(made), aimed(made), fc.oneof(request, aimed(made))),
    }),
  );

/** The same cases for the same seed and count. */
export const randomCases = (seed: number, count: number): readonly Case[] =>
  fc.sample(randomCase, { seed, numRuns: count });
