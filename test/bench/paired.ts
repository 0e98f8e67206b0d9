/** What two ways differ by, when both were measured in turns. */
import { median, quantile } from './row.js';

const DRAWS = 2_000;

/** The median of the differences, and between what it lies with 95 % by drawing the rounds anew (Efron's bootstrap). */
export interface Difference {
  readonly median: number;
  readonly from: number;
  readonly to: number;
}

/** @param rounds of both ways, in pairs of the same time */
export function differenceOf(rounds: readonly (readonly [with_: number, without: number])[]): Difference {
  const differences = rounds.map(([a, b]) => a - b);
  const drawn = Array.from({ length: DRAWS }, () =>
    median(differences.map(() => differences[Math.floor(Math.random() * differences.length)] ?? 0)),
  );
  return { median: median(differences), from: quantile(drawn, 0.025), to: quantile(drawn, 0.975) };
}
