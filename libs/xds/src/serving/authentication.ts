import type { Log, Metrics } from '#libs/kernel';
import type { Headers } from '../transport/carrier.js';
import { Denied, type Gatekeeper, type Principal } from '../types.js';

export interface AuthenticationOptions {
  readonly gatekeeper: Gatekeeper;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * The one place where calls are authenticated. Whatever carries them asks here before it looks at the method, so none
 * can be forgotten, unary ones included (SEC-3, M5), and before it hands on a message (SEC-7, M4).
 */
export class Authentication {
  constructor(private readonly options: AuthenticationOptions) {}

  /** Who makes a call with these headers. @throws Denied */
  async judge(headers: Headers, peer: string): Promise<Principal> {
    try {
      // Several credentials in one call are an attempt to have one judged and another used.
      const several = (headers.get('authorization')?.length ?? 0) > 1;
      if (several) throw new Denied('UNAUTHENTICATED', 'several credentials');
      const joined = new Map([...headers].map(([name, values]) => [name, values.join(',')]));
      return await this.options.gatekeeper.authenticate(joined, peer);
    } catch (error) {
      throw this.#denialOf(error);
    }
  }

  #denialOf(error: unknown): Denied {
    const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'authentication is not available');
    if (denied !== error) this.options.log.error('authentication failed', { error: String(error) });
    this.options.metrics.count('xds_denied_total', { status: denied.status });
    return denied;
  }
}
