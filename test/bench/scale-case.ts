/**
 * One case of the scale bench, in a process of its own: `node scale-case.js <case> <services> <dependencies|all>`.
 * Prints its rows as one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { bigMesh, instanceRow, meshTimeout, serviceTimeout } from '../../libs/testing/src/builders/index.js';
import { planRows } from './scale-plan.js';
import { type Cost, ScaleReplica } from './scale-replica.js';
import { one, quantiles, type ScaleRow } from './scale-row.js';

const [name = 'memory', services = '1000', dependencies = 'all'] = process.argv.slice(2);
const size = { services: Number(services), dependencies: dependencies === 'all' ? undefined : Number(dependencies) };
const label = `${services} services${size.dependencies === undefined ? '' : `, ${dependencies} dependencies each`}`;
const REPEATS = 10;

const residentMb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;

async function repeat(act: (turn: number) => Promise<Cost>): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (let turn = 0; turn < REPEATS; turn += 1) costs.push(await act(turn));
  return costs;
}

const replica = new ScaleReplica(name !== 'graph');
const started = residentMb();
globalThis.gc?.();
const usedAtStart = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
const build = await replica.measure({ kind: 'snapshot', snapshot: bigMesh(name === 'plan' ? { services: 1 } : size) });

function memory(): ScaleRow[] {
  globalThis.gc?.();
  globalThis.gc?.();
  const resident = residentMb();
  return [
    one(`resident: ${label}, as many proxies`, resident, 'MB', 1_500),
    one('  of that before the rows came', started, 'MB'),
  ];
}

function graphMemory(): ScaleRow[] {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const used = (heapUsed + arrayBuffers - usedAtStart) / 1024;
  return [
    one(`graph and rows without the catalog of libs/xds: ${label}`, used / 1024, 'MB'),
    one('  cells of the graph', replica.graph.size / 1000, 'k'),
    one('  all in, per cell', used / replica.graph.size, 'KB', 1),
  ];
}

function cold(): ScaleRow[] {
  const must = size.services <= 1000 ? 1_000 : 5_000;
  return [
    one(`build from a cold start: ${label}`, build.ms, 'ms', must),
    one('  CPU of that', build.cpuMs, 'ms'),
    one('  queries run per service', build.run / size.services, ''),
  ];
}

async function changes(): Promise<ScaleRow[]> {
  const endpoint = await repeat((turn) =>
    replica.measure(
      replica.delta({ instances: [{ op: 'put', instance: instanceRow(7, { routable: turn % 2 === 1 }) }] }),
    ),
  );
  const policy = await repeat((turn) =>
    replica.measure(replica.delta({ resources: [{ op: 'put', resource: serviceTimeout(9, `${turn + 2}s`) }] })),
  );
  const overtaking: number[] = [];
  const whole = await repeat(async (turn) => {
    const during = (): void =>
      void wait(8).then(() => {
        if (!replica.coordinator.isCompiling) return;
        const at = performance.now();
        const instance = instanceRow(7, { routable: turn % 2 === 0 });
        replica.coordinator.onEvent(replica.delta({ instances: [{ op: 'put', instance }] }));
        overtaking.push(performance.now() - at);
      });
    return replica.measure(
      replica.delta({ resources: [{ op: 'put', resource: meshTimeout(`${turn + 2}s`) }] }),
      during,
    );
  });
  const of = (costs: readonly Cost[], pick: (cost: Cost) => number): number[] => costs.map(pick);
  return [
    quantiles(
      `endpoint change: ${label}`,
      of(endpoint, (c) => c.ms),
      'ms',
    ),
    quantiles(
      '  queries run',
      of(endpoint, (c) => c.run),
      '',
      3,
    ),
    quantiles(
      `policy of one service: ${label}`,
      of(policy, (c) => c.ms),
      'ms',
    ),
    quantiles(
      '  queries run',
      of(policy, (c) => c.run),
      '',
      5,
    ),
    quantiles(
      `policy of the whole mesh: ${label}`,
      of(whole, (c) => c.ms),
      'ms',
    ),
    quantiles(
      '  CPU of that',
      of(whole, (c) => c.cpuMs),
      'ms',
    ),
    quantiles(
      '  resources changed',
      of(whole, (c) => c.changed),
      '',
    ),
    quantiles('  endpoint change in its middle', overtaking, 'ms', 20),
    quantiles(
      '  longest hold of the event loop',
      of(whole, (c) => c.longestMs),
      'ms',
      10,
    ),
    quantiles(
      '  the same without libs/xds',
      of(whole, (c) => c.longestOwnMs),
      'ms',
      10,
    ),
    quantiles(
      '  longest publication into libs/xds',
      of(whole, (c) => c.publishMs),
      'ms',
    ),
  ];
}

const cases: Readonly<Record<string, () => ScaleRow[] | Promise<ScaleRow[]>>> = {
  memory,
  graph: graphMemory,
  cold,
  changes,
  plan: () => planRows(size.services),
};
const rows = await cases[name]?.();
if (!rows) throw new Error(`${name} is none of ${Object.keys(cases).join(', ')}`);
process.stdout.write(`${JSON.stringify(rows)}\n`);
process.exit(0);
