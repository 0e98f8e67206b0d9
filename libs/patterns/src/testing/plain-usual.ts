import { type EdgeCell, isFailure, LatencySketch, type Outcome } from '#libs/telemetry';
import { at, type EdgeBaseline, edgeBaseline } from '../facts/baseline.js';

const BUCKET_MS = 60_000;

export interface PlainSpan {
  /** The oldest minute, counted from the epoch on. */
  readonly from: number;
  readonly buckets: number;
  /** Latencies count from this minute on. */
  readonly latenciesFrom: number;
}

/** What is usual by definition: added up anew of all cells. */
export function plainBaseline(cells: readonly EdgeCell[], span: PlainSpan): EdgeBaseline[] {
  const minute = (cell: EdgeCell): number => cell.at / BUCKET_MS - span.from;
  const inside = cells.filter((cell) => minute(cell) >= 0 && minute(cell) < span.buckets);
  const edges = Map.groupBy(inside, ({ caller, callee, route }) => JSON.stringify([caller, callee, route]));
  const counts = (of: readonly EdgeCell[]) => {
    const made = { requests: new Float32Array(span.buckets), attempts: new Float32Array(span.buckets) };
    for (const cell of of)
      for (const what of ['requests', 'attempts'] as const)
        made[what][minute(cell)] = (made[what][minute(cell)] ?? 0) + cell[what];
    return made;
  };
  return [...edges.values()].map((of) => {
    const [{ caller, callee, route } = { caller: '', callee: '', route: '' }] = of;
    const failed = new Map<Outcome, EdgeCell[]>();
    for (const cell of of) if (isFailure(cell.outcome)) at(failed, cell.outcome, () => []).push(cell);
    const latencies = new LatencySketch();
    for (const cell of of)
      if (cell.outcome === 'ok' && cell.at >= span.latenciesFrom * BUCKET_MS) latencies.merge(cell.latencies);
    return edgeBaseline(
      {
        ...{ caller, callee, route, ...counts(of), latencies },
        failed: new Map([...failed].map(([outcome, ofOutcome]) => [outcome, counts(ofOutcome)])),
      },
      { from: span.from * BUCKET_MS, bucketMs: BUCKET_MS, buckets: span.buckets },
    );
  });
}
