import type { Outcome } from '../model/index.js';
import type { EdgeCounts } from './edge-report.js';
import type { EdgeMemory, EdgeTally, RouteRow, Sample, Way, WayRow } from './edge-tally.js';
import { wayKey } from './edge-tally.js';
import { spread } from './spread.js';
import { latenciesOf, type Timed, without } from './times.js';

/** What a bucket says of an edge, once everything of it is there: of its failures, or of the rest. */
export interface ClosedEdge {
  readonly rows: readonly RouteRow[];
  readonly ways: readonly WayRow[];
}

/** Classes of status that are not failures of themselves: 2xx, 3xx, 4xx. */
const FINE = [2, 3, 4] as const;
/** 4xx, of which those of 403 and 429 are told of. */
const REFUSED = 4;
/** Where 5xx are counted. */
const FAILED = 3;
const OK: Outcome = 'ok';
const SERVER_ERROR = 500;

/**
 * What failed, or was refused. Requests by what the sidecar counted, and how they ended by what it told: what it told exactly
 * is taken as it is. Counts and entries of one request may come in different buckets: what does not agree is owed to the next one.
 */
export function closeFailures(tally: EdgeTally, memory: EdgeMemory): ClosedEdge {
  // Who usually counts and has not reported in this bucket will do so in the next one.
  if (tally.counts) memory.counts = true;
  else if (memory.counts) tally.addCounts(NOTHING);
  const lost = tally.counts === undefined ? [] : untold(tally, memory);
  return {
    rows: [...tally.rows.values()].filter(({ outcome }) => outcome !== OK).concat(lost),
    ways: [...tally.ways.values()].filter(({ outcome }) => outcome !== OK),
  };
}

/**
 * What went well, after `closeFailures`: the sample is stretched to what the counters have beyond what was told. Without
 * counters a sampled request stands for as many as its log says.
 */
export function closeSuccesses(tally: EdgeTally, memory: EdgeMemory): ClosedEdge {
  remember(tally, memory);
  const fine = tally.counts ? byCounts(tally, memory) : bySample(tally.samples);
  if (!tally.counts) owe(tally, fine, memory);
  const told = [...tally.rows.values()].filter(({ outcome }) => outcome === OK);
  // The last attempt of a request that went well went well.
  for (const row of told) row.attempts = row.requests;
  const rows = [...told, ...fine];
  const total = rows.reduce((sum, { requests }) => sum + requests, 0);
  return { rows, ways: goodWays(tally, memory, total) };
}

const NOTHING: EdgeCounts = { byClass: [0, 0, 0, 0], retries: 0, times: [] };

/** What was told and not counted, should counters come after all. Of this bucket only: they may never. */
function owe({ charged }: EdgeTally, fine: readonly RouteRow[], memory: EdgeMemory): void {
  for (const [at, count] of charged.entries()) {
    const sampled = fine.filter(({ status }) => Math.floor(status / 100) - 2 === at);
    memory.owed[at] = -sampled.reduce((sum, { requests }) => sum + requests, count);
  }
}

/** Takes the sample to what is known of where requests go. */
function remember({ samples, sampledWays }: EdgeTally, memory: EdgeMemory): void {
  for (const mix of memory.routes.values()) mix.age();
  memory.ways.age();
  for (const { route, status, weight } of samples) {
    memory.routesOf(Math.floor(status / 100)).add(`${route}\n${status}`, { route, status }, weight);
  }
  for (const { way, weight } of sampledWays) memory.ways.add(wayKey(way), way, weight);
}

function bySample(samples: readonly Sample[]): RouteRow[] {
  const groups = Map.groupBy(samples, ({ route, status }) => `${route}\n${status}`);
  return [...groups.values()].flatMap((group) => {
    const requests = group.reduce((sum, { weight }) => sum + weight, 0);
    const [first] = group;
    return first ? [fineRow(first, requests, latenciesOf(requests, [], group))] : [];
  });
}

const fineRow = (
  { route, status }: { readonly route: string; readonly status: number },
  requests: number,
  latencies: RouteRow['latencies'],
): RouteRow => ({ route, outcome: OK, status, requests, attempts: requests, latencies });

/** What the counters have beyond what was told exactly, by class. */
function byCounts(tally: EdgeTally, memory: EdgeMemory): RouteRow[] {
  const { counts, charged, chargedMs, samples } = tally;
  const bins = without(counts?.times ?? [], chargedMs);
  // Upgrades are 1xx, which are not counted.
  const others = bySample(samples.filter(({ status }) => !FINE.some((class_) => class_ === Math.floor(status / 100))));
  const counted = FINE.flatMap((class_) => {
    const at = class_ - 2;
    const left = (memory.owed[at] ?? 0) + (counts?.byClass[at] ?? 0) - (charged[at] ?? 0);
    const shares = memory.routesOf(class_).shares;
    // A refusal may have been counted here and be told of in the next bucket.
    const sure = class_ === REFUSED && shares.length === 0 ? Math.min(left, memory.doubted) : left;
    if (class_ === REFUSED) memory.doubted = Math.max(0, left - sure);
    memory.owed[at] = left - Math.max(0, sure);
    if (sure <= 0) return [];
    // Nothing of this class was sampled yet: its route is not known.
    const unknown = [{ of: { route: '', status: class_ * 100 }, weight: 1 }];
    return spread(sure, shares.length > 0 ? shares : unknown).map(({ of, count }) =>
      fineRow(of, count, latenciesOf(count, bins, timedOf(samples, of))),
    );
  });
  return [...counted, ...others];
}

/** The sample of this route and status if there is any, or else of all. */
function timedOf(
  samples: readonly Sample[],
  of: { readonly route: string; readonly status: number },
): readonly Timed[] {
  const own = samples.filter(({ route, status }) => route === of.route && status === of.status);
  return own.length > 0 ? own : samples;
}

/** Failures and retries that were counted and never told of: entries are lost while no replica is reached. */
function untold({ counts, charged, retriesTold, rows }: EdgeTally, memory: EdgeMemory): RouteRow[] {
  const failures = (memory.owed[FAILED] ?? 0) + (counts?.byClass[FAILED] ?? 0) - charged[FAILED];
  const lost = Math.max(0, Math.min(failures, memory.overdue));
  memory.owed[FAILED] = failures - lost;
  memory.overdue = Math.max(0, failures - lost);
  const retries = memory.owedRetries + (counts?.retries ?? 0) - retriesTold;
  const lostRetries = Math.max(0, Math.min(retries, memory.overdueRetries));
  memory.owedRetries = retries - lostRetries;
  memory.overdueRetries = Math.max(0, retries - lostRetries);
  if (lost + lostRetries === 0) return [];
  const latencies = latenciesOf(0, [], []);
  const known = rows.get(`\nother\n${SERVER_ERROR}`);
  if (!known) {
    return [
      { route: '', outcome: 'other', status: SERVER_ERROR, requests: lost, attempts: lost + lostRetries, latencies },
    ];
  }
  known.requests += lost;
  known.attempts += lost + lostRetries;
  return [];
}

/** Attempts without failure, one for each such request: to the instances that the sample says. */
function goodWays({ ways, sampledWays }: EdgeTally, memory: EdgeMemory, total: number): WayRow[] {
  const exact = [...ways.values()].filter(({ outcome }) => outcome === OK);
  const told = exact.reduce((sum, { attempts }) => sum + attempts, 0);
  const rest = Math.max(0, total - told);
  const shares = memory.ways.shares;
  const unknown = [{ of: { callerZone: '', instance: '', version: '', zone: '' }, weight: 1 }];
  const rows = new Map(exact.map((row) => [wayKey(row.way), row]));
  for (const { of, count } of spread(rest, shares.length > 0 ? shares : unknown)) {
    const latencies = latenciesOf(count, [], timesAlong(sampledWays, of));
    const known = rows.get(wayKey(of));
    if (known) {
      known.attempts += count;
      known.latencies.merge(latencies);
    } else rows.set(wayKey(of), { way: of, outcome: OK, attempts: count, latencies });
  }
  return [...rows.values()];
}

const timesAlong = (sampled: readonly (Timed & { readonly way: Way })[], way: Way): readonly Timed[] =>
  sampled.filter((one) => wayKey(one.way) === wayKey(way));
