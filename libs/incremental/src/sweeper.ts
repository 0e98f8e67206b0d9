import { NO_EDGE } from './edges.js';
import type { PassBudget } from './types.js';
import type { Version } from './version.js';

/** Cells that are looked at between two looks at the clock. */
const CELLS_PER_LOOK = 256;

/** Finds cells that nothing needs, a slice at a time, by who reads them. What was idle in two rounds in a row goes. */
export class Sweeper {
  #cursor = 0;
  #idleBefore = new Set<number>();
  #idle = new Set<number>();

  step(version: Version, budget: PassBudget): { readonly isOver: boolean; readonly dropped: number } {
    const { names } = version.engine.commons;
    let dropped = 0;
    while (this.#cursor < names.limit) {
      const end = Math.min(names.limit, this.#cursor + CELLS_PER_LOOK);
      for (; this.#cursor < end; this.#cursor += 1) dropped += this.#look(version, this.#cursor);
      if (budget.exhausted()) return { isOver: false, dropped };
    }
    this.#cursor = 0;
    this.#idleBefore = this.#idle;
    this.#idle = new Set();
    return { isOver: true, dropped };
  }

  #look(version: Version, cell: number): number {
    if (!isIdle(version, cell)) return 0;
    if (this.#idleBefore.has(cell)) return this.#drop(version, cell);
    this.#idle.add(cell);
    return 0;
  }

  /** What only this cell has read goes with it. */
  #drop(version: Version, root: number): number {
    let dropped = 0;
    const due = [root];
    for (let cell = due.pop(); cell !== undefined; cell = due.pop()) {
      if (!isIdle(version, cell)) continue;
      due.push(...version.engine.edges.reads(cell));
      version.drop(cell);
      this.#idle.delete(cell);
      this.#idleBefore.delete(cell);
      dropped += 1;
    }
    return dropped;
  }
}

function isIdle(version: Version, cell: number): boolean {
  const { engine } = version;
  if (!engine.commons.names.exists(cell) || engine.cells.observers(cell) > 0) return false;
  if (engine.edges.firstReader(cell) !== NO_EDGE) return false;
  return !engine.has(cell) || engine.commons.names.kind(cell).type === 'query' || version.isEmpty(cell);
}
