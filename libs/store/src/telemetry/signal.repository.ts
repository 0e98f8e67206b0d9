import type { Log } from '#libs/kernel';
import type { Database } from '../database.js';
import { codeOf } from '../errors.js';
import type { Lease } from '../leases/lease.port.js';
import { StoreUnavailable } from '../ports.js';
import type { Page } from '../values.port.js';
import { searchFailures } from './failures.js';
import { ensureSignalRanges, shedSignalRange } from './ranges.js';
import { readBuckets, readIncomplete, readPages, readTimes } from './read.js';
import { finishBucket, nextDue, readContents } from './roll-up.js';
import type {
  DueBucket,
  FailureQuery,
  RolledMesh,
  SignalBucket,
  SignalPart,
  SignalQuery,
  SignalRow,
  SignalSpan,
  Signals,
  SignalTimes,
  SignalView,
  StoredFailure,
} from './signal.port.js';
import { FINEST_S, secondsOf } from './tables.js';
import { writePart } from './write.js';

/** Harvests that may wait for a connection: of more, the newest are refused, so that memory stays what it is. */
const MOST_WAITING = 8;
const SHORTEST_KEPT_MS = 3_600_000;
const NO_PARTITION = '23514';
const DISK_FULL = '53100';

/** How requests fared, over connections of its own. */
export class SignalRepository implements Signals {
  #writing = 0;

  /** @param main what configuration is written to: nothing is written here when that is not trusted */
  constructor(
    private readonly database: Database,
    private readonly main: Pick<Database, 'distrust'>,
    private readonly log: Log,
  ) {}

  async write(part: SignalPart): Promise<boolean> {
    if (part.at % (FINEST_S * 1000) !== 0) throw new RangeError(`${part.at} is no begin of a bucket of ${FINEST_S} s`);
    this.#requireTrust();
    if (this.#writing >= MOST_WAITING)
      throw new StoreUnavailable('Postgres is slow: telemetry waits for it already, and no more of it may');
    this.#writing += 1;
    try {
      return (await this.#write(part)) ?? (await this.#writeAgain(part));
    } catch (error) {
      // Its range was dropped in this very moment.
      if (codeOf(error) === NO_PARTITION) return false;
      await this.#makeRoom(error);
      throw error;
    } finally {
      this.#writing -= 1;
    }
  }

  times(mesh: string): Promise<SignalTimes> {
    return readTimes(this.database, mesh);
  }

  read(query: SignalQuery): Promise<readonly SignalRow[]> {
    return readPages(this.database, query);
  }

  buckets(mesh: string, spans: readonly SignalSpan[]): Promise<readonly SignalBucket[]> {
    return readBuckets(this.database, mesh, spans);
  }

  incomplete(mesh: string, spans: readonly SignalSpan[]): Promise<readonly number[]> {
    return readIncomplete(this.database, mesh, spans);
  }

  failures(query: FailureQuery): Promise<Page<StoredFailure>> {
    return searchFailures(this.database, query);
  }

  due(): Promise<DueBucket | undefined> {
    return this.database.transaction(nextDue);
  }

  contents(due: DueBucket, mesh: string, view: SignalView): Promise<readonly SignalRow[]> {
    return readContents(this.database, due, mesh, view);
  }

  async finish(lease: Lease, due: DueBucket, meshes: readonly RolledMesh[]): Promise<boolean> {
    this.#requireTrust();
    try {
      return await this.database.transaction((sql) => finishBucket(sql, lease, due, meshes));
    } catch (error) {
      await this.#makeRoom(error);
      throw error;
    }
  }

  async keep(lengthMs: number, keepMs: number): Promise<void> {
    if (!(keepMs >= SHORTEST_KEPT_MS)) throw new RangeError(`${keepMs} ms: keep telemetry for an hour or more`);
    await this.database.query('UPDATE signal_tier SET keep = $2 WHERE tier = $1 AND keep <> $2', [
      secondsOf(lengthMs),
      keepMs,
    ]);
  }

  #write(part: SignalPart): Promise<boolean | undefined> {
    return this.database.transaction((sql) => writePart(sql, part));
  }

  /** After a long pause ranges may be missing: they are made, and it is seen again. */
  async #writeAgain(part: SignalPart): Promise<boolean> {
    await ensureSignalRanges(this.database);
    return (await this.#write(part)) ?? false;
  }

  /** On a disk that is full the oldest telemetry gives way, to what comes and to configuration; the write is tried again by whoever has it. */
  async #makeRoom(error: unknown): Promise<void> {
    if (!(error instanceof StoreUnavailable) || codeOf(error.cause) !== DISK_FULL) return;
    try {
      const gone = await shedSignalRange(this.database);
      if (gone) this.log.warn('the disk is full: the oldest telemetry was given up', { ...gone });
    } catch (cause) {
      this.log.warn('the disk is full, and telemetry could not make room', { reason: String(cause) });
    }
  }

  #requireTrust(): void {
    const { distrust } = this.main;
    if (distrust !== undefined) throw new StoreUnavailable(`this is not the database that it was: ${distrust}`);
  }
}
