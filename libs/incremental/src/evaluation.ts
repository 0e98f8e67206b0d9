import { compareCodeUnits } from '#libs/kernel';
import type { Content } from './cells.js';
import type { Reported } from './published.js';
import type { Staged } from './staged.js';
import type { AnyQuery, CellChange, CellName, PassBudget } from './types.js';
import type { Version } from './version.js';

/** What of the observed cells is another than published. */
export interface Difference {
  readonly changed: readonly CellChange[];
  readonly gone: readonly CellName[];
}

/** Takes a version on to other inputs: what is observed is recomputed, followed where it lists, and compared with what was published. */
export class Evaluation {
  readonly version: Version;
  readonly #published: Reported;
  /** Tick of the version before the first inputs were taken over. */
  readonly #since: number;
  /** Observed cells that may be another than published. */
  readonly #suspected = new Set<number>();
  /** The order of work on them, last first. What a list gives up need not be computed, so lists go first. */
  readonly #lists: number[] = [];
  readonly #others: number[] = [];
  readonly #changes = new Map<number, CellChange>();
  /** Cells that lost their last observer. */
  readonly #dropped = new Set<number>();
  /** Changes by kind, while they are being sorted. */
  #groups: CellChange[][] | undefined;
  #ordered: readonly CellChange[] | undefined;
  #sorted = 0;

  constructor(version: Version, published: Reported) {
    this.version = version;
    this.#published = published;
    this.#since = version.engine.tick;
  }

  /** Takes over more inputs and observations. @returns inputs and index keys that changed. @throws GraphFault, and nothing is changed then */
  take(staged: Staged): readonly number[] {
    const { engine } = this.version;
    engine.abandon();
    this.#groups = undefined;
    this.#ordered = undefined;
    const changed = this.version.commit(staged);
    for (const [query, key, by] of staged.observations()) this.#observe(engine.cell(query, key), by);
    return changed;
  }

  /** Of what was just taken over, these cells were published from another version. */
  recheck(cells: Iterable<number>): void {
    for (const cell of cells) {
      if (this.version.engine.cells.observers(cell) > 0) this.#suspect(cell);
      else this.#dropped.add(cell);
    }
  }

  /** Tells the readers of what was taken over. `step` does it too. @returns false when the budget was used up first */
  spread(budget?: PassBudget): boolean {
    return this.version.engine.spread((cell) => this.#met(cell), budget);
  }

  /** @returns true once all is done; false when the budget was used up first */
  step(budget?: PassBudget): boolean {
    if (!this.spread(budget)) return false;
    for (let queue = this.#queue(); queue; queue = this.#queue()) {
      const cell = queue.at(-1) ?? 0;
      if (this.#suspected.has(cell)) {
        if (!this.version.engine.settle(cell, budget)) return false;
        this.#suspected.delete(cell);
        queue.pop();
        this.#note(cell);
        if (budget?.exhausted()) return false;
      } else {
        queue.pop();
      }
    }
    return this.#sort(budget);
  }

  /** Of a finished evaluation. Changes in code-unit order of kind and key. */
  difference(): Difference {
    const { names } = this.version.engine.commons;
    return { changed: this.ordered, gone: this.goneCells().map((cell) => names.name(cell)) };
  }

  /** Of a finished evaluation: the same list until something changes. */
  get ordered(): readonly CellChange[] {
    return this.#ordered ?? [];
  }

  changedCells(): number[] {
    return [...this.#changes.keys()];
  }

  goneCells(): number[] {
    const { cells } = this.version.engine;
    const isGone = (cell: number): boolean => cells.observers(cell) === 0 && this.#published.has(cell);
    return [...this.#dropped].filter((cell) => isGone(cell) && !this.#isInner(cell));
  }

  #queue(): number[] | undefined {
    if (this.#lists.length > 0) return this.#lists;
    return this.#others.length > 0 ? this.#others : undefined;
  }

  #met(cell: number): void {
    if (this.version.engine.cells.observers(cell) > 0) this.#suspect(cell);
  }

  #suspect(cell: number): void {
    if (this.#suspected.has(cell)) return;
    const kind = this.version.engine.commons.names.kind(cell);
    this.#suspected.add(cell);
    (kind.type === 'query' && kind.lists ? this.#lists : this.#others).push(cell);
  }

  #note(cell: number): void {
    const { cells, commons } = this.version.engine;
    const kind = commons.names.kind(cell);
    const content = cells.content(cell);
    if (kind.type === 'query' && kind.lists && !content.failed) this.#follow(cell, kind, content);
    if (this.#isInner(cell)) return;
    if (this.#published.holds(cell, content)) this.#changes.delete(cell);
    else this.#changes.set(cell, this.#change(cell, content));
  }

  #change(cell: number, { value, failed }: Content): CellChange {
    const { cells, commons } = this.version.engine;
    const isNew = !this.#published.has(cell);
    return { ...commons.names.name(cell), value: failed ? undefined : value, error: cells.error(cell), isNew };
  }

  #isInner(cell: number): boolean {
    const kind = this.version.engine.commons.names.kind(cell);
    return kind.type === 'query' && kind.isInner;
  }

  #follow(cell: number, kind: AnyQuery, { value }: Content): void {
    const { engine } = this.version;
    const before = engine.cells.listed(cell);
    if (before && engine.cells.changedAt(cell) <= this.#since) return;
    const listed: number[] = [];
    const add = (query: AnyQuery, key: string): void => void listed.push(engine.cell(query, key));
    kind.lists?.(value as never, add, engine.commons.names.key(cell));
    engine.cells.setListed(cell, Int32Array.from(listed));
    for (const one of listed) this.#observe(one, 1);
    for (const one of before ?? []) this.#observe(one, -1);
  }

  #observe(cell: number, by: number): void {
    const { cells } = this.version.engine;
    const before = cells.observers(cell);
    cells.setObservers(cell, before + by);
    if (before === 0) this.#suspect(cell);
    else if (before + by === 0) this.#release(cell);
  }

  #release(cell: number): void {
    const { cells } = this.version.engine;
    this.#suspected.delete(cell);
    this.#changes.delete(cell);
    this.#dropped.add(cell);
    const listed = cells.listed(cell);
    if (!listed) return;
    cells.setListed(cell, undefined);
    for (const one of listed) this.#observe(one, -1);
  }

  /** Kind by kind, so that a slice has an end. */
  #sort(budget: PassBudget | undefined): boolean {
    if (this.#ordered) return true;
    if (!this.#groups) {
      this.#groups = byKind(this.#changes.values());
      this.#sorted = 0;
    }
    while (this.#sorted < this.#groups.length) {
      this.#groups[this.#sorted]?.sort((a, b) => compareCodeUnits(a.key, b.key));
      this.#sorted += 1;
      if (this.#sorted < this.#groups.length && budget?.exhausted()) return false;
    }
    this.#ordered = this.#groups.flat();
    return true;
  }
}

function byKind(changes: Iterable<CellChange>): CellChange[][] {
  const groups = new Map<string, CellChange[]>();
  for (const change of changes) {
    const group = groups.get(change.kind);
    if (group) group.push(change);
    else groups.set(change.kind, [change]);
  }
  return [...groups].sort(([a], [b]) => compareCodeUnits(a, b)).map(([, group]) => group);
}
