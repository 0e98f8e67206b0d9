import type { AlertReceiver } from '#libs/model';
import type { Egress } from './egress.js';
import { DeliveryFailed } from './failure.js';
import { sendMail } from './mail.js';
import type { Notification } from './notification.js';
import { post } from './post.js';
import type { AlertSecrets } from './secrets.js';
import { alertmanagerBody, slackBody } from './shapes.js';

export interface SenderOptions {
  readonly egress: Egress;
  readonly secrets: AlertSecrets;
  /** Further certificates that are trusted, PEM. */
  readonly ca?: readonly string[] | undefined;
  /** Ends what is under way. */
  readonly signal?: AbortSignal | undefined;
  /** For tests of those that do not answer; milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** What is told, to whom. */
export interface Delivery {
  readonly mesh: string;
  readonly receiver: AlertReceiver;
  readonly notification: Notification;
  /** The same for the same notification. */
  readonly id: string;
}

/** Tells receivers, whatever sort they are. */
export class Sender {
  constructor(private readonly options: SenderOptions) {}

  /** @throws DeliveryFailed */
  async send(delivery: Delivery): Promise<void> {
    const { channel } = delivery.receiver;
    switch (channel.type) {
      case 'Webhook': {
        const token = channel.tokenSecret === '' ? '' : await this.#secret(delivery, channel.tokenSecret);
        if (/[^\x21-\x7e]/.test(token)) throw new DeliveryFailed('the token holds what no header may hold', true);
        const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
        return this.#post(delivery, alertmanagerBody(delivery.notification), authorization);
      }
      case 'Slack':
        return this.#post(delivery, slackBody(delivery.notification, channel.channel), {});
      case 'Email': {
        const password = channel.passwordSecret === '' ? '' : await this.#secret(delivery, channel.passwordSecret);
        return sendMail(channel, delivery.notification, { ...this.#common(), password, id: delivery.id });
      }
    }
  }

  #common() {
    const { egress, ca, timeoutMs } = this.options;
    return { egress, ca, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  async #post(delivery: Delivery, body: unknown, headers: Readonly<Record<string, string>>): Promise<void> {
    const { channel } = delivery.receiver;
    if (channel.type === 'Email') return;
    const url = channel.url === '' ? await this.#secret(delivery, channel.urlSecret) : channel.url;
    const all = { ...headers, 'idempotency-key': delivery.id };
    await post({ url, body, headers: all }, { ...this.#common(), signal: this.options.signal });
  }

  #secret({ mesh, receiver }: Delivery, name: string): Promise<string> {
    return this.options.secrets.read(mesh, receiver.namespace, name);
  }
}
