import type { Limits } from './limits.js';
import type { Principal } from './types.js';

/**
 * A client-streaming method of the embedding program: what clients report, beside what they are sent. It is served with the
 * credentials, the gate and the limits of the discovery services, and its bytes mean nothing to the engine.
 */
export interface ReportMethod {
  /** `/<package>.<Service>/<Method>`. */
  readonly path: string;
  /** Where it needs others than the discovery services. */
  readonly limits?: Partial<Pick<Limits, 'streamsPerPrincipal' | 'openBurst' | 'reportBytesPerSecond'>>;
  /** A client has opened a stream. @throws Denied it ends with this status */
  open(from: Reporter): ReportStream;
}

/** Who reports. */
export interface Reporter {
  readonly principal: Principal;
  /** Address and port of the client's socket. */
  readonly peer: string;
}

export interface ReportStream {
  /** One message. @throws Denied or MalformedMessage: this stream ends, no other */
  message(bytes: Buffer): void;
  /** The stream is gone. Called once. */
  closed(): void;
}
