import type { Clock, Log, Metrics } from '#libs/kernel';
import type { AlertReceiver } from '#libs/model';
import type { AlertOutbox, NotificationRow } from '#libs/store';
import { DeliveryFailed } from './failure.js';
import type { Notification } from './notification.js';
import type { Sender } from './sender.js';

export interface CourierOptions {
  readonly outbox: AlertOutbox;
  readonly sender: Pick<Sender, 'send'>;
  /** As it is now; undefined = it is gone. */
  readonly receiverOf: (mesh: string, key: string) => Promise<AlertReceiver | undefined>;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;
/** What has not arrived for so long is of no use any more. */
export const GIVE_UP_AFTER_MS = 86_400_000;
/** Receivers that are told at the same time. */
const AT_ONCE = 16;

/** Doubles from a second to five minutes; a random half of it, so that those who failed together do not come back together. */
export function waitBefore(attempts: number, random: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(20, attempts));
  return most / 2 + (most / 2) * random;
}

/**
 * Sends what waits in the outbox: of each receiver one at a time, in order, all receivers side by side, so that one that does
 * not answer holds back nobody else. What is sent and not noted, since the process died, is sent again.
 */
export class Courier {
  readonly #busy = new Map<string, Promise<void>>();

  constructor(private readonly options: CourierOptions) {}

  /** Begins to send what is due. @returns when it has begun; `idle` says when it has ended. @throws StoreUnavailable */
  async turn(): Promise<void> {
    for (const row of await this.options.outbox.due()) {
      const key = `${row.mesh} ${row.receiver}`;
      if (this.#busy.has(key) || this.#busy.size >= AT_ONCE) continue;
      const done = this.#deliver(row).finally(() => this.#busy.delete(key));
      this.#busy.set(key, done);
    }
  }

  /** What was begun has ended. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  async #deliver(row: NotificationRow): Promise<void> {
    const { outbox, log, metrics } = this.options;
    try {
      const failure = await this.#attempt(row);
      metrics.count('heddle_alert_notifications_total', { outcome: failure ? 'failed' : 'sent' });
      if (!failure) return await outbox.sent(row.id);
      const wait = this.#nextWait(row, failure);
      await outbox.failed(row.id, failure.message, wait);
      if (wait !== undefined) return;
      metrics.count('heddle_alert_notifications_total', { outcome: 'given-up' });
      log.error('a notification was given up', { receiver: row.receiver, mesh: row.mesh, reason: failure.message });
    } catch (error) {
      // Postgres is away: it waits in the outbox as before.
      log.warn('what became of a notification could not be noted; it is sent again', { reason: String(error) });
    }
  }

  /** @returns why it did not arrive; undefined = it did */
  async #attempt({ id, mesh, receiver: key, payload }: NotificationRow): Promise<DeliveryFailed | undefined> {
    const receiver = await this.options.receiverOf(mesh, key);
    if (!receiver) return new DeliveryFailed('the receiver is gone', false);
    try {
      // What this process or an earlier one has written.
      const notification = payload as Notification;
      await this.options.sender.send({ mesh, receiver, notification, id: `alert-${id}` });
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryFailed) return error;
      this.options.log.error('a notification could not be sent by a mistake of Heddle', { error });
      return new DeliveryFailed('a mistake of Heddle: the log has it', true);
    }
  }

  #nextWait({ attempts, ageMs }: NotificationRow, { isWorthAnotherTry }: DeliveryFailed): number | undefined {
    if (!isWorthAnotherTry || ageMs >= GIVE_UP_AFTER_MS) return undefined;
    return waitBefore(attempts, this.options.random());
  }
}
