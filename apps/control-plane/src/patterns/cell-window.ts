import type { Metrics } from '#libs/kernel';
import type { SignalSpan, Signals, SignalView } from '#libs/store';
import {
  type EdgeCell,
  edgeCells,
  type InstanceCell,
  instanceCells,
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
export const INSTANCES: Reader<InstanceCell> = { view: 'instance', cells: instanceCells };
export const ZONES: Reader<ZoneCell> = { view: 'zone', cells: zoneCells };

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

/** Keeps the cells of a stretch of time that moves on, and reads of the store only what is new or may have changed. */
export class CellWindow<C> {
  readonly #buckets = new Map<number, readonly C[]>();
  #readTo = 0;

  constructor(
    private readonly signals: Pick<Signals, 'read' | 'incomplete'>,
    private readonly mesh: string,
    private readonly reader: Reader<C>,
    private readonly metrics: Metrics,
  ) {}

  /** @returns the cells of the span, the oldest first @throws StoreUnavailable, and the next call reads what this one should have */
  async moveTo({ lengthMs, from, to }: SignalSpan): Promise<readonly C[]> {
    const start = Math.max(from, this.#readTo - Math.ceil(LATE_MS / lengthMs) * lengthMs);
    const span = { lengthMs, from: start, to };
    const { view, cells } = this.reader;
    const rows = await this.signals.read({ mesh: this.mesh, view, spans: [span] });
    const incomplete = new Set(await this.signals.incomplete(this.mesh, [span]));
    const found = Map.groupBy(rows, ({ at }) => at);
    for (const at of [...this.#buckets.keys()]) if (at < from || at >= start) this.#buckets.delete(at);
    for (let at = start; at < to; at += lengthMs)
      this.#buckets.set(at, cells({ lengthMs, rows: found.get(at) ?? [], incomplete, metrics: this.metrics }));
    this.#readTo = to;
    return [...this.#buckets].toSorted(([a], [b]) => a - b).flatMap(([, kept]) => kept);
  }
}
