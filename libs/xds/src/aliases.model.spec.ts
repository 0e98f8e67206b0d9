import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import { Cell, type Lookup } from './cell.js';
import type { InFlight } from './delivery/type-delivery.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Session } from './session.js';
import { typeSpec } from './type-specs.js';

// What a client that asks by aliases must hold in the end: the hosts of its aliases in their newest form, and no others.
const HOSTS = ['rc/h1', 'rc/h2', 'rc/h3'] as const;
const ALIASES = ['rc/x', 'rc/y', 'rc/z'] as const;
/** The client refuses contents of this number. */
const BAD = 3;

class World {
  readonly hosts = new Map<string, Cell>();
  readonly bad = new Set<string>();
  change = 0;

  /** An alias belongs to one host: it leaves the one that had it. @returns names that are touched by it */
  set(name: string, aliases: readonly string[], content: number): string[] {
    const touched = [name, ...aliases, ...(this.hosts.get(name)?.aliases ?? [])];
    for (const other of this.hosts.values()) {
      if (other.name === name || !other.aliases.some((alias) => aliases.includes(alias))) continue;
      touched.push(other.name, ...other.aliases);
      const left = other.aliases.filter((alias) => !aliases.includes(alias));
      this.hosts.set(other.name, copyOf(other, left));
    }
    const bytes = Buffer.from(`${name} ${content}`);
    const version = contentHash(bytes);
    if (content === BAD) this.bad.add(version);
    this.hosts.set(name, new Cell({ type: TYPE.virtualHost, name, version, bytes, aliases }, { encodes: 0 }));
    return touched;
  }

  remove(name: string): string[] {
    const aliases = this.hosts.get(name)?.aliases ?? [];
    return this.hosts.delete(name) ? [name, ...aliases] : [];
  }

  of = (alias: string): Cell | undefined => [...this.hosts.values()].find(({ aliases }) => aliases.includes(alias));
  lookup = (_type: string, name: string): Lookup => this.hosts.get(name) ?? this.of(name);
  names = (): string[] => [...this.hosts.keys()];
  members = (): string[] => [];
}

const copyOf = ({ type, name, version }: Cell, aliases: readonly string[]): Cell =>
  new Cell({ type, name, version, bytes: Buffer.from(name), aliases }, { encodes: 0 });

/** Asks by aliases, knows hosts by their names, and lists these when it comes back. */
class Client {
  readonly asked = new Set<string>();
  readonly holds = new Map<string, Cell>();
  /** Aliases of which it was told that there is nothing. */
  readonly nothing = new Set<string>();
  /** Hosts of aliases that it once left: what it holds of them it keeps, and nobody tells it to drop that. */
  readonly left = new Set<string>();
  /** Aliases under which it was once sent a host. */
  readonly known = new Set<string>();
  session: Session;
  #nonces = 0;

  constructor(readonly world: World) {
    this.session = this.#open();
  }

  subscribe(alias: string): void {
    this.asked.add(alias);
    this.nothing.delete(alias);
    this.#request({ subscribe: [alias] });
  }

  unsubscribe(alias: string): void {
    if (!this.asked.delete(alias)) return;
    const target = this.world.of(alias);
    if (target) this.left.add(target.name);
    for (const [name, { aliases }] of this.holds) if (aliases.includes(alias)) this.left.add(name);
    this.#request({ unsubscribe: [alias] });
  }

  reconnect(): void {
    this.session = this.#open();
    const initialVersions = new Map([...this.holds].map(([name, { version }]) => [name, version]));
    if (this.asked.size > 0) this.#request({ subscribe: ['*', ...this.asked], initialVersions });
  }

  answer(): void {
    const flight = this.session.types.get(TYPE.virtualHost)?.inFlight;
    if (!flight) return;
    const refused = flight.cells.some(({ version }) => this.world.bad.has(version));
    if (!refused) this.#take(flight);
    this.#request({ nonce: flight.nonce, error: refused ? 'no' : undefined });
  }

  touched(names: readonly string[]): void {
    this.world.change++;
    this.session.touch(TYPE.virtualHost, names, 1);
    this.pump();
  }

  pump(): void {
    this.session.turns((delivery) => {
      const flight = this.session.next(delivery, 0)?.flight;
      if (flight) this.#check(flight);
      return true;
    });
  }

  #take({ cells, removed }: InFlight): void {
    for (const name of removed) this.holds.delete(name);
    for (const cell of cells) {
      if (!cell.hollow) for (const alias of cell.aliases) this.known.add(alias);
      if (cell.hollow) for (const alias of cell.aliases) this.nothing.add(alias);
      else this.holds.set(cell.name, cell);
      if (!this.#asks(cell.aliases)) this.left.add(cell.name);
    }
  }

  #asks = (aliases: readonly string[]): boolean => aliases.some((alias) => this.asked.has(alias));

  #check({ cells, removed }: InFlight): void {
    const names = cells.map(({ name }) => name);
    expect(new Set([...names, ...removed]).size, 'a name twice').toBe(names.length + removed.length);
    for (const cell of cells) expect(this.#asks(cell.aliases), `${cell.name} was not asked for`).toBe(true);
  }

  #open(): Session {
    const nextNonce = (): string => `n${++this.#nonces}`;
    const session = new Session({
      ...{ variant: 'delta', aggregated: true, source: this.world, limits: DEFAULT_LIMITS, nextNonce },
    });
    session.settling = false;
    return session;
  }

  #request(fields: Partial<Fields>): void {
    const spec = typeSpec(TYPE.virtualHost);
    if (!spec) throw new Error('no virtual hosts');
    const { nonce = '', error, subscribe = [], unsubscribe = [], initialVersions = new Map() } = fields;
    const common = { variant: 'delta' as const, node: undefined, typeUrl: spec.url, nonce, error };
    this.session.receive({ ...common, subscribe, unsubscribe, initialVersions }, spec, 1);
    this.pump();
  }
}

interface Fields {
  readonly nonce: string;
  readonly error: string | undefined;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
}

const host = fc.constantFrom(...HOSTS);
const alias = fc.constantFrom(...ALIASES);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      host,
      aliases: fc.subarray([...ALIASES]),
      content: fc.nat(BAD),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), host }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('subscribe', 'unsubscribe'), alias }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
);

function run(client: Client, s: Parameters<Parameters<typeof step.map>[0]>[0]): void {
  if (s.do === 'set') client.touched(client.world.set(s.host, s.aliases, s.content));
  else if (s.do === 'remove') client.touched(client.world.remove(s.host));
  else if ('alias' in s) client[s.do](s.alias);
  else client[s.do]();
}

/** What the client should hold and does not, and what it holds and should not. */
function differences({ world, asked, holds, nothing, known, left }: Client): string[] {
  const wanted = [...asked].flatMap((one) => {
    const target = world.of(one);
    if (!target) return nothing.has(one) || known.has(one) ? [] : [`${one} was not answered`];
    if (world.bad.has(target.version)) return [];
    return holds.get(target.name)?.version === target.version ? [] : [`${one}: not the newest ${target.name}`];
  });
  const extra = [...holds.keys()].filter((name) => {
    if (left.has(name)) return false;
    const target = world.hosts.get(name);
    // The older form stays of what it refuses now.
    if (target && world.bad.has(target.version)) return false;
    return !target?.aliases.some((one) => asked.has(one));
  });
  return [...wanted, ...extra.map((name) => `${name} is held for nobody`)];
}

describe('a client that asks for virtual hosts over random changes of hosts and aliases', () => {
  it('DELTA-14 OND-1 holds in the end the hosts of its aliases, and no others', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const client = new Client(new World());
        for (const s of steps) run(client, s);
        for (let round = 0; round < 40; round++) client.answer();
        expect(client.session.types.get(TYPE.virtualHost)?.inFlight, 'answers never end').toBeUndefined();
        expect(differences(client)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
