import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import { Cell } from './cell.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Session } from './session.js';
import { typeSpec } from './type-specs.js';
import type { DeltaRequest } from './wire/request.js';

const counter = { encodes: 0 };
const NAMES = ['a', 'b', 'c'];
const TYPES = [TYPE.cluster, TYPE.listener, TYPE.route] as const;
type Key = (typeof TYPES)[number];

/** A world of clusters, listeners and routes; the last two each require one cluster. */
class World {
  readonly cells = new Map<string, Cell>();
  change = 0;

  set(type: Key, name: string, content: number, requires: string): void {
    this.change++;
    const refs = type === TYPE.cluster ? [] : [{ type: TYPE.cluster, name: requires }];
    const text = `${type}${name}${content}${type === TYPE.cluster ? '' : requires}`;
    const bytes = Buffer.from(text);
    this.cells.set(
      `${type} ${name}`,
      new Cell({ type, name, version: contentHash(bytes), bytes, requires: refs }, counter),
    );
  }

  remove(type: Key, name: string): void {
    this.change++;
    this.cells.delete(`${type} ${name}`);
  }

  lookup(type: string, name: string): Cell | undefined {
    return this.cells.get(`${type} ${name}`);
  }

  members(): string[] {
    return [];
  }

  names(type: string): string[] {
    return NAMES.filter((name) => this.lookup(type, name));
  }
}

/** A client that applies what it gets, unless it refuses; it checks that nothing ever loses a cluster that it uses. */
class ModelClient {
  readonly held = new Map<string, Cell>();

  apply(type: string, cells: readonly Cell[], removed: readonly string[]): void {
    const before = new Set(this.#dangling());
    const known = new Set(this.held.keys());
    for (const name of removed) this.held.delete(`${type} ${name}`);
    for (const cell of cells) this.held.set(`${type} ${cell.name}`, cell);
    // What is new may name a cluster that will not come (see `checkNews`); nothing else may begin to.
    const worse = this.#dangling().filter((key) => !before.has(key) && known.has(key));
    expect(worse, 'dangles').toEqual([]);
  }

  #dangling(): string[] {
    return [...this.held]
      .filter(([, cell]) => cell.requires.some((ref) => !this.held.has(`${ref.type} ${ref.name}`)))
      .map(([key]) => key);
  }
}

const base: DeltaRequest = {
  variant: 'delta',
  node: undefined,
  typeUrl: '',
  nonce: '',
  error: undefined,
  subscribe: [],
  unsubscribe: [],
  initialVersions: new Map(),
};

type Step =
  | {
      readonly do: 'set';
      readonly type: Key;
      readonly name: string;
      readonly content: number;
      readonly requires: string;
    }
  | { readonly do: 'remove'; readonly type: Key; readonly name: string }
  | { readonly do: 'answer'; readonly type: Key; readonly refuse: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('set' as const),
    type: fc.constantFrom(...TYPES),
    name: fc.constantFrom(...NAMES),
    content: fc.nat(3),
    requires: fc.constantFrom(...NAMES),
  }),
  fc.record({ do: fc.constant('remove' as const), type: fc.constantFrom(...TYPES), name: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constant('answer' as const), type: fc.constantFrom(...TYPES), refuse: fc.boolean() }),
);

/** One stream with its client: everything is sent at once, and answered when the test says so. */
class Harness {
  readonly world = new World();
  readonly client = new ModelClient();
  readonly session: Session;
  #nonces = 0;

  constructor(variant: 'delta' | 'sotw') {
    const nextNonce = (): string => `n${++this.#nonces}`;
    this.session = new Session({ variant, aggregated: true, source: this.world, limits: DEFAULT_LIMITS, nextNonce });
    for (const url of TYPES) this.send(url, { subscribe: url === TYPE.route ? NAMES : [] });
    this.pump();
  }

  send(url: string, fields: Partial<DeltaRequest>): void {
    const spec = typeSpec(url);
    if (!spec) throw new Error(url);
    const request = { ...base, ...fields, typeUrl: url };
    const names = url === TYPE.route ? NAMES : [];
    const { node, nonce, error } = request;
    const sotw = { variant: 'sotw' as const, node, typeUrl: url, nonce, error, names, versioned: false };
    this.session.receive(this.session.variant === 'delta' ? request : sotw, spec, 1);
  }

  pump(): void {
    this.session.turns((delivery) => {
      const outgoing = this.session.next(delivery, 0);
      for (const cell of outgoing?.flight.news ?? []) this.#checkNews(cell);
      return true;
    });
  }

  /** Nobody refuses that something is taken away. */
  answer(url: string, mayRefuse: boolean): void {
    const flight = this.session.types.get(url)?.inFlight;
    if (!flight) return;
    const refuse = mayRefuse && flight.news.length > 0;
    if (!refuse) this.client.apply(url, flight.cells, this.#gone(url, flight));
    this.#dropUnsaid();
    this.send(url, { nonce: flight.nonce, error: refuse ? 'no' : undefined });
    this.pump();
  }

  /** A cluster that is missing when its user is sent is one that will not come, and the client had no such user before. */
  #checkNews(cell: Cell): void {
    const clusters = this.session.types.get(TYPE.cluster);
    for (const ref of cell.requires) {
      if (clusters?.acked.has(ref.name)) continue;
      const target = this.world.lookup(TYPE.cluster, ref.name);
      expect(!target || clusters?.isRefused(ref.name, target.version), `${ref.name} may still come`).toBe(true);
      expect(this.session.types.get(cell.type)?.acked.has(cell.name), `${cell.name} worked before`).toBe(false);
    }
  }

  /** SOTW-5: a route table that is gone is not said to be; it stays with the client, where nothing uses it. */
  #dropUnsaid(): void {
    if (this.session.variant === 'delta') return;
    for (const name of NAMES)
      if (!this.world.lookup(TYPE.route, name)) this.client.held.delete(`${TYPE.route} ${name}`);
  }

  /** In full-state responses absence is removal. */
  #gone(
    url: string,
    flight: { readonly cells: readonly Cell[]; readonly removed: readonly string[] },
  ): readonly string[] {
    if (this.session.variant === 'delta' || url === TYPE.route) return flight.removed;
    const present = new Set(flight.cells.map((cell) => cell.name));
    return NAMES.filter((name) => !present.has(name));
  }

  run(s: Step): void {
    if (s.do === 'answer') {
      this.answer(s.type, s.refuse);
      return;
    }
    if (s.do === 'set') this.world.set(s.type, s.name, s.content, s.requires);
    else this.world.remove(s.type, s.name);
    this.#dropUnsaid();
    this.session.touch(s.type, [s.name], 1);
    this.pump();
  }

  /** Gives the world what is required, and answers everything until nothing is left. */
  settle(): void {
    for (const name of NAMES)
      if (!this.world.lookup(TYPE.cluster, name))
        this.run({ do: 'set', type: TYPE.cluster, name, content: 0, requires: '' });
    for (let i = 0; i < 100; i++) for (const url of TYPES) this.answer(url, false);
  }
}

describe('a stream over random changes and answers', () => {
  it.each(['delta', 'sotw'] as const)('ORD-2 ORD-3 %s: nothing held ever requires a cluster that is not', (variant) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const harness = new Harness(variant);
        for (const s of steps) harness.run(s);
        harness.settle();
      }),
      { numRuns: 500 },
    );
  });

  it('delta: once everything is answered the client holds the newest state, or what it accepted before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const harness = new Harness('delta');
        for (const s of steps) harness.run(s);
        harness.settle();
        for (const delivery of harness.session.ordered) {
          const { url } = delivery.spec;
          expect(delivery.inFlight).toBeUndefined();
          for (const name of NAMES) {
            const target = harness.world.lookup(url, name);
            const held = harness.client.held.get(`${url} ${name}`);
            const excused = (target && delivery.isRefused(name, target.version)) || delivery.held.includes(name);
            if (!excused) expect(held?.version, `${url} ${name}`).toBe(target?.version);
            expect(delivery.acked.get(name)?.version).toBe(held?.version);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
