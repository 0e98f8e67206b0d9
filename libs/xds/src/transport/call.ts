import { Denied } from '../types.js';

export type StatusName = Denied['status'] | 'OK' | 'INTERNAL' | 'ABORTED' | 'DEADLINE_EXCEEDED' | 'UNIMPLEMENTED';

/** Something that can be written: grpc-js asks for its length and has it copied, the other transport takes its pieces. */
export interface Message {
  readonly byteLength: number;
  /** Writes the message into `target` from `start` on; returns its length. */
  copy(target: Buffer, start: number): number;
  /** The message in buffers that stay as they are, so that many calls may write the same. */
  pieces(): readonly Buffer[];
}

export interface CallListener {
  /** One message of the client. */
  message(bytes: Buffer): void;
  /** The client sends no more. */
  halfClosed(): void;
  /** Nothing more can be read or written, whoever ended it. Called once. */
  closed(): void;
}

/** A call of a client, whatever carries it. It was authenticated; messages flow from `listen` on. */
export interface Call {
  /** Address and port of the client's socket. */
  readonly peer: string;
  listen(listener: CallListener): void;
  pause(): void;
  resume(): void;
  /** @param taken called when the socket has taken the message, or never will */
  write(message: Message, taken: () => void): void;
  /** Ends the call with this status, after what was written, and further trailers. Does nothing on a call that has ended. */
  end(status: StatusName, details: string, trailers?: Readonly<Record<string, string>>): void;
}

/** The process cannot take the call now; another may, or this one after a while (REL-12). */
export class Overloaded extends Denied {
  constructor(
    message: string,
    readonly retryMs: number,
  ) {
    super('UNAVAILABLE', message);
  }
}

/** Ends a call that was not let in. gRPC clients that retry keep to the time they are told (gRFC A6). */
export function refuse(call: Pick<Call, 'end'>, error: unknown): void {
  const denied = error instanceof Denied ? error : new Denied('UNAVAILABLE', 'authentication is not available');
  const trailers = denied instanceof Overloaded ? { 'grpc-retry-pushback-ms': String(denied.retryMs) } : {};
  call.end(denied.status, denied.message, trailers);
}
