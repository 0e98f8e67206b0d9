import { shortType } from '#libs/envoy-api';
import type { Clock } from '#libs/kernel';
import type { NackInfo, StreamInfo } from '#libs/xds';
import type { PublishedChange } from '../published.js';
import { type RevisionProgress, Tracked } from './tracked.js';

/** Revisions kept for questions once everybody has answered; what older ones came to stands in the store. */
const KEPT = 200;
/** And with those that somebody never answers. */
const KEPT_AT_ALL = 2_000;

/** Milliseconds that a proxy is expected back which has left, or was connected before a start: Envoy's longest pause is one second. */
export const EXPECTED_MS = 10_000;

/** A config revision as it was first published in a mesh. */
export interface TrackedRevision {
  readonly progress: RevisionProgress;
  /** It was there before anybody could be connected: this process has only loaded it. */
  readonly loaded: boolean;
}

/**
 * Delivery of config revisions on this replica: who had something to receive, who has it, who refused it. Counts per
 * revision, not per proxy; the per-proxy detail is the engine's ledger. Whoever is caught up at a later change is
 * caught up at this one; who leaves is waited for a while, then not until he is back.
 */
export class ProgressTracker {
  /** By change, oldest first: revisions, and other publications that somebody has not answered yet. */
  readonly #tracked = new Map<number, Tracked>();
  /** Newest revision of each mesh, and the first that was published of it. */
  readonly #revisions = new Map<string, { newest: number; readonly loaded: number }>();
  /** Which of the tracked are the first of their revision. */
  readonly #firsts = new Set<number>();
  /** What a stream still has to answer, oldest first: catching up costs that much, not a walk over all that is kept. */
  readonly #owedBy = new Map<number, Tracked[]>();
  /** Who was connected to an earlier process of this replica, by mesh. */
  readonly #expected = new Map<string, Set<string>>();
  /** What proxies that are away had not answered. */
  readonly #leftBy = new Map<string, Tracked[]>();
  readonly #listeners = new Set<(change: number, mesh: string) => void>();
  readonly #waiters = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /**
   * Before the first publication of a mesh: these proxies were connected to an earlier process of this replica. What is
   * published until they are back, or 10 s have passed, is on its way to them.
   */
  expect(mesh: string, nodes: ReadonlySet<string>): void {
    if (nodes.size === 0) return;
    this.#expected.set(mesh, new Set(nodes));
    this.clock.after(EXPECTED_MS, () => {
      this.#expected.delete(mesh);
      for (const tracked of this.#tracked.values()) {
        if (tracked.change.mesh !== mesh) continue;
        for (const node of tracked.expected) tracked.giveUp(node);
        this.#notify(tracked);
      }
    });
  }

  /** @param concerned streams that are behind right after the publication, by stream id with their node id */
  published(change: PublishedChange, concerned: ReadonlyMap<number, string>): void {
    const isRevision = this.#isNewRevision(change);
    if (!isRevision && concerned.size === 0) return;
    const expected = isRevision ? (this.#expected.get(change.mesh) ?? []) : [];
    const tracked = new Tracked(change, { concerned, expected }, this.clock.monotonic());
    for (const node of expected) append(this.#leftBy, node, tracked);
    this.#tracked.set(change.change, tracked);
    if (isRevision) this.#firsts.add(change.change);
    for (const stream of concerned.keys()) append(this.#owedBy, stream, tracked);
    this.#makeRoom();
    this.#notify(tracked);
  }

  #isNewRevision({ mesh, change, configRevision }: PublishedChange): boolean {
    const known = this.#revisions.get(mesh);
    if (!known) this.#revisions.set(mesh, { newest: configRevision, loaded: change });
    else if (configRevision > known.newest) known.newest = configRevision;
    else return false;
    return true;
  }

  /** A proxy that was away is waited for again. */
  opened(streamId: number, node: string): void {
    const left = this.#leftBy.get(node) ?? [];
    this.#leftBy.delete(node);
    for (const nodes of this.#expected.values()) nodes.delete(node);
    for (const tracked of left) {
      if (!tracked.back(streamId, node)) continue;
      append(this.#owedBy, streamId, tracked);
      this.#notify(tracked);
    }
  }

  /** The stream has everything up to and including `change`. */
  caughtUp(streamId: number, change: number): void {
    const owed = this.#owedBy.get(streamId);
    if (!owed) return;
    const now = this.clock.monotonic();
    const left = owed.filter((tracked) => tracked.change.change > change);
    if (left.length === owed.length) return;
    if (left.length > 0) this.#owedBy.set(streamId, left);
    else this.#owedBy.delete(streamId);
    for (const tracked of owed) {
      if (tracked.change.change > change) continue;
      tracked.answered(streamId, now);
      this.#answered(tracked);
    }
  }

  closed(streamId: number, node: string): void {
    const owed = this.#owedBy.get(streamId) ?? [];
    this.#owedBy.delete(streamId);
    for (const tracked of owed) {
      tracked.closed(streamId);
      if (tracked.expected.has(node) && this.#firsts.has(tracked.change.change)) append(this.#leftBy, node, tracked);
      this.#answered(tracked);
    }
    if (owed.length === 0) return;
    this.clock.after(EXPECTED_MS, () => {
      for (const tracked of owed) {
        tracked.giveUp(node);
        this.#notify(tracked);
      }
    });
  }

  refused(stream: StreamInfo, mesh: string, nack: NackInfo): void {
    if (!nack.isolated) return;
    const type = shortType(nack.type);
    const now = this.clock.monotonic();
    for (const name of nack.names) {
      const tracked = this.#causeOf(mesh, nack.change, name);
      tracked?.refused({ proxy: stream.node.id, type, name, message: nack.message }, now);
      if (tracked) this.#notify(tracked);
    }
  }

  /** The newest revision up to the change that has set a resource of this name, else the newest one. */
  #causeOf(mesh: string, change: number, name: string): Tracked | undefined {
    const candidates = [...this.#firsts]
      .reverse()
      .flatMap((first) => this.#tracked.get(first) ?? [])
      .filter((tracked) => tracked.change.mesh === mesh && tracked.change.change <= change);
    return candidates.find((tracked) => tracked.holds(name)) ?? candidates[0];
  }

  /** Undefined when this replica has not come to it, or does not know any more. */
  of(mesh: string, revision: number): (RevisionProgress & { readonly loaded: boolean }) | undefined {
    for (const first of this.#firsts) {
      const tracked = this.#tracked.get(first);
      if (tracked?.change.mesh !== mesh || tracked.change.configRevision < revision) continue;
      return { ...tracked.progress(revision, this.clock.monotonic()), loaded: this.#isLoaded(tracked) };
    }
    return undefined;
  }

  /** @param change number of a publication; undefined when it was the first of no revision, or is not known any more */
  revision(change: number): TrackedRevision | undefined {
    const tracked = this.#firsts.has(change) ? this.#tracked.get(change) : undefined;
    if (!tracked) return undefined;
    const progress = tracked.progress(tracked.change.configRevision, this.clock.monotonic());
    return { progress, loaded: this.#isLoaded(tracked) };
  }

  /** Nobody is waited for who had something of this publication to receive; false when it is not known. */
  isAnswered(change: number): boolean {
    return this.#tracked.get(change)?.settled ?? false;
  }

  #isLoaded({ change: { mesh, change } }: Tracked): boolean {
    return this.#revisions.get(mesh)?.loaded === change;
  }

  /** Told of the publication whenever the progress of its revision has changed. @returns stops that */
  onProgress(listener: (change: number, mesh: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves true once nobody waits for `change` or an earlier one, false after `ms`. */
  settled(change: number, ms: number): Promise<boolean> {
    const done = (): boolean => [...this.#tracked].every(([number, tracked]) => number > change || tracked.settled);
    if (done()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        this.#waiters.delete(check);
        cancel();
        resolve(result);
      };
      const check = (): void => {
        if (done()) finish(true);
      };
      const cancel = this.clock.after(ms, () => finish(false));
      this.#waiters.add(check);
    });
  }

  #answered(tracked: Tracked): void {
    const { change } = tracked.change;
    if (tracked.settled && !this.#firsts.has(change)) this.#tracked.delete(change);
    this.#notify(tracked);
  }

  #notify({ change: { change, mesh } }: Tracked): void {
    if (this.#firsts.has(change)) for (const listener of this.#listeners) listener(change, mesh);
    for (const check of [...this.#waiters]) check();
  }

  #makeRoom(): void {
    if (this.#firsts.size <= KEPT) return;
    const [oldest] = this.#firsts;
    const done = [...this.#firsts].find((first) => this.#tracked.get(first)?.settled !== false);
    const gone = this.#firsts.size > KEPT_AT_ALL ? oldest : done;
    if (gone !== undefined) this.#forget(gone);
  }

  #forget(change: number): void {
    const tracked = this.#tracked.get(change);
    this.#tracked.delete(change);
    this.#firsts.delete(change);
    if (!tracked) return;
    for (const stream of tracked.waiting.keys()) without(this.#owedBy, stream, tracked);
    for (const node of [...tracked.away, ...tracked.expected]) without(this.#leftBy, node, tracked);
  }
}

function append<K>(lists: Map<K, Tracked[]>, key: K, tracked: Tracked): void {
  const list = lists.get(key);
  if (list) list.push(tracked);
  else lists.set(key, [tracked]);
}

function without<K>(lists: Map<K, Tracked[]>, key: K, tracked: Tracked): void {
  const left = lists.get(key)?.filter((one) => one !== tracked) ?? [];
  if (left.length > 0) lists.set(key, left);
  else lists.delete(key);
}
