import { type EdgeCell, type InstanceCell, isFailure, type Outcome, type ZoneCell } from '#libs/telemetry';
import { CellWriter, count, type EdgeTally, type PlaceTally } from './cells.js';
import type { Active, Attempt, Effect } from './effects.js';
import { dayAt, type Mesh, type SimEdge, type SimInstance, type SimService, zoneShares } from './mesh.js';
import type { Random } from './random.js';
import {
  calmLatencies,
  type EdgeState,
  type ServiceState,
  type Span,
  type States,
  shareBeyond,
  statesOf,
} from './state.js';

export interface Cells {
  readonly edges: EdgeCell[];
  readonly instances: InstanceCell[];
  readonly zones: ZoneCell[];
}

/** How the callee does, and how many attempts it shed. */
interface Sending {
  readonly service: ServiceState;
  readonly state: EdgeState;
  readonly shed: { count: number; unworked: number };
}

/** What a failure that can be tried again is, when a policy asks for retries in the usual way. */
const RETRIED: ReadonlySet<Outcome> = new Set<Outcome>([
  'error',
  'refused',
  'connect_timeout',
  'reset',
  'tls',
  'overloaded',
]);

/** One mesh over time, stretch by stretch, from the gateway down. */
export class Run {
  readonly #mesh: Mesh;
  readonly #random: Random;
  readonly #effects: readonly Effect[];
  readonly #writer: CellWriter;
  readonly #calm: readonly number[];
  readonly #noise: number[];
  readonly #zoneShares: ReadonlyMap<SimService | undefined, readonly [string, number][]>;
  #attempts: number[];
  #failing = new Map<SimEdge, number>();
  #active: readonly Active[] = [];
  #places = new Map<
    string,
    { readonly service: SimService; readonly instance: SimInstance; readonly tally: PlaceTally }
  >();
  #pairs = new Map<
    string,
    { readonly callee: string; readonly pair: { callerZone: string; calleeZone: string }; readonly tally: PlaceTally }
  >();

  constructor(mesh: Mesh, random: Random, effects: readonly Effect[]) {
    this.#mesh = mesh;
    this.#random = random;
    this.#effects = effects;
    this.#writer = new CellWriter(random);
    this.#calm = calmLatencies(mesh);
    this.#noise = mesh.services.map(() => 0);
    this.#attempts = [...mesh.usual];
    const all: [string, number][] = mesh.zones.map((zone) => [zone, 1 / mesh.zones.length]);
    this.#zoneShares = new Map<SimService | undefined, readonly [string, number][]>([
      [undefined, all],
      ...mesh.services.map((service) => [service, zoneShares(service)] as const),
    ]);
  }

  /** @param epochMs where the run's second 0 lies */
  step(span: Span, epochMs: number): Cells {
    this.#active = this.#effects
      .map((effect) => ({ effect, activity: effect.activity(span.from, span.to) }))
      .filter(({ activity }) => activity > 0);
    const before = { calm: this.#calm, attempts: this.#attempts, failing: this.#failing };
    const states = statesOf(this.#mesh, this.#active, { span, before });
    this.#places = new Map();
    this.#pairs = new Map();
    this.#failing = new Map();
    const tallies = this.#walk(states, span);
    const stretch = { at: epochMs + span.from * 1_000, lengthMs: (span.to - span.from) * 1_000 };
    return {
      edges: tallies.flatMap((tally) => this.#writer.edge(tally, stretch)),
      instances: [...this.#places.values()].flatMap(({ service, instance, tally }) =>
        this.#writer.instance(service.callee, instance, { tally, ...stretch }),
      ),
      zones: [...this.#pairs.values()].flatMap(({ callee, pair, tally }) =>
        this.#writer.zone(callee, pair, { tally, ...stretch }),
      ),
    };
  }

  /** From the gateway down: each service calls on for the attempts that reached it. */
  #walk(states: States, span: Span): EdgeTally[] {
    const seconds = span.to - span.from;
    const reached = Array.from({ length: this.#mesh.services.length }, () => 0);
    const attempts = Array.from({ length: this.#mesh.services.length }, () => 0);
    const tallies: EdgeTally[] = [];
    const day = dayAt(this.#mesh, span.from);
    for (let i = 0; i < this.#noise.length; i += 1)
      this.#noise[i] = 0.8 * (this.#noise[i] ?? 0) + 0.05 * this.#random.normal();
    for (const edge of this.#ordered()) {
      const base = edge.caller
        ? (reached[edge.caller.index] ?? 0) * edge.rate
        : edge.rate * seconds * day * (1 + (this.#noise[edge.callee.index] ?? 0));
      const result = this.#edge(edge, base * this.#loadOn(edge), states);
      tallies.push(...result.tallies);
      reached[edge.callee.index] = (reached[edge.callee.index] ?? 0) + result.reached;
      attempts[edge.callee.index] = (attempts[edge.callee.index] ?? 0) + result.attempts;
    }
    this.#attempts = attempts.map((count) => count / seconds);
    return tallies;
  }

  #order: SimEdge[] | undefined;

  /** By caller: what reaches it is known when its calls are drawn, since calls go to higher indexes. */
  #ordered(): readonly SimEdge[] {
    this.#order ??= [...this.#mesh.edges].sort((a, b) => (a.caller?.index ?? -1) - (b.caller?.index ?? -1));
    return this.#order;
  }

  #loadOn(edge: SimEdge): number {
    let times = 1;
    for (const { effect, activity } of this.#active)
      if (effect.load?.hit(edge)) times *= 1 + (effect.load.times - 1) * activity;
    return times;
  }

  #edge(edge: SimEdge, mean: number, states: States): { tallies: EdgeTally[]; reached: number; attempts: number } {
    const [service, state] = [states.services[edge.callee.index], states.edges.get(edge)];
    if (service === undefined || state === undefined) throw new RangeError('an edge to nowhere');
    let [reached, attempts, failed, all] = [0, 0, 0, 0];
    const tallies = edge.routes.map((route) => {
      const tally: EdgeTally = {
        edge,
        route: route.name,
        requests: new Map(),
        attempts: new Map(),
        medianMs: service.latencyMs,
        sigma: edge.callee.sigma,
        limitMs: state.limitMs,
      };
      const requests = this.#random.poisson(mean * route.share);
      const shed = this.#route(tally, requests, { service, state });
      reached -= shed.count + shed.unworked;
      attempts -= shed.unworked;
      for (const count of tally.attempts.values()) {
        attempts += count;
        reached += count;
      }
      for (const [outcome, count] of tally.requests) if (isFailure(outcome)) failed += count;
      all += requests;
      return tally;
    });
    // Of a handful of requests the share is a matter of chance, and must not become everybody's.
    if (all > 0) this.#failing.set(edge, failed / (all + 20));
    return { tallies, reached, attempts };
  }

  #route(
    tally: EdgeTally,
    requests: number,
    { service, state }: { readonly service: ServiceState; readonly state: EdgeState },
  ): Sending['shed'] {
    let open = this.#refuse(tally, requests);
    if (service.instances.length === 0) {
      count(tally.requests, 'no_instance', open);
      return { count: 0, unworked: 0 };
    }
    const shed = { count: 0, unworked: 0 };
    for (let round = 0; round <= state.retries && open > 0; round += 1) {
      const failed = this.#attempt(tally, open, { service, state, shed });
      let again = 0;
      let lost = 0;
      for (const [outcome, n] of failed) {
        lost += n;
        const retried = round < state.retries && (state.retriesAll || RETRIED.has(outcome)) ? n : 0;
        again += retried;
        count(tally.requests, outcome, n - retried);
      }
      count(tally.requests, 'ok', open - lost);
      open = again;
    }
    return shed;
  }

  #refuse(tally: EdgeTally, requests: number): number {
    let open = requests;
    for (const { effect, activity } of this.#active) {
      const { refuses, callee } = effect;
      if (!refuses || (callee && callee !== tally.edge.callee)) continue;
      if (!refuses.hit({ edge: tally.edge, route: tally.route, callerZone: '', instance: undefined })) continue;
      const refused = this.#random.binomial(open, activity);
      count(tally.requests, refuses.outcome, refused);
      open -= refused;
    }
    return open;
  }

  /** One attempt of each of some requests, spread over instances. @returns those that failed, by outcome */
  #attempt(tally: EdgeTally, open: number, { service, state, shed }: Sending): Map<Outcome, number> {
    const failed = new Map<Outcome, number>();
    const zones = this.#zoneShares.get(tally.edge.caller) ?? [];
    let [left, share] = [open, 1];
    for (const [callerZone, ofZone] of zones) {
      for (const instance of service.instances) {
        const part = ofZone / service.instances.length;
        const n = part >= share - 1e-9 ? left : this.#random.binomial(left, part / share);
        left -= n;
        share -= part;
        if (n > 0)
          this.#send({ edge: tally.edge, route: tally.route, callerZone, instance }, n, {
            service,
            state,
            shed,
            tally,
            failed,
          });
      }
    }
    return failed;
  }

  #send(
    attempt: Attempt & { readonly instance: SimInstance },
    n: number,
    {
      service,
      state,
      shed,
      tally,
      failed,
    }: Sending & { readonly tally: EdgeTally; readonly failed: Map<Outcome, number> },
  ): void {
    const place = this.#place(attempt, { service, state });
    const pair = this.#pair(attempt);
    let open = n;
    const lose = (outcome: Outcome, share: number): number => {
      const lost = this.#random.binomial(open, share);
      if (lost === 0) return 0;
      open -= lost;
      for (const counts of [failed, tally.attempts, place, pair]) count(counts, outcome, lost);
      return lost;
    };
    for (const { effect, activity } of this.#active) {
      const { fails, callee } = effect;
      // What fails by the fault never gets to work or calls on.
      if (fails && (!callee || callee === attempt.edge.callee) && fails.hit(attempt))
        shed.unworked += lose(fails.outcome, activity);
    }
    this.#ordinary(attempt, { service, state, shed, lose });
    for (const counts of [tally.attempts, place, pair]) count(counts, 'ok', open);
  }

  #ordinary(
    { edge }: Attempt,
    { service, state, shed, lose }: Sending & { readonly lose: (outcome: Outcome, share: number) => number },
  ): void {
    lose('error', service.background * 0.8 + service.inherited);
    lose('reset', service.background * 0.2);
    if (service.shed > 0) {
      // What is shed never calls on.
      shed.count += lose('error', service.shed * 0.6) + lose('overflow', service.shed * 0.1);
      lose('timeout', service.shed * 0.5);
    }
    lose('timeout', shareBeyond(state.limitMs, service.latencyMs, edge.callee.sigma));
  }

  #place(
    { edge, instance }: Attempt & { readonly instance: SimInstance },
    { service, state }: { readonly service: ServiceState; readonly state: EdgeState },
  ): Map<Outcome, number> {
    const found = this.#places.get(instance.id);
    if (found) return found.tally.attempts;
    const tally = {
      attempts: new Map<Outcome, number>(),
      medianMs: service.latencyMs,
      sigma: edge.callee.sigma,
      limitMs: state.limitMs,
    };
    this.#places.set(instance.id, { service: edge.callee, instance, tally });
    return tally.attempts;
  }

  #pair({ edge, callerZone, instance }: Attempt & { readonly instance: SimInstance }): Map<Outcome, number> {
    const key = `${edge.callee.index} ${callerZone} ${instance.zone}`;
    const found = this.#pairs.get(key);
    if (found) return found.tally.attempts;
    const tally = { attempts: new Map<Outcome, number>(), medianMs: 0, sigma: 0, limitMs: 0 };
    this.#pairs.set(key, { callee: edge.callee.callee, pair: { callerZone, calleeZone: instance.zone }, tally });
    return tally.attempts;
  }
}
