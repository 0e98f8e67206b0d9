import type { Metrics } from '#libs/kernel';
import type { SignalSpan, Signals, SignalView } from '#libs/store';
import {
  type EdgeCell,
  edgeCells,
  type InstanceCell,
  instanceCells,
  type LatencySketch,
  type StoredBuckets,
  type ZoneCell,
  zoneCells,
} from '#libs/telemetry';

/** Cells of one view in the newest so many buckets. */
interface Reader<C> {
  readonly view: SignalView;
  readonly cells: (buckets: StoredBuckets) => readonly C[];
}

export const EDGES: Reader<EdgeCell> = { view: 'edge', cells: edgeCells };
const INSTANCES: Reader<InstanceCell> = { view: 'instance', cells: instanceCells };
const ZONES: Reader<ZoneCell> = { view: 'zone', cells: zoneCells };

/** Parts of a bucket may come so long after its end: until then it is read anew. Milliseconds. */
const LATE_MS = 30_000;

interface WhereCellsLie {
  readonly signals: Pick<Signals, 'read'>;
  readonly mesh: string;
  readonly metrics: Metrics;
}

/** Cells of a span, none of which says that something is missing there. @throws StoreUnavailable */
export async function readCells<C>(
  { view, cells }: Reader<C>,
  span: SignalSpan,
  { signals, mesh, metrics }: WhereCellsLie,
): Promise<readonly C[]> {
  const rows = await signals.read({ mesh, view, spans: [span] });
  return cells({ lengthMs: span.lengthMs, rows, incomplete: new Set(), metrics });
}

/** What was counted in one bucket. */
interface BucketCells {
  readonly edges: readonly EdgeCell[];
  readonly instances: readonly InstanceCell[];
  readonly zones: readonly ZoneCell[];
  /** What they take in memory, more or less. */
  readonly bytes: number;
}

export interface WindowCells extends Pick<BucketCells, 'edges' | 'instances' | 'zones'> {
  /** How far back they go, in buckets: fewer than asked for where there is no room for more. */
  readonly buckets: number;
}

/** A cell without its latencies; its texts are those of its page. */
const CELL_BYTES = 176;
/** So much is read at once after a start: all of it would be there before it is known whether there is room for it. Milliseconds. */
const AT_ONCE_MS = 60_000;

/** Keeps the cells of a stretch of time that moves on, and reads of the store only what is new or may have changed. */
export class CellWindow {
  readonly #buckets = new Map<number, BucketCells>();
  #readTo = 0;
  /** What is kept takes so much memory, more or less. */
  bytes = 0;

  constructor(private readonly options: WhereCellsLie & { readonly signals: Pick<Signals, 'read' | 'incomplete'> }) {}

  /**
   * @param mostBytes of memory; where that is not enough, what is older is left out
   * @returns the cells of the span, the oldest first
   * @throws StoreUnavailable, and the next call reads what this one should have
   */
  async moveTo({ lengthMs, from, to }: SignalSpan, mostBytes: number): Promise<WindowCells> {
    const start = Math.max(from, this.#readTo - Math.ceil(LATE_MS / lengthMs) * lengthMs);
    const atOnce = Math.ceil(AT_ONCE_MS / lengthMs) * lengthMs;
    let read = 0;
    for (let end = to; end > start && read < mostBytes; end -= atOnce)
      read += await this.#read({ lengthMs, from: Math.max(start, end - atOnce), to: end });
    this.#readTo = to;
    this.#forget({ lengthMs, from, to }, mostBytes);
    const kept = [...this.#buckets].toSorted(([a], [b]) => a - b).map(([, cells]) => cells);
    return {
      buckets: kept.length,
      edges: kept.flatMap(({ edges }) => edges),
      instances: kept.flatMap(({ instances }) => instances),
      zones: kept.flatMap(({ zones }) => zones),
    };
  }

  /** @returns how much memory it takes. Bytes */
  async #read(span: SignalSpan): Promise<number> {
    const { signals, mesh, metrics } = this.options;
    const incomplete = new Set(await signals.incomplete(mesh, [span]));
    const of = async <C>({ view, cells }: Reader<C>): Promise<(at: number) => readonly C[]> => {
      const rows = Map.groupBy(await signals.read({ mesh, view, spans: [span] }), ({ at }) => at);
      return (at) => cells({ lengthMs: span.lengthMs, rows: rows.get(at) ?? [], incomplete, metrics });
    };
    const [edges, instances, zones] = [await of(EDGES), await of(INSTANCES), await of(ZONES)];
    let bytes = 0;
    for (let { from: at } = span; at < span.to; at += span.lengthMs) {
      const cells = { edges: edges(at), instances: instances(at), zones: zones(at) };
      const bucket = { ...cells, bytes: bytesOf([...cells.edges, ...cells.instances, ...cells.zones]) };
      this.#buckets.set(at, bucket);
      bytes += bucket.bytes;
    }
    return bytes;
  }

  /** Keeps the newest buckets, up to the first that is not there or that there is no room for; of these always one. */
  #forget({ lengthMs, from, to }: SignalSpan, mostBytes: number): void {
    let at = to - lengthMs;
    this.bytes = 0;
    for (; at >= from; at -= lengthMs) {
      const bucket = this.#buckets.get(at);
      if (!bucket || (this.bytes > 0 && this.bytes + bucket.bytes > mostBytes)) break;
      this.bytes += bucket.bytes;
    }
    for (const kept of [...this.#buckets.keys()]) if (kept <= at) this.#buckets.delete(kept);
  }
}

const bytesOf = (cells: readonly { readonly latencies: LatencySketch }[]): number =>
  cells.reduce((sum, { latencies }) => sum + CELL_BYTES + latencies.bytes, 0);
