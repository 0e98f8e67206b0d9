import { LatencySketch } from '#libs/telemetry';

const STEPS = 14;

/** Of what a sketch has counted, the share that took longer than `ms`. 0 of none. */
export function shareAbove(sketch: LatencySketch, ms: number): number {
  if (sketch.count === 0 || sketch.quantile(1) <= ms) return 0;
  let [low, high] = [0, 1];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (sketch.quantile(middle) <= ms) low = middle;
    else high = middle;
  }
  return 1 - low;
}

export function merged(sketches: Iterable<LatencySketch>): LatencySketch {
  const all = new LatencySketch();
  for (const sketch of sketches) all.merge(sketch);
  return all;
}
