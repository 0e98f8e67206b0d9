import type { Cell } from '../cell.js';
import { NO_SUBSCRIPTION, type Subscription } from '../subscription.js';
import type { TypeSpec } from '../type-specs.js';
import type { NackInfo } from '../types.js';
import { namedIn, splitRefused } from './bisect.js';
import { Holdings, SharedSets } from './holdings.js';
import type { InFlight } from './in-flight.js';
import { nackOf } from './nack.js';
import { RareMap } from './rare.js';

export type { InFlight } from './in-flight.js';

/** Refused contents of one name that are remembered (GEN-10); beyond it the oldest may be tried once more. */
const REFUSALS_KEPT = 256;
const NOTHING: readonly string[] = [];

/** What is known about one resource type on one stream. Everything the client may hold is in `acked`, `orphans` or in flight. */
export class TypeDelivery {
  subscription: Subscription = NO_SUBSCRIPTION;
  /** What the client confirmed, by name; from an earlier stream only the version is known. */
  readonly acked: Holdings;
  /** Resources of refused responses, which the client may run all the same without saying so later (ENV-1). */
  readonly orphans = new RareMap<string, Cell>();
  /** What the client took of refused sets for certain, since it named what it did not take. */
  readonly taken = new RareMap<string, Cell>();
  /** Names whose removal was part of a refused response: the client may hold them or not, so they are said once more. */
  readonly doubted = new RareMap<string, true>();
  /** Contents that this client refused on their own, by name and version: never sent to it again (GEN-10). */
  readonly refused = new RareMap<string, Map<string, string>>();
  /** Names that must be looked at before the type is settled; the held back ones stay in it. */
  readonly dirty = new Set<string>();
  /** All names must be looked at: the view changed, or everything was just subscribed. */
  allDirty = false;
  /** Names that are answered even if the client is thought to hold them. */
  readonly owed = new Set<string>();
  /** All names of the subscription are owed; said with `allDirty`, and put into `owed` when it is spread out. */
  owesAll = false;
  /** Groups of a refused response that are sent again one after the other. */
  retry: (readonly string[])[] = [];
  /** A response is due even if it is empty, so that the client's initialisation ends (DELTA-10). */
  answerDue = false;
  inFlight: InFlight | undefined;
  lastNonce = '';
  /** Names that waited for something at the last look. */
  held: readonly string[] = [];
  /** Newest change of which nothing is left for this type. */
  ackedChange = 0;
  /** Wall clock in milliseconds since when there is something to do; 0: nothing. */
  behindSince = 0;
  /** The alarm for what is held was raised already. */
  alarmed = false;
  /**
   * A state-of-the-world client came back with a set of this full-state type and has not ACKed one here: what it holds is
   * not known, and absence would delete it. Until then sets are whole or not sent at all (ENV-9, SOTW-4).
   */
  unknownBase = false;
  /** Shortest time to live of what was sent to a client that knows them; 0: none has one (TTL-1). */
  ttlMs = 0;
  /** Milliseconds of the monotonic clock when it last heard of all that has one. */
  beatAt = 0;
  beatDue = false;
  beatsRefused = false;
  /** Version of the newest state-of-the-world response with times to live, which a sign of life repeats (TTL-2). */
  saidVersion: string | undefined;

  constructor(
    readonly spec: TypeSpec,
    readonly variant: 'delta' | 'sotw',
    sets = new SharedSets(),
  ) {
    this.acked = new Holdings(sets);
  }

  /** Responses are complete sets, and absence deletes. */
  get wholeSets(): boolean {
    return this.variant === 'sotw' && this.spec.fullState;
  }

  /** True if nothing is to be sent and nothing unanswered. */
  get settled(): boolean {
    return (!this.inFlight || this.inFlight.beat) && !this.hasWork;
  }

  /** True if a look at the names may lead to a response. */
  get hasWork(): boolean {
    return this.dirty.size > 0 || this.allDirty || this.answerDue;
  }

  /** All that was to be looked at is settled or under way. */
  nothingLeft(): void {
    this.dirty.clear();
    this.owed.clear();
    this.held = NOTHING;
    this.allDirty = false;
    this.owesAll = false;
    this.answerDue = false;
  }

  /** It is answered under this name, even if it is thought to hold what is there. */
  owe(name: string): void {
    this.owed.add(name);
    this.dirty.add(name);
  }

  /** The client holds this content: from an earlier stream, or under an older wrapping. */
  adopt(cell: Cell): void {
    this.acked.set(cell.name, cell);
    // When it last heard of it is not known.
    if (cell.ttlMs > 0) this.expire(cell.ttlMs, Number.NEGATIVE_INFINITY);
  }

  /** Something with a time to live is sent, or was found to be held. @param heardAt of the monotonic clock */
  expire(ttlMs: number, heardAt: number): void {
    this.beatAt = this.ttlMs === 0 ? heardAt : Math.min(this.beatAt, heardAt);
    if (this.ttlMs === 0 || ttlMs < this.ttlMs) this.ttlMs = ttlMs;
  }

  /** The client may run something under this name. */
  mayHold(name: string): boolean {
    return this.acked.has(name) || this.orphans.has(name);
  }

  /** It is under way under this name, which need not be the one that was asked for (DELTA-14). */
  isUnderAlias(name: string): boolean {
    return this.spec.aliased && (this.inFlight?.cells.some((cell) => cell.name === name) ?? false);
  }

  /** What is said of the name in `acked` is what the client runs, and nothing else. */
  isCertain(name: string): boolean {
    return !this.orphans.has(name) && !this.doubted.has(name);
  }

  /** The content of this version was refused when it was sent alone. */
  isRefused(name: string, version: string): boolean {
    return this.refused.size > 0 && (this.refused.get(name)?.has(version) ?? false);
  }

  /** Everything about a name is forgotten: the client unsubscribed it (SOTW-7). */
  forget(name: string): void {
    this.#gone(name);
    this.owed.delete(name);
    this.dirty.delete(name);
  }

  /** The client applied the response in flight. */
  confirm(wants: (cell: Cell) => boolean): InFlight | undefined {
    const done = this.inFlight;
    if (!done) return undefined;
    this.inFlight = undefined;
    if (done.beat) return undefined;
    if (this.unknownBase) this.#forgetAllBut(done.cells);
    this.unknownBase = false;
    this.taken.clear();
    for (const name of done.removed) this.#gone(name);
    if (this.#isFirst(done, wants) && this.acked.takeFirst(done.cells)) return done;
    for (const cell of done.cells) {
      if (this.orphans.size > 0) this.orphans.delete(cell.name);
      if (this.doubted.size > 0) this.doubted.delete(cell.name);
      if (cell.hollow) continue;
      const wanted = wants(cell);
      if (wanted || this.spec.aliased) this.acked.set(cell.name, cell);
      // DELTA-14: its alias was left, or passed on, while it was under way: the client cannot tell that it has it.
      if (!wanted && this.spec.aliased) this.dirty.add(cell.name);
    }
    return done;
  }

  /** Nothing was sent before, and all of it is wanted under its own name. */
  #isFirst({ cells, wholeOf }: InFlight, wants: (cell: Cell) => boolean): boolean {
    const isClean = this.orphans.size === 0 && this.doubted.size === 0 && !this.spec.aliased;
    return isClean && (wholeOf === this.subscription || cells.every((cell) => !cell.hollow && wants(cell)));
  }

  /** The client accepted a whole set: it holds nothing else. */
  #forgetAllBut(cells: readonly Cell[]): void {
    const names = new Set(cells.map(({ name }) => name));
    for (const name of [...this.acked.keys(), ...this.orphans.keys()]) if (!names.has(name)) this.#gone(name);
  }

  #gone(name: string): void {
    this.acked.delete(name);
    this.orphans.delete(name);
    this.taken.delete(name);
    this.doubted.delete(name);
  }

  /**
   * The client refused the response in flight. Alone, a resource is pinned at what was ACKed before; several are sent
   * once more in smaller groups, of which only the culprit is refused again (ENV-1, ENV-2, GEN-10).
   */
  refuse(message: string): NackInfo | undefined {
    const done = this.inFlight;
    if (!done) return undefined;
    this.inFlight = undefined;
    if (done.beat) return this.#refuseBeat(done, message);
    if (this.unknownBase) return this.#refuseWhole(done, message);
    const named = this.wholeSets ? this.#namedIn(message, done.news) : [];
    // A client that names the culprits has taken the others: a part of the set would delete what it has just taken.
    this.#putAside(done, named, message);
    // A response of removals alone leaves nothing to pin; sending it again would loop.
    if (done.news.length === 0) for (const name of done.removed) this.#gone(name);
    else for (const name of done.removed) this.#doubt(name);
    return nackOf(this.spec, done, message, named.length > 0 ? named : done.news);
  }

  /** What it holds stays as it was; from now on it hears of it by the contents. */
  #refuseBeat(done: InFlight, message: string): NackInfo {
    this.beatsRefused = true;
    return nackOf(this.spec, done, message, done.cells);
  }

  #doubt(name: string): void {
    this.doubted.set(name, true);
    this.dirty.add(name);
  }

  #putAside(done: InFlight, named: readonly Cell[], message: string): void {
    const [only] = done.news;
    if (named.length > 0) this.#pinNamed(done, named, message);
    else if (done.news.length === 1 && only !== undefined) this.#pin(only, message);
    else this.#retryInParts(done, message);
  }

  #namedIn(message: string, cells: readonly Cell[]): readonly Cell[] {
    if (!this.spec.errorsNameResource) return [];
    const names = new Set(
      namedIn(
        message,
        cells.map(({ name }) => name),
      ),
    );
    return cells.filter(({ name }) => names.has(name));
  }

  /** The named ones are pinned, the others go out once more, with the set that the client accepted before. */
  #pinNamed(done: InFlight, named: readonly Cell[], message: string): void {
    for (const cell of done.news) {
      if (named.includes(cell)) this.#pin(cell, message);
      else {
        this.orphans.set(cell.name, cell);
        this.taken.set(cell.name, cell);
        this.dirty.add(cell.name);
      }
    }
  }

  /**
   * A part of the set would delete the rest of it, which the client may run from before: it is not tried. The client
   * keeps the old form of what it refused and has taken the others; the next set goes out when a content changes.
   */
  #refuseWhole(done: InFlight, message: string): NackInfo {
    const named = this.#namedIn(message, done.cells);
    const blamed = named.length > 0 ? named : done.cells;
    for (const cell of done.cells) {
      // Named the others, it has taken this one: what requires it need not wait for the culprits.
      if (blamed.includes(cell)) this.orphans.set(cell.name, cell);
      else this.acked.set(cell.name, cell);
    }
    for (const cell of blamed) this.#remember(cell, message);
    // What was absent, it may have dropped with that set.
    const names = new Set(done.cells.map(({ name }) => name));
    for (const name of this.acked.keys()) if (!names.has(name)) this.doubted.set(name, true);
    return nackOf(this.spec, done, message, blamed);
  }

  #pin(cell: Cell, message: string): void {
    this.#remember(cell, message);
    // Refused alone, it is certainly not applied.
    if (this.orphans.get(cell.name)?.version === cell.version) this.orphans.delete(cell.name);
    // The newest content may be another one by now, or none.
    this.dirty.add(cell.name);
    // OND-2: who waits for it by an alias is told what there is in its place, or that there is nothing.
    if (!cell.hollow) for (const alias of cell.aliases) this.owe(alias);
  }

  /** The words are kept of the newest refusal, the hashes of many: a resource that flaps must not fill the memory. */
  #remember(cell: Cell, message: string): void {
    const versions = this.refused.get(cell.name) ?? new Map<string, string>();
    for (const version of versions.keys()) versions.set(version, '');
    versions.delete(cell.version);
    const [oldest] = versions.keys();
    if (versions.size >= REFUSALS_KEPT && oldest !== undefined) versions.delete(oldest);
    this.refused.set(cell.name, versions.set(cell.version, message));
  }

  #retryInParts(done: InFlight, message: string): void {
    for (const cell of done.news) {
      // Nothing is no content that the client could run, and it is still waited for.
      if (cell.hollow) this.owed.add(cell.name);
      else this.orphans.set(cell.name, cell);
      this.dirty.add(cell.name);
      if (this.spec.aliased) for (const alias of cell.aliases) this.owe(alias);
    }
    const names = done.news.map((cell) => cell.name);
    this.retry.unshift(...splitRefused(names, this.spec.errorsNameResource ? message : ''));
  }
}
