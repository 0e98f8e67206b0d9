import { constants } from 'node:crypto';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { type ConnectionInjector, type Server, ServerCredentials } from '@grpc/grpc-js';
import { type Clock, invariant, type Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';

/** Key and certificate chain of the server, in PEM. */
export interface TlsMaterial {
  readonly keyPem: string;
  readonly certPem: string;
  /** Trust anchors that may be sent along; clients are not asked for certificates. */
  readonly caPem?: string;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `plaintext` is for tests and gRPC clients on the same host: a loopback address is required (SEC-16). */
  readonly tls: TlsMaterial | 'plaintext';
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Admitted streams on it. */
  streams: number;
  /** While it has none. */
  cancelDeadline: (() => void) | undefined;
}

/** Connections that the kernel keeps for us while we are busy; with the default a mass reconnect loses some. */
const BACKLOG = 4096;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/**
 * TLS 1.3 without tickets: a resumed session would skip the checks of a new one (M1, M2, SEC-6).
 * grpc-js has no option for either, but takes any credentials that hand it a secure context.
 */
class StrictTls extends ServerCredentials {
  constructor(material: TlsMaterial, handshakeMs: number) {
    super({ requestCert: false, minVersion: 'TLSv1.3', handshakeTimeout: handshakeMs }, contextOf(material));
  }

  replace(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

const contextOf = ({ keyPem, certPem, caPem }: TlsMaterial): SecureContextOptions => ({
  key: keyPem,
  cert: certPem,
  minVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
  ...(caPem === undefined ? {} : { ca: caPem }),
});

/**
 * The listening socket. It is our own, for its backlog and because sockets that never authenticate must be closed
 * (SEC-8); connections are handed to grpc-js, which does TLS and HTTP/2.
 */
export class Transport {
  readonly #sockets = new Map<string, Connection>();
  /** Sockets without a stream, by the address they come from. */
  readonly #idle = new Map<string, number>();
  #listener: NetServer | undefined;
  #injector: ConnectionInjector | undefined;
  #tls: StrictTls | undefined;

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /** Starts to listen. @returns the port */
  async listen(server: Server, { host, port, tls }: ListenOptions): Promise<number> {
    invariant(!this.#listener, 'listening already');
    if (tls === 'plaintext' && !LOOPBACK.test(host)) throw new Error('plaintext xDS is for loopback addresses only');
    if (tls !== 'plaintext') this.#tls = new StrictTls(tls, this.limits.handshakeMs);
    this.#injector = server.createConnectionInjector(this.#tls ?? ServerCredentials.createInsecure());
    const listener = createServer((socket) => this.#accept(socket));
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ host, port, backlog: BACKLOG }, resolve);
    });
    const address = listener.address();
    invariant(typeof address === 'object' && address !== null, 'a TCP listener has an address');
    return address.port;
  }

  /** Key and certificate for new connections. @throws Error if they are not usable; the old ones then stay */
  replaceTls(material: TlsMaterial): void {
    invariant(this.#tls, 'not listening with TLS');
    this.#tls.replace(material);
  }

  /** The peer of this socket was given a stream: as long as it has one, the socket stays. */
  streamOpened(peer: string): void {
    const connection = this.#sockets.get(peer);
    if (!connection) return;
    if (connection.streams++ === 0) this.#busy(connection);
  }

  streamClosed(peer: string): void {
    const connection = this.#sockets.get(peer);
    if (connection && --connection.streams === 0) this.#rest(connection);
  }

  /** Destroys the socket of a peer, unless other streams of it go on. */
  destroyIdleSocket(peer: string): void {
    const connection = this.#sockets.get(peer);
    if (connection?.streams === 0) connection.socket.destroy();
  }

  /** No further connections, and no further calls on those there are: clients are told to go elsewhere (GOAWAY, NET-2). */
  stopAccepting(graceMs: number): void {
    this.#listener?.close();
    this.#injector?.drain(graceMs);
  }

  close(): void {
    this.#injector?.destroy();
    for (const { socket } of this.#sockets.values()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const full = this.#sockets.size >= this.limits.maxConnections ? 'maxConnections' : undefined;
    const crowded = (this.#idle.get(address) ?? 0) >= this.limits.idlePerAddress ? 'idlePerAddress' : undefined;
    const limit = full ?? crowded;
    if (limit) {
      limitHit(this.metrics, limit);
      socket.destroy();
      return;
    }
    const peer = peerName(socket);
    const connection: Connection = { socket, address, streams: 0, cancelDeadline: undefined };
    this.#sockets.set(peer, connection);
    this.#rest(connection);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#busy(connection);
      this.#sockets.delete(peer);
    });
    this.#injector?.injectConnection(socket);
  }

  /** It has no stream, or none any more: it gets a deadline, and counts among the idle ones of its address. */
  #rest(connection: Connection): void {
    const { address, socket } = connection;
    this.#idle.set(address, (this.#idle.get(address) ?? 0) + 1);
    connection.cancelDeadline = this.clock.after(this.limits.unauthenticatedMs, () => {
      limitHit(this.metrics, 'unauthenticatedMs');
      socket.destroy();
    });
  }

  #busy(connection: Connection): void {
    if (!connection.cancelDeadline) return;
    connection.cancelDeadline();
    connection.cancelDeadline = undefined;
    const left = (this.#idle.get(connection.address) ?? 1) - 1;
    if (left > 0) this.#idle.set(connection.address, left);
    else this.#idle.delete(connection.address);
  }
}

/** As grpc-js names the peer of a call. */
const peerName = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;
