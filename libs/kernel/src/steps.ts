/** Long work in short pieces: whoever does it can let others have their turn in between. */
import { compareCodeUnits } from './order.js';

/** Work with a result; every `yield` comes after a piece of bounded size. */
export type Steps<T> = Generator<void, T, void>;

/** Items of a list that make one piece, where each costs next to nothing. */
const PIECE = 256;

/** Does all of it at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** A result that is there already. */
export function* atOnce<T>(result: T): Steps<T> {
  yield;
  return result;
}

/** Calls `each` for every item. @param every so many are one piece */
export function* eachOf<T>(items: Iterable<T>, each: (item: T) => void, every = PIECE): Steps<void> {
  let left = every;
  for (const item of items) {
    each(item);
    left -= 1;
    if (left > 0) continue;
    yield;
    left = every;
  }
}

/** What every item comes to. @param every so many are one piece */
export function* mapped<T, R>(items: Iterable<T>, map: (item: T) => R, every = PIECE): Steps<R[]> {
  const results: R[] = [];
  yield* eachOf(items, (item) => void results.push(map(item)), every);
  return results;
}

/** The same for items that come to any number of results. */
export function* flatMapped<T, R>(items: Iterable<T>, map: (item: T) => readonly R[], every = PIECE): Steps<R[]> {
  const results: R[] = [];
  const add = (item: T): void => {
    for (const one of map(item)) results.push(one);
  };
  yield* eachOf(items, add, every);
  return results;
}

/** A sorted copy; of equal items the earlier stays first. */
export function* sortedInSteps<T>(items: Iterable<T>, compare: (a: T, b: T) => number): Steps<T[]> {
  const all = [...items];
  let runs: T[][] = [];
  for (let at = 0; at < all.length; at += PIECE) {
    runs.push(all.slice(at, at + PIECE).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* mergedRuns(runs[at] ?? [], runs[at + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

/** A copy in code-unit order of the keys. */
export const sortedByInSteps = <T>(items: Iterable<T>, key: (item: T) => string): Steps<T[]> =>
  sortedInSteps(items, (a, b) => compareCodeUnits(key(a), key(b)));

function* mergedRuns<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    const takesLeft = j >= b.length || (i < a.length && compare(left as T, right as T) <= 0);
    merged.push((takesLeft ? left : right) as T);
    if (takesLeft) i += 1;
    else j += 1;
    if (merged.length % PIECE === 0) yield;
  }
  return merged;
}
