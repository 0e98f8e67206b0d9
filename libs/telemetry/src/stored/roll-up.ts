import { randomUUID } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { AS_ROOT, type Clock, type Log, type Metrics, silentTracer, type Tracer, Turns } from '#libs/kernel';
import { type DueBucket, type Lease, LeaseLost, type RolledMesh, type SignalPage, type Store } from '#libs/store';
import { isReadable } from './page.js';
import { PageSum } from './page-sum.js';
import { shelfOf } from './shelves.js';
import { VIEWS } from './views.js';

export interface SignalRollUpOptions {
  readonly store: Pick<Store, 'leases' | 'signals'>;
  /** Name of this replica. */
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
}

const EVERY_MS = 5_000;
const LEASE_MS = 30_000;
/** Buckets that are made in one turn: after an outage it comes turn by turn to the present. */
const MOST_A_TURN = 60;
/** Pages that are summed up before others get a word in: a few milliseconds. */
const PAGES_AT_ONCE = 8;

/**
 * Makes buckets of a minute of those of ten seconds, those of ten minutes of them, and so on. Every replica runs it; the one
 * with the lease does it. What it has done is known in Postgres, so that it goes on wherever another has stopped.
 */
export class SignalRollUp {
  readonly #holder: string;
  readonly #turns = new Turns(() => this.#turn());
  #isStopped = false;

  constructor(private readonly options: SignalRollUpOptions) {
    this.#holder = `${options.replica}/${randomUUID()}`;
  }

  /** @returns a function that stops it, and resolves when it has ended and given back the lease */
  start(): () => Promise<void> {
    this.#turns.start(this.options.clock, EVERY_MS);
    return async () => {
      this.#isStopped = true;
      await this.#turns.stop();
      await this.options.store.leases.take('signals', this.#holder, 0).catch(() => {}); // Postgres is away: it runs out
    };
  }

  /** One turn after the other. @returns when one that began after this has ended; it never rejects */
  tick(): Promise<void> {
    return this.#turns.take();
  }

  async #turn(): Promise<void> {
    const { store, log, metrics, tracer = silentTracer } = this.options;
    try {
      for (let made = 0; made < MOST_A_TURN && !this.#isStopped; made += 1) {
        const lease = await store.leases.take('signals', this.#holder, LEASE_MS);
        const due = lease && (await store.signals.due());
        if (!lease || !due) return;
        await tracer.run('job roll-up', () => this.#make(lease, due), AS_ROOT);
      }
    } catch (error) {
      if (error instanceof LeaseLost) return;
      metrics.count('heddle_telemetry_roll_up_failures_total');
      log.warn('telemetry could not be rolled up; it will be tried again', { reason: String(error) });
    }
  }

  async #make(lease: Lease, due: DueBucket): Promise<void> {
    const meshes: RolledMesh[] = [];
    for (const { mesh, complete } of due.meshes) meshes.push({ mesh, complete, pages: await this.#pages(due, mesh) });
    // If a part came meanwhile, it is due still, and comes next.
    await this.options.store.signals.finish(lease, due, meshes);
  }

  async #pages(due: DueBucket, mesh: string): Promise<readonly SignalPage[]> {
    const pages: SignalPage[] = [];
    for (const view of VIEWS) {
      const rows = await this.options.store.signals.contents(due, mesh, view);
      const sums = new Map<string, PageSum>();
      for (const [i, row] of rows.entries()) {
        // Those of builds before have the name of a service in place of a shelf.
        const shelf = row.shelf.includes('/') ? shelfOf(row.shelf) : row.shelf;
        const sum = sums.get(shelf) ?? new PageSum(view);
        sums.set(shelf, sum);
        // A page that cannot be read is lost, and nothing else.
        isReadable(this.options.metrics, () => sum.addPage(row));
        if (i % PAGES_AT_ONCE === PAGES_AT_ONCE - 1) await breathe();
      }
      for (const [shelf, sum] of sums) {
        pages.push({ view, shelf, cells: sum.toBytes() });
        await breathe();
      }
    }
    return pages;
  }
}
