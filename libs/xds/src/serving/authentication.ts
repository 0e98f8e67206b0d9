import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { Log, Metrics } from '#libs/kernel';
import { Denied, type Gatekeeper, type Principal } from '../types.js';

export interface AuthenticationOptions {
  readonly gatekeeper: Gatekeeper;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * The one place where calls are authenticated: an interceptor of the whole server, so no method can be forgotten, unary
 * ones included (SEC-3, M5). It judges the metadata; no message is handed on before it has (SEC-7, M4).
 */
export class Authentication {
  readonly #principals = new WeakMap<Metadata, Principal>();

  constructor(private readonly options: AuthenticationOptions) {}

  /** Who makes the call with this metadata. @throws Error if the interceptor has not let it through */
  principalOf(metadata: Metadata): Principal {
    const principal = this.#principals.get(metadata);
    if (!principal) throw new Denied('UNAUTHENTICATED', 'not authenticated');
    return principal;
  }

  readonly interceptor: ServerInterceptor = (_method, call) => {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        this.#judge(metadata, call.getPeer())
          .then(
            (principal) => {
              this.#principals.set(metadata, principal);
              next(metadata);
            },
            (error: unknown) => call.sendStatus(this.#statusOf(error)),
          )
          .catch((error: unknown) => this.options.log.error('a call failed', { error: String(error) }));
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
