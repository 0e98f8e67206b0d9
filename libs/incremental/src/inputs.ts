import { type Content, DIRTY, NO_CONTENT } from './cells.js';
import { Engine, type Source } from './engine.js';
import { applyDelta, buildIndex, type IndexDelta, type InputChange, indexDelta, NO_MEMBERS } from './indexes.js';
import type { AnyIndex, AnyInput, AnyKind } from './types.js';
import { GraphFault } from './types.js';

interface Write {
  readonly cell: number;
  readonly content: Content;
}

/** An absent input. */
export const ABSENT: Content = { value: undefined, hash: NO_CONTENT, failed: false };

/** Inputs are frozen so that no reader changes what others have read; bytes cannot be, and are left. */
export const frozen = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? Object.freeze(value) : value;

/** The inputs of a graph, what is staged for them, and the indexes over them. */
export class Inputs implements Source {
  readonly engine = new Engine(this);
  readonly #indexes = new Map<AnyInput, AnyIndex[]>();
  /** Input cells with what the next pass is to give them. */
  #staged = new Map<number, Content>();
  #version = 0;
  #versions = 0;

  /** Names the present inputs; never the same for others, those of an undone pass included. */
  get version(): number {
    return this.#version;
  }

  indexesOf(kind: AnyInput): readonly AnyIndex[] {
    return this.#indexes.get(kind) ?? [];
  }

  stage(kind: AnyInput, key: string, content: Content): void {
    this.#staged.set(this.engine.cell(kind, key), content);
  }

  open(kind: AnyKind): ReadonlyMap<string, readonly string[]> {
    if (kind.type !== 'index') return new Map();
    const built = buildIndex(kind, this.#contents(kind.of));
    this.#indexes.set(kind.of, [...(this.#indexes.get(kind.of) ?? []), kind]);
    return built;
  }

  *#contents(kind: AnyInput): Iterable<readonly [string, unknown]> {
    for (const [key, cell] of this.engine.cells.tables.get(kind)?.ids ?? []) yield [key, this.engine.cells.value(cell)];
  }

  admit(cell: number): void {
    const { cells } = this.engine;
    const { type } = cells.kind(cell);
    if (type === 'query') cells.setState(cell, DIRTY);
    else if (type === 'index') cells.setContent(cell, { value: NO_MEMBERS, hash: '', failed: false });
  }

  isEmpty(cell: number): boolean {
    const { cells } = this.engine;
    switch (cells.kind(cell).type) {
      case 'query':
        return false;
      case 'index':
        return cells.value(cell) === NO_MEMBERS || (cells.value(cell) as readonly string[]).length === 0;
      case 'input':
        return cells.value(cell) === undefined && !this.#staged.has(cell);
    }
  }

  complete(): void {
    // Recorded reads are always complete here; only a fork takes them over late.
  }

  /**
   * Takes over what is staged; `met` hears of every cell that may now be stale. Returns what undoes it and stages it
   * again. Nothing has changed if it throws.
   */
  commit(met: (cell: number) => void): () => void {
    const { cells } = this.engine;
    const writes: Write[] = [];
    for (const [cell, content] of this.#staged) if (!cells.holds(cell, content)) writes.push({ cell, content });
    const version = this.#version;
    const inverse = writes.length > 0 ? this.#apply(writes, met) : [];
    const staged = this.#staged;
    const log = this.engine.relinked;
    this.#staged = new Map();
    if (inverse.length > 0) {
      this.#versions += 1;
      this.#version = this.#versions;
      this.engine.relinked = [];
    }
    return () => {
      if (inverse.length > 0) {
        this.#apply(inverse, met);
        // Forks of these inputs are valid again and follow what was read meanwhile.
        this.engine.relinked = log.concat(this.engine.relinked);
      }
      this.#version = version;
      this.#staged = new Map([...staged, ...this.#staged]);
    };
  }

  /** Gives inputs new content and indexes their members; returns what undoes it. Nothing is written if it throws. */
  #apply(writes: readonly Write[], met: (cell: number) => void): Write[] {
    const { cells } = this.engine;
    const deltas = this.#deltas(writes);
    const inverse = writes.map(({ cell }) => ({ cell, content: cells.content(cell) }));
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
    this.engine.invalidate(touched, met);
    return inverse;
  }

  #deltas(writes: readonly Write[]): [AnyIndex, IndexDelta][] {
    const { cells } = this.engine;
    const changes = new Map<AnyInput, InputChange[]>();
    for (const { cell, content } of writes) {
      const kind = cells.kind(cell);
      if (kind.type !== 'input') throw new GraphFault(`${kind.name} is no input`);
      const change = { key: cells.key(cell), before: cells.value(cell), after: content.value };
      const list = changes.get(kind);
      if (list) list.push(change);
      else changes.set(kind, [change]);
    }
    return [...changes].flatMap(([kind, list]) =>
      this.indexesOf(kind).map((index): [AnyIndex, IndexDelta] => [index, indexDelta(index, list)]),
    );
  }
}
