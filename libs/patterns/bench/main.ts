/** `npm run bench:patterns`: plants faults in simulated meshes and counts which are named, how soon, and what is made up. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { PATTERN_NAMES, type PatternName } from '../src/index.js';
import { type CostRow, costRows } from './cost.js';
import { runScenario } from './simulator/evaluate.js';
import type { Shape } from './simulator/mesh.js';
import { Random } from './simulator/random.js';
import { buildScenario } from './simulator/scenario.js';
import { count, judge, newRow, type Row } from './simulator/score.js';
import { HELD_OUT, SHAPES } from './simulator/shapes.js';

const HELP = `npm run bench:patterns -- [options]
  --runs N       of each set (default 200)
  --set NAME     development, held-out or none (default: both); results are written to test/bench/patterns.json as they come
  --only NAME    faults of one pattern only
  --seed N       the first seed of the development set (default 1)
  --cost         measures the CPU of evaluations too
  --verbose      a line for every run that did not end as it should
`;
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    set: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    cost: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const BASELINE_MINUTES = 20;
const FILE = join(import.meta.dirname, '../../../../test/bench/patterns.json');
/** Far from those that anybody develops with. */
const HELD_OUT_SEED = 3_000_017;

interface SetOfRuns {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly seed: number;
}

interface Result {
  readonly name: string;
  readonly runs: number;
  readonly calm: number;
  readonly calmWithInvented: number;
  readonly rows: readonly Row[];
}

const SETS: readonly SetOfRuns[] = [
  { name: 'development', shapes: SHAPES, seed: Number(values.seed) },
  { name: 'held-out', shapes: [...SHAPES.slice(0, 1), ...HELD_OUT], seed: HELD_OUT_SEED },
];

/** A fifth has no fault, a tenth has two at once, the rest one. */
function faultsOf(random: Random, n: number): PatternName[] {
  if (values.only !== undefined) return PATTERN_NAMES.filter((name) => name === values.only);
  const one = PATTERN_NAMES[n % PATTERN_NAMES.length] ?? 'bad_host';
  if (random.chance(0.2)) return [];
  if (!random.chance(0.125)) return [one];
  return [one, random.pick(PATTERN_NAMES.filter((name) => name !== one && name !== 'bad_zone' && name !== 'periodic'))];
}

function measure({ name, shapes, seed }: SetOfRuns): Result {
  const rows = new Map<PatternName, Row>();
  let [calm, calmWithInvented] = [0, 0];
  const runs = Number(values.runs);
  const result = (): Result => ({
    name,
    runs,
    calm,
    calmWithInvented,
    rows: PATTERN_NAMES.flatMap((pattern) => rows.get(pattern) ?? []),
  });
  for (let n = 0; n < runs; n += 1) {
    const faults = faultsOf(new Random(seed * 7 + n), n);
    const shape = shapes[n % shapes.length];
    if (shape === undefined) continue;
    const scenario = buildScenario(shape, seed + n, faults);
    const verdict = judge(runScenario(scenario, { baselineMinutes: BASELINE_MINUTES }));
    count(rows, verdict);
    if (faults.length === 0) calm += 1;
    if (faults.length === 0 && verdict.invented.length > 0) calmWithInvented += 1;
    if (values.verbose) tell(`${shape.name} ${seed + n} ${faults.join('+') || 'none'}`, verdict);
    if ((n + 1) % 10 !== 0 && n + 1 < runs) continue;
    process.stderr.write(`${name}: ${n + 1} of ${runs}\n`);
    write({ ...result(), runs: n + 1 });
  }
  return result();
}

function tell(run: string, { found, missed, invented }: ReturnType<typeof judge>): void {
  const say = (line: string): boolean => process.stdout.write(`${run}: ${line}\n`);
  for (const truth of missed)
    say(`MISSED ${truth.name} ${truth.variant} at ${truth.callee ?? truth.caller ?? truth.zones}`);
  for (const { pattern, formerNames } of invented)
    say(`INVENTED ${pattern.name} (was ${formerNames}) ${pattern.sentence}`);
  for (const one of found) {
    if (!one.scope)
      say(
        `SCOPE ${one.truth.name} ${one.truth.variant} ${JSON.stringify({ ...one.pattern.scope, callees: one.pattern.scope.callees.length })}`,
      );
    if (!one.suspect)
      say(
        `SUSPECT ${one.truth.name} ${one.truth.causes} not ${one.pattern.suspects[0]?.id} ${one.pattern.suspects[0]?.why} ${one.pattern.suspects[0]?.score.toFixed(2)}`,
      );
    if (one.afterS > 30) say(`LATE ${one.truth.name} ${one.truth.variant} ${one.afterS.toFixed(0)} s`);
  }
}

const sum = (rows: readonly Row[]): Row =>
  rows.reduce((all, row) => {
    for (const key of ['planted', 'found', 'invented', 'wrongScope', 'wrongSuspect', 'renamed'] as const)
      all[key] += row[key];
    all.afterS.push(...row.afterS);
    return all;
  }, newRow('total'));

const share = (part: number, whole: number): string => (whole > 0 ? (part / whole).toFixed(3) : '-');

function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

const summary = (row: Row) => ({
  pattern: row.name,
  planted: row.planted,
  precision: share(row.found, row.found + row.invented),
  recall: share(row.found, row.planted),
  p50S: Math.round(quantile(row.afterS, 0.5)),
  p95S: Math.round(quantile(row.afterS, 0.95)),
  within30S: share(row.afterS.filter((s) => s <= 30).length, row.planted),
  wrongScope: row.wrongScope,
  wrongSuspect: row.wrongSuspect,
  renamed: row.renamed,
});

function print(result: Result): void {
  const table = new Table({
    head: [
      'pattern',
      'planted',
      'precision',
      'recall',
      'p50 s',
      'p95 s',
      'in 30 s',
      'wrong scope',
      'wrong suspect',
      'other name first',
    ],
    style: { head: [], border: [] },
  });
  for (const row of [...result.rows, sum(result.rows)]) table.push(Object.values(summary(row)));
  process.stdout.write(
    `${result.name}: ${result.runs} runs, ${result.calm} without a fault, of those ${result.calmWithInvented} in which something was made up\n${table.toString()}\n`,
  );
}

if (values.help) process.stdout.write(HELP);
else {
  const sets = SETS.filter(({ name }) => values.set === undefined || values.set === name);
  for (const one of sets) print(measure(one));
  if (values.cost) writeCost();
}

interface Written {
  readonly sets: Readonly<Record<string, unknown>>;
  readonly cost: readonly CostRow[];
}

function written(): Written {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : { sets: {}, cost: [] };
}

/** Keeps what is there of other sets. Parts of a set, and other seeds than the usual ones, are nobody's result. */
function write({ name, rows, ...rest }: Result): void {
  if (values.only !== undefined || values.seed !== '1') return;
  const { sets, cost } = written();
  const result = { ...rest, total: summary(sum(rows)), rows: rows.map(summary) };
  writeFileSync(FILE, `${JSON.stringify({ sets: { ...sets, [name]: result }, cost }, null, 2)}\n`);
}

function writeCost(): void {
  const cost = costRows();
  for (const { services, cells, calmMs, failingMs, baselineMs } of cost) {
    process.stdout.write(
      `${services} services, ${cells} cells: one evaluation ${calmMs} ms of CPU when calm, ${failingMs} ms with two faults; the baseline ${baselineMs} ms\n`,
    );
  }
  writeFileSync(FILE, `${JSON.stringify({ ...written(), cost }, null, 2)}\n`);
}
