import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { type Clock, invariant, type Log, type Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';
import { clientOf } from '../serving/gate/address.js';
import { Gate } from '../serving/gate/gate.js';
import { openFilesFor } from '../serving/open-files.js';
import type { Carrier, TlsMaterial } from './carrier.js';
import { peerName } from './tls.js';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `plaintext` is for tests and gRPC clients on the same host: a loopback address is required (SEC-16). */
  readonly tls: TlsMaterial | 'plaintext';
}

export interface ListenerServices {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** As for `GateOptions`. */
  readonly busy: () => boolean;
}

interface Connection {
  readonly socket: Socket;
  /** Whom it is counted for. */
  readonly client: string;
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
 * (SEC-8). As many a turn as the event loop bears are let in (REL-12); what is spoken on them is the carrier's business.
 */
export class Listener {
  readonly #sockets = new Map<string, Connection>();
  /** Sockets without a stream, by whom they come from. */
  readonly #idle = new Map<string, number>();
  readonly #gate: Gate;
  readonly #maxConnections: number;
  #listener: NetServer | undefined;
  #carrier: Carrier | undefined;

  constructor(private readonly services: ListenerServices) {
    this.#gate = new Gate({ ...services, name: 'handshake', places: Number.POSITIVE_INFINITY });
    this.#maxConnections = openFilesFor(services.limits.maxConnections, services.log);
  }

  /** Starts to listen. @returns the port */
  async listen(carrier: Carrier, { host, port, tls }: ListenOptions): Promise<number> {
    invariant(!this.#listener, 'listening already');
    if (tls === 'plaintext' && !LOOPBACK.test(host)) throw new Error('plaintext xDS is for loopback addresses only');
    this.#carrier = carrier;
    // Nothing is read before a connection is let in: what it has sent waits in the kernel.
    const listener = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ host, port, backlog: BACKLOG }, () => {
        listener.off('error', reject);
        resolve();
      });
    });
    listener.on('error', (error) => this.#notAccepted(error));
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

  /** REL-45: those who are connected are not concerned, and the listening socket stays. */
  #notAccepted(error: Error): void {
    this.services.metrics.count('xds_accept_errors_total');
    this.services.log.error('a connection could not be accepted', { error: error.message });
  }

  #accept(socket: Socket): void {
    const { limits, metrics } = this.services;
    const address = socket.remoteAddress ?? '';
    const client = clientOf(address);
    const full = this.#sockets.size >= this.#maxConnections ? 'maxConnections' : undefined;
    const crowded = (this.#idle.get(client) ?? 0) >= limits.idlePerAddress ? 'idlePerAddress' : undefined;
    const limit = full ?? crowded;
    if (limit) {
      limitHit(metrics, limit);
      socket.destroy();
      return;
    }
    const peer = peerName(socket);
    const connection: Connection = { socket, client, streams: 0, cancelDeadline: undefined };
    this.#sockets.set(peer, connection);
    this.#rest(connection);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const withdraw = this.#gate.enter({
      address,
      admit: () => {
        // What is resumed begins to flow in the next tick: by then the reader is HTTP/2, or TLS.
        socket.resume();
        this.#carrier?.accept(socket);
      },
      refuse: () => socket.destroy(),
    });
    socket.once('close', () => {
      withdraw();
      this.#busy(connection);
      this.#sockets.delete(peer);
    });
  }

  /** It has no stream, or none any more: it gets a deadline, and counts among the idle ones of its address. */
  #rest(connection: Connection): void {
    const { client, socket } = connection;
    const { clock, limits, metrics } = this.services;
    this.#idle.set(client, (this.#idle.get(client) ?? 0) + 1);
    connection.cancelDeadline = clock.after(limits.unauthenticatedMs, () => {
      limitHit(metrics, 'unauthenticatedMs');
      socket.destroy();
    });
  }

  #busy(connection: Connection): void {
    if (!connection.cancelDeadline) return;
    connection.cancelDeadline();
    connection.cancelDeadline = undefined;
    const left = (this.#idle.get(connection.client) ?? 1) - 1;
    if (left > 0) this.#idle.set(connection.client, left);
    else this.#idle.delete(connection.client);
  }
}
