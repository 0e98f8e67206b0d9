import { type Contribution, durationToMs, type Merged, mergeFields } from '#libs/model';
import type { TimeoutSpec } from './timeout.schema.js';

interface Timeouts {
  readonly requestMs?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly connectMs?: number | undefined;
}

/** Timeouts in milliseconds with where each comes from; an absent one is left to the defaults. 0 = no limit. */
export type EffectiveTimeout = Merged<Timeouts>;

/** Merges field by field, most specific first. */
export function resolveTimeout(contributions: readonly Contribution<TimeoutSpec>[]): EffectiveTimeout {
  return mergeFields<Timeouts>(
    contributions.map(({ spec, source, level }) => ({
      spec: {
        requestMs: durationToMs(spec.request),
        idleMs: durationToMs(spec.idle),
        connectMs: durationToMs(spec.connect),
      },
      source,
      level,
    })),
  );
}
