import { shortType } from '#libs/envoy-api';
import type { Clock } from '#libs/kernel';
import type { NackInfo, StreamInfo } from '#libs/xds';
import type { PublishedChange } from './coordinator.js';

/** How far one config revision has come on this replica. */
export interface RevisionProgress {
  readonly mesh: string;
  readonly revision: number;
  readonly change: number;
  /** Streams that had something to receive. */
  readonly total: number;
  readonly acked: number;
  /** Milliseconds from publication to the newest ACK; 0 when nobody had anything to receive. */
  readonly elapsedMs: number;
  readonly refused: readonly Refusal[];
  /** Node ids that have not ACKed yet. */
  readonly behind: readonly string[];
}

export interface Refusal {
  readonly proxy: string;
  readonly type: string;
  readonly name: string;
  readonly message: string;
}

interface Tracked {
  readonly change: PublishedChange;
  readonly startedAt: number;
  readonly waiting: Map<number, string>;
  readonly total: number;
  lastAckAt: number;
  readonly refused: Map<string, Refusal>;
}

/** Revisions kept for questions; older ones answer as delivered. */
const KEPT = 200;

/**
 * Delivery of config revisions on this replica: who had something to receive, who has it, who refused it. Counts per
 * revision, not per proxy; the per-proxy detail is the engine's ledger.
 */
export class ProgressTracker {
  readonly #byChange = new Map<number, Tracked>();
  /** What a stream still has to ACK, oldest first: catching up costs that much, not a walk over all that is kept. */
  readonly #owedBy = new Map<number, Tracked[]>();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** @param concerned streams that are behind right after the publication, by stream id with their node id */
  published(change: PublishedChange, concerned: ReadonlyMap<number, string>): void {
    const now = this.clock.monotonic();
    const tracked: Tracked = {
      change,
      startedAt: now,
      waiting: new Map(concerned),
      total: concerned.size,
      lastAckAt: now,
      refused: new Map(),
    };
    this.#byChange.set(change.change, tracked);
    for (const stream of concerned.keys()) this.#owe(stream, tracked);
    if (this.#byChange.size > KEPT) this.forgetOldest();
    this.notify();
  }

  /** The stream has everything up to and including `change`. */
  caughtUp(streamId: number, change: number): void {
    const owed = this.#owedBy.get(streamId);
    if (!owed) return;
    const now = this.clock.monotonic();
    const left = owed.filter((tracked) => tracked.change.change > change);
    for (const tracked of owed) {
      if (tracked.change.change > change) continue;
      tracked.waiting.delete(streamId);
      tracked.lastAckAt = now;
    }
    if (left.length === owed.length) return;
    if (left.length > 0) this.#owedBy.set(streamId, left);
    else this.#owedBy.delete(streamId);
    this.notify();
  }

  closed(streamId: number): void {
    for (const tracked of this.#owedBy.get(streamId) ?? []) tracked.waiting.delete(streamId);
    this.#owedBy.delete(streamId);
    this.notify();
  }

  #owe(streamId: number, tracked: Tracked): void {
    const owed = this.#owedBy.get(streamId);
    if (owed) owed.push(tracked);
    else this.#owedBy.set(streamId, [tracked]);
  }

  refused(stream: StreamInfo, nack: NackInfo): void {
    const tracked = this.#byChange.get(nack.change) ?? [...this.#byChange.values()].at(-1);
    if (!tracked) return;
    for (const name of nack.names) {
      const type = shortType(nack.type);
      const refusal = { proxy: stream.node.id, type, name, message: nack.message };
      if (nack.isolated) tracked.refused.set(`${refusal.proxy} ${type} ${name}`, refusal);
    }
    this.notify();
  }

  of(mesh: string, revision: number): RevisionProgress | undefined {
    const tracked = this.compiledWith(mesh, revision);
    if (!tracked) return undefined;
    return {
      mesh,
      revision,
      change: tracked.change.change,
      total: tracked.total,
      acked: tracked.total - tracked.waiting.size,
      elapsedMs: Math.round((tracked.lastAckAt - tracked.startedAt) * 10) / 10,
      refused: [...tracked.refused.values()],
      behind: [...tracked.waiting.values()],
    };
  }

  /** Resolves true once nobody waits for `change` or an earlier one, false after `ms`. */
  settled(change: number, ms: number): Promise<boolean> {
    const done = (): boolean =>
      [...this.#byChange].every(([number, tracked]) => number > change || tracked.waiting.size === 0);
    if (done()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        this.#listeners.delete(check);
        cancel();
        resolve(result);
      };
      const check = (): void => {
        if (done()) finish(true);
      };
      const cancel = this.clock.after(ms, () => finish(false));
      this.#listeners.add(check);
    });
  }

  /** The first publication that held the revision; later ones are about instances, or about later revisions. */
  private compiledWith(mesh: string, revision: number): Tracked | undefined {
    for (const tracked of this.#byChange.values())
      if (tracked.change.mesh === mesh && tracked.change.configRevision >= revision) return tracked;
    return undefined;
  }

  private notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  private forgetOldest(): void {
    const [oldest] = this.#byChange;
    if (!oldest) return;
    const [number, tracked] = oldest;
    this.#byChange.delete(number);
    for (const stream of tracked.waiting.keys()) {
      const owed = this.#owedBy.get(stream)?.filter((one) => one !== tracked) ?? [];
      if (owed.length > 0) this.#owedBy.set(stream, owed);
      else this.#owedBy.delete(stream);
    }
  }
}
