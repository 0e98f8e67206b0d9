import type { Clock, Log, ProxyIdentity } from '#libs/kernel';
import { nodeId } from '#libs/kernel';
import { type Attachment, type InstanceRow, type Instances, StoreUnavailable } from '#libs/store';
import { LatestWrite } from './latest-write.js';

/** A replaced stream is not a detachment: Envoy reconnects within a second (its back-off is 0.2 s to 1 s). */
const DETACH_AFTER_MS = 2_000;

interface Lease {
  readonly identity: ProxyIdentity;
  /** Number of this attachment in this process: detaching removes exactly this entry. */
  readonly number: number;
  readonly streams: Set<number>;
  cancelDetach: (() => void) | undefined;
  /** That it has its entry, or has it no more. It is known until the latter is written, so that it is written once. */
  readonly entry: LatestWrite;
  readonly routable: LatestWrite;
}

export interface AttachmentsOptions {
  readonly instances: Pick<Instances, 'transition'>;
  readonly replica: string;
  readonly epoch: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when everything committed so far has been compiled. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * Which instances are attached to this replica, written to the store as transitions only: a flapping proxy causes no
 * writes (REL-41), and a second live stream of an instance does not detach the first (REL-40).
 */
export class Attachments {
  readonly #leases = new Map<string, Lease>();
  #numbers = 0;

  constructor(private readonly options: AttachmentsOptions) {}

  opened(identity: ProxyIdentity, stream: number, envoyVersion: string, features: readonly string[]): void {
    const key = nodeId(identity);
    const known = this.#leases.get(key);
    if (known) {
      known.streams.add(stream);
      known.cancelDetach?.();
      known.cancelDetach = undefined;
      // Its entry may be gone by now, or not.
      if (known.entry.due?.op === 'detach') this.attach(known, envoyVersion, features);
      return;
    }
    this.#numbers += 1;
    const lease: Lease = {
      identity,
      number: this.#numbers,
      streams: new Set([stream]),
      cancelDetach: undefined,
      entry: new LatestWrite({
        ...this.options,
        done: ({ op }) => {
          if (op === 'detach') this.#leases.delete(key);
        },
      }),
      routable: new LatestWrite(this.options),
    };
    this.#leases.set(key, lease);
    this.attach(lease, envoyVersion, features);
  }

  closed(identity: ProxyIdentity, stream: number): void {
    const lease = this.#leases.get(nodeId(identity));
    if (!lease?.streams.delete(stream) || lease.streams.size > 0) return;
    lease.routable.clear();
    lease.cancelDetach = this.options.clock.after(DETACH_AFTER_MS, () => {
      if (lease.streams.size > 0) return;
      lease.entry.set({ op: 'detach', ...target(identity), attachment: this.entry(lease) });
    });
  }

  /**
   * Says again what rows do not know: another replica may have crossed this one out while it could not renew its lease
   * (REL-19), a failover may have lost the last commits (REL-5), an instance may have been registered anew. What is known
   * already is no write.
   * @param rowOf the row as the feed has it; undefined: it is not registered
   */
  reassert(rowOf: (identity: ProxyIdentity) => InstanceRow | undefined): void {
    for (const lease of this.#leases.values()) {
      if (lease.streams.size === 0 || lease.entry.due) continue;
      const row = rowOf(lease.identity);
      const entry = this.entry(lease);
      if (row === undefined || row.attached.some((one) => isSame(one, entry))) continue;
      this.attach(lease, row.envoyVersion, row.features);
    }
  }

  /** Live streams of an instance on this replica. */
  streamsOf(identity: ProxyIdentity): number {
    return this.#leases.get(nodeId(identity))?.streams.size ?? 0;
  }

  /** Persists what an Envoy's version says it can read, and waits until that is compiled. Never fails: see the gatekeeper. */
  async learn(identity: ProxyIdentity, envoyVersion: string, features: readonly string[]): Promise<void> {
    const attachment = { replica: this.options.replica, epoch: this.options.epoch, stream: 0 };
    try {
      await this.options.instances.transition({
        op: 'attach',
        ...target(identity),
        attachment,
        envoyVersion,
        features,
      });
      await this.options.instances.transition({ op: 'detach', ...target(identity), attachment });
      await this.options.caughtUp();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.options.log.warn('the features of a proxy could not be stored: it is served as it was known', {
        proxy: nodeId(identity),
      });
    }
  }

  markRoutable(identity: ProxyIdentity): void {
    const lease = this.#leases.get(nodeId(identity));
    if (!lease || lease.streams.size === 0 || lease.routable.due) return;
    lease.routable.set({ op: 'routable', ...target(identity), routable: true });
  }

  /** Removes entries that an earlier process of this replica left behind. */
  forgetEarlier(
    identity: ProxyIdentity,
    entries: readonly { readonly replica: string; readonly epoch: string; readonly stream: number }[],
  ): void {
    for (const attachment of entries) {
      if (attachment.replica !== this.options.replica || attachment.epoch === this.options.epoch) continue;
      new LatestWrite(this.options).set({ op: 'detach', ...target(identity), attachment });
    }
  }

  private attach(lease: Lease, envoyVersion: string, features: readonly string[]): void {
    lease.entry.set({
      op: 'attach',
      ...target(lease.identity),
      attachment: this.entry(lease),
      envoyVersion,
      features,
    });
  }

  private entry(lease: Lease): Attachment {
    return { replica: this.options.replica, epoch: this.options.epoch, stream: lease.number };
  }
}

const isSame = (a: Attachment, b: Attachment): boolean =>
  a.replica === b.replica && a.epoch === b.epoch && a.stream === b.stream;

const target = (identity: ProxyIdentity): { mesh: string; namespace: string; name: string } => ({
  mesh: identity.mesh,
  namespace: identity.namespace,
  name: identity.instance,
});
