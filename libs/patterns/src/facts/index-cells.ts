import { compareCodeUnits, sortedBy } from '#libs/kernel';
import { type EdgeCell, type InstanceCell, isFailure, type Outcome, type ZoneCell } from '#libs/telemetry';
import type { Observed, ObservedService } from '../types.js';
import { at, type EdgeBaseline } from './baseline.js';
import type { EdgeFacts, Facts, InstanceFacts, Series, ServiceFacts, ZonePairFacts } from './facts.js';

/** Longer windows would make one evaluation slow without telling more. */
const MOST_BUCKETS = 360;

interface Filling {
  readonly edges: Map<string, Map<string, EdgeFilling>>;
  readonly instances: Map<string, InstanceFilling>;
  readonly zones: Map<string, Map<string, Writable<ZonePairFacts>>>;
}
interface EdgeFilling extends Omit<EdgeFacts, 'failed' | 'failedRequests' | 'cells'> {
  readonly failed: Map<Outcome, Series>;
  readonly failedRequests: Map<Outcome, Series>;
  readonly failedAttempts: Map<Outcome, Series>;
  readonly cells: EdgeCell[];
}
interface InstanceFilling extends Omit<InstanceFacts, 'failed' | 'cells'> {
  readonly failed: Map<Outcome, Series>;
  readonly cells: InstanceCell[];
}
type Writable<T extends { failed: ReadonlyMap<Outcome, Series> }> = Omit<T, 'failed'> & {
  readonly failed: Map<Outcome, Series>;
};

/** Sorts the cells of the window by service, edge, instance and zone pair. */
export function factsOf(observed: Observed): Facts {
  const buckets = Math.max(1, Math.min(MOST_BUCKETS, observed.buckets));
  const window = new Window(observed, buckets);
  const complete = window.fill();
  const known = new Map(observed.services.map((service) => [service.callee, service]));
  const services = new Map<string, ServiceFacts>();
  for (const [callee, filling] of [...window.services].sort(([a], [b]) => compareCodeUnits(a, b))) {
    services.set(callee, serviceFacts(callee, filling, known.get(callee)));
  }
  const outgoing = new Map<string, EdgeFacts[]>();
  for (const service of services.values()) {
    for (const edge of service.edges) at(outgoing, edge.caller, () => []).push(edge);
  }
  return {
    at: observed.at,
    bucketMs: observed.bucketMs,
    buckets,
    began: window.began,
    services,
    outgoing,
    servicesOf: byWorkload(observed.services),
    events: [...observed.events].sort((a, b) => a.at - b.at || compareCodeUnits(a.id, b.id)),
    complete,
    observed,
  };
}

const serviceFacts = (callee: string, filling: Filling, known: ObservedService | undefined): ServiceFacts => ({
  callee,
  edges: sortedBy(
    [...filling.edges.values()].flatMap((byRoute) => [...byRoute.values()]),
    (edge) => `${edge.caller} ${edge.route}`,
  ),
  instances: sortedBy(filling.instances.values(), (instance) => instance.instance),
  zones: sortedBy(
    [...filling.zones.values()].flatMap((byZone) => [...byZone.values()]),
    (pair) => `${pair.callerZone} ${pair.calleeZone}`,
  ),
  known,
});

function byWorkload(services: readonly ObservedService[]): Map<string, string[]> {
  const of = new Map<string, string[]>();
  for (const service of services)
    for (const workload of service.workloads) at(of, workload, () => []).push(service.callee);
  return of;
}

class Window {
  readonly services = new Map<string, Filling>();
  began = Number.POSITIVE_INFINITY;
  readonly #observed: Observed;
  readonly #buckets: number;
  readonly #usual = new Map<string, Map<string, Map<string, EdgeBaseline>>>();

  constructor(observed: Observed, buckets: number) {
    this.#observed = observed;
    this.#buckets = buckets;
    for (const edge of observed.baseline.edges) {
      const byCaller = at(this.#usual, edge.callee, () => new Map<string, Map<string, EdgeBaseline>>());
      at(byCaller, edge.caller, () => new Map<string, EdgeBaseline>()).set(edge.route, edge);
    }
  }

  /** @returns false when a bucket is incomplete */
  fill(): boolean {
    const { edges, instances, zones } = this.#observed;
    let complete = true;
    for (const cell of edges) complete = this.#take(cell, (bucket) => this.#edge(cell, bucket)) && complete;
    for (const cell of instances) complete = this.#take(cell, (bucket) => this.#instance(cell, bucket)) && complete;
    for (const cell of zones) complete = this.#take(cell, (bucket) => this.#zone(cell, bucket)) && complete;
    return complete;
  }

  #take(cell: { readonly at: number; readonly complete: boolean }, put: (bucket: number) => void): boolean {
    const bucket = this.#buckets + Math.floor((cell.at - this.#observed.at) / this.#observed.bucketMs);
    if (bucket < 0 || bucket >= this.#buckets) return true;
    if (bucket < this.began) this.began = bucket;
    put(bucket);
    return cell.complete;
  }

  #service(callee: string): Filling {
    return at(this.services, callee, () => ({ edges: new Map(), instances: new Map(), zones: new Map() }));
  }

  #edge(cell: EdgeCell, bucket: number): void {
    const byRoute = at(this.#service(cell.callee).edges, cell.caller, () => new Map<string, EdgeFilling>());
    const edge = at(byRoute, cell.route, () => this.#newEdge(cell));
    edge.cells.push(cell);
    // A caller that hung up says nothing of the callee, neither good nor bad.
    if (cell.outcome === 'client_gone') return;
    add(edge.requests, bucket, cell.requests);
    add(edge.attempts, bucket, cell.attempts);
    edge.total[bucket] = Math.max(edge.requests[bucket] ?? 0, edge.attempts[bucket] ?? 0);
    if (!isFailure(cell.outcome)) return;
    const requests = this.#series(edge.failedRequests, cell.outcome);
    const attempts = this.#series(edge.failedAttempts, cell.outcome);
    add(requests, bucket, cell.requests);
    add(attempts, bucket, cell.attempts);
    // A request and its attempts have cells of their own where their statuses differ: what failed once must not count twice.
    this.#series(edge.failed, cell.outcome)[bucket] = Math.max(requests[bucket] ?? 0, attempts[bucket] ?? 0);
  }

  #newEdge({ caller, callee, route }: EdgeCell): EdgeFilling {
    const series = (): Series => new Float64Array(this.#buckets);
    return {
      caller,
      callee,
      route,
      requests: series(),
      attempts: series(),
      total: series(),
      failed: new Map(),
      failedRequests: new Map(),
      failedAttempts: new Map(),
      cells: [],
      usual: this.#usual.get(callee)?.get(caller)?.get(route),
    };
  }

  #instance(cell: InstanceCell, bucket: number): void {
    if (cell.instance === '' || cell.outcome === 'client_gone') return;
    const { instance, version, zone } = cell;
    const made = at(this.#service(cell.callee).instances, instance, () => ({
      instance,
      version,
      zone,
      attempts: new Float64Array(this.#buckets),
      failed: new Map<Outcome, Series>(),
      cells: [],
    }));
    made.cells.push(cell);
    this.#attempts(made, cell, bucket);
  }

  #zone(cell: ZoneCell, bucket: number): void {
    if (cell.callerZone === '' || cell.calleeZone === '' || cell.outcome === 'client_gone') return;
    const { callerZone, calleeZone } = cell;
    const of = at(this.#service(cell.callee).zones, callerZone, () => new Map<string, Writable<ZonePairFacts>>());
    const made = at(of, calleeZone, () => ({
      callerZone,
      calleeZone,
      attempts: new Float64Array(this.#buckets),
      failed: new Map<Outcome, Series>(),
    }));
    this.#attempts(made, cell, bucket);
  }

  #attempts(
    of: { readonly attempts: Series; readonly failed: Map<Outcome, Series> },
    cell: { readonly outcome: Outcome; readonly attempts: number },
    bucket: number,
  ): void {
    add(of.attempts, bucket, cell.attempts);
    if (isFailure(cell.outcome)) add(this.#series(of.failed, cell.outcome), bucket, cell.attempts);
  }

  #series(by: Map<Outcome, Series>, outcome: Outcome): Series {
    return at(by, outcome, () => new Float64Array(this.#buckets));
  }
}

function add(series: Series, bucket: number, value: number): void {
  series[bucket] = (series[bucket] ?? 0) + value;
}
