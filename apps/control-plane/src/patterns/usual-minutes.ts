/** What was usual is taken from this long before the window, where that fits. */
export const USUAL_MINUTES = 120;
/** Less says too little: two minutes for each of the stretches whose median is taken. */
export const FEWEST_MINUTES = 24;
/** Cells of minutes that are kept for it, of half a KB each: a hundred MB of the collector's 512. */
const MOST_CELLS = 200_000;

/**
 * So many minutes of a mesh of this size are kept: of a very large one fewer, so that the collector does not die of what
 * was usual.
 * @param cells that some minutes have
 */
export function minutesThatFit(cells: number, minutes: number): number {
  if (cells <= 0) return USUAL_MINUTES;
  return Math.max(FEWEST_MINUTES, Math.min(USUAL_MINUTES, Math.floor((MOST_CELLS / cells) * minutes)));
}
