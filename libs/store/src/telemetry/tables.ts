import type { SignalSpan, SignalView } from './signal.port.js';

export const VIEWS: readonly SignalView[] = ['service', 'pair', 'edge', 'instance', 'zone'];

/** Their column `callee` is named after what it held in builds before; it holds shelves. */
export const tableOf = (view: SignalView): string => `signal_${view}`;

/** Resolutions by the seconds of a bucket, as tables are named by them; each is made of the one before. */
export const FINEST_S = 10;

export const secondsOf = (lengthMs: number): number => lengthMs / 1000;

/**
 * One statement for spans of several resolutions: constants, so that only their ranges are planned and read. The numbers
 * are ours; they are checked all the same.
 */
export function eachSpan(spans: readonly SignalSpan[], select: (condition: string) => string): string {
  return spans
    .map(({ lengthMs, from, to }) => {
      const numbers = [secondsOf(lengthMs), from, to];
      if (!numbers.every(Number.isSafeInteger)) throw new RangeError(`no span of time: ${numbers.join(', ')}`);
      return select(`tier = ${numbers[0]} AND at >= ${from} AND at < ${to}`);
    })
    .join(' UNION ALL ');
}
