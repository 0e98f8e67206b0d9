import { createHash } from 'node:crypto';

/** Milliseconds that the sample takes on the machine for which the time limits of the demo are meant. */
const USUAL_MS = 60;
/** Machines that run CI are shared and noisy: what is quick now may be slow in a second. */
const LEAST = process.env['CI'] ? 10 : 1;

/** A limit that grew further would only hide that something hangs. */
const MOST = 20;

let worst = LEAST;

/** How many times slower than a usual machine this one has been so far. Time limits are multiplied by it. */
export function slowness(): number {
  const begun = performance.now();
  let text = 'heddle';
  for (let i = 0; i < 20_000; i++) text = createHash('sha256').update(text).digest('hex');
  worst = Math.min(MOST, Math.max(worst, (performance.now() - begun) / USUAL_MS));
  return worst;
}
