import { Cell, type Lookup } from '../cell.js';
import { isXdstp } from '../names.js';
import type { Subscription } from '../subscription.js';

/** All that a subscription gets of a view, made once for all who have the same: a list is known by its identity. */
export interface Whole {
  readonly cells: readonly Cell[];
  /** Bytes, near enough for limits. */
  readonly size: number;
  /** Those that must wait until something else is confirmed. */
  readonly requiring: readonly Cell[];
  /** Some have a time to live (TTL-1). */
  readonly timed: boolean;
}

/** @returns undefined if it is not as simple as that: each name is then looked at */
export function wholeOf(
  { wildcard, names }: Pick<Subscription, 'wildcard' | 'names'>,
  all: () => Iterable<string>,
  lookup: (name: string) => Lookup,
): Whole | undefined {
  if (wildcard === names.size > 0) return undefined;
  const cells: Cell[] = [];
  for (const name of wildcard ? all() : names) {
    const cell = lookup(name);
    // Withheld, or there under another name; or one that the wildcard does not include (TP-3).
    if (!(cell instanceof Cell) || cell.name !== name || (wildcard && isXdstp(name))) return undefined;
    if (!(wildcard && cell.onDemand)) cells.push(cell); // WILD-5
  }
  return {
    cells,
    size: cells.reduce((sum, cell) => sum + cell.size, 0),
    requiring: cells.filter(({ requires }) => requires.length > 0),
    timed: cells.some(({ ttlMs }) => ttlMs > 0),
  };
}

/** The lists of one view, by what was asked for. They are made again after each publication, and kept if they are equal. */
export class Wholes {
  readonly #known = new WeakMap<ReadonlySet<string>, { change: number; whole: Whole | undefined }>();

  /** @param change number of the newest publication */
  of(names: ReadonlySet<string>, change: number, make: () => Whole | undefined): Whole | undefined {
    const known = this.#known.get(names);
    if (known?.change === change) return known.whole;
    const made = make();
    const whole = made && known?.whole && sameCells(made.cells, known.whole.cells) ? known.whole : made;
    this.#known.set(names, { change, whole });
    return whole;
  }
}

const sameCells = (a: readonly Cell[], b: readonly Cell[]): boolean =>
  a.length === b.length && a.every((cell, index) => cell === b[index]);
