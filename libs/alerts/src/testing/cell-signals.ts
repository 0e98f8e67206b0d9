import type { TrafficSelector } from '#libs/model';
import { type EdgeCell, type InstanceCell, LatencySketch, type Outcome } from '#libs/telemetry';
import type { SignalGroup, SignalQuestion, SignalReading, Signals } from '../ports.js';

/** Cells as a store would keep them, and the buckets of which nothing, or not everything, is known. */
export interface Recorded {
  readonly edges: readonly EdgeCell[];
  readonly instances: readonly InstanceCell[];
  readonly missing: readonly { readonly at: number; readonly lengthMs: number }[];
}

/** What the port means, in the plainest way: looks at every cell. */
export class CellSignals implements Signals {
  asked = 0;

  constructor(public recorded: Recorded) {}

  read(questions: readonly SignalQuestion[]): Promise<readonly SignalReading[]> {
    this.asked += 1;
    return Promise.resolve(questions.map((question) => this.#one(question)));
  }

  #one(question: SignalQuestion): SignalReading {
    const { edges, instances, missing } = this.recorded;
    const isIn = ({ at, lengthMs }: { at: number; lengthMs: number }): boolean =>
      at >= question.from && at + lengthMs <= question.to;
    const cells = question.what === 'requests' ? edges : instances;
    const groups = new Map<string, SignalGroup>();
    for (const cell of cells) if (isIn(cell) && isOf(question.traffic, cell)) add(groups, question, cell);
    const within = ({ at, lengthMs }: { at: number; lengthMs: number }): number =>
      Math.max(0, Math.min(question.to, at + lengthMs) - Math.max(question.from, at));
    const missingMs = missing.reduce((sum, bucket) => sum + within(bucket), 0);
    return { missingMs, groups: [...groups.values()] };
  }
}

type Cell = EdgeCell | InstanceCell;

function isOf({ namespace, service, port, route, caller, instance }: TrafficSelector, cell: Cell): boolean {
  const [home, name, number] = cell.callee.split('/');
  const isCallee =
    (namespace === undefined || namespace === home) &&
    (service === undefined || service === name) &&
    (port === undefined || String(port) === number);
  if ('instance' in cell)
    return (
      isCallee && (instance === undefined || cell.instance.split('/').at(-1) === instance || cell.instance === instance)
    );
  if (caller !== undefined && caller !== cell.caller) return false;
  if (!route) return isCallee;
  const prefix = `${route.kind}/${route.namespace}/${route.name}/`;
  return isCallee && (route.rule === '' ? cell.route.startsWith(prefix) : cell.route === prefix + route.rule);
}

function add(groups: Map<string, SignalGroup>, { by }: SignalQuestion, cell: Cell): void {
  const key = {
    callee: by === 'None' || by === 'Route' ? '' : cell.callee,
    route: by === 'Route' && 'route' in cell ? cell.route : '',
    caller: by === 'Edge' && 'caller' in cell ? cell.caller : '',
    instance: by === 'Instance' && 'instance' in cell ? cell.instance : '',
  };
  const id = JSON.stringify(key);
  const group = groups.get(id) ?? {
    key,
    outcomes: new Map<Outcome, number>(),
    attempts: 0,
    latencies: new LatencySketch(),
  };
  const outcomes = new Map(group.outcomes);
  const count = 'requests' in cell ? cell.requests : cell.attempts;
  outcomes.set(cell.outcome, (outcomes.get(cell.outcome) ?? 0) + count);
  if (cell.outcome === 'ok') group.latencies.merge(cell.latencies);
  groups.set(id, { ...group, outcomes, attempts: group.attempts + cell.attempts });
}
