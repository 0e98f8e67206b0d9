import type { Socket } from 'node:net';
import type { Principal } from '../types.js';
import type { Call } from './call.js';

/** Key and certificate chain of the server, in PEM. */
export interface TlsMaterial {
  readonly keyPem: string;
  readonly certPem: string;
  /** Trust anchors that may be sent along; clients are not asked for certificates. */
  readonly caPem?: string;
}

/** A header as often as it was sent: several credentials are an attempt to have one judged and another used. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/** Who makes a call. Newcomers have a place at the gate, which a call gives back when it has cost what a new one costs. */
export interface Admitted {
  readonly principal: Principal;
  /** May be called several times. */
  readonly leave: () => void;
}

export interface Admitting {
  /** Rejected with a `Denied`, which becomes the status of the call. */
  readonly admitted: Promise<Admitted>;
  /** The call has gone away: it waits no longer, and has no place. */
  cancel(): void;
}

export interface CarrierOptions {
  /** By path, `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, (call: Call, admitted: Admitted) => void>;
  /** Asked once for every call of any path, before anything of it is read (SEC-3, M5). */
  admit(headers: Headers, peer: string): Admitting;
  /** `undefined`: plaintext. */
  readonly tls: TlsMaterial | undefined;
  /** Longest TLS handshake in milliseconds. */
  readonly handshakeMs: number;
  /** Largest message of a client in bytes. */
  readonly maxMessageBytes: number;
  /** How long a message may take to be complete, in milliseconds; only `http2` can tell. */
  readonly messageMs: number;
  /** A message took longer: its call was ended. */
  readonly tooSlow: () => void;
  readonly callsPerConnection: number;
  /** After this long a connection takes no new call (NET-2). Milliseconds, give or take a tenth. */
  readonly connectionAgeMs: number;
  /** And this much later it is closed. Milliseconds. */
  readonly connectionAgeGraceMs: number;
}

/** Speaks gRPC on sockets that somebody else accepts. */
export interface Carrier {
  accept(socket: Socket): void;
  /** For new connections. @throws Error if it is not usable; the old one then stays */
  replaceTls(material: TlsMaterial): void;
  /** Tells clients to take their next call elsewhere (GOAWAY), and closes their connections after the grace. */
  drain(graceMs: number): void;
  /** Closes all connections. */
  destroy(): void;
}

/** A silent connection is asked for a sign of life after this long, and has so long to give it (NET-1, REL-17). Milliseconds. */
export const KEEPALIVE = { silentMs: 30_000, answerMs: 10_000 };
