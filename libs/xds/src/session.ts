import { TYPE } from '#libs/envoy-api';
import { Cell } from './cell.js';
import { type ClientTraits, PLAIN_CLIENT } from './client-traits.js';
import type { Board, Source } from './delivery/board.js';
import { wants } from './delivery/examine.js';
import { holdsWhole } from './delivery/first.js';
import { timeBeat } from './delivery/heartbeat.js';
import type { SharedSets } from './delivery/holdings.js';
import { planResponse } from './delivery/plan.js';
import { Recent } from './delivery/recent.js';
import { follow, forget, type LeftOf, resume, resumeEndpoints } from './delivery/subscribe.js';
import { type InFlight, TypeDelivery } from './delivery/type-delivery.js';
import { type Form, setVersion } from './frames.js';
import type { Limits } from './limits.js';
import { canonicalKeys, canonicalNames } from './names.js';
import { covers, judgeNonce, reduceDelta, reduceSotw, type SubscriptionChange } from './subscription.js';
import { type TypeSpec, typeOrder } from './type-specs.js';
import type { Closing, NackInfo, TypeUrl } from './types.js';
import { type DeltaRequest, type Request, RequestTooLarge } from './wire/request.js';

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
  readonly form: Form;
  /** To be sent literally; `undefined`: made from the contents. */
  readonly version: string | undefined;
}

export interface SessionOptions {
  readonly variant: 'delta' | 'sotw';
  readonly aggregated: boolean;
  readonly source: Source;
  readonly limits: Limits;
  /** Makes the nonces of this stream; each is new. */
  readonly nextNonce: () => string;
  /** Of the server, for all its streams. Default: for this one alone. */
  readonly sets?: SharedSets;
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
  readonly recent = new Recent();
  /** Ends with the time in which a reconnected client may be expected to ask for its types again. */
  settling = true;
  /** What the client says of itself. Set before the first request. */
  client: ClientTraits = PLAIN_CLIENT;
  /** Set before the first request. */
  leftOf: LeftOf = () => NONE;
  readonly #types = new Map<TypeUrl, TypeDelivery>();
  #ordered: readonly TypeDelivery[] = [];
  #resumed = false;
  readonly #sharedNames = (names: readonly string[]) => this.options.sets?.names(names);

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
      if (!delivery.hasWork && delivery.held.length === 0 && !delivery.beatDue) continue;
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

  /** True until the first response. */
  get saidNothing(): boolean {
    return this.#ordered.every((delivery) => delivery.lastNonce === '');
  }

  get lifetimes(): boolean {
    return this.client.lifetimes;
  }

  /** DELTA-14: of an alias, the name of its resource. */
  keyOf({ spec }: TypeDelivery, name: string): string {
    const found = spec.aliased ? this.source.lookup(spec.url, name) : undefined;
    return found instanceof Cell ? found.name : name;
  }

  /** True if a sign of life is due for some type (TTL-2). @param now milliseconds of the monotonic clock */
  beat(now: number): boolean {
    if (!this.client.lifetimes) return false;
    return this.#ordered.filter((delivery) => timeBeat(delivery, now)).length > 0;
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
    const acked = verdict === 'ack' ? delivery.confirm((cell) => wants(delivery, cell.name, cell)) : undefined;
    const nacked = verdict === 'nack' ? delivery.refuse(request.error ?? '') : undefined;
    if (delivery.hasWork && delivery.behindSince === 0) delivery.behindSince = wall;
    return { delivery, acked, nacked, secrets, unwanted: spec.secret ? change.dropped : NONE };
  }

  /** Names of a type may have changed in the view. */
  touch(type: TypeUrl, names: Iterable<string>, wall: number): void {
    const delivery = this.#types.get(type);
    if (!delivery) return;
    for (const name of names) {
      // DELTA-14: what is under way, or held, may be known to the client by a name that it has not asked for.
      if (covers(delivery.subscription, name) || delivery.mayHold(name) || delivery.isUnderAlias(name))
        delivery.dirty.add(name);
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
  next(delivery: TypeDelivery, monotonic: number, version?: string): Outgoing | undefined {
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
    this.recent.sent(flight, delivery);
    delivery.lastNonce = flight.nonce;
    if (delivery.spec.url === TYPE.cluster) this.oweEndpointsOf(flight.news);
    else if (delivery.spec.url === TYPE.route && !this.client.keepsHosts) this.#oweHostsOf(flight.news);
    if (!this.client.lifetimes) return { delivery, flight, form: 'plain', version };
    return this.#timed(delivery, flight, version);
  }

  /** TTL-1: times to live are written where there are any, and remembered, so that signs of life follow. */
  #timed(delivery: TypeDelivery, flight: InFlight, version: string | undefined): Outgoing {
    const { beat, cells, sentAt } = flight;
    const said = (form: Form): Outgoing => ({ delivery, flight, form, version: delivery.saidVersion ?? version });
    if (beat) return said(this.variant === 'sotw' ? 'timed' : 'beat');
    for (const { ttlMs } of cells) if (ttlMs > 0) delivery.expire(ttlMs, sentAt);
    if (delivery.ttlMs === 0) return { delivery, flight, form: 'plain', version };
    if (this.variant === 'sotw') delivery.saidVersion = version ?? setVersion(cells);
    return said('timed');
  }

  /** OND-3: older Envoys lose the virtual hosts of a route configuration when it is updated, and do not ask again. */
  #oweHostsOf(routes: readonly Cell[]): void {
    const hosts = this.#types.get(TYPE.virtualHost);
    if (!hosts) return;
    const prefixes = routes.map(({ name }) => `${name}/`);
    const sent = (hosts.inFlight?.cells ?? []).map(({ name }) => name);
    for (const name of [...hosts.acked.keys(), ...sent]) {
      if (prefixes.some((prefix) => name.startsWith(prefix))) hosts.owe(name);
    }
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
      if (name !== '' && covers(endpoints.subscription, name)) endpoints.owe(name);
    }
  }

  /** How the stream ends now. @param monotonic milliseconds */
  closing(by: Closing['by'], monotonic: number): Closing {
    return this.recent.closing(by, this.#ordered, monotonic);
  }

  /** A secret is there to be sent; `asked`: even if the client is thought to hold it. */
  secretArrived(name: string, asked: boolean, wall: number): void {
    const delivery = this.#types.get(TYPE.secret);
    if (!delivery || !covers(delivery.subscription, name)) return;
    delivery.dirty.add(name);
    if (asked) delivery.owed.add(name);
    if (delivery.behindSince === 0) delivery.behindSince = wall;
  }

  #open(spec: TypeSpec, first: Request): TypeDelivery {
    const delivery = new TypeDelivery(spec, this.variant, this.options.sets);
    if (first.variant === 'sotw' && first.versioned) {
      this.#resumed = true;
      delivery.unknownBase = delivery.wholeSets;
    }
    this.#types.set(spec.url, delivery);
    this.#ordered = [...this.#ordered, delivery].sort((a, b) => typeOrder(a.spec.url) - typeOrder(b.spec.url));
    return delivery;
  }

  #subscribe(delivery: TypeDelivery, request: Request): SubscriptionChange {
    const { wildcard, legacyWildcard } = delivery.spec;
    const rules = { legacyWildcard: legacyWildcard && !this.client.grpc, wildcard, shared: this.#sharedNames };
    const before = delivery.subscription;
    const change =
      request.variant === 'delta'
        ? reduceDelta(before, named(request), rules)
        : reduceSotw(before, canonicalNames(request.names), rules);
    if (change.state.names.size > this.options.limits.maxNames) {
      throw new RequestTooLarge('maxNames', `a stream may name ${this.options.limits.maxNames} resources of a type`);
    }
    delivery.subscription = change.state;
    return change;
  }

  #apply(delivery: TypeDelivery, change: SubscriptionChange, request: Request): readonly SecretWish[] {
    const versions = change.first && request.variant === 'delta' ? canonicalKeys(request.initialVersions) : undefined;
    if (versions) {
      if (versions.size > 0) this.#resumed = true;
      if (change.dropped.length === 0 && holdsWhole(this, delivery, versions, this.leftOf)) {
        if (delivery.spec.url === TYPE.endpoint) resumeEndpoints(this, delivery, versions);
        return NONE;
      }
      resume(delivery, versions, this.leftOf);
    }
    forget(this, delivery, change);
    if (delivery.spec.secret) return change.answer.map((name) => ({ name, held: versions?.get(name) }));
    follow(this, delivery, change, versions);
    return NONE;
  }
}

/** TP-1: names that are compared are in one form. */
const named = ({ subscribe, unsubscribe }: DeltaRequest): Pick<DeltaRequest, 'subscribe' | 'unsubscribe'> => ({
  subscribe: canonicalNames(subscribe),
  unsubscribe: canonicalNames(unsubscribe),
});
