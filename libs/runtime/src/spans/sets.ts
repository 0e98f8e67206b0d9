import { contentHash } from '#libs/kernel';
import type { HeldEntry, NewArtifact, NewManifest } from '#libs/store';
import type { Content } from './contents.js';
import { Fingerprints } from './fingerprint.js';

/** A set that was recorded. */
export interface KnownSet {
  readonly hash: string;
  /** Hash of the set that it is stored as a difference to, or its own. */
  readonly whole: string;
}

/** Where what is new goes to be stored. */
export interface SetStore {
  artifact(artifact: NewArtifact): void;
  manifest(manifest: NewManifest): void;
}

/** Whose set it is, and what to compare it with. */
export interface SetOf {
  readonly mesh: string;
  readonly revision: number;
  readonly before: KnownSet | undefined;
}

/** What is known to be stored is said again after so long: the store keeps what nobody refers to for longer. */
const FRESH_MS = 12 * 3_600_000;
const KNOWN_SETS = 10_000;
const KNOWN_CONTENTS = 500_000;
/** Sets that others are stored as differences to; smaller ones are always stored whole. */
const WHOLES = 64;
const MIN_WHOLE = 64;
/** A difference of more than this share of the set is not worth it. */
const MAX_DIFFERENCE = 0.25;

/**
 * Names sets of contents by a hash, and hands on what has not been stored yet: each content once, each set once, and a
 * set that differs little from the one before as that difference. A set that was met before costs a look at each of its
 * contents, not their hashes.
 */
export class KnownSets {
  readonly #prints = new Fingerprints();
  readonly #sets = new Recent<KnownSet>(KNOWN_SETS);
  readonly #contents = new Recent<true>(KNOWN_CONTENTS);
  readonly #wholes = new Recent<ReadonlyMap<string, HeldEntry>>(WHOLES);

  constructor(
    private readonly monotonic: () => number,
    private readonly store: SetStore,
  ) {}

  /** @returns what the set is called, once what is new of it was handed on */
  named(contents: readonly Content[], of: SetOf): KnownSet {
    const freshSince = this.monotonic() - FRESH_MS;
    const print = `${of.mesh} ${this.#prints.of(holdingsOf(contents))}`;
    const known = this.#sets.get(print, freshSince);
    if (known) return known;
    const made = this.#make(contents, of, freshSince);
    this.#sets.set(print, made, this.monotonic());
    return made;
  }

  /** Nothing is known to be stored any more. */
  forget(): void {
    for (const known of [this.#sets, this.#contents, this.#wholes]) known.clear();
  }

  #make(contents: readonly Content[], { mesh, revision, before }: SetOf, freshSince: number): KnownSet {
    const lines = contents
      .map((content) => ({ line: `${content.type} ${content.name}`, content }))
      .sort((a, b) => (a.line < b.line ? -1 : 1));
    const entries = new Map(
      lines.map(({ line, content }) => [line, [content.type, content.name, content.holding.version] as HeldEntry]),
    );
    const hash = contentHash([...entries].map(([line, [, , version]]) => `${line} ${version}\n`).join(''));
    const base = before && this.#wholes.get(`${mesh} ${before.whole}`, freshSince);
    const difference = base && differenceOf(base, entries);
    const isSmall = difference !== undefined && difference.length <= entries.size * MAX_DIFFERENCE;
    const stored = isSmall ? difference : [...entries.values()];
    const whole = isSmall && before ? before.whole : hash;
    const wanted = new Set(stored.map(([type, name]) => `${type} ${name}`));
    for (const { line, content } of lines)
      if (wanted.has(line)) this.#storeOnce(content, { mesh, revision }, freshSince);
    this.store.manifest({ mesh, hash, base: whole === hash ? undefined : whole, entries: stored });
    if (whole === hash && entries.size >= MIN_WHOLE) this.#wholes.set(`${mesh} ${hash}`, entries, this.monotonic());
    return { hash, whole };
  }

  #storeOnce({ type, name, holding }: Content, of: Omit<SetOf, 'before'>, freshSince: number): void {
    const { version: hash, bytes } = holding;
    const key = `${of.mesh} ${type}/${hash}`;
    // Of an earlier life only the hash is known: then the content was stored in that.
    if (bytes === undefined || this.#contents.get(key, freshSince)) return;
    this.store.artifact({ mesh: of.mesh, type, hash, name, bytes, revision: of.revision });
    this.#contents.set(key, true, this.monotonic());
  }
}

function* holdingsOf(contents: readonly Content[]): Iterable<object> {
  for (const { holding } of contents) yield holding;
}

/** Entries that make the second set of the first; of what is gone the hash is ''. */
function differenceOf(from: ReadonlyMap<string, HeldEntry>, to: ReadonlyMap<string, HeldEntry>): HeldEntry[] {
  const changed = [...to].filter(([line, [, , hash]]) => from.get(line)?.[2] !== hash).map(([, entry]) => entry);
  const gone = [...from].filter(([line]) => !to.has(line)).map(([, [type, name]]): HeldEntry => [type, name, '']);
  return [...changed, ...gone];
}

/** The newest of what was set, with when. */
class Recent<T> {
  readonly #items = new Map<string, { readonly value: T; readonly at: number }>();

  constructor(private readonly limit: number) {}

  get(key: string, since: number): T | undefined {
    const item = this.#items.get(key);
    return item && item.at >= since ? item.value : undefined;
  }

  set(key: string, value: T, at: number): void {
    this.#items.delete(key);
    this.#items.set(key, { value, at });
    const [oldest] = this.#items.keys();
    if (this.#items.size > this.limit && oldest !== undefined) this.#items.delete(oldest);
  }

  clear(): void {
    this.#items.clear();
  }
}
