import { randomInt } from 'node:crypto';
import { Metadata, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder, status } from '@grpc/grpc-js';
import type { Log, Metrics } from '#libs/kernel';
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

interface Admitted {
  readonly principal: Principal;
  readonly leave: () => void;
}

/** When a refused client should come again, in milliseconds: not all of them at once. */
const RETRY_MS = { from: 200, to: 1_000 };

/**
 * The one place where calls are authenticated: an interceptor of the whole server, so no method can be forgotten, unary
 * ones included (SEC-3, M5). It judges the metadata; no message is handed on before it has (SEC-7, M4).
 */
export class Authentication {
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  constructor(private readonly options: AuthenticationOptions) {}

  /** Who makes the call with this metadata. @throws Error if the interceptor has not let it through */
  principalOf(metadata: Metadata): Principal {
    return this.#of(metadata).principal;
  }

  /** Gives the call's place at the gate back. It has it until its first answers have left, and not for long. */
  leave(metadata: Metadata): void {
    this.#of(metadata).leave();
  }

  #of(metadata: Metadata): Admitted {
    const admitted = this.#admitted.get(metadata);
    if (!admitted) throw new Denied('UNAUTHENTICATED', 'not authenticated');
    return admitted;
  }

  readonly interceptor: ServerInterceptor = ({ requestStream }, call) => {
    let [withdraw, leaveEarly] = [(): void => {}, (): void => {}];
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        withdraw = this.options.gate.enter({
          address: addressOf(call.getPeer()),
          admit: (leave) => {
            leaveEarly = leave;
            this.#judge(metadata, call.getPeer())
              .then(
                (principal) => {
                  this.#admitted.set(metadata, { principal, leave });
                  if (!requestStream) leave();
                  next(metadata);
                },
                (error: unknown) => {
                  leave();
                  call.sendStatus(this.#statusOf(error));
                },
              )
              .catch((error: unknown) => this.options.log.error('a call failed', { error: String(error) }));
          },
          refuse: () => call.sendStatus(overloaded()),
        });
      })
      .withOnCancel(() => {
        withdraw();
        leaveEarly();
      })
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };

  async #judge(metadata: Metadata, peer: string): Promise<Principal> {
    const headers = new Map<string, string>();
    for (const key of Object.keys(metadata.getMap())) {
      // Several credentials in one call are an attempt to have one judged and another used.
      const values = metadata.get(key).map(String);
      if (key === 'authorization' && values.length > 1) throw new Denied('UNAUTHENTICATED', 'several credentials');
      headers.set(key, values.join(','));
    }
    return await this.options.gatekeeper.authenticate(headers, peer);
  }

  #statusOf(error: unknown): { code: status; details: string } {
    const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'authentication is not available');
    if (denied !== error) this.options.log.error('authentication failed', { error: String(error) });
    this.options.metrics.count('xds_denied_total', { status: denied.status });
    return { code: status[denied.status], details: denied.message };
  }
}

/** REL-12: it may be let in elsewhere, or here a little later; gRPC clients that retry keep to the time (gRFC A6). */
function overloaded(): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set('grpc-retry-pushback-ms', String(randomInt(RETRY_MS.from, RETRY_MS.to)));
  return { code: status.UNAVAILABLE, details: 'too many clients come at once: try again', metadata };
}
