import type { Content } from './cells.js';
import type { AnyInput, AnyQuery } from './types.js';

/** Inputs are frozen so that no reader changes what others have read; bytes cannot be, and are left. */
export const frozen = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? Object.freeze(value) : value;

/** What the next pass is to take over: inputs, and how many more or fewer observe a cell. */
export class Staged {
  readonly #inputs = new Map<AnyInput, Map<string, Content>>();
  readonly #observers = new Map<AnyQuery, Map<string, number>>();

  /** The later of two for one input counts. */
  put(kind: AnyInput, key: string, content: Content): void {
    const contents = this.#inputs.get(kind);
    if (contents) contents.set(key, content);
    else this.#inputs.set(kind, new Map([[key, content]]));
  }

  observe(query: AnyQuery, key: string, by: number): void {
    const counts = this.#observers.get(query) ?? new Map<string, number>();
    this.#observers.set(query, counts.set(key, (counts.get(key) ?? 0) + by));
  }

  observers(query: AnyQuery, key: string): number {
    return this.#observers.get(query)?.get(key) ?? 0;
  }

  *writes(): Iterable<readonly [AnyInput, string, Content]> {
    for (const [kind, contents] of this.#inputs) for (const [key, content] of contents) yield [kind, key, content];
  }

  *observations(): Iterable<readonly [AnyQuery, string, number]> {
    for (const [query, counts] of this.#observers) for (const [key, by] of counts) if (by !== 0) yield [query, key, by];
  }

  /** Adds what was staged later: it wins. */
  add(later: Staged): void {
    for (const [kind, key, content] of later.writes()) this.put(kind, key, content);
    for (const [query, key, by] of later.observations()) this.observe(query, key, by);
  }

  /** Forgets writes that another has too. */
  withoutWritesOf(other: Staged): void {
    for (const [kind, key] of other.writes()) this.#inputs.get(kind)?.delete(key);
  }
}
