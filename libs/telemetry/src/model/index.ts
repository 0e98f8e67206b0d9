export {
  BUCKET_MS,
  type Bucket,
  type EdgeCell,
  type InstanceCell,
  OTHER,
  type TimelineEvent,
  type ZoneCell,
} from './cells.js';
export type { FailureRecord, Harvest, HarvestStore } from './harvest.js';
export { LatencySketch } from './latency-sketch.js';
export { isFailure, OUTCOMES, type Outcome } from './outcome.js';
