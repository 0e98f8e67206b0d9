import type { Clock, Log, Metrics } from '#libs/kernel';
import { type Progress, type ProgressRow, StoreUnavailable } from '#libs/store';
import type { ProgressTracker } from './tracker.js';

export interface RecorderOptions {
  readonly tracker: ProgressTracker;
  readonly progress: Pick<Progress, 'save' | 'begin' | 'resume'>;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** At most five writes a second, whatever the number of changes and proxies. */
const WRITE_EVERY_MS = 200;
const RETRY_MS = 1_000;
/** Who answers within this time is only counted. */
const LATE_MS = 10_000;
/** Most names of each sort in a row: the counts are of all. */
const NAMED = 100;

interface Row {
  readonly row: ProgressRow;
  /** It was there before anybody could be connected. */
  readonly loaded: boolean;
}

/** Keeps what the tracker counts in the store, a row per change: other replicas and later readers know it from there. */
export class ProgressRecorder {
  readonly #dirty = new Set<number>();
  readonly #watched = new Set<number>();
  #writing = false;
  #next = 0;
  #resumed = false;
  #cancel: (() => void) | undefined;

  constructor(private readonly options: RecorderOptions) {}

  /** @returns stops it; what was not written by then is lost, and ends with the lease of this replica */
  start(): () => void {
    const { tracker } = this.options;
    const stopListening = tracker.onProgress((change) => this.#changed(change));
    return () => {
      stopListening();
      this.#cancel?.();
      this.#dirty.clear();
    };
  }

  #changed(change: number): void {
    if (!this.#watched.has(change)) this.#watchLate(change);
    this.#dirty.add(change);
    this.#schedule();
  }

  /** Nothing happens when somebody becomes late: it is looked at once. */
  #watchLate(change: number): void {
    const { clock, tracker } = this.options;
    const isBehind = (): boolean => (tracker.revision(change)?.progress.behind.length ?? 0) > 0;
    if (!isBehind()) return;
    this.#watched.add(change);
    clock.after(LATE_MS, () => {
      this.#watched.delete(change);
      if (!isBehind()) return;
      this.#dirty.add(change);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#writing || this.#cancel || this.#dirty.size === 0) return;
    const { clock } = this.options;
    this.#cancel = clock.after(Math.max(0, this.#next - clock.monotonic()), () => {
      this.#cancel = undefined;
      this.#write().catch((error: unknown) => this.options.log.error('progress writer', { error: String(error) }));
    });
  }

  async #write(): Promise<void> {
    const { clock, log, metrics, progress, replica } = this.options;
    const changes = [...this.#dirty];
    this.#dirty.clear();
    this.#writing = true;
    this.#next = clock.monotonic() + WRITE_EVERY_MS;
    try {
      if (!this.#resumed) await progress.resume(replica);
      this.#resumed = true;
      await this.#save(changes.flatMap((change) => this.#row(change) ?? []));
      metrics.count('heddle_delivery_progress_writes_total');
    } catch (error) {
      metrics.count('heddle_delivery_progress_failures_total');
      log.debug('progress could not be written and will be again', { reason: String(error) });
      for (const change of changes) this.#dirty.add(change);
      this.#next = clock.monotonic() + RETRY_MS;
    } finally {
      this.#writing = false;
      this.#schedule();
    }
  }

  /** A row that Postgres does not take keeps no other from being written: it is given up until it changes. */
  async #save(rows: readonly Row[]): Promise<void> {
    const { log, metrics, progress } = this.options;
    try {
      await progress.begin(rows.filter(({ loaded }) => loaded).map(({ row }) => row));
      await progress.save(rows.filter(({ loaded }) => !loaded).map(({ row }) => row));
    } catch (error) {
      if (error instanceof StoreUnavailable || rows.length === 0) throw error;
      if (rows.length > 1) {
        for (const row of rows) await this.#save([row]);
        return;
      }
      metrics.count('heddle_delivery_progress_failures_total');
      const change = rows[0]?.row.change;
      log.error('how far a change has come could not be written', { change, reason: String(error) });
    }
  }

  #row(change: number): Row | undefined {
    const known = this.options.tracker.revision(change);
    if (!known) return undefined;
    const { mesh, revision, refused, behind, ...counts } = known.progress;
    const late = behind.filter(({ sinceMs }) => sinceMs >= LATE_MS);
    return {
      row: {
        ...{ mesh, change: revision, replica: this.options.replica, ...counts },
        ...{ refused: refused.slice(0, NAMED), behind: late.slice(0, NAMED) },
      },
      loaded: known.loaded,
    };
  }
}
