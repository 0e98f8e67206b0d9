import { discoveryService, SERVICE } from '#libs/envoy-api';
import type { Call, StatusName } from '../transport/call.js';
import type { Admitted } from '../transport/carrier.js';
import { Denied, type Principal } from '../types.js';
import { WholeMessage } from '../wire/message.js';
import type { Handler } from './methods.js';

export interface StatusServiceOptions {
  /** @throws Denied */
  answer(request: Buffer, principal: Principal): Uint8Array;
  /** Takes a place for a stream, as a discovery stream does. @returns gives it back @throws Denied */
  enter(call: Call, admitted: Admitted): () => void;
}

/** The client status service (CSDS-1): one answer for a call, or one for each request of a stream. */
export class StatusService {
  readonly #streams = new Map<Call, Principal>();

  constructor(private readonly options: StatusServiceOptions) {}

  /** By path. */
  get methods(): [string, Handler][] {
    return Object.values(discoveryService(SERVICE.csds)).map(({ path, responseStream }) => [
      path,
      (call, admitted) => this.#open(call, admitted, !responseStream),
    ]);
  }

  /** Ends the streams of these principals, as when a credential has ended (SEC-5). */
  disconnect(filter: (principal: Principal) => boolean, name: StatusName, details: string): void {
    for (const [call, principal] of this.#streams) if (filter(principal)) call.end(name, details);
  }

  /** @param once a call with one request and one answer */
  #open(call: Call, admitted: Admitted, once: boolean): void {
    const { principal } = admitted;
    try {
      const leave = this.options.enter(call, admitted);
      this.#streams.set(call, principal);
      call.listen({
        message: (request) => {
          this.#reply(call, principal, request);
          if (once) call.end('OK', '');
        },
        halfClosed: () => (once ? call.end('INTERNAL', 'a request is missing') : call.end('OK', '')),
        closed: () => {
          leave();
          this.#streams.delete(call);
        },
      });
    } catch (error) {
      refuse(call, error);
    }
  }

  #reply(call: Call, principal: Principal, request: Buffer): void {
    try {
      // NET-4: who does not read is not read from.
      call.pause();
      call.write(new WholeMessage(Buffer.from(this.options.answer(request, principal))), () => call.resume());
    } catch (error) {
      refuse(call, error);
    }
  }
}

function refuse(call: Call, error: unknown): void {
  const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'internal error');
  call.end(denied.status, denied.message);
}
