import {
  type Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { discoveryService, SERVICE } from '#libs/envoy-api';
import { Denied, type Principal } from '../types.js';
import type { StatusName } from './call.js';
import type { ServedService } from './methods.js';

/** A call as it is judged: who makes it, over which socket. */
export interface StatusCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

export interface StatusServiceOptions {
  /** @throws Denied */
  answer(request: Buffer, metadata: Metadata): Uint8Array;
  /** Takes a place for a stream, as a discovery stream does. `leave` gives it back. @throws Denied */
  enter(call: StatusCall): { readonly principal: Principal; readonly leave: () => void };
}

type StatusStream = ServerDuplexStream<Buffer, Buffer>;
type Refusal = { readonly code: status; readonly details: string };

/** The client status service (CSDS-1): one answer for a call, or one for each request of a stream. */
export class StatusService {
  readonly #streams = new Map<StatusStream, Principal>();

  constructor(private readonly options: StatusServiceOptions) {}

  get served(): ServedService {
    const definition: ServedService['definition'] = {};
    for (const [name, method] of Object.entries(discoveryService(SERVICE.csds))) definition[name] = method as never;
    const handlers: UntypedServiceImplementation = {
      FetchClientStatus: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        try {
          done(null, this.#answer(call.request, call.metadata));
        } catch (error) {
          done(refusalOf(error));
        }
      },
      StreamClientStatus: (call: StatusStream) => this.#open(call),
    };
    return { definition, handlers };
  }

  /** Ends the streams of these principals, as when a credential has ended (SEC-5). */
  disconnect(filter: (principal: Principal) => boolean, name: StatusName, details: string): void {
    for (const [stream, principal] of this.#streams) {
      if (filter(principal)) stream.emit('error', { code: status[name], details });
    }
  }

  #answer(request: Buffer, metadata: Metadata): Buffer {
    return Buffer.from(this.options.answer(request, metadata));
  }

  #open(call: StatusStream): void {
    call.on('error', () => {});
    try {
      const { principal, leave } = this.options.enter(call);
      this.#streams.set(call, principal);
      const close = (): void => {
        leave();
        this.#streams.delete(call);
      };
      for (const event of ['cancelled', 'error', 'close']) call.on(event, close);
      call.on('end', () => {
        close();
        call.end();
      });
      call.on('data', (request: Buffer) => this.#reply(call, request));
    } catch (error) {
      call.emit('error', refusalOf(error));
    }
  }

  #reply(call: StatusStream, request: Buffer): void {
    try {
      // NET-4: who does not read is not read from.
      if (call.write(this.#answer(request, call.metadata))) return;
      call.pause();
      call.once('drain', () => call.resume());
    } catch (error) {
      call.emit('error', refusalOf(error));
    }
  }
}

function refusalOf(error: unknown): Refusal {
  const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'internal error');
  return { code: status[denied.status], details: denied.message };
}
