import type { Active } from './effects.js';
import { BUSIEST, type Mesh, type SimEdge, type SimInstance, type SimService } from './mesh.js';

/** What holds for one stretch of time, worked out from the leaves up before requests are drawn. */
export interface ServiceState {
  /** Share of its attempts that it fails by itself. */
  readonly background: number;
  /** Share that fails since what it calls does. */
  readonly inherited: number;
  /** Share that it sheds. */
  readonly shed: number;
  /** Of one attempt. Milliseconds, the median. */
  readonly latencyMs: number;
  readonly instances: readonly SimInstance[];
}

export interface EdgeState {
  readonly limitMs: number;
  readonly retries: number;
  readonly retriesAll: boolean;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface States {
  readonly services: readonly ServiceState[];
  readonly edges: ReadonlyMap<SimEdge, EdgeState>;
}

/** Median latencies of a calm mesh, which limits and capacities are multiples of. */
export function calmLatencies(mesh: Mesh): number[] {
  const calm = Array.from({ length: mesh.services.length }, () => 0);
  for (const service of [...mesh.services].reverse()) {
    calm[service.index] =
      service.ownMs +
      callsOf(mesh, service).reduce((sum, { callee, rate }) => sum + Math.min(1, rate) * (calm[callee.index] ?? 0), 0);
  }
  return calm;
}

const outgoing = new WeakMap<Mesh, SimEdge[][]>();

export function callsOf(mesh: Mesh, service: SimService): readonly SimEdge[] {
  let by = outgoing.get(mesh);
  if (by === undefined) {
    by = mesh.services.map(() => []);
    for (const edge of mesh.edges) if (edge.caller) by[edge.caller.index]?.push(edge);
    outgoing.set(mesh, by);
  }
  return by[service.index] ?? [];
}

export interface Before {
  readonly calm: readonly number[];
  /** Attempts a second that each service got in the stretch before, by index. */
  readonly attempts: readonly number[];
  /** Share of the requests of each edge that failed in the end in the stretch before. */
  readonly failing: ReadonlyMap<SimEdge, number>;
}

export function statesOf(
  mesh: Mesh,
  effects: readonly Active[],
  { span, before }: { readonly span: Span; readonly before: Before },
): States {
  const services = Array.from<ServiceState>({ length: mesh.services.length });
  const edges = new Map<SimEdge, EdgeState>();
  for (const service of [...mesh.services].reverse()) {
    const [mine, calls] = [effects.filter(({ effect }) => effect.callee === service), callsOf(mesh, service)];
    for (const edge of calls) edges.set(edge, edgeState(edge, effects, before));
    const usable = service.instances.filter(({ joined, left }) => joined < span.to && left > span.from);
    const { slow, shed } = saturation(mesh, service, { mine, attempts: before.attempts[service.index] ?? 0 });
    const waits = calls.reduce(
      (sum, edge) =>
        sum +
        Math.min(1, edge.rate) * Math.min(services[edge.callee.index]?.latencyMs ?? 0, edges.get(edge)?.limitMs ?? 0),
      0,
    );
    const good = calls.reduce(
      (share, edge) => share * (1 - Math.min(1, edge.rate) * edge.passedOn * (before.failing.get(edge) ?? 0)),
      1,
    );
    services[service.index] = {
      background: service.background,
      inherited: 1 - good,
      shed,
      latencyMs: service.ownMs * slow + waits,
      instances: usable,
    };
  }
  for (const edge of mesh.edges) if (!edge.caller) edges.set(edge, edgeState(edge, effects, before));
  return { services, edges };
}

function saturation(
  mesh: Mesh,
  service: SimService,
  { mine, attempts }: { readonly mine: readonly Active[]; readonly attempts: number },
): { slow: number; shed: number } {
  const peak = (mesh.usual[service.index] ?? 1) * BUSIEST;
  // Nobody provisions a quiet service so tightly that chance fills it.
  let [slow, capacity, useful] = [1, (peak + Math.sqrt(peak / 10)) * service.headroom, 1];
  for (const { effect, activity } of mine) {
    if (effect.slow) slow *= 1 + (effect.slow - 1) * activity;
    if (effect.capacity) capacity *= 1 + (effect.capacity - 1) * activity;
    if (effect.useful && activity > 0) useful = effect.useful;
  }
  const busy = attempts / Math.max(0.1, capacity);
  // A queue grows long only near what can be served; in vain is what nobody waits for any more.
  const queue = busy < 0.7 ? 1 : Math.min(6, 1 + 6 * (busy - 0.7));
  return { slow: slow * queue, shed: busy > 1 ? Math.min(0.95, 1 - useful / busy) : 0 };
}

function edgeState(edge: SimEdge, effects: readonly Active[], { calm }: Before): EdgeState {
  let [patience, retries, retriesAll] = [edge.patience, edge.retries, false];
  for (const { effect, activity } of effects) {
    if (activity <= 0) continue;
    if (effect.patience?.hit(edge)) patience = effect.patience.value;
    if (effect.retries?.hit(edge)) [retries, retriesAll] = [effect.retries.value, true];
  }
  return { limitMs: Math.max(1, patience * (calm[edge.callee.index] ?? 1)), retries, retriesAll };
}

/** Share of a lognormal with this median that is above a limit: the normal distribution by Abramowitz and Stegun, 26.2.17. */
export function shareBeyond(limitMs: number, medianMs: number, sigma: number): number {
  const z = Math.log(limitMs / Math.max(0.01, medianMs)) / sigma;
  if (z < 0) return 1 - shareBeyond(medianMs ** 2 / limitMs, medianMs, sigma);
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
