import { type Contribution, type Merged, mergeFields } from '#libs/model';
import type { TelemetrySpec } from './telemetry.schema.js';

type Metrics = NonNullable<TelemetrySpec['metrics']>;

/** The parts of `metrics` are merged by themselves: who tags the mesh need not know how much each service tells. */
type Parts = Omit<TelemetrySpec, 'metrics'> & {
  readonly 'metrics.detail'?: Metrics['detail'];
  readonly 'metrics.tags'?: Metrics['tags'];
};

/** The sample, the logs, the spans and the parts of `metrics`, each as a whole with where it comes from. */
export type EffectiveTelemetry = Merged<Parts>;

/** Merges field by field, most specific first: a list of logs replaces the one of a less specific policy. */
export const resolveTelemetry = (contributions: readonly Contribution<TelemetrySpec>[]): EffectiveTelemetry =>
  mergeFields<Parts>(contributions.map((one) => ({ ...one, spec: partsOf(one.spec) })));

const partsOf = ({ metrics, ...rest }: TelemetrySpec): Parts => ({
  ...rest,
  'metrics.detail': metrics?.detail,
  'metrics.tags': metrics?.tags,
});
