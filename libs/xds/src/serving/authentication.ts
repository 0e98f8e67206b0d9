import { randomInt } from 'node:crypto';
import type { Log, Metrics } from '#libs/kernel';
import { Overloaded } from '../transport/call.js';
import type { Admitted, Admitting, Headers } from '../transport/carrier.js';
import { Denied, type Gatekeeper, type Principal } from '../types.js';
import { addressOf } from './gate/address.js';
import type { Gate } from './gate/gate.js';

export interface AuthenticationOptions {
  readonly gatekeeper: Gatekeeper;
  /** Where calls wait before they are judged: judging is work, too. */
  readonly gate: Gate;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** When a refused client should come again, in milliseconds: not all of them at once. */
const RETRY_MS = { from: 200, to: 1_000 };

/**
 * The one place where calls are authenticated. Whatever carries them asks here before it looks at the method, so none
 * can be forgotten, unary ones included (SEC-3, M5), and before it hands on a message (SEC-7, M4).
 */
export class Authentication {
  constructor(private readonly options: AuthenticationOptions) {}

  /** Lets a call with these headers wait for its turn, and judges who makes it. */
  admit(headers: Headers, peer: string): Admitting {
    const { promise, resolve, reject } = Promise.withResolvers<Admitted>();
    let leave = (): void => {};
    const withdraw = this.options.gate.enter({
      address: addressOf(peer),
      admit: (leaveGate) => {
        leave = leaveGate;
        this.#judge(headers, peer).then(
          (principal) => resolve({ principal, leave: leaveGate }),
          (error: unknown) => {
            leaveGate();
            reject(this.#denialOf(error));
          },
        );
      },
      refuse: () => reject(overloaded()),
    });
    const cancel = (): void => {
      withdraw();
      leave();
    };
    return { admitted: promise, cancel };
  }

  async #judge(headers: Headers, peer: string): Promise<Principal> {
    // Several credentials in one call are an attempt to have one judged and another used.
    if ((headers.get('authorization')?.length ?? 0) > 1) throw new Denied('UNAUTHENTICATED', 'several credentials');
    const joined = new Map([...headers].map(([name, values]) => [name, values.join(',')]));
    return await this.options.gatekeeper.authenticate(joined, peer);
  }

  #denialOf(error: unknown): Denied {
    const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'authentication is not available');
    if (denied !== error) this.options.log.error('authentication failed', { error: String(error) });
    this.options.metrics.count('xds_denied_total', { status: denied.status });
    return denied;
  }
}

/** REL-12: it may be let in elsewhere, or here a little later. */
const overloaded = (): Overloaded =>
  new Overloaded('too many clients come at once: try again', randomInt(RETRY_MS.from, RETRY_MS.to));
