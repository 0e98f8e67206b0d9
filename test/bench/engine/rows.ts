import { setTimeout as pause } from 'node:timers/promises';
import { median, quantile, type Row } from '../row.js';
import { type EngineOptions, EngineProcess } from './engine-process.js';
import { LeanClient, TYPES } from './lean-client.js';

export interface EngineBench extends EngineOptions {
  readonly proxies: number;
  /** Of one batch; there are five, and the median counts. */
  readonly pushes: number;
  /** Microseconds of CPU that a bare socket needs for a push, in the same run. */
  readonly floorUs: number;
}

const BATCHES = 5;
/** What the engine may need of CPU for a push, in floors, and per proxy of memory, in KB. */
const BUDGET = { floors: 5, plainKb: 110, tlsKb: 160, newProxyMs: 1, stormMs: 2_500, lagMs: 200 };
/** For what is still on its way when the last answer was seen. */
const SETTLE_MS = 1_500;

/** Rows of the engine alone under workload W. @returns with them the counter budgets that were broken */
export async function engineRows(bench: EngineBench): Promise<{ rows: Row[]; broken: string[] }> {
  const { transport, proxies, floorUs } = bench;
  const engine = await EngineProcess.start(bench);
  try {
    await warmUp(engine);
    const clients = clientsOf(engine, proxies, 'proxy');
    const joined = await served(engine, clients);
    const memory = await memoryEach(engine, proxies);
    const pushed = await pushes(engine, clients, bench);
    const back = await storms(engine, clients);
    for (const client of clients) client.close();
    const plain = transport === 'plain';
    const rows: Row[] = [
      {
        ...one('CPU per new proxy (280 KB)', joined / 1000 / proxies, 'ms'),
        ...(plain ? { must: BUDGET.newProxyMs } : {}),
      },
      { ...one('memory per proxy', memory, 'KB'), must: plain ? BUDGET.plainKb : BUDGET.tlsKb },
      {
        what: 'CPU per proxy and push',
        ...pushed.cpu,
        unit: 'us',
        ...(plain ? { must: BUDGET.floors * floorUs } : {}),
      },
      { what: 'push -> last of all', ...pushed.last, unit: 'ms' },
      { what: 'all reconnect at once', ...back.ms, unit: 'ms', ...(plain ? {} : { must: BUDGET.stormMs }) },
      { what: 'CPU per reconnect', ...back.cpu, unit: 'ms' },
      { what: 'event loop lag p99 meanwhile', ...back.lag, unit: 'ms', must: BUDGET.lagMs },
    ];
    return { rows: rows.map((row) => ({ ...row, what: `${row.what}, ${transport}` })), broken: pushed.broken };
  } finally {
    await engine.stop();
  }
}

/** A few clients come and go, so that the compiler has seen the way of one before it is measured. */
async function warmUp(engine: EngineProcess): Promise<void> {
  const clients = clientsOf(engine, 50, 'warm');
  await served(engine, clients);
  for (const client of clients) client.close();
  await gone(engine);
}

/** What as many again add: the first also fill up what a process has once, as its young generation. @returns KB */
async function memoryEach(engine: EngineProcess, proxies: number): Promise<number> {
  await pause(SETTLE_MS);
  const before = await engine.state(true);
  const more = clientsOf(engine, proxies, 'more');
  await served(engine, more);
  await pause(SETTLE_MS);
  const after = await engine.state(true);
  for (const client of more) client.close();
  while ((await engine.state()).streams > before.streams) await pause(10);
  return (after.residentKb - before.residentKb) / proxies;
}

const one = (what: string, value: number, unit: string): Row => ({ what, p50: value, p99: value, unit });

const clientsOf = (engine: EngineProcess, count: number, name: string): LeanClient[] =>
  Array.from({ length: count }, (_, index) => new LeanClient(engine.target, `${name}-${index}`));

/** Opens all and waits until each has confirmed everything. @returns microseconds of the engine's CPU */
async function served(engine: EngineProcess, clients: readonly LeanClient[]): Promise<number> {
  const before = await engine.state();
  const wanted = before.counters.requests + clients.length * TYPES * 2;
  // A hundred at a time: this row is about the work, not about the crowd.
  for (let at = 0; at < clients.length; at += 100) {
    for (const client of clients.slice(at, at + 100)) client.open();
    await until(() => clients.slice(at, at + 100).every((client) => client.responses >= TYPES));
  }
  await engine.taken(wanted);
  return (await engine.state()).cpuUs - before.cpuUs;
}

async function gone(engine: EngineProcess): Promise<void> {
  while ((await engine.state()).streams > 0) await pause(10);
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
    await gone(engine);
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
