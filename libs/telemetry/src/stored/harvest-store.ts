import type { Metrics } from '#libs/kernel';
import type { SignalPage, SignalPart, Signals, SignalView } from '#libs/store';
import {
  BUCKET_MS,
  type Bucket,
  type FailureRecord,
  type Harvest,
  type HarvestStore,
  type LatencySketch,
} from '../model/index.js';
import type { PageCell } from './page.js';
import { PageSum } from './page-sum.js';
import { shelfOf } from './shelves.js';

/** Longer texts of a failure are cut: they come from whoever calls. Characters. */
const LONGEST: Readonly<Record<string, number>> = { details: 4_096, path: 2_048 };
const LONGEST_OTHER = 512;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f]/g;
/** Names in cells: short, and without what would take them apart. */
const named = (text: string): string => text.slice(0, LONGEST_OTHER).replaceAll(CONTROL, '\ufffd').toWellFormed();

/** The cells of one bucket of a harvest, by view and shelf. */
class PartPages {
  complete = true;
  readonly #sums = new Map<string, { readonly shelf: string; readonly sum: PageSum }>();

  add(
    view: SignalView,
    callee: string,
    { latencies, ...cell }: PageCell & { readonly latencies: LatencySketch },
  ): void {
    const shelf = shelfOf(callee);
    const key = `${view} ${shelf}`;
    const known = this.#sums.get(key) ?? { shelf, sum: new PageSum(view) };
    this.#sums.set(key, known);
    known.sum.add(callee, { ...cell, dimensions: cell.dimensions.map(named) }).addSketch(latencies);
  }

  pages(): readonly SignalPage[] {
    return [...this.#sums.values()].map(({ shelf, sum }) => ({ view: sum.view, shelf, cells: sum.toBytes() }));
  }
}

const cut = (record: FailureRecord): FailureRecord => {
  const entries = Object.entries(record).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? value.slice(0, LONGEST[name] ?? LONGEST_OTHER) : value,
  ]);
  return { ...record, ...Object.fromEntries(entries) };
};

class Parts {
  readonly #buckets = new Map<number, PartPages>();

  /** @throws RangeError of a bucket of another length */
  of({ at, lengthMs, complete }: Bucket): PartPages {
    if (lengthMs !== BUCKET_MS || at % BUCKET_MS !== 0)
      throw new RangeError(`a bucket of ${lengthMs} ms at ${at}: they are of ${BUCKET_MS} ms`);
    const known = this.#buckets.get(at) ?? new PartPages();
    this.#buckets.set(at, known);
    if (!complete) known.complete = false;
    return known;
  }

  /** Failures go with the newest bucket: they are found by their own times. */
  parts({ mesh, source, failures }: Harvest): readonly SignalPart[] {
    if (this.#buckets.size === 0 && failures.length > 0) {
      const newest = Math.max(...failures.map(({ at }) => at));
      this.of({ at: Math.floor(newest / BUCKET_MS) * BUCKET_MS, lengthMs: BUCKET_MS, complete: true });
    }
    const sorted = [...this.#buckets].sort(([a], [b]) => a - b);
    return sorted.map(([at, bucket], i) => ({
      ...{ mesh, source, at, complete: bucket.complete, pages: bucket.pages() },
      failures: i === sorted.length - 1 ? failures.map(cut) : [],
    }));
  }
}

/** A harvest as it is stored: a part for each of its buckets, mostly one. @throws RangeError */
export function partsOf(harvest: Harvest): readonly SignalPart[] {
  const parts = new Parts();
  for (const cell of harvest.edges) {
    const { caller, callee, subset, route, outcome, status, requests, attempts, latencies } = cell;
    const counts = { outcome, requests, attempts, latencies };
    const part = parts.of(cell);
    part.add('service', callee, { dimensions: [], status: 0, ...counts });
    part.add('pair', callee, { dimensions: [caller], status: 0, ...counts });
    part.add('edge', callee, { dimensions: [caller, subset, route], status, ...counts });
  }
  for (const cell of harvest.instances) {
    const { callee, instance, version, zone, outcome, attempts, latencies } = cell;
    const counts = { outcome, status: 0, requests: 0, attempts, latencies };
    parts.of(cell).add('instance', callee, { dimensions: [instance, version, zone], ...counts });
  }
  for (const cell of harvest.zones) {
    const { callerZone, calleeZone, callee, outcome, attempts, latencies } = cell;
    const counts = { outcome, status: 0, requests: 0, attempts, latencies };
    parts.of(cell).add('zone', callee, { dimensions: [callerZone, calleeZone], ...counts });
  }
  return parts.parts(harvest);
}

export interface HarvestStoreOptions {
  readonly signals: Pick<Signals, 'write'>;
  readonly metrics: Metrics;
}

/**
 * Where collectors leave what they have. Each bucket of a harvest is written whole or not; one that is too old, or lies in
 * the future, is counted (`heddle_telemetry_untimely_total`) and not written, since writing it again would not help.
 */
export function harvestStore({ signals, metrics }: HarvestStoreOptions): HarvestStore {
  return {
    async write(harvest) {
      for (const part of partsOf(harvest))
        if (!(await signals.write(part))) metrics.count('heddle_telemetry_untimely_total');
    },
  };
}
