import { setTimeout as pause } from 'node:timers/promises';
import { median, quantile, type Row } from '../row.js';
import { EngineProcess } from './engine-process.js';
import { LeanClient, TYPES } from './lean-client.js';

export interface EngineBench {
  readonly proxies: number;
  /** Of one batch; there are five, and the median counts. */
  readonly pushes: number;
  readonly transport: 'plain' | 'tls';
  /** Microseconds of CPU that a bare socket needs for a push, in the same run. */
  readonly floorUs: number;
}

const BATCHES = 5;
/** What the engine may need of CPU for a push, in floors, and per proxy of memory, in KB. */
const BUDGET = { floors: 5, plainKb: 110, tlsKb: 160, newProxyMs: 1, stormMs: 2_500 };

/** Rows of the engine alone under workload W. @returns with them the counter budgets that were broken */
export async function engineRows(bench: EngineBench): Promise<{ rows: Row[]; broken: string[] }> {
  const { transport, proxies } = bench;
  const engine = await EngineProcess.start(transport);
  const named = (what: string): string => `${what}, ${transport}`;
  try {
    const warm = clientsOf(engine, 20, 'warm');
    await served(engine, warm, 0);
    for (const client of warm) client.close();
    await gone(engine, 0);
    const before = await engine.state(true);
    const clients = clientsOf(engine, proxies, 'proxy');
    const joined = await served(engine, clients, 0);
    const full = await engine.state(true);
    const kb = (full.residentKb - before.residentKb) / proxies;
    const pushed = await pushes(engine, clients, bench);
    const back = await storms(engine, clients);
    for (const client of clients) client.close();
    return {
      rows: [
        one(
          named('CPU per new proxy (280 KB)'),
          joined / 1000 / proxies,
          'ms',
          transport === 'plain' ? BUDGET.newProxyMs : undefined,
        ),
        one(named('memory per proxy'), kb, 'KB', transport === 'plain' ? BUDGET.plainKb : BUDGET.tlsKb),
        {
          what: named('CPU per proxy and push'),
          ...pushed.cpu,
          unit: 'us',
          ...(transport === 'plain' ? { must: BUDGET.floors * bench.floorUs } : {}),
        },
        { what: named('-> last of all'), ...pushed.last, unit: 'ms' },
        { what: named('all reconnect at once'), ...back.ms, unit: 'ms', must: BUDGET.stormMs },
        { what: named('CPU per reconnect'), ...back.cpu, unit: 'ms' },
        { what: named('event loop lag p99 then'), ...back.lag, unit: 'ms', must: 200 },
      ],
      broken: pushed.broken,
    };
  } finally {
    await engine.stop();
  }
}

const one = (what: string, value: number, unit: string, must?: number): Row => ({
  ...{ what, p50: value, p99: value, unit },
  ...(must === undefined ? {} : { must }),
});

const clientsOf = (engine: EngineProcess, count: number, name: string): LeanClient[] =>
  Array.from({ length: count }, (_, index) => new LeanClient(engine.target, `${name}-${index}`));

/** Opens all and waits until each has confirmed everything. @returns microseconds of the engine's CPU */
async function served(engine: EngineProcess, clients: readonly LeanClient[], responsesEach: number): Promise<number> {
  const before = await engine.state();
  const wanted = before.counters.requests + clients.length * TYPES * 2;
  // A hundred at a time: this row is about the work, not about the crowd.
  for (let at = 0; at < clients.length; at += 100) {
    for (const client of clients.slice(at, at + 100)) client.open();
    await until(() => clients.slice(at, at + 100).every((client) => client.responses >= responsesEach + TYPES));
  }
  await engine.taken(wanted);
  return (await engine.state()).cpuUs - before.cpuUs;
}

async function gone(engine: EngineProcess, left: number): Promise<void> {
  while ((await engine.state()).streams > left) await pause(10);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5);
}

async function pushes(engine: EngineProcess, clients: readonly LeanClient[], { pushes, proxies }: EngineBench) {
  const cpu: number[] = [];
  const last: number[] = [];
  const broken: string[] = [];
  let number = 0;
  for (let batch = 0; batch < BATCHES + 1; batch++) {
    const before = await engine.state();
    for (let push = 0; push < pushes; push++) {
      const started = performance.now();
      const all = everyone(clients);
      engine.push(number++);
      await all;
      await engine.taken(before.counters.requests + (push + 1) * proxies);
      if (batch > 0) last.push(performance.now() - started);
    }
    const after = await engine.state();
    const encodes = after.counters.encodes - before.counters.encodes;
    const frames = after.counters.frameMisses - before.counters.frameMisses;
    if (encodes !== pushes) broken.push(`${encodes} encodes for ${pushes} changes of one resource`);
    if (frames !== pushes) broken.push(`${frames} frames were built for ${pushes} changes`);
    if (batch > 0) cpu.push((after.cpuUs - before.cpuUs) / pushes / proxies); // the first is for the compiler to warm up
  }
  return { cpu: spread(cpu), last: spread(last), broken };
}

/** Resolves when every client has had a response more. */
function everyone(clients: readonly LeanClient[]): Promise<void> {
  let left = clients.length;
  return new Promise((resolve) => {
    for (const client of clients) {
      client.onResponse = () => {
        client.onResponse = () => {};
        if (--left === 0) resolve();
      };
    }
  });
}

/** All are cut and come back at once, with what they hold. */
async function storms(engine: EngineProcess, clients: readonly LeanClient[]) {
  const [ms, cpu, lag]: [number[], number[], number[]] = [[], [], []];
  for (let storm = 0; storm < BATCHES; storm++) {
    for (const client of clients) client.close();
    await gone(engine, 0);
    const before = await engine.state();
    const started = performance.now();
    for (const client of clients) client.open();
    await engine.taken(before.counters.requests + clients.length * TYPES);
    ms.push(performance.now() - started);
    const after = await engine.state();
    cpu.push((after.cpuUs - before.cpuUs) / 1000 / clients.length);
    lag.push(after.lagMs);
  }
  return { ms: spread(ms), cpu: spread(cpu), lag: spread(lag) };
}

const spread = (values: readonly number[]): { p50: number; p99: number } => ({
  p50: median(values),
  p99: quantile(values, 0.99),
});
