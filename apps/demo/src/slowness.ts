import { createHash } from 'node:crypto';

/** Milliseconds that the sample takes on the machine for which the time limits of the demo are meant. */
const USUAL_MS = 60;

/** How many times slower than a usual machine this one is now; at least 1. Time limits are multiplied by it. */
export function slowness(): number {
  const begun = performance.now();
  let text = 'heddle';
  for (let i = 0; i < 20_000; i++) text = createHash('sha256').update(text).digest('hex');
  return Math.max(1, (performance.now() - begun) / USUAL_MS);
}
