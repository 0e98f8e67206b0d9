import { type Clock, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import { type Authorities, StoreUnavailable } from '#libs/store';
import { AuthorityVault } from './authority-vault.js';
import { expiryState, lifeLeft } from './expiry.js';
import type { Kek } from './kek.js';
import { loadMeshAuthority, type MeshAuthority, meshAuthorityOf } from './mesh-authority.js';

export interface CertificateAuthorityOptions {
  readonly authorities: Authorities;
  readonly kek: Kek;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

/** How often rows are read again, so that a rotation on one replica reaches the others soon, without a restart (REL-31). */
const REFRESH_MS = 10_000;

/** Alarms for people come at these parts of an authority's life left (REL-31). */
const ALARMS = [0.1, 0.25, 0.5];

/**
 * The authorities of all meshes of this process: made on first use, cached opened, and read again every ten seconds. When
 * Postgres is away the last good ones go on signing (REL-2).
 */
export class CertificateAuthority {
  readonly #vault: AuthorityVault;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #meshes = new Map<string, MeshAuthority>();
  readonly #loading = new Map<string, Promise<MeshAuthority>>();
  readonly #alarmed = new Map<string, number>();
  /** Why the rows of a mesh could not be taken over when they were read last. */
  readonly #stale = new Map<string, string>();
  readonly #listeners = new Set<(mesh: string) => void>();
  #stopTimer: (() => void) | undefined;

  constructor(options: CertificateAuthorityOptions) {
    this.#vault = new AuthorityVault(options.authorities, options.kek);
    this.#clock = options.clock;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** Begins to read rows again every ten seconds. */
  start(): void {
    this.#stopTimer ??= this.#clock.every(REFRESH_MS, () => {
      this.refresh().catch((error: unknown) => this.#failed(error));
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /**
   * The authorities of a mesh; the first call makes them. Callers that come together share one load.
   * @throws StoreUnavailable at the first call while Postgres is away
   * @throws KekUnusable when the keys do not open: the process must not go on
   */
  of(mesh: string): Promise<MeshAuthority> {
    const known = this.#meshes.get(mesh);
    if (known) return Promise.resolve(known);
    const running = this.#loading.get(mesh);
    if (running) return running;
    const load = this.#load(mesh).finally(() => this.#loading.delete(mesh));
    this.#loading.set(mesh, load);
    return load;
  }

  /** What {@link of} has loaded, without waiting; `undefined` before. */
  loaded(mesh: string): MeshAuthority | undefined {
    return this.#meshes.get(mesh);
  }

  /** Names of the meshes in use. */
  meshes(): readonly string[] {
    return [...this.#meshes.keys()];
  }

  /**
   * Reads the rows of every mesh in use again; listeners hear of meshes whose trusted roots changed. A mesh whose rows
   * cannot be used keeps those in memory, and keeps no other mesh from hearing of its own.
   * @throws StoreUnavailable while Postgres is away, which is so for all of them
   */
  async refresh(): Promise<void> {
    for (const [mesh, before] of this.#meshes) {
      try {
        await this.#refreshOne(mesh, before);
        this.#noteFresh(mesh);
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        this.#noteStale(mesh, error);
        // What is used on grows old all the same.
        this.#report(before);
      }
    }
  }

  /** @throws Error when its rows are damaged or gone */
  async #refreshOne(mesh: string, before: MeshAuthority): Promise<void> {
    const after = meshAuthorityOf(this.#vault, mesh, await this.#vault.list(mesh));
    // Emptier than the evidence for it (G6): rows that vanished altogether are no reason to stop trusting.
    if (after.roots.length === 0 || after.issuers.length === 0) throw new Error('they are gone from the database');
    this.#meshes.set(mesh, after);
    this.#report(after);
    if (rootIds(before) !== rootIds(after)) for (const listener of this.#listeners) listener(mesh);
  }

  /** Calls the listener when the roots that a mesh trusts have changed. @returns removes the listener */
  onTrustChanged(listener: (mesh: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #load(mesh: string): Promise<MeshAuthority> {
    const authority = await loadMeshAuthority(this.#vault, mesh, this.#clock.now());
    this.#meshes.set(mesh, authority);
    this.#metrics.gauge('heddle_authorities_stale', 0, { mesh });
    this.#report(authority);
    return authority;
  }

  #report({ mesh, issuers, roots }: MeshAuthority): void {
    for (const issuer of issuers) if (issuer.active) this.#reportOne(mesh, 'intermediate', issuer);
    for (const root of roots) if (root.active) this.#reportOne(mesh, 'root', root);
  }

  #reportOne(
    mesh: string,
    purpose: string,
    authority: { readonly id: string; readonly notBefore: number; readonly notAfter: number },
  ): void {
    const now = this.#clock.now();
    const lifetime = { from: authority.notBefore, until: authority.notAfter };
    const left = lifeLeft(lifetime, now);
    this.#metrics.gauge('heddle_authority_life_left_ratio', left, { mesh, purpose });
    this.#metrics.gauge('heddle_authority_end_timestamp_seconds', authority.notAfter / 1000, { mesh, purpose });
    const alarm = ALARMS.find((limit) => left <= limit);
    if (alarm === undefined || alarm >= (this.#alarmed.get(authority.id) ?? 1)) return;
    this.#alarmed.set(authority.id, alarm);
    this.#log.warn('a certificate authority is running out: rotate it', {
      mesh,
      purpose,
      authority: authority.id,
      state: expiryState(lifetime, now),
      percentLeft: Math.round(left * 100),
      notAfter: new Date(authority.notAfter).toISOString(),
    });
  }

  /** Said once for each reason; the gauge stays up for as long as it is so. */
  #noteStale(mesh: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#metrics.count('heddle_identity_refresh_failures_total', { what: 'authorities' });
    this.#metrics.gauge('heddle_authorities_stale', 1, { mesh });
    if (this.#stale.get(mesh) === reason) return;
    this.#stale.set(mesh, reason);
    const words =
      'the certificate authorities of a mesh cannot be taken over from the database; those in memory are used on';
    this.#log.error(words, { mesh, reason });
  }

  #noteFresh(mesh: string): void {
    if (!this.#stale.delete(mesh)) return;
    this.#metrics.gauge('heddle_authorities_stale', 0, { mesh });
    this.#log.info('the certificate authorities of a mesh are read from the database again', { mesh });
  }

  #failed(error: unknown): void {
    this.#metrics.count('heddle_identity_refresh_failures_total', { what: 'authorities' });
    this.#log.warn('the certificate authorities could not be read again; the last good ones are used', {
      error: String(error),
    });
  }
}

const rootIds = (authority: MeshAuthority): string => authority.roots.map((root) => root.id).join();
