import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretSource } from '#libs/xds';
import { type FakeXdsClient, type RequestFields, SILENCE } from '../../libs/testing/src/xds-client/index.js';
import {
  cluster,
  endpoints,
  extension,
  listener,
  quiet,
  type Resource,
  Rig,
  route,
  runtimeLayer,
  scope,
  secretBytes,
  TYPE,
} from './rig.js';

type Variant = 'delta' | 'sotw';

const NAMES = ['a', 'b', 'c'] as const;
const MAKERS: readonly ((name: string, mark: number) => Resource)[] = [
  cluster,
  (name, mark) => endpoints(name, 80 + mark),
  (name, mark) => listener(name, mark === 0 ? ['a'] : [], mark),
  (name, mark) => scope(name, `r${mark}`),
  (name, mark) => route(name, mark === 0 ? ['b'] : [], mark),
  runtimeLayer,
  extension,
];
const TYPES = [...MAKERS.map((make) => make('a', 0).type), TYPE.secret];
const WILDCARD: ReadonlySet<string> = new Set([TYPE.cluster, TYPE.listener, TYPE.scopedRoute]);

const type = fc.constantFrom(...TYPES);
const name = fc.constantFrom(...NAMES);
const some = fc.uniqueArray(fc.constantFrom(...NAMES, '*', 'ghost'), { maxLength: 3 });

type Event =
  | { readonly do: 'publish'; readonly maker: number; readonly name: string; readonly mark: number }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'secrets' | 'reconnect' | 'wait' };

/** What happens to the resources and to the connection. */
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant('publish' as const), maker: fc.nat(MAKERS.length - 1) },
      ...{ name, mark: fc.nat(3) },
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('secrets' as const, 'reconnect' as const, 'wait' as const, 'wait' as const),
    }),
  },
);

const turn = (): Promise<void> => quiet(20);

async function happen(rig: Rig, client: FakeXdsClient, event: Event): Promise<void> {
  if (event.do === 'publish') rig.update((MAKERS[event.maker] ?? cluster)(event.name, event.mark));
  else if (event.do === 'remove') rig.remove(event.name);
  else if (event.do === 'secrets') rig.server.secretsChanged();
  else if (event.do === 'reconnect') client.reconnect();
  else await turn();
}

/** Secrets by every name but `ghost`; a new version each time, unless it is `kept`. */
function source(kept: boolean): SecretSource {
  let version = 0;
  return {
    resolve: (_p, _n, wanted, held) => {
      if (wanted === 'ghost') return Promise.resolve({ kind: 'none' });
      if (kept && held === 'v1') return Promise.resolve({ kind: 'keep' });
      return Promise.resolve({ kind: 'send', version: kept ? 'v1' : `v${++version}`, bytes: secretBytes(wanted) });
    },
    recheckAfterMs: () => undefined,
  };
}

interface Ask {
  readonly do: 'ask';
  readonly type: string;
  readonly names: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly nonce: string;
  readonly refuse: boolean;
}

const ask: fc.Arbitrary<Ask> = fc.record({
  do: fc.constant('ask' as const),
  type,
  names: some,
  unsubscribe: some,
  versions: fc.dictionary(fc.constantFrom(...NAMES, 'ghost'), fc.constantFrom('old', 'older'), { maxKeys: 3 }),
  nonce: fc.constantFrom('last', 'stale', ''),
  refuse: fc.boolean(),
});

function requestOf(client: FakeXdsClient, s: Ask, variant: Variant): RequestFields {
  const nonce = s.nonce === 'last' ? (client.responsesOf(s.type).at(-1)?.nonce ?? '') : s.nonce;
  const base = { type: s.type, names: s.names, nonce, ...(s.refuse ? { error: 'no' } : {}) };
  if (variant === 'delta') return { ...base, unsubscribe: s.unsubscribe, initialVersions: s.versions };
  return base;
}

type Verdict = 'take' | 'refuse' | 'silence';
const VERDICTS = { take: undefined, refuse: 'no', silence: SILENCE } as const;
const judge = (...how: readonly Verdict[]) =>
  fc.record({ do: fc.constant('judge' as const), how: fc.constantFrom(...how) });

interface Want {
  readonly do: 'subscribe' | 'unsubscribe' | 'everything';
  readonly type: string;
  readonly name: string;
}

const want: fc.Arbitrary<Want> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('subscribe' as const), type, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), type, name }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('everything' as const), type: fc.constantFrom(...WILDCARD), name }),
  },
);

const isWant = (step: Want | Event): step is Want => ['subscribe', 'unsubscribe', 'everything'].includes(step.do);

/** What a client wants, which asks for names or for everything and never for both. */
class Wishes {
  readonly #all = new Set<string>();
  readonly #names = new Map<string, Set<string>>();

  constructor(private readonly client: FakeXdsClient) {}

  has = (of: string, one: string): boolean => this.#all.has(of) || (this.#names.get(of)?.has(one) ?? false);

  take({ do: what, type: of, name: one }: Want): void {
    const names = this.#names.get(of);
    if (this.#all.has(of) || (what === 'everything' && names)) return;
    if (what === 'everything') {
      this.#all.add(of);
      this.client.subscribe(of);
    } else if (what === 'subscribe') {
      this.#names.set(of, (names ?? new Set()).add(one));
      this.client.subscribe(of, [one]);
    } else if (names?.delete(one)) this.client.unsubscribe(of, [one]);
  }
}

/** What the client wants, exists, may be sent, and is not there. */
function missing(rig: Rig, client: FakeXdsClient, wishes: Wishes): string[] {
  const secrets = NAMES.map((one) => ({ type: TYPE.secret, name: one, bytes: secretBytes(one) }));
  return [...rig.resources, ...secrets]
    .filter((r) => wishes.has(r.type, r.name) && !rig.state(r.type)?.held.includes(r.name))
    .filter((r) => !Buffer.from(client.bytes(r.type, r.name) ?? []).equals(Buffer.from(r.bytes)))
    .map((r) => `${r.type} ${r.name}`);
}

// The long form: RUNS=5000 npx vitest run test/conformance/random
const RUNS = { numRuns: Number(process.env['RUNS'] ?? 40), ...(process.env['RUNS'] ? {} : { seed: 7 }) };
const LONG = { minLength: 5, maxLength: 40, size: 'max' } as const;

describe('random exchanges', () => {
  it.each<Variant>(['delta', 'sotw'])(
    'GEN-6 GEN-7 GEN-13 bring nothing illegal, whatever a client says: %s',
    async (variant) => {
      const step = fc.oneof(
        { weight: 8, arbitrary: ask },
        { weight: 2, arbitrary: judge('take', 'take', 'refuse', 'silence') },
        { weight: 8, arbitrary: event },
      );
      const property = fc.asyncProperty(fc.array(step, LONG), async (steps) => {
        const rig = await Rig.start({ secrets: source(false) });
        const client = rig.client({ variant });
        for (const s of steps) {
          if (s.do === 'ask') client.send(requestOf(client, s, variant));
          else if (s.do === 'judge') client.judgeWith(() => VERDICTS[s.how]);
          else await happen(rig, client, s);
        }
        await turn();
        expect(client.ended).toBeUndefined();
        await rig.stop();
      });
      await fc.assert(property, RUNS);
    },
  );

  it.each<Variant>(['delta', 'sotw'])('GEN-12 SOTW-7 end with a client that has what it wants: %s', async (variant) => {
    const step = fc.oneof(
      { weight: 8, arbitrary: want },
      { weight: 2, arbitrary: judge('take', 'silence') },
      { weight: 8, arbitrary: event },
    );
    const property = fc.asyncProperty(fc.array(step, LONG), async (steps) => {
      const rig = await Rig.start({ secrets: source(true), limits: { settleMs: 0, checkMs: 10 } });
      const client = rig.client({ variant });
      const wishes = new Wishes(client);
      for (const s of steps) {
        if (s.do === 'judge') client.judgeWith(() => VERDICTS[s.how]);
        else if (isWant(s)) wishes.take(s);
        else await happen(rig, client, s);
      }
      // What it was silent about it has not taken, and says so on a new stream.
      client.judgeWith(() => undefined).reconnect();
      await client.waitFor(() => missing(rig, client, wishes).length === 0, 60_000);
      await rig.stop();
    });
    await fc.assert(property, RUNS);
  });
});
