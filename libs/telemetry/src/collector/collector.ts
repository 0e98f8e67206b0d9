import { MalformedMessage } from '#libs/envoy-api';
import type { Metrics } from '#libs/kernel';
import { decodeEntries } from '../access-logs/entry.js';
import type { LogEntry } from '../access-logs/log-entry.js';
import { parseLogName } from '../access-logs/log-name.js';
import { BUCKET_MS, type Harvest } from '../model/index.js';
import type { RawReport } from '../raw-report.js';
import { EdgeMemories } from './edge-memories.js';
import { decodeEdgeReport, type EdgeReport } from './edge-report.js';
import { Gaps } from './gaps.js';
import { Harvesting } from './harvesting.js';
import { Joins } from './joins.js';
import { LiveRoom, type RoomPart } from './live-room.js';
import { MeshBucket } from './mesh-bucket.js';
import type { MeshNames } from './mesh-names.js';
import { ReportIntervals, splitCounts } from './report-intervals.js';
import { type Sidecar, sidecarOf } from './sidecar.js';

export interface CollectorOptions {
  /** Unlike that of any other collector, and of this one's runs before. */
  readonly source: string;
  readonly names: MeshNames;
  readonly metrics: Metrics;
  /** Takes what a bucket holds, once, when it is over. */
  readonly onHarvest: (harvest: Harvest) => void;
  /** For what is open. */
  readonly room?: LiveRoom;
  /** For what is remembered from bucket to bucket. */
  readonly memories?: EdgeMemories;
}

/** A bucket stays open for so long after its end: sidecars report every 5 s, and write their logs after 1 s. */
export const WAIT_MS = 6_000;
/** Times of a sidecar are believed if they are so near; those of one whose clock is wrong are when its message came. */
const NEAR_MS = 3_000;
/** A clock that was set back further begins anew. */
const SET_BACK_MS = 60_000;
/** Edges are forgotten when nothing came of them for so long. */
const FORGET_MS = 600_000;

interface Mesh {
  readonly joins: Joins;
  /** By their start. */
  readonly buckets: Map<number, MeshBucket>;
}

/**
 * Makes buckets of what sidecars report. It has no clock: it is told the time with each message, by whoever received it, so
 * that what waits in a pipe is of the time at which it came.
 */
export class Collector {
  readonly #meshes = new Map<string, Mesh>();
  readonly #room: LiveRoom;
  readonly #memories: EdgeMemories;
  readonly #intervals = new ReportIntervals();
  readonly #gaps = new Gaps();
  #now = 0;
  /** Buckets that began before are closed. */
  #openFrom = 0;

  constructor(private readonly options: CollectorOptions) {
    this.#room = options.room ?? new LiveRoom();
    this.#memories = options.memories ?? new EdgeMemories();
  }

  /** Takes a message that was received then. What cannot be read is counted, and otherwise as if it had not come. */
  take({ kind, node, log, bytes }: RawReport, receivedAt: number): void {
    this.tick(receivedAt);
    const from = sidecarOf(node, this.options.names);
    if (!from) {
      this.#ignored('node');
      return;
    }
    try {
      if (kind === 'metrics') this.#takeCounts(from, decodeEdgeReport(bytes), receivedAt);
      else this.#takeLog(from, log, decodeEntries(bytes), receivedAt);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#ignored('malformed');
    }
  }

  /** It is so late now. */
  tick(now: number): void {
    if (now < this.#now - SET_BACK_MS) {
      this.flush();
      this.#openFrom = 0;
    }
    this.#now = now;
    const openFrom = Math.floor((now - WAIT_MS) / BUCKET_MS) * BUCKET_MS;
    if (openFrom <= this.#openFrom) return;
    this.#openFrom = openFrom;
    this.#closeUntil(openFrom);
  }

  /** Something was dropped between these times: buckets with a part of them are not complete. */
  missed(since: number, until: number): void {
    this.#gaps.add(since, until);
  }

  /** Gives what is open, too: nothing will come any more. */
  flush(): void {
    this.#closeUntil(Number.POSITIVE_INFINITY);
    this.#openFrom = Math.max(this.#openFrom, (Math.floor(this.#now / BUCKET_MS) + 1) * BUCKET_MS);
  }

  #takeLog(from: Sidecar, name: string, entries: readonly LogEntry[], receivedAt: number): void {
    const log = parseLogName(name);
    if (!log) {
      this.#ignored('log');
      return;
    }
    const { kind, oneOf } = log;
    this.options.metrics.count('heddle_telemetry_records_total', { log: kind }, entries.length);
    for (const entry of entries) {
      const endedAt = endOf(entry, receivedAt);
      const bucket = this.#bucket(from.mesh, endedAt);
      if (kind === 'request') bucket.addRequest({ entry, of: 'request', from, endedAt }, oneOf);
      else if (kind === 'attempt') bucket.addAttempt({ entry, of: 'attempt', from, endedAt }, oneOf);
      else bucket.addServed({ entry, from, endedAt }, oneOf);
    }
  }

  #takeCounts(from: Sidecar, report: EdgeReport, receivedAt: number): void {
    const since = this.#intervals.since(`${from.mesh}/${from.instance}`, receivedAt);
    const shares = this.#sharesOf(since, receivedAt);
    if (report.refusedCallers > 0) this.#bucket(from.mesh, receivedAt).addRefusedCallers(from);
    for (const [cluster, counts] of report.clusters) {
      for (const { of, counts: part } of splitCounts(counts, shares))
        this.#bucket(from.mesh, of).addCounts(from, cluster, part);
    }
  }

  /** Open buckets with a part of this time, and how much of it. What is of closed ones is the first open one's. */
  #sharesOf(since: number, until: number): { of: number; weight: number }[] {
    const shares: { of: number; weight: number }[] = [];
    const last = Math.floor(until / BUCKET_MS) * BUCKET_MS;
    for (let start = Math.min(this.#openFrom, last); start <= last; start += BUCKET_MS) {
      const from = start <= this.#openFrom ? since : Math.max(since, start);
      const weight = Math.min(until, start + BUCKET_MS) - from;
      if (weight > 0) shares.push({ of: start, weight });
    }
    return shares.length > 0 ? shares : [{ of: last, weight: 1 }];
  }

  #bucket(name: string, at: number): MeshBucket {
    const part = (): RoomPart => this.#room.part(name);
    const mesh = this.#meshes.get(name) ?? { joins: new Joins(part), buckets: new Map() };
    this.#meshes.set(name, mesh);
    const start = Math.max(Math.floor(at / BUCKET_MS) * BUCKET_MS, this.#openFrom);
    const bucket = mesh.buckets.get(start) ?? new MeshBucket(this.options.names, mesh.joins, part());
    mesh.buckets.set(start, bucket);
    return bucket;
  }

  #closeUntil(end: number): void {
    for (const [name, mesh] of this.#meshes) {
      const over = [...mesh.buckets.keys()].filter((start) => start < end).toSorted((a, b) => a - b);
      for (const start of over) this.#close(name, mesh, start);
      mesh.joins.age();
    }
    this.#beyond('remembered', this.#memories.forget(this.#now - FORGET_MS));
    this.#gaps.forget(Math.min(end, this.#now) - FORGET_MS);
  }

  #close(name: string, mesh: Mesh, start: number): void {
    const { source, onHarvest } = this.options;
    const bucket = mesh.buckets.get(start);
    mesh.buckets.delete(start);
    if (!bucket) return;
    bucket.settle();
    const complete = !this.#gaps.has(start, start + BUCKET_MS);
    const harvesting = new Harvesting({ at: start, lengthMs: BUCKET_MS, complete }, (edge) =>
      this.#memories.of(name, edge, start),
    );
    const harvest = harvesting.harvest(name, source, bucket);
    for (const beyond of [harvesting.beyond, bucket.dropped])
      for (const [rollup, parts] of Object.entries(beyond)) this.#beyond(rollup, parts);
    this.#beyond('memory', bucket.leave());
    if (harvest) onHarvest(harvest);
  }

  #beyond(rollup: string, parts: number): void {
    if (parts > 0) this.options.metrics.count('heddle_telemetry_beyond_budget_total', { rollup }, parts);
  }

  #ignored(reason: 'node' | 'log' | 'malformed'): void {
    this.options.metrics.count('heddle_telemetry_ignored_total', { reason });
  }
}

/** When it ended, in the control plane's clock: as the sidecar says, if that can be. */
function endOf({ startedAt, durationMs }: LogEntry, receivedAt: number): number {
  const said = startedAt + durationMs;
  return said <= receivedAt && said >= receivedAt - NEAR_MS ? said : receivedAt;
}
