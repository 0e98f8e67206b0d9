import type { SignalSpan, SignalTier, SignalTimes } from '#libs/store';

/** Of a chart. */
export const MOST_POINTS = 300;
/** Buckets that a chart is made of, unless shorter steps are asked for: 288 steps of a day are not worth 1,440 minutes. */
const MOST_BUCKETS = 1_100;
/** The same where each bucket is much to read: of all services, or of the callers of one. */
export const FEW_BUCKETS = 400;
/** A total is asked for with edges as exact as this share of its time. */
const EDGES = 1 / 24;
/** Parts of the newest bucket may be under way for so long. Milliseconds. */
const LATEST_MS = 60_000;

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Lengths of a step, those that people count in. */
const STEPS = [
  ...[10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE],
  ...[HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR],
];

export interface WindowRequest {
  /** Milliseconds since the epoch, `to` the first after. */
  readonly from: number;
  readonly to: number;
}

/** What is read to answer about a time. */
export interface Window {
  /** As it is answered: rounded to buckets that there are. Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Of a chart, from `from` on; 0 = one total. Milliseconds. */
  readonly stepMs: number;
  readonly spans: readonly SignalSpan[];
}

const floor = (at: number, length: number): number => Math.floor(at / length) * length;

/** The finest resolution that reaches back to a time; the one that reaches furthest if none does. */
function finestAt(tiers: readonly SignalTier[], at: number): SignalTier | undefined {
  return (
    tiers.find(({ keptFrom }) => keptFrom <= at) ??
    tiers.toSorted((a, b) => a.keptFrom - b.keptFrom || a.lengthMs - b.lengthMs)[0]
  );
}

/**
 * Where reading ends: at the end of a bucket that is kept, whatever lies around it.
 * @param length of the buckets that it is mostly made of; `finer`: of those for what is left over of the last of them
 */
function endOf(
  { now, newest, tiers }: SignalTimes,
  to: number,
  { length, finer }: { readonly length: number; readonly finer: number },
): number {
  // The newest bucket counts when its parts are there: what nobody has written yet is no fall to nothing.
  const known = Math.min(to, newest > now - LATEST_MS ? newest : now);
  const kept = finestAt(tiers, floor(known, length))?.lengthMs ?? finer;
  return floor(known, Math.min(length, Math.max(kept, finer)));
}

/**
 * The length of a chart's steps: so that it has at most 300, and each is made of whole buckets, and not of too many.
 * @param least no shorter than this; 0 = as is cheap
 * @param most buckets, unless shorter steps are asked for
 */
export function stepFor(times: SignalTimes, { from, to }: WindowRequest, least = 0, most = MOST_BUCKETS): number {
  const finest = finestAt(times.tiers, from)?.lengthMs ?? SECOND;
  const bucketOf = (step: number): number =>
    times.tiers.findLast(({ lengthMs }) => step % lengthMs === 0)?.lengthMs ?? step;
  const isCheap = (step: number): boolean => least > 0 || (to - from) / bucketOf(step) <= most;
  const fits = (step: number): boolean =>
    step >= least && step % finest === 0 && (to - from) / step <= MOST_POINTS && isCheap(step);
  return STEPS.find(fits) ?? Math.max(finest, ...STEPS);
}

/**
 * The buckets of a time, the coarsest that fit first: each moment lies in exactly one of them, each bucket is kept and
 * made, and none lies across two steps.
 */
function cover(times: SignalTimes, { from, to, stepMs }: Omit<Window, 'spans'>): readonly SignalSpan[] {
  const coarsestFirst = times.tiers.toReversed();
  const spans: { lengthMs: number; from: number; to: number }[] = [];
  for (let at = from; at < to; ) {
    const tier = coarsestFirst.find(
      ({ lengthMs, keptFrom, until }) =>
        at % lengthMs === 0 &&
        at >= keptFrom &&
        at < until &&
        at + lengthMs <= to &&
        (stepMs === 0 || stepMs % lengthMs === 0),
    );
    if (!tier) {
      at = nextKept(times.tiers, at, to);
      continue;
    }
    const last = spans.at(-1);
    const end = at + tier.lengthMs;
    if (last && last.lengthMs === tier.lengthMs && last.to === at) last.to = end;
    else spans.push({ lengthMs: tier.lengthMs, from: at, to: end });
    at = end;
  }
  return spans;
}

/** Where a hole ends: with the next bucket of any resolution. */
function nextKept(tiers: readonly SignalTier[], at: number, to: number): number {
  const starts = tiers.map(({ lengthMs, keptFrom }) => Math.max(keptFrom, (Math.floor(at / lengthMs) + 1) * lengthMs));
  return Math.min(to, ...starts);
}

/** What to read for a chart. @param least no step is shorter @param most buckets, unless shorter steps are asked for */
export function chartWindow(times: SignalTimes, asked: WindowRequest, least?: number, most?: number): Window {
  const step = stepFor(times, asked, least, most);
  const finest = times.tiers[0]?.lengthMs ?? step;
  const from = floor(asked.from, step);
  const to = Math.max(endOf(times, asked.to, { length: step, finer: finest }), from + finest);
  const window = { from, to, stepMs: step };
  return { ...window, spans: cover(times, window) };
}

/** What to read for one total of everything in a time. */
export function totalWindow(times: SignalTimes, asked: WindowRequest): Window {
  const { tiers } = times;
  const finest = finestAt(tiers, asked.from)?.lengthMs ?? SECOND;
  const exact = (asked.to - asked.from) * EDGES;
  const length = tiers.findLast(({ lengthMs }) => lengthMs >= finest && lengthMs <= exact)?.lengthMs ?? finest;
  // The end, which is what people look at, is taken one resolution finer.
  const finer = tiers.findLast(({ lengthMs }) => lengthMs < length)?.lengthMs ?? length;
  const from = floor(asked.from, length);
  const to = endOf(times, asked.to, { length, finer });
  const window = { from, to: to > from ? to : from + length, stepMs: 0 };
  return { ...window, spans: cover(times, window) };
}

/** Times between which an answer's totals were counted. Seconds. */
export const secondsOf = (spans: readonly SignalSpan[]): number =>
  spans.reduce((sum, { from, to }) => sum + (to - from), 0) / 1000;
