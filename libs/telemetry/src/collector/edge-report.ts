import { Reader } from '#libs/envoy-api';

/** How many took longer than one time and at most another. Envoy counts whole milliseconds: 1.9 is 1. */
export interface TimeBin {
  /** Milliseconds. */
  readonly from: number;
  /** Milliseconds; infinite in the last one. */
  readonly upTo: number;
  readonly count: number;
}

/** What a sidecar has counted of one cluster since its last report. */
export interface EdgeCounts {
  /** Answers, by the first digit of their status; 2 to 5. What the router answered itself is among them. */
  readonly byClass: readonly [number, number, number, number];
  /** Attempts that repeated another. */
  readonly retries: number;
  readonly times: readonly TimeBin[];
}

export interface EdgeReport {
  /** By cluster. */
  readonly clusters: ReadonlyMap<string, EdgeCounts>;
  /** Handshakes that were refused for the caller's certificate, or for want of one. */
  readonly refusedCallers: number;
}

interface Reading {
  readonly clusters: Map<string, Counting>;
  refusedCallers: number;
}

interface Counting {
  byClass: [number, number, number, number];
  retries: number;
  times: TimeBin[];
}

/** envoy.service.metrics.v3.StreamMetricsMessage, and io.prometheus.client within it. */
const FAMILIES = 2;
const FAMILY = { name: 1, metric: 4 };
const METRIC = { counter: 3, histogram: 7 };
const HISTOGRAM_BUCKET = 3;
const BUCKET = { count: 1, upTo: 2 };
const FIRST = 1;

/** Clusters of callers; what is behind a sidecar is `inbound/<port name>`. */
const NAME = /^cluster\.([a-z0-9-]+\/[a-z0-9-]+\/\d{1,5}(?:\/[a-z0-9-]+)?)\.upstream_rq_(?:([2-5])xx|(retry)|(time))$/;
const REFUSED_CALLER = /^listener\..+\.ssl\.fail_verify_(?:error|no_cert|san|cert_hash)$/;
const MAX_NAME = 400;
const MAX_BINS = 200;
/** More than any sidecar counts between two reports. */
const MAX_COUNT = 1e7;
/** More clusters than any sidecar has. */
const MAX_CLUSTERS = 10_000;

/** Reads what one message of a metrics sink says of the clusters of the mesh. @throws MalformedMessage */
export function decodeEdgeReport(bytes: Buffer): EdgeReport {
  const report: Reading = { clusters: new Map(), refusedCallers: 0 };
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FAMILIES) readFamily(reader.message(), report);
    else reader.skip();
  }
  return report;
}

type What = { readonly class: number } | 'retry' | 'time';
type Wanted = { readonly counting: Counting; readonly what: What } | 'refused callers';

function readFamily(reader: Reader, report: Reading): void {
  let found: Wanted | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FAMILY.name) {
      found = wanted(reader.string('latin1'), report);
      if (!found) return;
    } else if (field !== FAMILY.metric || !found) reader.skip();
    else if (found === 'refused callers') report.refusedCallers += readCounter(reader.message());
    else readMetric(reader.message(), found.counting, found.what);
  }
}

function wanted(name: string, { clusters }: Reading): Wanted | undefined {
  if (name.length > MAX_NAME) return undefined;
  const [, cluster, digit, retry] = NAME.exec(name) ?? [];
  if (cluster === undefined) return REFUSED_CALLER.test(name) ? 'refused callers' : undefined;
  let counting = clusters.get(cluster);
  if (!counting) {
    if (clusters.size >= MAX_CLUSTERS) return undefined;
    counting = { byClass: [0, 0, 0, 0], retries: 0, times: [] };
    clusters.set(cluster, counting);
  }
  const what: What = digit === undefined ? (retry === undefined ? 'time' : 'retry') : { class: Number(digit) };
  return { counting, what };
}

function readMetric(reader: Reader, counting: Counting, what: What): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === METRIC.counter && what !== 'time') add(counting, what, readNumber(reader.message()));
    else if (field === METRIC.histogram && what === 'time') counting.times = readTimes(reader.message());
    else reader.skip();
  }
}

function readCounter(reader: Reader): number {
  let count = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === METRIC.counter) count = readNumber(reader.message());
    else reader.skip();
  }
  return count > 0 && count <= MAX_COUNT ? count : 0;
}

function add(counting: Counting, what: Exclude<What, 'time'>, count: number): void {
  if (!(count > 0 && count <= MAX_COUNT)) return;
  if (what === 'retry') counting.retries += count;
  else counting.byClass[what.class - 2] = (counting.byClass[what.class - 2] ?? 0) + count;
}

function readNumber(reader: Reader): number {
  let value = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FIRST) value = reader.double();
    else reader.skip();
  }
  return value;
}

/** Buckets come with the counts of all before them; bins have their own. Empty ones are left out. */
function readTimes(reader: Reader): TimeBin[] {
  const bins: TimeBin[] = [];
  let [before, from] = [0, 0];
  let [read, total] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === HISTOGRAM_BUCKET && read++ < MAX_BINS) {
      const { upTo, count } = readBucket(reader.message());
      if (count > before && upTo > from) bins.push({ from, upTo, count: Math.min(count - before, MAX_COUNT) });
      before = Math.max(before, count);
      from = Math.max(from, upTo);
    } else if (field === FIRST) total = reader.integer();
    else reader.skip();
  }
  // What took longer than the last bound is in the sum of all only.
  if (total > before) bins.push({ from, upTo: Number.POSITIVE_INFINITY, count: Math.min(total - before, MAX_COUNT) });
  return bins;
}

function readBucket(reader: Reader): { upTo: number; count: number } {
  let [count, upTo] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === BUCKET.count) count = reader.integer();
    else if (field === BUCKET.upTo) upTo = reader.double();
    else reader.skip();
  }
  return { upTo, count };
}
