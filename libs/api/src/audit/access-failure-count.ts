import type { OnModuleDestroy } from '@nestjs/common';
import type { ApiDeps } from '../deps.js';

/** Milliseconds in which failed logins are gathered: that many or one of them cost one statement. */
const WRITE_EVERY_MS = 10_000;
/** Addresses that are told apart within that time; the others are counted together. */
const TOLD_APART = 256;

/** Counts failed logins by address, beside the audit chain: whoever guesses tokens must not slow down writers (SEC-64). */
export class AccessFailureCount implements OnModuleDestroy {
  private counts = new Map<string, number>();
  private readonly stop: () => void;

  constructor(private readonly deps: Pick<ApiDeps, 'store' | 'clock' | 'log'>) {
    this.stop = deps.clock.every(WRITE_EVERY_MS, () => {
      this.write().catch((error: unknown) =>
        deps.log.warn('failed logins could not be counted', { error: String(error) }),
      );
    });
  }

  add(peer: string): void {
    const key = this.counts.has(peer) || this.counts.size < TOLD_APART ? peer : '';
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** Writes what was gathered; what could not be written is gathered further. */
  async write(): Promise<void> {
    const { counts } = this;
    if (counts.size === 0) return;
    this.counts = new Map();
    try {
      await this.deps.store.audit.accessFailed(counts);
    } catch (error) {
      for (const [peer, count] of counts) this.counts.set(peer, (this.counts.get(peer) ?? 0) + count);
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stop();
    await this.write().catch((error: unknown) => {
      this.deps.log.warn('failed logins could not be counted', { error: String(error) });
    });
  }
}
