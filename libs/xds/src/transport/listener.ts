import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { type Clock, invariant, type Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';
import type { Carrier, TlsMaterial } from './carrier.js';
import { peerName } from './tls.js';

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
 * The listening socket. It is our own, for its backlog and because sockets that never authenticate must be closed
 * (SEC-8); what is spoken on a connection is the carrier's business.
 */
export class Listener {
  readonly #sockets = new Map<string, Connection>();
  /** Sockets without a stream, by the address they come from. */
  readonly #idle = new Map<string, number>();
  #listener: NetServer | undefined;
  #carrier: Carrier | undefined;

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /** Starts to listen. @returns the port */
  async listen(carrier: Carrier, { host, port, tls }: ListenOptions): Promise<number> {
    invariant(!this.#listener, 'listening already');
    if (tls === 'plaintext' && !LOOPBACK.test(host)) throw new Error('plaintext xDS is for loopback addresses only');
    this.#carrier = carrier;
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
    invariant(this.#carrier, 'not listening');
    this.#carrier.replaceTls(material);
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
    this.#carrier?.drain(graceMs);
  }

  close(): void {
    this.#carrier?.destroy();
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
    this.#carrier?.accept(socket);
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
