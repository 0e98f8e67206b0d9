import { contentHash } from '#libs/kernel';
import type { HeldEntry } from '#libs/store';
import type { Content } from './contents.js';
import { Fingerprint } from './fingerprint.js';
import { Recent } from './recent.js';

/** A set is cut into so many parts by name: what a change does not touch need not be looked at again. */
export const BUCKETS = 64;
/** Entries of all parts that are known, of some 170 bytes: beyond it the oldest are hashed again when they come up. */
const KNOWN_ENTRIES = 400_000;
/** Between two looks at the clock. */
export const CONTENTS_A_STEP = 256;

export interface Bucket {
  readonly hash: string;
  /** By type and name, sorted. */
  readonly entries: ReadonlyMap<string, HeldEntry>;
}

/** Parts of sets, each hashed once however many sets it is in. */
export class Buckets {
  readonly #places = new WeakMap<object, number>();
  readonly #known = new Recent<Bucket>(KNOWN_ENTRIES, ({ entries }) => 1 + entries.size);

  /** The parts of a set, `BUCKETS` of them. In steps. */
  *cut(contents: readonly Content[]): Generator<void, readonly (readonly Content[])[]> {
    const parts: Content[][] = Array.from({ length: BUCKETS }, () => []);
    for (const [i, content] of contents.entries()) {
      parts[this.#placeOf(content)]?.push(content);
      if (i % CONTENTS_A_STEP === 0) yield;
    }
    return parts;
  }

  of(contents: readonly Content[]): Bucket {
    const print = new Fingerprint();
    for (const { holding } of contents) print.add(holding.id);
    const known = this.#known.get(print.text, Number.NEGATIVE_INFINITY);
    if (known) return known;
    const lines = contents.map(({ type, name, holding }): readonly [string, HeldEntry] => [
      lineOf(type, name),
      [type, name, holding.version],
    ]);
    const entries = new Map(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
    const hash = contentHash([...entries].map(([line, [, , version]]) => `${line} ${version}\n`).join(''));
    const made = { hash, entries };
    this.#known.set(print.text, made, 0);
    return made;
  }

  /** A content has one name, so its place is worked out once. */
  #placeOf({ type, name, holding }: Content): number {
    const known = this.#places.get(holding);
    if (known !== undefined) return known;
    const place = Number.parseInt(contentHash(lineOf(type, name)).slice(0, 4), 16) % BUCKETS;
    this.#places.set(holding, place);
    return place;
  }
}

export const lineOf = (type: string, name: string): string => `${type} ${name}`;
