import { expect } from 'vitest';
import { Cluster_DiscoveryType, ClusterSchema, create, TYPE, toBinary } from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import { Cell } from '../cell.js';
import type { InFlight } from '../delivery/type-delivery.js';
import { type Whole, wholeOf } from '../delivery/whole.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { Session } from '../session.js';
import type { Subscription } from '../subscription.js';
import { typeSpec } from '../type-specs.js';
import type { Request } from '../wire/request.js';

/** The reference of what a client must hold, for random tests of a session. No protocol library is at work here. */
export const TYPES = [TYPE.cluster, TYPE.endpoint, TYPE.listener, TYPE.route] as const;
export type ModelType = (typeof TYPES)[number];
export const NAMES = ['a', 'b', 'c', 'd'] as const;
export type Variant = 'delta' | 'sotw';

/** Types of which a client asks for everything, and whose sets are complete in state-of-the-world. */
const WHOLE: ReadonlySet<string> = new Set([TYPE.cluster, TYPE.listener]);
/** A client refuses every content with this number, and no other. */
export const BAD = 4;

const counter = { encodes: 0 };
const versions = new Map<string, Cell>();

function cellOf(type: ModelType, name: string, content: number): Cell {
  const bytes =
    type === TYPE.cluster
      ? toBinary(ClusterSchema, create(ClusterSchema, edsCluster(name, content)))
      : Buffer.from(`${type} ${name} ${content}`);
  const cell = new Cell({ type, name, version: contentHash(bytes), bytes, requires: [] }, counter);
  if (!versions.has(cell.version)) versions.set(cell.version, cell);
  return cell;
}

const edsCluster = (name: string, content: number) => ({
  name,
  altStatName: `${content}`,
  clusterDiscoveryType: { case: 'type' as const, value: Cluster_DiscoveryType.EDS },
});

/** What the server has to give. */
export class World {
  readonly #cells = new Map<string, Cell>();
  readonly #bad = new Set<string>();
  change = 0;

  /** @param inShort what a subscription includes is said at once where that is possible, as views do */
  constructor(private readonly inShort = true) {}

  set(type: ModelType, name: string, content: number): void {
    this.change++;
    const cell = cellOf(type, name, content);
    if (content === BAD) this.#bad.add(cell.version);
    this.#cells.set(`${type} ${name}`, cell);
  }

  remove(type: ModelType, name: string): void {
    this.change++;
    this.#cells.delete(`${type} ${name}`);
  }

  isBad = (version: string): boolean => this.#bad.has(version);
  lookup = (type: string, name: string): Cell | undefined => this.#cells.get(`${type} ${name}`);
  members = (): string[] => [];
  names = (type: string): string[] => NAMES.filter((name) => this.lookup(type, name));
  whole = (type: string, subscription: Subscription): Whole | undefined =>
    this.inShort
      ? wholeOf(
          subscription,
          () => this.names(type),
          (name) => this.lookup(type, name),
        )
      : undefined;
}

/** What a client keeps of one type, over all its streams. */
class Holding {
  readonly names = new Set<string>();
  /** name -> version that it runs */
  readonly runs = new Map<string, string>();
  acked = false;
  lastNonce = '';
  /** Names that this stream has ever been about: only these may be removed. */
  known = new Set<string>();

  constructor(readonly wildcard: boolean) {}

  wants = (name: string): boolean => this.wildcard || this.names.has(name);
}

/**
 * A client as Envoy is one: takes the good resources of a response that it refuses and says which are not, keeps what it
 * runs over reconnects, and tells a new stream about it. It checks every response as it comes.
 */
export class ModelClient {
  readonly holdings = new Map<ModelType, Holding>(TYPES.map((type) => [type, new Holding(WHOLE.has(type))]));
  session: Session;
  /** Every response, as one line. */
  readonly said: string[] = [];
  #nonces = 0;

  constructor(
    readonly variant: Variant,
    readonly world: World,
  ) {
    this.session = this.#open(false);
  }

  holding(type: ModelType): Holding {
    const holding = this.holdings.get(type);
    if (!holding) throw new Error(type);
    return holding;
  }

  /** The stream is lost, with what was under way; a new one asks for all types again. */
  reconnect(): void {
    this.session = this.#open(true);
  }

  subscribe(type: ModelType, name: string): void {
    const holding = this.holding(type);
    if (holding.wildcard) return;
    holding.names.add(name);
    holding.known.add(name);
    this.#request(type, this.variant === 'delta' ? { subscribe: [name] } : {});
  }

  unsubscribe(type: ModelType, name: string): void {
    const holding = this.holding(type);
    if (holding.wildcard || !holding.names.delete(name)) return;
    holding.runs.delete(name);
    this.#request(type, this.variant === 'delta' ? { unsubscribe: [name] } : {});
  }

  /** An answer to a response that this stream was never sent. */
  stale(type: ModelType): void {
    this.#request(type, { nonce: 'forged', error: this.#nonces % 2 === 0 ? 'no' : undefined });
  }

  answer(type: ModelType): void {
    const flight = this.session.types.get(type)?.inFlight;
    if (!flight) return;
    const holding = this.holding(type);
    holding.lastNonce = flight.nonce;
    const bad = flight.cells.filter(({ version }) => this.world.isBad(version));
    const good = flight.cells.filter(({ version }) => !this.world.isBad(version));
    for (const name of this.#removedBy(type, flight)) holding.runs.delete(name);
    for (const cell of good) if (holding.wants(cell.name)) holding.runs.set(cell.name, cell.version);
    if (bad.length === 0) holding.acked = true;
    const error = bad.length === 0 ? undefined : `Error adding/updating: ${bad.map(({ name }) => name).join(', ')}: no`;
    this.#request(type, { nonce: flight.nonce, error });
  }

  /** The server looks at everything it may send. */
  pump(): void {
    this.session.turns((delivery) => {
      const outgoing = this.session.next(delivery, 0);
      if (outgoing) this.#check(delivery.spec.url as ModelType, outgoing.flight);
      return true;
    });
  }

  touched(type: ModelType, name: string): void {
    this.session.touch(type, [name], 1);
    this.pump();
  }

  /** GEN-6, GEN-13, and that nothing which exists is ever taken away, or removed that was never there. */
  #check(type: ModelType, flight: InFlight): void {
    const holding = this.holding(type);
    const names = flight.cells.map(({ name }) => name);
    const contents = flight.cells.map(({ name, version }) => `${name}@${version}`).sort();
    this.said.push(`${type} ${contents.join()} -${[...flight.removed].sort().join()}`);
    expect(new Set(names).size, 'a name twice').toBe(names.length);
    for (const name of names) expect(holding.wants(name), `${name} is not subscribed`).toBe(true);
    for (const name of flight.removed) {
      expect(names.includes(name), `${name} is sent and removed`).toBe(false);
      expect(holding.known.has(name) || holding.runs.has(name), `${name} was never there`).toBe(true);
    }
    for (const name of names) holding.known.add(name);
    // A client that never accepted a whole set cannot say on a new stream that it runs a part of one.
    if (this.variant === 'sotw' && !holding.acked) return;
    for (const name of this.#removedBy(type, flight)) {
      const exists = this.world.lookup(type, name) !== undefined;
      expect(exists && holding.runs.has(name), `${name} exists, runs, and is taken away`).toBe(false);
    }
  }

  #removedBy(type: ModelType, flight: InFlight): readonly string[] {
    if (this.variant === 'delta') return flight.removed;
    if (!WHOLE.has(type)) return [];
    const present = new Set(flight.cells.map(({ name }) => name));
    return [...this.holding(type).runs.keys()].filter((name) => !present.has(name));
  }

  #open(again: boolean): Session {
    const { variant, world } = this;
    const nextNonce = (): string => `n${++this.#nonces}`;
    this.session = new Session({ variant, aggregated: true, source: world, limits: DEFAULT_LIMITS, nextNonce });
    // The time after which types that were not asked for hold nothing is over at once here.
    this.session.settling = false;
    for (const type of TYPES) this.#first(type, again);
    return this.session;
  }

  #first(type: ModelType, again: boolean): void {
    const holding = this.holding(type);
    holding.known = new Set([...holding.names, ...holding.runs.keys()]);
    holding.lastNonce = '';
    if (!holding.wildcard && holding.names.size === 0) return;
    const initialVersions = new Map(again ? holding.runs : []);
    this.#request(type, { subscribe: [...holding.names], initialVersions, versioned: again && holding.acked });
  }

  #request(type: ModelType, fields: Partial<Fields>): void {
    const spec = typeSpec(type);
    if (!spec) throw new Error(type);
    const { names, wildcard } = this.holding(type);
    const {
      nonce = '',
      error,
      subscribe = [],
      unsubscribe = [],
      initialVersions = new Map(),
      versioned = true,
    } = fields;
    const common = { node: undefined, typeUrl: type, nonce, error };
    const request: Request =
      this.variant === 'delta'
        ? { variant: 'delta', ...common, subscribe, unsubscribe, initialVersions }
        : { variant: 'sotw', ...common, names: wildcard ? [] : [...names], versioned };
    this.session.receive(request, spec, 1);
    this.pump();
  }
}

interface Fields {
  readonly nonce: string;
  readonly error: string | undefined;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  readonly versioned: boolean;
}
