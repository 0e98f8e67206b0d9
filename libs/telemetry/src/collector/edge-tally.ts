import type { LatencySketch, Outcome } from '../model/index.js';
import { LatencySketch as Sketch } from '../model/index.js';
import type { EdgeCounts, TimeBin } from './edge-report.js';
import type { RoomPart } from './live-room.js';
import { Mix } from './spread.js';
import { type Timed, together } from './times.js';

/** From which workload to what. */
export interface Edge {
  /** `<namespace>/<workload>` */
  readonly caller: string;
  /** `<namespace>/<service>/<port>` */
  readonly callee: string;
  readonly subset: string;
}

/** Where an attempt went, and from where. */
export interface Way {
  readonly callerZone: string;
  readonly instance: string;
  readonly version: string;
  readonly zone: string;
}

export const edgeKey = ({ caller, callee, subset }: Edge): string => `${caller}\n${callee}\n${subset}`;

export const wayKey = ({ callerZone, instance, zone }: Way): string => `${callerZone}\n${instance}\n${zone}`;

/** How requests and attempts ended, along one route. */
export interface RouteRow {
  readonly route: string;
  readonly outcome: Outcome;
  readonly status: number;
  requests: number;
  attempts: number;
  readonly latencies: LatencySketch;
}

/** Attempts that ended so at one instance. */
export interface WayRow {
  readonly way: Way;
  readonly outcome: Outcome;
  attempts: number;
  readonly latencies: LatencySketch;
}

/** What the counters of its cluster have of a request, too. */
export type Charged = 'nowhere' | 'as an answer' | 'with its time';

/** One request without failure, which stands for several. */
export interface Sample extends Timed {
  readonly route: string;
  readonly status: number;
}

/** Beyond so many, samples say nothing new. */
const MAX_SAMPLES = 1_000;
/** Along so many routes, with so many endings; the rest is one row. */
const MAX_ROWS = 200;
const OTHER_ROUTE = 'other';
const MAX_WAYS = 1_000;
/** More bounds of times than any Envoy has. */
const MAX_BINS = 256;
/** What takes how much in memory, without its texts. */
const ROW_BYTES = 400;
const SAMPLE_BYTES = 130;
const SAMPLED_WAY_BYTES = 230;
const BIN_BYTES = 64;
const NUMBER_BYTES = 8;

/** What one bucket holds of an edge, while it is open. */
export class EdgeTally {
  readonly rows = new Map<string, RouteRow>();
  readonly ways = new Map<string, WayRow>();
  /** Requests in `rows` that the cluster's counters have too, by class of their status: 2 to 5. */
  readonly charged: [number, number, number, number] = [0, 0, 0, 0];
  /** How long they took, of those that are in the cluster's histogram. */
  readonly chargedMs: number[] = [];
  readonly samples: Sample[] = [];
  readonly sampledWays: (Timed & { readonly way: Way })[] = [];
  /** Attempts told of that repeated another. */
  retriesTold = 0;
  /** undefined = nothing is counted: a sidecar that reports nothing. */
  counts: EdgeCounts | undefined;

  /** @param room for all of it but the tally itself */
  constructor(
    readonly edge: Edge,
    private readonly room: RoomPart,
  ) {}

  addCounts(counts: EdgeCounts): void {
    const { byClass: [a, b, c, d] = [0, 0, 0, 0], retries = 0, times = [] } = this.counts ?? {};
    const [e, f, g, h] = counts.byClass;
    this.counts = {
      byClass: [a + e, b + f, c + g, d + h],
      retries: retries + counts.retries,
      times: this.#timesWith(times, counts.times),
    };
  }

  /** A request that is told of exactly. */
  addRequest(row: Pick<RouteRow, 'route' | 'outcome' | 'status'>, ms: number, charged: Charged): void {
    const kept = this.#row(row);
    kept.requests++;
    this.#addTime(kept.latencies, ms);
    const class_ = Math.floor(row.status / 100) - 2;
    const before = this.charged[class_];
    if (charged === 'nowhere' || before === undefined) return;
    this.charged[class_] = before + 1;
    if (charged === 'with its time' && this.chargedMs.length < MAX_SAMPLES && this.room.take(NUMBER_BYTES))
      this.chargedMs.push(ms);
  }

  /** @param way undefined: nobody was chosen */
  addAttempt(row: Pick<RouteRow, 'route' | 'outcome' | 'status'>, ms: number, way: Way): void {
    // One that went well is counted with its request.
    if (row.outcome !== 'ok') this.#row(row).attempts++;
    const key = `${wayKey(way)}\n${row.outcome}`;
    const kept = this.ways.get(key) ?? this.#newWay(key, { way, outcome: row.outcome });
    if (!kept) return;
    kept.attempts++;
    this.#addTime(kept.latencies, ms);
  }

  addSample(sample: Sample): void {
    if (this.samples.length >= MAX_SAMPLES) return;
    if (this.room.take(SAMPLE_BYTES + sample.route.length)) this.samples.push(sample);
  }

  addSampledWay(way: Way, timed: Timed): void {
    if (this.sampledWays.length >= MAX_SAMPLES) return;
    if (this.room.take(SAMPLED_WAY_BYTES + way.instance.length)) this.sampledWays.push({ ...timed, way });
  }

  #row({ route, outcome, status }: Pick<RouteRow, 'route' | 'outcome' | 'status'>): RouteRow {
    const key = `${route}\n${outcome}\n${status}`;
    const known = this.rows.get(key);
    if (known) return known;
    if (route !== OTHER_ROUTE && !(this.rows.size < MAX_ROWS && this.room.take(ROW_BYTES + 2 * route.length)))
      return this.#row({ route: OTHER_ROUTE, outcome, status: 0 });
    const row = { route, outcome, status, requests: 0, attempts: 0, latencies: new Sketch() };
    this.rows.set(key, row);
    return row;
  }

  #newWay(key: string, of: Pick<WayRow, 'way' | 'outcome'>): WayRow | undefined {
    if (this.ways.size >= MAX_WAYS || !this.room.take(ROW_BYTES + 2 * key.length)) return undefined;
    const row = { ...of, attempts: 0, latencies: new Sketch() };
    this.ways.set(key, row);
    return row;
  }

  #addTime(latencies: LatencySketch, ms: number): void {
    const before = latencies.bytes;
    latencies.add(ms);
    this.room.grow(latencies.bytes - before);
  }

  /** Without room for all bins those before stay as they are: where within them is what the sample says. */
  #timesWith(some: readonly TimeBin[], others: readonly TimeBin[]): readonly TimeBin[] {
    const all = together(some, others);
    const more = (all.length - some.length) * BIN_BYTES;
    return all.length <= MAX_BINS && (more === 0 || this.room.take(more)) ? all : some;
  }
}

/** With nothing in it, and what each class of status adds. */
const MEMORY_BYTES = 900;
const MIX_BYTES = 300;

/** What is remembered of an edge from bucket to bucket. */
export class EdgeMemory {
  /** Counted by the sidecar and not told of yet, by class of status; below 0: told of and not counted yet. */
  readonly owed: [number, number, number, number] = [0, 0, 0, 0];
  owedRetries = 0;
  /** Of `owed` failures, and retries, those that were owed before the bucket that is closed now. */
  overdue = 0;
  overdueRetries = 0;
  /** Routes and statuses of requests without failure, by class. */
  readonly routes = new Map<number, Mix<{ readonly route: string; readonly status: number }>>();
  readonly ways = new Mix<Way>();
  /** Answers 4xx that were counted in the bucket before, and neither sampled nor told of. */
  doubted = 0;
  /** Its sidecar has reported counts of it. */
  counts = false;
  /** Start of the last bucket with something of it. */
  seenAt = 0;

  /** In memory, more or less. */
  get bytes(): number {
    let bytes = MEMORY_BYTES + this.ways.bytes;
    for (const routes of this.routes.values()) bytes += MIX_BYTES + routes.bytes;
    return bytes;
  }

  routesOf(class_: number): Mix<{ readonly route: string; readonly status: number }> {
    const known = this.routes.get(class_) ?? new Mix();
    this.routes.set(class_, known);
    return known;
  }
}
