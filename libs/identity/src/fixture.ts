/** For this library's tests only: the two ports of the store in memory, and a clock that tests move. */
import type { Clock } from '#libs/kernel';
import { type ApiTokenRow, type Authorities, type AuthorityRow, StoreUnavailable, type Tokens } from '#libs/store';
import type { IssuedCertificate } from './issuance-log.js';

export const DAY_MS = 86_400_000;
export const START = Date.UTC(2027, 0, 10, 12);

/** One replica's view of a database that can be switched off. */
export class MemoryStore {
  away = false;
  rows: AuthorityRow[] = [];
  readonly prepared = new Set<string>();
  readonly since = new Map<string, number>();
  /** Its clock. */
  now: () => number = () => START;
  readonly issued = new Map<string, IssuedCertificate>();
  readonly apiTokens = new Map<string, ApiTokenRow>();
  readonly deniedTokens = new Map<string, number>();
  touches = 0;
  #turn: Promise<unknown> = Promise.resolve();

  readonly authorities: Authorities = {
    list: async (mesh) => {
      this.#reach();
      return this.rows.filter((row) => row.mesh === mesh).toReversed();
    },
    ensure: (mesh, purpose, create) =>
      this.#inTurn(async () => {
        const found = this.rows.find((row) => row.mesh === mesh && row.purpose === purpose && row.active);
        if (found) return found;
        const row = await create();
        this.rows.push(row);
        return row;
      }),
    now: async () => {
      this.#reach();
      return this.now();
    },
    stages: async (mesh) => {
      this.#reach();
      const stages = this.rows
        .filter((row) => row.mesh === mesh)
        .map((row) => ({
          ...{ id: row.id, purpose: row.purpose, stage: row.active ? ('active' as const) : this.#stageOf(row.id) },
          forMs: this.now() - (this.since.get(row.id) ?? START),
          inUse: this.#inUse(row.id),
        }));
      return { now: this.now(), stages };
    },
    prepare: (mesh, purpose, activeId, create) =>
      this.#inTurn(async () => {
        const of = this.rows.filter((row) => row.mesh === mesh && row.purpose === purpose);
        if (of.some((row) => this.prepared.has(row.id)) || of.find((row) => row.active)?.id !== activeId) return false;
        const row = await create();
        this.rows.push(row);
        this.prepared.add(row.id);
        this.since.set(row.id, this.now());
        return true;
      }),
    activate: async ({ activeId, preparedId }) => {
      this.#reach();
      if (!this.prepared.has(preparedId) || !this.rows.some((row) => row.id === activeId && row.active)) return false;
      this.prepared.delete(preparedId);
      for (const id of [activeId, preparedId]) this.since.set(id, this.now());
      this.rows = this.rows.map((row) => ({
        ...row,
        active: row.id === preparedId || (row.active && row.id !== activeId),
      }));
      return true;
    },
    forget: async (id, retiredForMs) => {
      this.#reach();
      const row = this.rows.find((one) => one.id === id);
      const retired = row && !row.active && !this.prepared.has(id) && !this.#inUse(id);
      if (!retired || this.now() - (this.since.get(id) ?? START) < retiredForMs) return false;
      this.rows = this.rows.filter((one) => one.id !== id);
      return true;
    },
    rotate: async (mesh, purpose, replaces, create) => {
      this.#reach();
      const isOf = (row: AuthorityRow): boolean => row.mesh === mesh && row.purpose === purpose;
      const found = this.rows.find((row) => isOf(row) && row.active);
      if (found && found.id !== replaces) return found;
      this.rows = this.rows.map((row) => (isOf(row) ? { ...row, active: false } : row));
      const row = await create();
      this.rows.push(row);
      return row;
    },
    recordIssued: async (rows) => {
      this.#reach();
      for (const row of rows) this.issued.set(row.serial, row);
    },
  };

  readonly tokens: Tokens = {
    insert: async (row) => {
      this.#reach();
      this.apiTokens.set(row.id, row);
    },
    find: async (id) => {
      this.#reach();
      return this.apiTokens.get(id);
    },
    list: async () => {
      this.#reach();
      return [...this.apiTokens.values()];
    },
    revoke: async (id) => {
      this.#reach();
      const row = this.apiTokens.get(id);
      if (row) this.apiTokens.set(id, { ...row, revoked: true });
      return row !== undefined;
    },
    touch: async (id, at) => {
      this.#reach();
      this.touches += 1;
      const row = this.apiTokens.get(id);
      if (row) this.apiTokens.set(id, { ...row, lastUsedAt: at });
    },
    deny: async (jti, until) => {
      this.#reach();
      this.deniedTokens.set(jti, until);
    },
    denied: async () => {
      this.#reach();
      return new Map(this.deniedTokens);
    },
  };

  /** One after another, as by a lock. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => {
      this.#reach();
      return work();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #stageOf(id: string): 'prepared' | 'retired' {
    return this.prepared.has(id) ? 'prepared' : 'retired';
  }

  #inUse(id: string): boolean {
    return [...this.issued.values()].some(({ issuer, notAfter }) => issuer === id && notAfter > this.now());
  }

  #reach(): void {
    if (this.away) throw new StoreUnavailable('the database is away');
  }
}

interface Timer {
  due: number;
  readonly task: () => void;
  readonly everyMs: number | undefined;
}

/** Time stands still until `advance` moves it; timers run in order on the way. */
export class ManualClock implements Clock {
  #now = START;
  #jumped = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#jumped;
  }

  after(ms: number, task: () => void): () => void {
    return this.#add({ due: this.#now + ms, task, everyMs: undefined });
  }

  every(ms: number, task: () => void): () => void {
    return this.#add({ due: this.#now + ms, task, everyMs: ms });
  }

  /** Moves time and runs what falls due; promises that hang on it settle before this resolves. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#now = timer.due;
      if (timer.everyMs === undefined) this.#timers.delete(timer);
      else timer.due += timer.everyMs;
      timer.task();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** Moves time without running timers, as a jump of the machine's clock does: theirs is the monotonic clock. */
  jump(ms: number): void {
    this.#now += ms;
    this.#jumped += ms;
    for (const timer of this.#timers) timer.due += ms;
  }

  #next(end: number): Timer | undefined {
    return [...this.#timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
