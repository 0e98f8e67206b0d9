import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { DDSketch } from '@datadog/sketches-js';

/** Of a quantile: what is said to be 100 ms was between 98 and 102. */
const RELATIVE_ACCURACY = 0.02;
/** Longer is taken as this, shorter than a hundredth as none: a client that lies about time fills no memory. Milliseconds. */
const LONGEST_MS = 3_600_000;
const SHORTEST_MS = 0.01;
/** Weights are kept in sixteenths, the steps of the sample. */
const PARTS = 16;
const VERSION = 1;
/** Bins between `SHORTEST_MS` and `LONGEST_MS`, and some. */
const MAX_BINS = 1_000;
/** Keys of bins lie around this one, so that those on the wire are not negative. */
const LOWEST_KEY = -500;
const KEYS = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY }).mapping;

export interface Bins {
  /** How often no time at all. Sixteenths. */
  readonly zeros: number;
  readonly bins: readonly (readonly [key: number, sixteenths: number])[];
}

/**
 * Zeros, then each bin's key and how often, in sixteenths, the lowest key first: one array as long as what is in it, since
 * there are very many of these.
 */
type Packed = number[];
/** Of all that hold nothing: never written to. */
const NOTHING: Packed = [0];
/** A sketch without its numbers. */
const SKETCH_BYTES = 96;
const NUMBER_BYTES = 8;

function pack({ zeros, bins }: Bins): Packed {
  const packed = [zeros];
  let isRising = true;
  let before = Number.NEGATIVE_INFINITY;
  for (const [key, sixteenths] of bins) {
    isRising &&= key > before;
    before = key;
    packed.push(key, sixteenths);
  }
  // Copied, as one that has grown keeps room for more.
  if (isRising) return packed.length === 1 && zeros === 0 ? NOTHING : packed.slice();
  return bins.reduce<Packed>((sum, [key, sixteenths]) => counted(sum, key, sixteenths), [zeros]);
}

/** Where the bin of a key is, or would be. */
function placeOf(packed: Packed, key: number): number {
  let [low, high] = [0, (packed.length - 1) / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((packed[1 + 2 * middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return 1 + 2 * low;
}

/** @returns the same, or a longer one */
function counted(packed: Packed, key: number, sixteenths: number): Packed {
  const at = placeOf(packed, key);
  if (packed[at] !== key) return packed.toSpliced(at, 0, key, sixteenths);
  packed[at + 1] = (packed[at + 1] ?? 0) + sixteenths;
  return packed;
}

function hasAllKeys(packed: Packed, of: Packed): boolean {
  let at = 1;
  for (let next = 1; next < of.length; next += 2) {
    const key = of[next] ?? 0;
    while (at < packed.length && (packed[at] ?? 0) < key) at += 2;
    if (packed[at] !== key) return false;
  }
  return true;
}

/** @param into has all keys of `from` */
function pour(from: Packed, into: Packed): void {
  into[0] = (into[0] ?? 0) + (from[0] ?? 0);
  let at = 1;
  for (let next = 1; next < from.length; next += 2) {
    while (into[at] !== from[next]) at += 2;
    into[at + 1] = (into[at + 1] ?? 0) + (from[next + 1] ?? 0);
  }
}

function merged(one: Packed, other: Packed): Packed {
  const sum = [(one[0] ?? 0) + (other[0] ?? 0)];
  let [left, right] = [1, 1];
  while (left < one.length || right < other.length) {
    const [a, b] = [one[left] ?? Number.POSITIVE_INFINITY, other[right] ?? Number.POSITIVE_INFINITY];
    sum.push(Math.min(a, b), (a <= b ? (one[left + 1] ?? 0) : 0) + (b <= a ? (other[right + 1] ?? 0) : 0));
    if (a <= b) left += 2;
    if (b <= a) right += 2;
  }
  return sum.slice();
}

/**
 * How long requests took, in milliseconds: a DDSketch (Masson, Rim, Lee, VLDB 2019, https://arxiv.org/abs/1908.10693), whose merge loses
 * nothing. The library's own takes two kilobytes as soon as there is anything in it; this one, with the same keys, has only the
 * few dozen bins that ten seconds need, in memory and in bytes.
 */
export class LatencySketch {
  #packed = NOTHING;

  /** Of what `bins` told, in any order. */
  static of(bins: Bins): LatencySketch {
    const made = new LatencySketch();
    made.#packed = pack(bins);
    return made;
  }

  get count(): number {
    return this.#sixteenths / PARTS;
  }

  /** What it takes in memory, more or less. Bytes. */
  get bytes(): number {
    return SKETCH_BYTES + NUMBER_BYTES * this.#packed.length;
  }

  get #sixteenths(): number {
    let sum = this.#packed[0] ?? 0;
    for (let at = 2; at < this.#packed.length; at += 2) sum += this.#packed[at] ?? 0;
    return sum;
  }

  /**
   * @param ms not a number or negative: not counted
   * @param weight how many requests this one stands for, above 0; kept to a sixteenth
   */
  add(ms: number, weight = 1): void {
    if (!(ms >= 0) || !(weight > 0)) return;
    const sixteenths = Math.max(1, Math.round(weight * PARTS));
    if (ms < SHORTEST_MS) this.#addZeros(sixteenths);
    else this.#packed = counted(this.#packed, KEYS.key(Math.min(ms, LONGEST_MS)), sixteenths);
  }

  merge(other: LatencySketch): void {
    const [into, from] = [this.#packed, other.#packed];
    if (from === NOTHING) return;
    if (into === NOTHING) this.#packed = from.slice();
    else if (hasAllKeys(into, from)) pour(from, into);
    else this.#packed = merged(into, from);
  }

  /** @param share 0 to 1. @returns NaN of none */
  quantile(share: number): number {
    const count = this.count;
    if (count === 0 || !(share >= 0 && share <= 1)) return Number.NaN;
    // Less than one request has its shortest at least.
    const rank = Math.max(0, share * (count - 1)) * PARTS;
    const packed = this.#packed;
    let seen = packed[0] ?? 0;
    if (seen > rank) return 0;
    for (let at = 1; at < packed.length; at += 2) {
      seen += packed[at + 1] ?? 0;
      if (seen > rank) return KEYS.value(packed[at] ?? 0);
    }
    return KEYS.value(packed.at(-2) ?? 0);
  }

  /** What is in it, for whoever sums up very many: how often none, and how often what a key stands for, both in sixteenths. */
  bins(): Bins {
    const packed = this.#packed;
    const bins: [key: number, sixteenths: number][] = [];
    for (let at = 1; at < packed.length; at += 2) bins.push([packed[at] ?? 0, packed[at + 1] ?? 0]);
    return { zeros: packed[0] ?? 0, bins };
  }

  /** Milliseconds that a key of `bins` stands for; between two keys what is between them. */
  static valueOf(key: number): number {
    return KEYS.value(key);
  }

  /** Version, zeros, number of bins, then each bin's distance from the one before it and its count in sixteenths. */
  toBytes(): Buffer {
    const { zeros, bins } = this.bins();
    const writer = new BinaryWriter().uint32(VERSION).uint64(BigInt(zeros)).uint32(bins.length);
    let before = LOWEST_KEY;
    for (const [key, sixteenths] of bins) {
      writer.uint32(key - before).uint64(BigInt(sixteenths));
      before = key;
    }
    return Buffer.from(writer.finish());
  }

  /** @throws RangeError when these are not the bytes of a sketch */
  static fromBytes(bytes: Uint8Array): LatencySketch {
    const reader = new BinaryReader(bytes);
    if (reader.uint32() !== VERSION) throw new RangeError('the latencies are of another version');
    const zeros = Number(reader.uint64());
    const count = reader.uint32();
    if (count > MAX_BINS) throw new RangeError(`latencies of ${count} bins`);
    const bins: [key: number, sixteenths: number][] = [];
    let key = LOWEST_KEY;
    for (let bin = 0; bin < count; bin++) {
      key += reader.uint32();
      const sixteenths = Number(reader.uint64());
      if (sixteenths > 0) bins.push([key, sixteenths]);
    }
    return LatencySketch.of({ zeros, bins });
  }

  #addZeros(sixteenths: number): void {
    if (this.#packed === NOTHING) this.#packed = [sixteenths];
    else this.#packed[0] = (this.#packed[0] ?? 0) + sixteenths;
  }
}
