import { AS_ROOT, type Clock, type Log, type Metrics, silentTracer, type Tracer } from '#libs/kernel';
import { findPatterns, type ObservedService, type Tracked, track } from '#libs/patterns';
import { type Lease, type Store, StoreUnavailable } from '#libs/store';
import { BUCKET_MS, LOOKED_AT_MS, MeshObserver, type ObserverRooms, observerRooms } from './mesh-observer.js';
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
  readonly #meshes = new Map<string, Watched>();
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
    const { store, holder, log, metrics } = this.options;
    try {
      this.#lease = await store.leases.take('failure-patterns', holder, LEASE_MS);
      if (!this.#lease) {
        this.#meshes.clear(); // somebody else goes on with it
        return;
      }
      const meshes = this.options.meshes();
      this.#shareAmong(meshes);
      for (const mesh of meshes) await this.#lookAt(this.#lease, mesh);
      const lookedAt = [...this.#meshes.values()].map(({ lookedAtMs }) => lookedAtMs);
      metrics.gauge('heddle_telemetry_pattern_window_seconds', Math.min(LOOKED_AT_MS, ...lookedAt) / 1000);
    } catch (error) {
      this.#meshes.clear();
      if (error instanceof StoreUnavailable) return; // it is told of by whoever needs it more
      metrics.count('heddle_telemetry_pattern_searches_total', { outcome: 'failed' });
      log.error('the search for patterns of failures failed', { error: String(error) });
    }
  }

  get #allRooms(): readonly SharedRoom[] {
    return [this.#rooms.usual, this.#rooms.window];
  }

  #shareAmong(meshes: readonly string[]): void {
    for (const known of [...this.#meshes.keys()]) if (!meshes.includes(known)) this.#meshes.delete(known);
    for (const room of this.#allRooms) room.isFor(meshes);
  }

  async #lookAt(lease: Lease, mesh: string): Promise<void> {
    const { store, tracer = silentTracer } = this.options;
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
