import { LatencySketch, type Outcome } from '#libs/telemetry';
import type { EdgeFacts, Facts } from './facts.js';

/** Of the cells of one edge within a segment. */
export function latenciesOf(
  facts: Facts,
  edge: EdgeFacts,
  {
    segment,
    of,
  }: { readonly segment: { readonly from: number; readonly to: number }; readonly of: (outcome: Outcome) => boolean },
): LatencySketch {
  const all = new LatencySketch();
  for (const cell of edge.cells) {
    const bucket = facts.buckets + Math.floor((cell.at - facts.at) / facts.bucketMs);
    if (bucket >= segment.from && bucket <= segment.to && of(cell.outcome)) all.merge(cell.latencies);
  }
  return all;
}
