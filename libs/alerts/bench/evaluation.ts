import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceLevelObjective } from '#libs/model';
import { createRegistry } from '#libs/model';
import { LatencySketch, type Outcome } from '#libs/telemetry';
import { type Alert, assess, evolve, type SignalGroup, type Signals } from '../src/index.js';

const OBJECTIVES = 200;
const ROUNDS = 20;
const FACTS = { authorities: [], certificates: [], refusing: [], behind: [], offline: [] };

function objective(index: number): ServiceLevelObjective {
  const indicator = index % 2 === 0 ? { availability: {} } : { latency: { threshold: '300ms' } };
  const document = {
    ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'ServiceLevelObjective' },
    metadata: { name: `o-${index}`, namespace: 'shop' },
    spec: { targetRef: { kind: 'Service', name: `s-${index}` }, objective: 99.9, ...indicator },
  };
  const parsed = createRegistry([]).parse(document, 'default');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const source = { kind: document.kind, namespace: 'shop', name: `o-${index}`, revision: 1, createdRevision: 1 };
  const value = parsed.value.toDomain(source);
  if (value.type !== 'ServiceLevelObjective') throw new Error(value.type);
  return value.value;
}

/** Latencies of a million requests, over some two hundred bins. */
function latencies(): LatencySketch {
  const sketch = new LatencySketch();
  for (let ms = 1; ms < 1_000; ms += 1) sketch.add(ms, 1_000);
  return sketch;
}

/** Milliseconds of CPU to judge 200 objectives, half of them of latency, with their answers at hand: by rounds. */
export async function cpuOfEvaluation(): Promise<readonly number[]> {
  const outcomes = new Map<Outcome, number>([
    ['ok', 1_000_000],
    ['error', 900],
  ]);
  const key = { callee: '', route: '', caller: '', instance: '' };
  const group: SignalGroup = { key, outcomes, attempts: 1_000_900, latencies: latencies() };
  const signals: Signals = {
    read: (questions) => Promise.resolve(questions.map(() => ({ missingMs: 0, groups: [group] }))),
  };
  const objectives = Array.from({ length: OBJECTIVES }, (_, index) => objective(index));
  const costs: number[] = [];
  let alerts: readonly Alert[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const now = 1_000_000_000 + round * 10_000;
    const before = process.threadCpuUsage();
    const known = { facts: FACTS, server: { silent: [], databaseMs: 1 }, now };
    const found = await assess({ mesh: 'default', objectives, rules: [] }, known, signals);
    alerts = evolve(alerts, found, now).alerts;
    const { user, system } = process.threadCpuUsage(before);
    // The first round fills what a process has once.
    if (round > 0) costs.push((user + system) / 1_000);
    await wait(0);
  }
  return costs;
}

if (import.meta.main) {
  const costs = (await cpuOfEvaluation()).toSorted((a, b) => a - b);
  const [median = 0, most = 0] = [costs[Math.floor(costs.length / 2)], costs.at(-1)];
  process.stdout.write(`${OBJECTIVES} objectives: ${median.toFixed(1)} ms of CPU, at most ${most.toFixed(1)} ms\n`);
}
