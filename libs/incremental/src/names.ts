import type { AnyKind, CellName } from './types.js';
import { GraphFault } from './types.js';

/** The cells of one kind by key. */
export interface KindTable {
  readonly kind: AnyKind;
  readonly ids: Map<string, number>;
}

/** Dense integer ids of cells, shared by all versions of one graph. Ids of dropped names are used again. */
export class Names {
  readonly tables = new Map<AnyKind, KindTable>();
  readonly #kinds = new Set<string>();
  readonly #table: (KindTable | undefined)[] = [];
  readonly #key: string[] = [];
  readonly #free: number[] = [];

  /** One more than the largest id ever used. */
  get limit(): number {
    return this.#key.length;
  }

  /**
   * The table of a kind; makes it if need be.
   * @throws GraphFault when another kind of this graph has the same name: explanations would be ambiguous.
   */
  table(kind: AnyKind): KindTable {
    const known = this.tables.get(kind);
    if (known) return known;
    if (this.#kinds.has(kind.name)) throw new GraphFault(`two kinds of one graph are named ${kind.name}`);
    const table: KindTable = { kind, ids: new Map() };
    this.#kinds.add(kind.name);
    this.tables.set(kind, table);
    return table;
  }

  find(kind: AnyKind, key: string): number | undefined {
    return this.tables.get(kind)?.ids.get(key);
  }

  /** The id of this name; makes it if need be. */
  id(table: KindTable, key: string): number {
    const known = table.ids.get(key);
    if (known !== undefined) return known;
    const cell = this.#free.pop() ?? this.#key.length;
    this.#table[cell] = table;
    this.#key[cell] = key;
    table.ids.set(key, cell);
    return cell;
  }

  drop(cell: number): void {
    this.#table[cell]?.ids.delete(this.key(cell));
    this.#table[cell] = undefined;
    this.#key[cell] = '';
    this.#free.push(cell);
  }

  exists(cell: number): boolean {
    return this.#table[cell] !== undefined;
  }

  kind(cell: number): AnyKind {
    const table = this.#table[cell];
    if (!table) throw new GraphFault(`cell ${cell} does not exist`);
    return table.kind;
  }

  key(cell: number): string {
    return this.#key[cell] ?? '';
  }

  name(cell: number): CellName {
    return { kind: this.kind(cell).name, key: this.key(cell) };
  }
}
