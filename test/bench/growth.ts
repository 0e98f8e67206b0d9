/** Whether something grows, by what was seen of it over time. */

/** What may be left of growth: at this the collector's 512 MB would last for three days. Megabytes an hour. */
export const MOST_AN_HOUR = 5;
/** Student's t for 95 %, by degrees of freedom from 1 on; from eleven on that of eleven, which is a little too careful. */
const T95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2];

export interface Look {
  readonly atS: number;
  readonly heapMb: number;
}

/** The slope of a straight line through the looks (least squares), and between what it lies with 95 %. Megabytes an hour. */
export interface Growth {
  readonly perHour: number;
  readonly from: number;
  readonly to: number;
}

/** @param looks at least three, at different times; of fewer nothing is known */
export function growthOf(looks: readonly Look[]): Growth {
  if (looks.length < 3) return { perHour: Number.NaN, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const points = looks.map(({ atS, heapMb }) => ({ x: atS / 3_600, y: heapMb }));
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
  const spread = sum(points.map((point) => (point.x - x) ** 2));
  const perHour = sum(points.map((point) => (point.x - x) * (point.y - y))) / spread;
  const freedom = points.length - 2;
  const residual = sum(points.map((point) => (point.y - y - perHour * (point.x - x)) ** 2)) / freedom;
  const wide = (T95[Math.min(freedom, T95.length) - 1] ?? 0) * Math.sqrt(residual / spread);
  return { perHour, from: perHour - wide, to: perHour + wide };
}

/** `unknown`: the looks were too few, or too short a time, to tell. */
export function verdictOf({ from, to }: Growth): 'flat' | 'grows' | 'unknown' {
  if (to <= MOST_AN_HOUR) return 'flat';
  return from > MOST_AN_HOUR ? 'grows' : 'unknown';
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
