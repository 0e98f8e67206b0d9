import type { TimelineEvent } from '#libs/telemetry';
import {
  type Baseline,
  baselineOf,
  findPatterns,
  type Observed,
  type ObservedService,
  type PatternName,
  type Tracked,
  track,
} from '../../src/index.js';
import type { Mesh } from './mesh.js';
import type { SimEvent, Truth } from './plant.js';
import { type Cells, Run } from './run.js';
import type { Scenario } from './scenario.js';

export const BUCKET_S = 10;
const BUCKETS = 60;
const MINUTE_S = 60;
/** Where second 0 of a run lies; any time does. */
export const EPOCH_MS = 1_700_000_000_000 - (1_700_000_000_000 % 60_000);

export interface Outcome {
  readonly truths: readonly Truth[];
  /** As they were after the last evaluation, with every name's first time. */
  readonly tracked: readonly Tracked[];
  /** Of each tracked id: when it was first active under each name. Seconds since the start of the run. */
  readonly named: ReadonlyMap<string, ReadonlyMap<PatternName, number>>;
  readonly evaluations: number;
  /** Of all evaluations. Milliseconds. */
  readonly spentMs: number;
}

export interface RunOptions {
  /** Minutes of calm from which the usual is learnt. */
  readonly baselineMinutes: number;
  /** Milliseconds, from whatever clock the caller has. */
  readonly now?: () => number;
  /** Called after each evaluation, to look into it. */
  readonly watch?: (observed: Observed, tracked: readonly Tracked[]) => void;
}

/** Runs a scenario bucket by bucket and evaluates after each, as the control plane does. */
export function runScenario(scenario: Scenario, options: RunOptions): Outcome {
  const { mesh, planted, random, end } = scenario;
  const effects = planted.flatMap((one) => one.effects);
  const run = new Run(mesh, random, effects);
  const baseline = learn(run, options.baselineMinutes);
  const window: Cells[] = [];
  const named = new Map<string, Map<PatternName, number>>();
  const now = options.now ?? (() => 0);
  let tracked: readonly Tracked[] = [];
  let [evaluations, spentMs] = [0, 0];
  for (let from = 0; from < end; from += BUCKET_S) {
    window.push(run.step({ from, to: from + BUCKET_S }, EPOCH_MS));
    if (window.length > BUCKETS) window.shift();
    if (window.length < BUCKETS / 5) continue;
    const observed = observe(scenario, { window, baseline, at: from + BUCKET_S });
    const started = now();
    tracked = track(tracked, findPatterns(observed), observed.at);
    spentMs += now() - started;
    evaluations += 1;
    note(tracked, named, from + BUCKET_S);
    options.watch?.(observed, tracked);
  }
  return { truths: planted.map(({ truth }) => truth), tracked, named, evaluations, spentMs };
}

/** The time before the run, calm, in cells of a minute. */
function learn(run: Run, minutes: number): Baseline {
  const from = -minutes * MINUTE_S;
  const cells = [];
  for (let at = from; at < 0; at += MINUTE_S) cells.push(...run.step({ from: at, to: at + MINUTE_S }, EPOCH_MS).edges);
  return baselineOf(cells, { from: EPOCH_MS + from * 1_000, bucketMs: MINUTE_S * 1_000, buckets: minutes });
}

export function observe(
  { mesh, events }: Pick<Scenario, 'mesh' | 'events'>,
  { window, baseline, at }: { readonly window: readonly Cells[]; readonly baseline: Baseline; readonly at: number },
): Observed {
  return {
    at: EPOCH_MS + at * 1_000,
    bucketMs: BUCKET_S * 1_000,
    buckets: BUCKETS,
    edges: window.flatMap(({ edges }) => edges),
    instances: window.flatMap(({ instances }) => instances),
    zones: window.flatMap(({ zones }) => zones),
    baseline,
    events: events.filter((event) => event.at <= at).map(told),
    services: servicesAt(mesh, at),
  };
}

const told = (event: SimEvent): TimelineEvent => ({ ...event, at: Math.round(EPOCH_MS + event.at * 1_000) });

const servicesAt = (mesh: Mesh, at: number): ObservedService[] =>
  mesh.services.map(({ name, callee, instances }) => ({
    callee,
    workloads: [name],
    instances: instances
      .filter(({ joined, left }) => joined <= at && left > at)
      .map(({ id, version, zone }) => ({ instance: id, version, zone })),
  }));

function note(tracked: readonly Tracked[], named: Map<string, Map<PatternName, number>>, at: number): void {
  for (const { id, state, pattern } of tracked) {
    if (state !== 'active') continue;
    const names = named.get(id) ?? new Map<PatternName, number>();
    if (!names.has(pattern.name)) names.set(pattern.name, at);
    named.set(id, names);
  }
}
