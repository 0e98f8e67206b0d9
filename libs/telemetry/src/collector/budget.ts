/** Rows that one bucket of one mesh may have in a rollup; what comes later is added to rows named `other`. */
export const ROWS = { edges: 2_000, instances: 2_000, zones: 500 } as const;

export type Rollup = keyof typeof ROWS;

/** Rows by key, up to a number. */
export class BoundedRows<Row> {
  readonly #rows = new Map<string, Row>();

  constructor(private readonly most: number) {}

  get values(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /**
   * The row of a key, made if there is room; beyond it, the row of `other`.
   * @returns with `isOther` when the key's own has found no room
   */
  get(key: string, make: () => Row, other: { readonly key: string; make(): Row }): { row: Row; isOther: boolean } {
    const known = this.#rows.get(key);
    if (known) return { row: known, isOther: false };
    // Rows named `other` are few: one for each outcome.
    if (this.#rows.size < this.most) return { row: this.#put(key, make()), isOther: false };
    return { row: this.#rows.get(other.key) ?? this.#put(other.key, other.make()), isOther: true };
  }

  #put(key: string, row: Row): Row {
    this.#rows.set(key, row);
    return row;
  }
}
