import { contentHash } from '#libs/kernel';
import type { HeldEntry, NewArtifact, NewManifest } from '#libs/store';
import { type Bucket, Buckets, CONTENTS_A_STEP, lineOf } from './buckets.js';
import type { Content } from './contents.js';
import { Recent } from './recent.js';

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
 * set that differs little from the one before as that difference.
 */
export class KnownSets {
  readonly #buckets = new Buckets();
  readonly #sets = new Recent<KnownSet>(KNOWN_SETS);
  readonly #contents = new Recent<true>(KNOWN_CONTENTS);
  readonly #wholes = new Recent<readonly Bucket[]>(WHOLES);

  constructor(
    private readonly monotonic: () => number,
    private readonly store: SetStore,
  ) {}

  get #freshSince(): number {
    return this.monotonic() - FRESH_MS;
  }

  /** The set with this fingerprint, if it was made lately. */
  known(mesh: string, print: string): KnownSet | undefined {
    return this.#sets.get(`${mesh} ${print}`, this.#freshSince);
  }

  /** In steps. @returns what the set is called, once what is new of it was handed on */
  *make(contents: readonly Content[], print: string, of: SetOf): Generator<void, KnownSet> {
    const { mesh, before } = of;
    const parts = yield* this.#buckets.cut(contents);
    const buckets: Bucket[] = [];
    for (const part of parts) {
      buckets.push(this.#buckets.of(part));
      yield;
    }
    const hash = contentHash(buckets.map((bucket) => bucket.hash).join(' '));
    const base = before && this.#wholes.get(`${mesh} ${before.whole}`, this.#freshSince);
    const difference = base && differenceOf(base, buckets);
    const isSmall = difference !== undefined && difference.length <= contents.length * MAX_DIFFERENCE;
    yield;
    const set: KnownSet = { hash, whole: isSmall && before ? before.whole : hash };
    const entries = isSmall ? difference : buckets.flatMap((bucket) => [...bucket.entries.values()]);
    yield* this.#storeContents(isSmall ? namedIn(contents, difference) : contents, of);
    this.store.manifest({ mesh, hash, base: set.whole === hash ? undefined : set.whole, entries });
    const now = this.monotonic();
    if (set.whole === hash && contents.length >= MIN_WHOLE) this.#wholes.set(`${mesh} ${hash}`, buckets, now);
    this.#sets.set(`${mesh} ${print}`, set, now);
    return set;
  }

  /** Nothing is known to be stored any more. */
  forget(): void {
    for (const known of [this.#sets, this.#contents, this.#wholes]) known.clear();
  }

  *#storeContents(contents: readonly Content[], { mesh, revision }: SetOf): Generator<void> {
    const freshSince = this.#freshSince;
    for (const [i, { type, name, holding }] of contents.entries()) {
      const { version: hash, bytes } = holding;
      const key = `${mesh} ${type}/${hash}`;
      if (i % CONTENTS_A_STEP === 0) yield;
      // Of an earlier life only the hash is known: then the content was stored in that.
      if (bytes === undefined || this.#contents.get(key, freshSince)) continue;
      this.store.artifact({ mesh, type, hash, name, bytes, revision });
      this.#contents.set(key, true, this.monotonic());
    }
  }
}

function namedIn(contents: readonly Content[], entries: readonly HeldEntry[]): readonly Content[] {
  const lines = new Set(entries.map(([type, name]) => lineOf(type, name)));
  return contents.filter(({ type, name }) => lines.has(lineOf(type, name)));
}

/** Entries that make the second set of the first; of what is gone the hash is ''. */
function differenceOf(from: readonly Bucket[], to: readonly Bucket[]): HeldEntry[] {
  return to.flatMap((bucket, i) => {
    const before = from[i];
    if (before === undefined || before.hash === bucket.hash) return [];
    const changed = [...bucket.entries].filter(([line, [, , hash]]) => before.entries.get(line)?.[2] !== hash);
    const gone = [...before.entries].filter(([line]) => !bucket.entries.has(line));
    return [...changed.map(([, entry]) => entry), ...gone.map(([, [type, name]]): HeldEntry => [type, name, ''])];
  });
}
