/** A chart's steps, one after the other, with those of which nothing is known. */
import type uPlot from 'uplot';
import type { Frame } from './frame';

export interface Step {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Counts are lower bounds: something was dropped, or it has not ended. */
  readonly isIncomplete: boolean;
  /** One for each line; null = nothing is known, which is not nothing. */
  readonly values: readonly (number | null)[];
}

export interface Band extends Frame {
  readonly what: 'incomplete' | 'unknown';
}

export interface Plotted {
  readonly data: uPlot.AlignedData;
  readonly bands: readonly Band[];
}

/**
 * Of each line two: what is whole, and what is not, with the points beside it, so that the two meet. Steps that are not
 * there are holes in both.
 */
export function plotted(
  steps: readonly Step[],
  lines: number,
  { from, to, stepMs }: Frame & { stepMs: number },
): Plotted {
  const known = new Map(steps.map((step) => [step.at, step]));
  const times: number[] = [];
  for (let at = from; at < to; at += stepMs) times.push(at);
  const grid = times.map((at) => known.get(at));
  const isPart = (i: number): boolean => grid[i]?.isIncomplete === true;
  const series = Array.from({ length: lines }, (_, line) => {
    const value = (i: number): number | null => grid[i]?.values[line] ?? null;
    return [
      times.map((_at, i) => (isPart(i) ? null : value(i))),
      times.map((_at, i) => (isPart(i) || isPart(i - 1) || isPart(i + 1) ? value(i) : null)),
    ];
  }).flat();
  return { data: [times.map((at) => at / 1_000), ...series], bands: bandsOf(grid, { from, to, stepMs }) };
}

function bandsOf(
  grid: readonly (Step | undefined)[],
  { from, to, stepMs }: Frame & { readonly stepMs: number },
): readonly Band[] {
  const bands: { what: Band['what']; from: number; to: number }[] = [];
  for (const [i, step] of grid.entries()) {
    const what = step === undefined ? 'unknown' : step.isIncomplete ? 'incomplete' : undefined;
    if (what === undefined) continue;
    const at = from + i * stepMs;
    const last = bands.at(-1);
    const end = Math.min(to, at + stepMs);
    if (last?.what === what && last.to === at) last.to = end;
    else bands.push({ what, from: at, to: end });
  }
  return bands;
}

/** What is counted comes later than what happens: a mark may be newer than the last step by so much. Milliseconds. */
const AHEAD_MS = 120_000;

/**
 * Marks that would lie over each other are one. Those that are newer than the last step lie at its end.
 * @param near share of the width, 0 to 1
 */
export function gathered<T extends { readonly at: number }>(
  marks: readonly T[],
  { from, to }: Frame,
  near: number,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  const shown = marks.filter(({ at }) => at >= from && at < to + AHEAD_MS);
  for (const mark of shown.toSorted((a, b) => a.at - b.at)) {
    const group = groups.at(-1);
    const first = group?.[0];
    if (group && first && Math.min(mark.at, to) - Math.min(first.at, to) < near * (to - from)) group.push(mark);
    else groups.push([mark]);
  }
  return groups;
}
