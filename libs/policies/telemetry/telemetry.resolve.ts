import { type Contribution, type Merged, mergeFields } from '#libs/model';
import type { TelemetrySpec } from './telemetry.schema.js';

/** The sample, the logs and the spans, each as a whole with where it comes from. */
export type EffectiveTelemetry = Merged<TelemetrySpec>;

/** Merges field by field, most specific first: a list of logs replaces the one of a less specific policy. */
export const resolveTelemetry = (contributions: readonly Contribution<TelemetrySpec>[]): EffectiveTelemetry =>
  mergeFields<TelemetrySpec>(contributions);
