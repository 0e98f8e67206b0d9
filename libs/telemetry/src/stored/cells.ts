import type { Metrics } from '#libs/kernel';
import type { SignalRow, SignalSpan, SignalView } from '#libs/store';
import { type EdgeCell, type InstanceCell, LatencySketch, type ZoneCell } from '../model/index.js';
import { LatencyBins } from './latency-bins.js';
import { isReadable, openPage, type PageCell, PageTexts, readPage } from './page.js';
import { WIDTHS } from './views.js';

/** Buckets of one resolution, as they were read. */
export interface StoredBuckets {
  readonly lengthMs: SignalSpan['lengthMs'];
  readonly rows: readonly SignalRow[];
  /** Begins of those of which something was dropped. */
  readonly incomplete: ReadonlySet<number>;
  /** Counts pages that cannot be read: those of another build, which are passed over. */
  readonly metrics: Metrics;
}

type Cell = PageCell & { readonly at: number; readonly callee: string; readonly latencies: LatencySketch };

/**
 * Cells as collectors left them; several of a bucket where several left some. Their latencies are for merging: in the views
 * of instances and zones each is within 8 %.
 */
export const edgeCells = (buckets: StoredBuckets): EdgeCell[] =>
  cellsOf(buckets, 'edge').map(({ dimensions: [caller = '', subset = '', route = ''], ...cell }) => ({
    ...bucketOf(cell, buckets),
    ...{ caller, callee: cell.callee, subset, route },
    ...{ outcome: cell.outcome, status: cell.status, requests: cell.requests, attempts: cell.attempts },
    latencies: cell.latencies,
  }));

/** Of a service as a whole: an edge without its ends. */
export const serviceCells = (buckets: StoredBuckets): EdgeCell[] =>
  cellsOf(buckets, 'service').map((cell) => ({
    ...bucketOf(cell, buckets),
    ...{ caller: '', callee: cell.callee, subset: '', route: '' },
    ...{ outcome: cell.outcome, status: 0, requests: cell.requests, attempts: cell.attempts },
    latencies: cell.latencies,
  }));

export const instanceCells = (buckets: StoredBuckets): InstanceCell[] =>
  cellsOf(buckets, 'instance').map(({ dimensions: [instance = '', version = '', zone = ''], ...cell }) => ({
    ...bucketOf(cell, buckets),
    ...{ callee: cell.callee, instance, version, zone },
    ...{ outcome: cell.outcome, attempts: cell.attempts, latencies: cell.latencies },
  }));

export const zoneCells = (buckets: StoredBuckets): ZoneCell[] =>
  cellsOf(buckets, 'zone').map(({ dimensions: [callerZone = '', calleeZone = ''], ...cell }) => ({
    ...bucketOf(cell, buckets),
    ...{ callerZone, calleeZone, callee: cell.callee },
    ...{ outcome: cell.outcome, attempts: cell.attempts, latencies: cell.latencies },
  }));

const bucketOf = ({ at }: Pick<Cell, 'at'>, { lengthMs, incomplete }: StoredBuckets) => ({
  ...{ at, lengthMs, complete: !incomplete.has(at) },
});

function cellsOf({ rows, metrics }: StoredBuckets, view: SignalView): Cell[] {
  const found: Cell[] = [];
  const texts = new PageTexts();
  for (const row of rows) {
    const open: { readonly callee: string; readonly cell: PageCell; readonly bins: LatencyBins }[] = [];
    const service =
      (callee: string) =>
      (cell: PageCell): LatencyBins => {
        const bins = new LatencyBins(WIDTHS[view]);
        open.push({ callee, cell: { ...cell, dimensions: [...cell.dimensions] }, bins });
        return bins;
      };
    if (!isReadable(metrics, () => readPage(openPage(row), { view, service, texts }))) continue;
    for (const { callee, cell, bins } of open) found.push({ ...cell, at: row.at, callee, latencies: bins.toSketch() });
  }
  return found;
}
