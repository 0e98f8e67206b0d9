import { AS_ROOT, type Clock, type Log, type Metrics, silentTracer, type Tracer } from '#libs/kernel';
import { findPatterns, type ObservedService, type Tracked, track } from '#libs/patterns';
import { type Lease, LeaseLost, type Store, StoreUnavailable } from '#libs/store';
import { BUCKET_MS } from '#libs/telemetry';
import { LOOKED_AT_MS, MeshObserver, type ObserverRooms, observerRooms } from './mesh-observer.js';
import type { SharedRoom } from './shared-room.js';
import { fromStored, toStored } from './stored-pattern.js';

export interface PatternWatchOptions {
  readonly store: Pick<Store, 'signals' | 'patterns' | 'timeline' | 'leases'>;
  /** Unique in time. */
  readonly holder: string;
  /** Whose traffic is looked at. */
  readonly meshes: () => readonly string[];
  readonly services: (mesh: string) => readonly ObservedService[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
  /** Default: what a collector has. */
  readonly rooms?: ObserverRooms | undefined;
}

/** How often it is looked whether a bucket has ended. Milliseconds. */
const LOOK_MS = 2_000;
const LEASE_MS = 20_000;
/** Collectors leave a bucket so long after its end; who is later is read with the next one. Milliseconds. */
const SETTLED_MS = 4_000;
/** A mesh in which the search failed is read anew, which costs much: it has to wait so long. Milliseconds. */
const RETRY_MS = 30_000;

interface Watched {
  readonly observer: MeshObserver;
  tracked: readonly Tracked[];
  at: number;
  /** How far back the last search looked. */
  lookedAtMs: number;
}

interface Search {
  readonly lease: Lease;
  readonly mesh: string;
  readonly watched: Watched;
  /** End of the newest bucket that is looked at. */
  readonly ended: number;
}

/**
 * Looks for patterns of failures, whenever a bucket of ten seconds has ended, in one process of all replicas: the one with
 * the lease, which goes on with what the one before knew.
 */
export class PatternWatch {
  #lease: Lease | undefined;
  /** By the monotonic clock. */
  #leasedAt = 0;
  readonly #meshes = new Map<string, Watched>();
  /** By the monotonic clock, of meshes in which the search failed. */
  readonly #retryAt = new Map<string, number>();
  readonly #rooms: ObserverRooms;
  #running: Promise<void> | undefined;

  constructor(private readonly options: PatternWatchOptions) {
    this.#rooms = options.rooms ?? observerRooms();
  }

  /** @returns stops it, after what is under way */
  start(): () => Promise<void> {
    const stop = this.options.clock.every(LOOK_MS, () => {
      this.#running ??= this.#look().finally(() => {
        this.#running = undefined;
      });
    });
    return async () => {
      stop();
      await this.#running;
      if (this.#lease) await this.options.store.leases.take('failure-patterns', this.options.holder, 0).catch(() => {});
    };
  }

  async #look(): Promise<void> {
    const { meshes, log, metrics } = this.options;
    try {
      const names = meshes();
      this.#shareAmong(names);
      for (const mesh of names) {
        const lease = await this.#renewed();
        if (!lease) return;
        await this.#lookAt(lease, mesh).catch((error: unknown) => this.#failed(mesh, error));
      }
      const lookedAt = [...this.#meshes.values()].map(({ lookedAtMs }) => lookedAtMs);
      metrics.gauge('heddle_telemetry_pattern_window_seconds', Math.min(LOOKED_AT_MS, ...lookedAt) / 1000);
    } catch (error) {
      metrics.count('heddle_telemetry_pattern_searches_total', { outcome: 'failed' });
      if (error instanceof LeaseLost) this.#lose();
      // That Postgres is away is told by whoever needs it more.
      else if (!(error instanceof StoreUnavailable))
        log.error('the search for patterns of failures failed', { error: String(error) });
    }
  }

  /** What goes wrong in one mesh is of that mesh only. @throws LeaseLost, and StoreUnavailable when Postgres does not answer at all */
  async #failed(mesh: string, error: unknown): Promise<void> {
    if (error instanceof LeaseLost) throw error;
    this.#meshes.delete(mesh);
    this.#retryAt.set(mesh, this.options.clock.monotonic() + RETRY_MS);
    if (error instanceof StoreUnavailable) await this.#renewed(0);
    this.options.metrics.count('heddle_telemetry_pattern_searches_total', { outcome: 'failed' });
    this.options.log.error('the search for patterns of failures in a mesh failed', { mesh, error: String(error) });
  }

  /**
   * Between two meshes, since all of them may take longer than a lease lasts.
   * @param olderThanMs it is asked for when it is older. Milliseconds
   * @returns undefined when another replica has it
   */
  async #renewed(olderThanMs = LEASE_MS / 4): Promise<Lease | undefined> {
    const { store, holder, clock } = this.options;
    if (this.#lease && clock.monotonic() - this.#leasedAt < olderThanMs) return this.#lease;
    const leasedAt = clock.monotonic();
    const lease = await store.leases.take('failure-patterns', holder, LEASE_MS);
    // Had somebody else had it in between, what is known here would be old.
    if (lease?.fence !== this.#lease?.fence) this.#lose();
    [this.#lease, this.#leasedAt] = [lease, leasedAt];
    return lease;
  }

  #lose(): void {
    this.#lease = undefined;
    this.#meshes.clear();
  }

  get #allRooms(): readonly SharedRoom[] {
    return [this.#rooms.usual, this.#rooms.window];
  }

  #shareAmong(meshes: readonly string[]): void {
    for (const known of [this.#meshes, this.#retryAt])
      for (const mesh of [...known.keys()]) if (!meshes.includes(mesh)) known.delete(mesh);
    for (const room of this.#allRooms) room.isFor(meshes);
  }

  async #lookAt(lease: Lease, mesh: string): Promise<void> {
    const { store, clock, tracer = silentTracer } = this.options;
    if (clock.monotonic() < (this.#retryAt.get(mesh) ?? 0)) return;
    const { now, newest } = await store.signals.times(mesh);
    const ended = Math.floor((now - SETTLED_MS) / BUCKET_MS) * BUCKET_MS;
    const watched = this.#meshes.get(mesh) ?? (await this.#open(mesh));
    this.#meshes.set(mesh, watched);
    // Where nothing came for as long as is looked at, nothing new begins.
    const isIdle = newest <= ended - LOOKED_AT_MS && watched.tracked.length === 0;
    if (ended <= watched.at || isIdle) return;
    await tracer.run('job patterns', () => this.#search({ lease, mesh, watched, ended }), {
      ...AS_ROOT,
      values: { 'heddle.mesh': mesh },
    });
  }

  async #search({ lease, mesh, watched, ended }: Search): Promise<void> {
    const { store, metrics, clock } = this.options;
    const started = clock.monotonic();
    const observed = await watched.observer.observe(ended);
    const found = findPatterns(observed);
    const tracked = track(watched.tracked, found, ended);
    metrics.count('heddle_telemetry_pattern_searches_total', { outcome: 'done' });
    metrics.count('heddle_telemetry_pattern_seconds_total', {}, (clock.monotonic() - started) / 1000);
    await store.patterns.save(lease, mesh, {
      at: ended,
      patterns: tracked.filter(({ state }) => state !== 'suspected').map((one) => toStored(mesh, one)),
    });
    watched.tracked = tracked;
    watched.at = ended;
    watched.lookedAtMs = observed.buckets * BUCKET_MS;
  }

  async #open(mesh: string): Promise<Watched> {
    const { store, services, metrics } = this.options;
    const { at, patterns } = await store.patterns.state(mesh);
    const tracked = patterns.flatMap((row) => fromStored(row) ?? []);
    for (const room of this.#allRooms) room.uses(mesh, 0);
    const observer = new MeshObserver({ store, mesh, metrics, rooms: this.#rooms, services: () => services(mesh) });
    return { observer, tracked, at, lookedAtMs: LOOKED_AT_MS };
  }
}
