import { type Clock, canonicalJson, type Log, type Metrics, type ProxyIdentity } from '#libs/kernel';
import type { Held, Spans } from '#libs/store';
import type { TypeHoldings } from '#libs/xds';
import { contentsOf, eachHolding, type Part, pinsOf, RECORDED } from './contents.js';
import { Fingerprint } from './fingerprint.js';
import { Outbox } from './outbox.js';
import { type KnownSet, KnownSets } from './sets.js';

/** What the recorder asks of the engine: see `XdsServer`. */
export interface Holders {
  answers(stream: number): ReadonlyMap<string, number> | undefined;
  holdings(stream: number): readonly TypeHoldings[] | undefined;
}

export interface RecorderOptions {
  readonly spans: Pick<Spans, 'write'>;
  readonly holders: Holders;
  readonly replica: string;
  /** True while something more urgent wants the event loop. */
  readonly busy: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const EVERY_MS = 1_000;
const SLICE_MS = 2;
/** At the end of the process others wait, too. */
const NOTE_MS = 100;
/** A stream that never comes to rest is noted as it is. */
const UNREST_MS = 10_000;
/** A proxy that is back so soon with the same has never left: one that flaps causes no writes (REL-41). */
const BACK_WITHIN_MS = 2_000;
/** How many transactions are tried at the end of the process. */
const LAST_WRITES = 20;

/** A stream that has confirmed something since it was last looked at. */
interface Mark {
  readonly identity: ProxyIdentity;
  readonly stream: number;
  readonly revision: number;
  readonly answers: number;
  /** Of the monotonic clock: when it was last at rest, and when it was first marked. */
  readonly at: number;
  readonly first: number;
}

/** What was last noted of a proxy. */
interface Noted {
  readonly stream: number;
  readonly answers: number;
  readonly sets: Readonly<Record<Part, KnownSet>>;
  readonly held: Held;
  readonly revision: number;
}

/**
 * Notes what proxies hold, from what their Envoys confirm, once a second at most: after the ACK, in slices, beside the
 * push path. What only endpoints or secrets changed is not looked at. What comes and goes within a second is not noted.
 */
export class SpanRecorder {
  readonly #outbox: Outbox;
  readonly #sets: KnownSets;
  readonly #marks = new Map<string, Mark>();
  readonly #noted = new Map<string, Noted>();
  /** When the last stream of a proxy ended, which may be back at once. */
  readonly #left = new Map<string, { readonly identity: ProxyIdentity; readonly at: number }>();
  /** Live streams of each proxy that were ever at rest. */
  readonly #streams = new Map<string, Set<number>>();
  #working: Promise<void> | undefined;
  /** Under way: what is large takes several turns of the event loop, or seconds. */
  #pass: Generator<void> | undefined;

  constructor(private readonly options: RecorderOptions) {
    const { spans, replica, clock, log, metrics } = options;
    this.#outbox = new Outbox({ spans, replica, clock, log, metrics, lost: () => this.#lost() });
    this.#sets = new KnownSets(() => clock.monotonic(), this.#outbox);
  }

  /** @returns a function that stops it */
  start(): () => void {
    return this.options.clock.every(EVERY_MS, () => {
      this.#working ??= this.#work().finally(() => {
        this.#working = undefined;
      });
    });
  }

  /** The stream has everything of this config revision that concerns it. Costs nothing when it confirmed nothing. */
  caughtUp(stream: number, identity: ProxyIdentity, revision: number): void {
    const key = keyOf(identity);
    const streams = this.#streams.get(key);
    if (streams) streams.add(stream);
    else this.#streams.set(key, new Set([stream]));
    const answers = this.#answers(stream);
    const noted = this.#noted.get(key);
    const marked = this.#marks.get(key);
    const is = marked ?? noted;
    if (is?.stream === stream && is.answers === answers) return;
    const at = this.options.clock.monotonic();
    this.#marks.set(key, { identity, stream, revision, answers, at, first: marked?.first ?? at });
  }

  closed(stream: number, identity: ProxyIdentity): void {
    const key = keyOf(identity);
    const streams = this.#streams.get(key);
    streams?.delete(stream);
    if (this.#marks.get(key)?.stream === stream) this.#marks.delete(key);
    const noted = this.#noted.get(key);
    const [other] = [...(streams ?? [])].slice(-1);
    if (other === undefined) {
      this.#streams.delete(key);
      if (noted && !this.#left.has(key)) this.#left.set(key, { identity, at: this.options.clock.monotonic() });
    } else if (noted?.stream === stream && !this.#marks.has(key)) {
      // Its other stream is the proxy now.
      this.#noted.set(key, { ...noted, stream: -1 });
      this.caughtUp(other, identity, noted.revision);
    }
  }

  /** Notes what is held now, as far as that can be done at once: it cannot be seen any more when streams have ended. */
  note(): void {
    const end = this.options.clock.monotonic() + NOTE_MS;
    for (const pass of [this.#pass ?? [], this.#marked()])
      for (const _ of pass) if (this.options.clock.monotonic() > end) return;
    this.#pass = undefined;
  }

  /** Notes and writes what is left, as far as Postgres takes it. */
  async flush(): Promise<void> {
    await this.#working;
    this.note();
    this.#end(Number.POSITIVE_INFINITY);
    for (let n = 0; n < LAST_WRITES && !this.#outbox.isEmpty; n += 1) if (!(await this.#outbox.write())) return;
  }

  async #work(): Promise<void> {
    const { busy, clock } = this.options;
    const latest = clock.monotonic() + EVERY_MS;
    this.#end(clock.monotonic() - BACK_WITHIN_MS);
    while (!busy() && clock.monotonic() < latest) {
      this.#pass ??= this.#marked();
      const end = clock.monotonic() + SLICE_MS;
      while (this.#pass && clock.monotonic() < end) if (this.#pass.next().done) this.#pass = undefined;
      if (!this.#pass) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!this.#outbox.isEmpty) await this.#outbox.write();
  }

  /** Every mark that is at rest, in steps. */
  *#marked(): Generator<void> {
    for (const [key, mark] of [...this.#marks]) {
      const holdings = this.options.holders.holdings(mark.stream);
      if (holdings && !this.#isDue(mark, holdings)) continue;
      if (holdings) yield* this.#note(key, mark, holdings);
      if (this.#marks.get(key) === mark) this.#marks.delete(key);
      yield;
    }
  }

  /** Those that left until then are not attached any more. */
  #end(until: number): void {
    for (const [key, { identity, at }] of this.#left) {
      // Of one that is back, what it holds is being noted.
      if (at > until || this.#streams.has(key)) continue;
      this.#left.delete(key);
      this.#noted.delete(key);
      this.#outbox.start({ ...placeOf(identity), at, held: undefined });
    }
  }

  #isDue({ first }: Mark, holdings: readonly TypeHoldings[]): boolean {
    if (this.options.clock.monotonic() - first > UNREST_MS) return true;
    return holdings.every(({ type, settled }) => settled || !RECORDED.includes(type));
  }

  *#note(key: string, mark: Mark, holdings: readonly TypeHoldings[]): Generator<void> {
    const { identity, stream, revision, answers, at } = mark;
    const prints = { shared: new Fingerprint(), own: new Fingerprint() };
    eachHolding(holdings, (part, holding) => prints[part].add(holding.id));
    const pins = pinsOf(holdings);
    const before = this.#noted.get(key);
    // What is new is copied now: others have their turn before all of it is looked at.
    const named = (['shared', 'own'] as const).map((part) => {
      const print = prints[part].text;
      const known = this.#sets.known(identity.mesh, print);
      return { part, print, known, contents: known ? [] : contentsOf(holdings, part) };
    });
    const sets: Partial<Record<Part, KnownSet>> = {};
    for (const { part, print, known, contents } of named) {
      const of = { mesh: identity.mesh, revision, before: before?.sets[part] };
      sets[part] = known ?? (yield* this.#sets.make(contents, print, of));
    }
    const { shared, own } = sets;
    if (!shared || !own || !this.#streams.get(key)?.has(stream)) return;
    const held = { manifest: shared.hash, own: own.hash, pins, revision };
    const isSame = before !== undefined && isEqual(before.held, held);
    this.#noted.set(key, { stream, answers, sets: { shared, own }, revision, held: isSame ? before.held : held });
    const left = this.#left.get(key);
    this.#left.delete(key);
    if (isSame && !(left && at - left.at > BACK_WITHIN_MS)) return;
    if (left) this.#outbox.start({ ...placeOf(identity), at: left.at, held: undefined });
    this.#outbox.start({ ...placeOf(identity), at, held });
  }

  #answers(stream: number): number {
    const answers = this.options.holders.answers(stream);
    return RECORDED.reduce((sum, type) => sum + (answers?.get(type) ?? 0), 0);
  }

  /** What was handed on was not stored: everything is noted anew when it next changes. */
  #lost(): void {
    this.#sets.forget();
    this.#noted.clear();
  }
}

const keyOf = ({ mesh, namespace, instance }: ProxyIdentity): string => `${mesh} ${namespace}/${instance}`;
const placeOf = ({ mesh, namespace, instance }: ProxyIdentity) => ({ mesh, instance: `${namespace}/${instance}` });

const isEqual = (a: Held, b: Held): boolean =>
  a.manifest === b.manifest &&
  a.own === b.own &&
  (a.pins === b.pins || canonicalJson(a.pins) === canonicalJson(b.pins));
