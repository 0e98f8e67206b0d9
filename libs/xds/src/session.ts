import { TYPE } from '#libs/envoy-api';
import { type Cell, Foreign } from './cell.js';
import type { Board, Source } from './delivery/board.js';
import { planResponse } from './delivery/plan.js';
import { type InFlight, TypeDelivery } from './delivery/type-delivery.js';
import type { Limits } from './limits.js';
import { covers, judgeNonce, reduceDelta, reduceSotw, type SubscriptionChange } from './subscription.js';
import { type TypeSpec, typeOrder } from './type-specs.js';
import type { NackInfo, TypeUrl } from './types.js';
import { type Request, RequestTooLarge } from './wire/request.js';

/** A secret that must be resolved, since the client asked for it. */
export interface SecretWish {
  readonly name: string;
  /** Version the client says it holds. */
  readonly held: string | undefined;
}

/** What followed from a request. */
export interface Outcome {
  readonly delivery: TypeDelivery;
  readonly acked: InFlight | undefined;
  readonly nacked: NackInfo | undefined;
  readonly secrets: readonly SecretWish[];
  /** Secrets that the client does not want any more. */
  readonly unwanted: readonly string[];
}

/** A response with what it needs to be written. */
export interface Outgoing {
  readonly delivery: TypeDelivery;
  readonly flight: InFlight;
}

export interface SessionOptions {
  readonly variant: 'delta' | 'sotw';
  readonly aggregated: boolean;
  readonly source: Source;
  readonly limits: Limits;
  /** Makes the nonces of this stream; each is new. */
  readonly nextNonce: () => string;
}

const NONE: readonly never[] = [];

/**
 * One stream as the protocol sees it: requests in, responses out, nothing of sockets. It holds what was subscribed, sent
 * and confirmed; the actor around it does the input and output.
 */
export class Session implements Board {
  readonly variant: 'delta' | 'sotw';
  readonly aggregated: boolean;
  readonly source: Source;
  readonly maxResponseBytes: number;
  /** Ends with the time in which a reconnected client may be expected to ask for its types again. */
  settling = true;
  /** gRPC clients never mean everything by an empty list (WILD-6). Set before the first request. */
  grpcClient = false;
  /** What the client may run of a type from its last stream, without saying so (ENV-1). Set before the first request. */
  leftOf: (type: TypeUrl) => readonly Cell[] = () => NONE;
  readonly #types = new Map<TypeUrl, TypeDelivery>();
  #ordered: readonly TypeDelivery[] = [];
  #resumed = false;

  constructor(private readonly options: SessionOptions) {
    this.variant = options.variant;
    this.aggregated = options.aggregated;
    this.source = options.source;
    this.maxResponseBytes = options.limits.maxResponseBytes;
  }

  get types(): ReadonlyMap<TypeUrl, TypeDelivery> {
    return this.#types;
  }

  /** The types requested so far, in the order of ORD-1. */
  get ordered(): readonly TypeDelivery[] {
    return this.#ordered;
  }

  /**
   * The types to look at for responses: all in the order of ORD-1, then once more those that wait. What they wait for may
   * have settled meanwhile without a response, and nothing else would wake them. Ends early when `take` says so.
   * @param take @returns false to end
   */
  turns(take: (delivery: TypeDelivery) => boolean): void {
    let waiting = false;
    for (const delivery of this.#ordered) {
      // The usual case by far, once for each ACK: there is nothing to look at.
      if (!delivery.hasWork && delivery.held.length === 0) continue;
      if (!take(delivery)) return;
      waiting ||= delivery.held.length > 0;
    }
    if (!waiting) return;
    for (const delivery of this.#ordered) if (delivery.held.length > 0 && !take(delivery)) return;
  }

  get unsettled(): boolean {
    return this.#resumed && this.settling;
  }

  /** True if the client brought resources from an earlier stream. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /**
   * Takes a request. The subscription comes first and always counts, whatever the nonce says (GEN-11, SOTW-8, DELTA-11).
   * @throws RequestTooLarge
   */
  receive(request: Request, spec: TypeSpec, wall: number): Outcome {
    const delivery = this.#types.get(spec.url) ?? this.#open(spec, request);
    const change = this.#subscribe(delivery, request);
    const secrets = this.#apply(delivery, change, request);
    const refused = request.error !== undefined;
    const verdict = judgeNonce(request.nonce, refused, delivery.inFlight?.nonce ?? '', delivery.lastNonce);
    const acked = verdict === 'ack' ? delivery.confirm((name) => covers(delivery.subscription, name)) : undefined;
    const nacked = verdict === 'nack' ? delivery.refuse(request.error ?? '') : undefined;
    if (delivery.hasWork && delivery.behindSince === 0) delivery.behindSince = wall;
    return { delivery, acked, nacked, secrets, unwanted: spec.secret ? change.dropped : NONE };
  }

  /** Names of a type may have changed in the view. */
  touch(type: TypeUrl, names: Iterable<string>, wall: number): void {
    const delivery = this.#types.get(type);
    if (!delivery) return;
    for (const name of names) {
      if (covers(delivery.subscription, name) || delivery.mayHold(name)) delivery.dirty.add(name);
    }
    if (delivery.hasWork && delivery.behindSince === 0) delivery.behindSince = wall;
  }

  /** Everything may have changed: another view. */
  touchAll(wall: number): void {
    for (const delivery of this.#ordered) {
      delivery.allDirty = true;
      if (delivery.behindSince === 0) delivery.behindSince = wall;
    }
  }

  /**
   * The next response of one type, which is in flight from now on; `undefined` if there is none. There is at most one
   * in flight for a type, so whatever changes meanwhile is merged and the newest state wins (DELTA-17, SOTW-10).
   */
  next(delivery: TypeDelivery, monotonic: number): Outgoing | undefined {
    const plan = planResponse(this, delivery);
    if (!plan) return undefined;
    const flight: InFlight = {
      ...plan,
      nonce: this.options.nextNonce(),
      change: this.source.change,
      complete: !delivery.hasWork,
      sentAt: monotonic,
    };
    delivery.inFlight = flight;
    delivery.lastNonce = flight.nonce;
    if (delivery.spec.url === TYPE.cluster) this.oweEndpointsOf(flight.news);
    return { delivery, flight };
  }

  /**
   * ORD-5, ENV-4: a cluster that is sent warms until its endpoints follow, and a delta client may not ask for them
   * again. So they go out once more, unchanged, right behind the clusters and whether or not these are ACKed (ORD-4).
   */
  oweEndpointsOf(clusters: readonly Cell[]): void {
    const endpoints = this.#types.get(TYPE.endpoint);
    if (!endpoints) return;
    for (const cluster of clusters) {
      const name = cluster.endpointsName;
      if (name !== '' && covers(endpoints.subscription, name)) this.#owe(endpoints, name);
    }
  }

  /** A secret is there to be sent; `asked`: even if the client is thought to hold it. */
  secretArrived(name: string, asked: boolean, wall: number): void {
    const delivery = this.#types.get(TYPE.secret);
    if (!delivery || !covers(delivery.subscription, name)) return;
    delivery.dirty.add(name);
    if (asked) delivery.owed.add(name);
    if (delivery.behindSince === 0) delivery.behindSince = wall;
  }

  #owe(delivery: TypeDelivery, name: string): void {
    delivery.owed.add(name);
    delivery.dirty.add(name);
  }

  #open(spec: TypeSpec, first: Request): TypeDelivery {
    const delivery = new TypeDelivery(spec, this.variant);
    if (first.variant === 'sotw' && first.versioned) {
      this.#resumed = true;
      delivery.unknownBase = delivery.wholeSets;
    }
    this.#types.set(spec.url, delivery);
    this.#ordered = [...this.#ordered, delivery].sort((a, b) => typeOrder(a.spec.url) - typeOrder(b.spec.url));
    return delivery;
  }

  #subscribe(delivery: TypeDelivery, request: Request): SubscriptionChange {
    const { secret } = delivery.spec;
    const rules = { legacyWildcard: delivery.spec.legacyWildcard && !this.grpcClient, wildcard: !secret };
    const before = delivery.subscription;
    const change =
      request.variant === 'delta' ? reduceDelta(before, request, rules) : reduceSotw(before, request.names, rules);
    if (change.state.names.size > this.options.limits.maxNames) {
      throw new RequestTooLarge('maxNames', `a stream may name ${this.options.limits.maxNames} resources of a type`);
    }
    delivery.subscription = change.state;
    return change;
  }

  #apply(delivery: TypeDelivery, change: SubscriptionChange, request: Request): readonly SecretWish[] {
    const versions = change.first && request.variant === 'delta' ? request.initialVersions : undefined;
    if (versions) this.#resume(delivery, versions);
    for (const name of change.dropped) delivery.forget(name);
    if (change.wildcard === 'lost') this.#loseWildcard(delivery);
    if (delivery.spec.secret) return change.answer.map((name) => ({ name, held: versions?.get(name) }));
    if (change.wildcard === 'gained') {
      delivery.allDirty = true;
      delivery.answerDue = !versions || versions.size === 0;
    }
    for (const name of change.answer) {
      // DELTA-8b: on the first message the version listed for a name stands in for the answer, if it is ours.
      if (versions?.has(name)) delivery.dirty.add(name);
      else this.#owe(delivery, name);
    }
    if (change.first && delivery.spec.url === TYPE.endpoint) this.#resumeEndpoints(delivery, versions);
    return NONE;
  }

  /** DELTA-8: what the client holds from before. Removals follow from it when the names are looked at. */
  #resume(delivery: TypeDelivery, versions: ReadonlyMap<string, string>): void {
    if (versions.size > 0) this.#resumed = true;
    for (const [name, version] of versions) {
      delivery.acked.set(name, new Foreign(version));
      delivery.dirty.add(name);
    }
    this.#inherit(delivery, versions);
  }

  /** ENV-1: it is said once more, or removed; what the client itself says that it holds needs neither. */
  #inherit(delivery: TypeDelivery, versions: ReadonlyMap<string, string>): void {
    for (const cell of this.leftOf(delivery.spec.url)) {
      if (versions.get(cell.name) === cell.version || !covers(delivery.subscription, cell.name)) continue;
      delivery.orphans.set(cell.name, cell);
      delivery.dirty.add(cell.name);
    }
  }

  /**
   * The exact rule for endpoints after a reconnect: equal versions are skipped, unless endpoints are asked for before
   * clusters or a name comes without a version. Either means that something was warming, and then all go out once.
   */
  #resumeEndpoints(delivery: TypeDelivery, versions: ReadonlyMap<string, string> | undefined): void {
    if (!versions || versions.size === 0) return;
    const names = delivery.subscription.names;
    const beforeClusters = this.aggregated && !this.#types.has(TYPE.cluster);
    const warming = beforeClusters || [...names].some((name) => !versions.has(name));
    if (warming) for (const name of names) this.#owe(delivery, name);
  }

  #loseWildcard(delivery: TypeDelivery): void {
    const { names } = delivery.subscription;
    for (const name of [...delivery.acked.keys(), ...delivery.orphans.keys(), ...delivery.dirty]) {
      if (!names.has(name)) delivery.forget(name);
    }
    delivery.answerDue = false;
  }
}
