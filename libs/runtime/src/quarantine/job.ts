import { randomUUID } from 'node:crypto';
import { findPoison } from '#libs/changes';
import type { FailingCell } from '#libs/compiler';
import { type Clock, type Log, type LogFields, type Metrics, Turns } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import { type Lease, LeaseLost, type NewQuarantine, type Store } from '#libs/store';
import type { MeshHost } from '../mesh-host.js';
import { suspectsOf } from './suspects.js';

export interface QuarantineJobOptions {
  readonly store: Pick<Store, 'leases' | 'quarantine' | 'feed'>;
  /** Name of this replica. */
  readonly replica: string;
  /** Meshes as they were last compiled. */
  readonly hosts: () => Iterable<MeshHost>;
  /** Config revision of what was last compiled. */
  readonly revision: () => number;
  /** True while a pass is under way: what fails then is not known. */
  readonly isCompiling: () => boolean;
  /** Kinds that are left alone: who may do what is never taken from an earlier revision. */
  readonly leaves: (kind: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const EVERY_MS = 1_000;
const LEASE_MS = 30_000;
/** Failing cells that a turn looks into: a poisoned policy of a whole mesh fails thousands, and the first one tells. */
const CELLS_A_TURN = 20;
/** With more than this share of a mesh unreadable, and more than a handful, the build is to blame and not the resources. */
const MOST = { share: 0.1, count: 10 };
const MOST_REMEMBERED = 1_000;

/**
 * Puts resources whose last revision cannot be evaluated into quarantine (REL-25), so that all replicas, now and after a
 * restart, serve the last good one. Every replica runs it; the one with the lease decides, by its own build.
 */
export class QuarantineJob {
  readonly #holder: string;
  /** What was tried, with the config revision at which it was: it is tried again at the next one. */
  readonly #hopeless = new Map<string, number>();
  /** What was said of what cannot be mended here. */
  readonly #said = new Set<string>();
  readonly #turns = new Turns(() => this.#turn());

  constructor(private readonly options: QuarantineJobOptions) {
    this.#holder = `${options.replica}/${randomUUID()}`;
  }

  /** @returns a function that stops it; what is under way still ends */
  start(): () => void {
    this.#turns.start(this.options.clock, EVERY_MS);
    return () => void this.#turns.stop();
  }

  /** One turn after the other. @returns when one that began after this has ended; it never rejects */
  tick(): Promise<void> {
    return this.#turns.take();
  }

  async #turn(): Promise<void> {
    const { store, log, metrics, isCompiling, hosts } = this.options;
    if (isCompiling() || !store.feed.connected) return;
    try {
      let lease: Lease | undefined;
      for (const host of hosts()) {
        const unread = this.#unread(host);
        const failing = host.graph.failing.filter((cell) => this.#isHopeful(cellKey(host, cell)));
        if (unread.length === 0 && failing.length === 0) continue;
        lease ??= await store.leases.take('quarantine', this.#holder, LEASE_MS);
        if (!lease) return;
        const found = [...(await this.#judgeUnread(host, unread)), ...(await this.#judgeFailing(host, failing))];
        for (const one of found) if (!(await store.quarantine.put(lease, one))) this.#giveUp(one.uid);
      }
    } catch (error) {
      this.#hopeless.clear();
      if (error instanceof LeaseLost) return;
      metrics.count('heddle_quarantine_failures_total');
      log.warn('resources could not be put into quarantine; it will be tried again', { reason: String(error) });
    }
  }

  /** What does not parse, and nobody has judged yet. */
  #unread(host: MeshHost): readonly ResourceId[] {
    const unread = host.unparsables
      .map(({ id }) => id)
      .filter((id) => !this.options.leaves(id.kind) && host.taken(id)?.quarantine === undefined)
      .filter((id) => this.#isHopeful(host.taken(id)?.uid ?? ''));
    if (unread.length <= Math.max(MOST.count, host.size * MOST.share)) return unread;
    const fields = { mesh: host.mesh, resources: unread.length };
    this.#sayOnce('so many resources do not parse that this build is to blame: none is set back', fields);
    return [];
  }

  async #judgeUnread(host: MeshHost, unread: readonly ResourceId[]): Promise<readonly NewQuarantine[]> {
    const suspects = await suspectsOf(host, unread, this.options.store.quarantine);
    return suspects.map(({ id, uid, written, former }) => {
      const reason = host.unparsable(id)?.message ?? '';
      return { uid, badRevision: written, use: former[0], reason };
    });
  }

  async #judgeFailing(host: MeshHost, failing: readonly FailingCell[]): Promise<readonly NewQuarantine[]> {
    const found = new Map<string, NewQuarantine>();
    for (const cell of failing.slice(0, CELLS_A_TURN)) {
      const ids = host.graph.resourcesOf(cell).filter(({ kind }) => !this.options.leaves(kind));
      const suspects = await suspectsOf(host, ids, this.options.store.quarantine);
      // What was found for another cell is most likely to blame here, too: that is seen once it is in force.
      if (suspects.some(({ uid }) => found.has(uid))) continue;
      if (this.options.isCompiling()) break;
      const poison = findPoison(host.graph, cell, suspects);
      // What was found makes a revision of its own, after which it is looked at again.
      this.#giveUp(cellKey(host, cell));
      if (poison.length === 0) this.#sayNobody(host, cell);
      for (const { suspect, use, message } of poison)
        found.set(suspect.uid, { uid: suspect.uid, badRevision: suspect.written, use, reason: message });
    }
    return [...found.values()];
  }

  #isHopeful(what: string): boolean {
    return this.#hopeless.get(what) !== this.options.revision();
  }

  #giveUp(what: string): void {
    if (this.#hopeless.size >= MOST_REMEMBERED) this.#hopeless.clear();
    this.#hopeless.set(what, this.options.revision());
  }

  #sayNobody({ mesh }: MeshHost, { kind, key, message }: FailingCell): void {
    const fields = { mesh, cell: `${kind} ${key}`, reason: message };
    this.#sayOnce('something does not compile, and no stored resource is to blame', fields);
  }

  #sayOnce(words: string, fields: LogFields): void {
    const key = `${words} ${JSON.stringify(fields)}`;
    if (this.#said.has(key)) return;
    if (this.#said.size >= MOST_REMEMBERED) this.#said.clear();
    this.#said.add(key);
    this.options.log.error(words, fields);
  }
}

const cellKey = ({ mesh }: MeshHost, { kind, key }: FailingCell): string => `${mesh} ${kind} ${key}`;
