/**
 * How surprising counts are, in nats: the logarithm of a likelihood ratio. By Chernoff's bound (Ann. Math. Stat. 23, 1952) a value of at
 * least `x` has, when nothing is wrong, a chance of at most exp(-x), whatever the size of the sample: no approximation that
 * fails on small counts. All tests of this library say their result in this unit, and `needed` says how much is enough.
 */

/** Chance that one evaluation of a whole mesh finds something where nothing is. */
const ALPHA = 1e-3;

/** Evidence that is enough when `tests` things were looked at: Bonferroni's correction. */
export const needed = (tests: number): number => Math.log(Math.max(1, tests) / ALPHA);

/** That more than `expected` failed: the expectation-based Poisson scan statistic (Neill et al., 2005). 0 when not more. */
export function excessEvidence(failed: number, expected: number): number {
  if (failed <= expected || failed <= 0) return 0;
  const least = Math.max(expected, 1e-9);
  return failed * Math.log(failed / least) - (failed - least);
}

/**
 * That a part, which has `share` of the attempts, has more than that share of the failures. Given how many failed in all, the
 * failures of a part are binomial: the C-test of two Poisson rates (Przyborowski and Wilenski, Biometrika 31, 1940), in the form
 * of Chernoff's bound. Only failures are counted, and those are exact where the others come from a sample.
 */
export function shareEvidence(inside: number, all: number, share: number): number {
  if (all <= 0) return 0;
  const part = Math.min(1, inside / all);
  const usual = Math.min(1 - 1e-9, Math.max(1e-9, share));
  if (part <= usual) return 0;
  const rest = part >= 1 ? 0 : (1 - part) * Math.log((1 - part) / (1 - usual));
  return all * (part * Math.log(part / usual) + rest);
}

/**
 * That a mean moved away from what it was, as a normal deviate in nats (z squared over 2), from two samples.
 * @returns 0 when it did not rise
 */
export function riseEvidence(now: readonly number[], before: readonly number[]): number {
  if (now.length === 0 || before.length < 3) return 0;
  const [mean, usual] = [meanOf(now), meanOf(before)];
  if (mean <= usual) return 0;
  // Counts from a sample vary more than Poisson; their own variance says how much. Never less than Poisson's.
  const variance = Math.max(varianceOf(before, usual), usual, 1);
  const error = variance * (1 / now.length + 1 / before.length);
  return (mean - usual) ** 2 / error / 2;
}

export const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const varianceOf = (values: readonly number[], mean: number): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);

/** Confidence from evidence: 0.5 at what is just enough, near 1 at three times that; scaled by the share that it explains. */
export function confidence(evidence: number, enough: number, explained: number): number {
  const surplus = Math.max(0, evidence / Math.max(enough, 1e-9) - 1);
  return Math.min(1, Math.max(0, (1 - 0.5 * Math.exp(-2 * surplus)) * Math.min(1, Math.max(0, explained))));
}
