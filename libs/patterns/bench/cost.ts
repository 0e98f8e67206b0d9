import type { EdgeCell } from '#libs/telemetry';
import { baselineOf, findPatterns } from '../src/index.js';
import { EPOCH_MS, observe } from './simulator/evaluate.js';
import { type Cells, Run } from './simulator/run.js';
import { buildScenario } from './simulator/scenario.js';
import { SHAPES } from './simulator/shapes.js';

export interface CostRow {
  readonly services: number;
  /** Of the window, of all three kinds. */
  readonly cells: number;
  readonly calmMs: number;
  readonly failingMs: number;
  readonly baselineMs: number;
}

const MINUTES = 30;
const ROUNDS = 5;

/** CPU time of one evaluation of a full window of ten minutes, and of a baseline of half an hour. */
export const costRows = (): CostRow[] => [100, 1_000].map(costOf);

function costOf(services: number): CostRow {
  const [shape] = SHAPES;
  if (shape === undefined) throw new RangeError('no shape');
  const scenario = buildScenario({ ...shape, services }, 4_711, ['bad_host', 'failing_dependency']);
  const run = new Run(
    scenario.mesh,
    scenario.random,
    scenario.planted.flatMap(({ effects }) => effects),
  );
  const minutes: EdgeCell[] = [];
  for (let from = -60 * MINUTES; from < 0; from += 60)
    minutes.push(...run.step({ from, to: from + 60 }, EPOCH_MS).edges);
  const span = { from: EPOCH_MS - 60_000 * MINUTES, bucketMs: 60_000, buckets: MINUTES };
  const baselineMs = spent(() => baselineOf(minutes, span));
  const baseline = baselineOf(minutes, span);
  const buckets: Cells[] = [];
  for (let from = -300; from < scenario.end; from += 10) buckets.push(run.step({ from, to: from + 10 }, EPOCH_MS));
  const calm = observe(scenario, { window: buckets.slice(0, 60), baseline, at: 300 });
  const failing = observe(scenario, { window: buckets.slice(-60), baseline, at: scenario.end });
  return {
    services,
    cells: failing.edges.length + failing.instances.length + failing.zones.length,
    calmMs: spent(() => findPatterns(calm)),
    failingMs: spent(() => findPatterns(failing)),
    baselineMs,
  };
}

/** CPU milliseconds of this process, the median of some rounds. */
function spent(work: () => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.round(times.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0);
}
