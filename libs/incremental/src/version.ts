import { type Content, DIRTY, NOTHING } from './cells.js';
import type { Commons, Source } from './commons.js';
import { Engine } from './engine.js';
import { applyDelta, buildIndex, type IndexDelta, type InputChange, indexDelta, NO_MEMBERS } from './indexes.js';
import type { Staged } from './staged.js';
import type { AnyIndex, AnyInput, AnyKind } from './types.js';
import { GraphFault } from './types.js';

interface Write {
  readonly cell: number;
  readonly content: Content;
}

/** All inputs, indexes and queries at one moment. A copy costs next to nothing, and only what it changes afterwards. */
export class Version implements Source {
  readonly engine: Engine;
  readonly #opened: Set<AnyIndex>;
  readonly #indexes: Map<AnyInput, readonly AnyIndex[]>;

  constructor(commons: Commons, from?: Version) {
    const indexes = from ? from.#indexes : [];
    this.engine = new Engine(this, commons, from?.engine);
    this.#opened = new Set(from ? from.#opened : []);
    this.#indexes = new Map(indexes);
  }

  indexesOf(kind: AnyInput): readonly AnyIndex[] {
    return this.#indexes.get(kind) ?? [];
  }

  open(index: AnyIndex): void {
    if (this.#opened.has(index)) return;
    const { names } = this.engine.commons;
    const table = names.table(index);
    const built = buildIndex(index, this.#contents(index.of));
    this.#opened.add(index);
    this.#indexes.set(index.of, [...this.indexesOf(index.of), index]);
    for (const [key, members] of built) {
      const cell = names.id(table, key);
      this.engine.cells.add(cell);
      this.engine.cells.setContent(cell, { value: members, hash: '', failed: false });
    }
  }

  *#contents(kind: AnyInput): Iterable<readonly [string, unknown]> {
    const { cells, commons } = this.engine;
    for (const [key, cell] of commons.names.tables.get(kind)?.ids ?? []) {
      if (this.engine.has(cell)) yield [key, cells.value(cell)];
    }
  }

  admit(cell: number, kind: AnyKind): void {
    const { cells } = this.engine;
    if (kind.type === 'query') cells.setState(cell, DIRTY);
    else if (kind.type === 'index') cells.setContent(cell, { value: NO_MEMBERS, hash: '', failed: false });
  }

  /** An input that is absent, or an index key without members. */
  isEmpty(cell: number): boolean {
    const { cells, commons } = this.engine;
    const { type } = commons.names.kind(cell);
    if (type === 'query') return false;
    const value = cells.value(cell);
    return type === 'input' ? value === undefined : (value as readonly string[]).length === 0;
  }

  /**
   * Takes over inputs, indexes following; `engine.spread` then tells their readers. Nothing has changed if it throws.
   * @returns whether anything is another than before
   */
  commit(staged: Staged): boolean {
    const { cells } = this.engine;
    const writes: Write[] = [];
    for (const [kind, key, content] of staged.writes()) {
      const known = this.engine.commons.names.find(kind, key);
      const isKnown = known !== undefined && this.engine.has(known);
      if (isKnown ? cells.holds(known, content) : content.hash === NOTHING.hash) continue;
      writes.push({ cell: this.engine.cell(kind, key), content });
    }
    if (writes.length === 0) return false;
    const deltas = this.#deltas(writes);
    const touched = writes.map(({ cell }) => cell);
    for (const { cell, content } of writes) cells.setContent(cell, content);
    for (const [index, delta] of deltas) {
      for (const [key, members] of delta) {
        const cell = this.engine.cell(index, key);
        const value = applyDelta(cells.value(cell) as readonly string[], members);
        cells.setContent(cell, { value, hash: '', failed: false });
        touched.push(cell);
      }
    }
    this.engine.tick += 1;
    for (const cell of touched) cells.setChangedAt(cell, this.engine.tick);
    this.engine.changed(touched);
    return true;
  }

  #deltas(writes: readonly Write[]): [AnyIndex, IndexDelta][] {
    const { cells, commons } = this.engine;
    const changes = new Map<AnyInput, InputChange[]>();
    for (const { cell, content } of writes) {
      const kind = commons.names.kind(cell);
      if (kind.type !== 'input') throw new GraphFault(`${kind.name} is no input`);
      const change = { key: commons.names.key(cell), before: cells.value(cell), after: content.value };
      const list = changes.get(kind);
      if (list) list.push(change);
      else changes.set(kind, [change]);
    }
    return [...changes].flatMap(([kind, list]) =>
      this.indexesOf(kind).map((index): [AnyIndex, IndexDelta] => [index, indexDelta(index, list)]),
    );
  }

  /** Forgets a cell that nothing reads and nobody observes. */
  drop(cell: number): void {
    this.engine.edges.clear(cell);
    this.engine.cells.drop(cell);
    this.engine.commons.names.drop(cell);
  }
}
