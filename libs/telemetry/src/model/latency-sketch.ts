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

/** Zeros, then each bin's key and how often, in sixteenths: one short array, as there are very many of these. */
type Packed = readonly number[];
const NOTHING: Packed = [0];
/** A sketch as long as it is packed; each bin takes two numbers more. Bytes. */
const PACKED_BYTES = 104;

function pack({ zeros, bins }: Bins): Packed {
  if (zeros === 0 && bins.length === 0) return NOTHING;
  // Made by its length: one that grows keeps room for more.
  return Array.from({ length: 1 + 2 * bins.length }, (_, i) =>
    i === 0 ? zeros : (bins[(i - 1) >> 1]?.[(i - 1) & 1] ?? 0),
  );
}

const binsOf = (packed: Packed): Bins => ({
  zeros: packed[0] ?? 0,
  bins: Array.from(
    { length: (packed.length - 1) / 2 },
    (_, bin) => [packed[2 * bin + 1] ?? 0, packed[2 * bin + 2] ?? 0] as const,
  ),
});

function pour(packed: Packed, into: DDSketch): void {
  const { zeros, bins } = binsOf(packed);
  if (zeros > 0) into.accept(0, zeros / PARTS);
  for (const [key, sixteenths] of bins) into.accept(KEYS.value(key), sixteenths / PARTS);
}

/** All that is packed, in sixteenths. */
function sixteenthsOf(packed: Packed): number {
  let sum = packed[0] ?? 0;
  for (let at = 2; at < packed.length; at += 2) sum += packed[at] ?? 0;
  return sum;
}

/**
 * How long requests took, in milliseconds: a DDSketch (Masson, Rim, Lee, VLDB 2019, https://arxiv.org/abs/1908.10693), whose merge loses
 * nothing, with a form in bytes that is a tenth of the library's own for the few dozen values of ten seconds.
 */
export class LatencySketch {
  #made: DDSketch | undefined;
  /** In place of a sketch, which takes kilobytes, as long as it is only merged into others. */
  #packed: Packed | undefined;

  /** Of what `bins` told, in any order. */
  static of(bins: Bins): LatencySketch {
    const made = new LatencySketch();
    made.#packed = pack(bins);
    return made;
  }

  get count(): number {
    return this.#packed ? sixteenthsOf(this.#packed) / PARTS : (this.#made?.count ?? 0);
  }

  /** What it takes in memory as long as it is only merged into others, more or less. Bytes. */
  get bytes(): number {
    return PACKED_BYTES + 8 * (this.#packed?.length ?? 0);
  }

  get #sketch(): DDSketch {
    if (this.#made) return this.#made;
    const made = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });
    this.#made = made;
    if (this.#packed) pour(this.#packed, made);
    this.#packed = undefined;
    return made;
  }

  /**
   * @param ms not a number or negative: not counted
   * @param weight how many requests this one stands for, above 0; kept to a sixteenth
   */
  add(ms: number, weight = 1): void {
    if (!(ms >= 0) || !(weight > 0)) return;
    this.#sketch.accept(
      ms < SHORTEST_MS ? 0 : Math.min(ms, LONGEST_MS),
      Math.max(1, Math.round(weight * PARTS)) / PARTS,
    );
  }

  merge(other: LatencySketch): void {
    if (other.#packed) pour(other.#packed, this.#sketch);
    else if (other.count > 0) this.#sketch.merge(other.#sketch);
  }

  /** @param share 0 to 1. @returns NaN of none */
  quantile(share: number): number {
    return this.count === 0 ? Number.NaN : this.#sketch.getValueAtQuantile(share);
  }

  /** What is in it, for whoever sums up very many: how often none, and how often what a key stands for, both in sixteenths. */
  bins(): Bins {
    if (this.#packed) return binsOf(this.#packed);
    const { store, zeroCount } = this.#sketch;
    const bins: [key: number, sixteenths: number][] = [];
    for (const [index, count] of store.bins.entries())
      if (count > 0) bins.push([index + store.offset, Math.round(count * PARTS)]);
    return { zeros: Math.round(zeroCount * PARTS), bins };
  }

  /** Milliseconds that a key of `bins` stands for; between two keys what is between them. */
  static valueOf(key: number): number {
    return KEYS.value(key);
  }

  /** Version, zeros, number of bins, then each bin's distance from the one before it and its count in sixteenths. */
  toBytes(): Buffer {
    const { store, zeroCount } = this.#sketch;
    const bins: [key: number, count: number][] = [];
    for (const [index, count] of store.bins.entries()) if (count > 0) bins.push([index + store.offset, count]);
    const writer = new BinaryWriter().uint32(VERSION).uint64(parts(zeroCount)).uint32(bins.length);
    let before = LOWEST_KEY;
    for (const [key, count] of bins) {
      writer.uint32(key - before).uint64(parts(count));
      before = key;
    }
    return Buffer.from(writer.finish());
  }

  /** @throws RangeError when these are not the bytes of a sketch */
  static fromBytes(bytes: Uint8Array): LatencySketch {
    const made = new LatencySketch();
    const reader = new BinaryReader(bytes);
    if (reader.uint32() !== VERSION) throw new RangeError('the latencies are of another version');
    made.#take(0, reader.uint64());
    const bins = reader.uint32();
    if (bins > MAX_BINS) throw new RangeError(`latencies of ${bins} bins`);
    let key = LOWEST_KEY;
    for (let bin = 0; bin < bins; bin++) {
      key += reader.uint32();
      made.#take(made.#sketch.mapping.value(key), reader.uint64());
    }
    return made;
  }

  #take(value: number, sixteenths: bigint | string): void {
    const count = Number(sixteenths) / PARTS;
    if (count > 0) this.#sketch.accept(value, count);
  }
}

const parts = (count: number): bigint => BigInt(Math.round(count * PARTS));
