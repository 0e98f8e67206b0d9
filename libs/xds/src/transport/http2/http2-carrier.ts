import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '#libs/kernel';
import { type Call, refuse } from '../call.js';
import {
  type Admitted,
  type Carrier,
  type CarrierOptions,
  type Headers,
  KEEPALIVE,
  type TlsMaterial,
} from '../carrier.js';
import { contextOf, peerName } from '../tls.js';
import { type CallOptions, Http2Call } from './http2-call.js';
import { httpError, timeoutMs } from './status.js';

/** How often connections are looked at. Milliseconds. */
const SWEEP_MS = 2_000;
/** Memory that one connection may use for what it was sent and has not taken, in megabytes; large answers go out in slices. */
const SESSION_MB = 64;
const GOLDEN = 0.618;

interface Connection {
  readonly session: ServerHttp2Session;
  readonly peer: string;
  readonly socket: Socket;
  /** Milliseconds of the monotonic clock. */
  readonly agesAt: number;
  aged: boolean;
  /** Bytes it had sent at the last look, and when more than before were seen. */
  bytesRead: number;
  heardAt: number;
  /** A sign of life was asked for. */
  asked: boolean;
}

/** gRPC straight on node:http2: what an xDS server needs of it, and nothing between a response and the frame. */
export class Http2Carrier implements Carrier {
  readonly #server: Http2Server | Http2SecureServer;
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  readonly #stopSweeps: () => void;
  readonly #callOptions: CallOptions;
  #count = 0;

  constructor(
    private readonly options: CarrierOptions,
    private readonly clock: Clock,
  ) {
    this.#callOptions = { ...options, clock };
    this.#server = makeServer(options);
    this.#server.on('session', (session: ServerHttp2Session) => this.#enter(session));
    this.#server.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
        this.#open(stream, headers, raw);
      },
    );
    this.#server.on('sessionError', () => {}); // 'close' follows
    this.#stopSweeps = clock.every(SWEEP_MS, () => this.#sweep());
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  replaceTls(material: TlsMaterial): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(contextOf(material));
  }

  drain(graceMs: number): void {
    for (const { session } of this.#connections.values()) goAway(session);
    this.clock.after(graceMs, () => this.destroy());
  }

  destroy(): void {
    this.#stopSweeps();
    for (const { session } of this.#connections.values()) session.destroy();
  }

  #enter(session: ServerHttp2Session): void {
    const { socket } = session;
    const now = this.clock.monotonic();
    const share = 0.9 + 0.2 * ((this.#count++ * GOLDEN) % 1); // those that came together do not go together
    this.#connections.set(session, {
      ...{ session, socket: socket as Socket, peer: peerName(socket), aged: false, asked: false },
      ...{ agesAt: now + this.options.connectionAgeMs * share, bytesRead: 0, heardAt: now },
    });
    session.on('error', () => session.destroy());
    session.once('close', () => this.#connections.delete(session));
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    const connection = stream.session && this.#connections.get(stream.session as ServerHttp2Session);
    const error = httpError(headers[':method'] as string | undefined, headers['content-type']);
    if (!connection || error !== undefined) {
      stream.on('error', () => {});
      if (connection) stream.respond({ ':status': error ?? 400 }, { endStream: true });
      else stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const call = new Http2Call(stream, connection.peer, this.#callOptions);
    this.#limit(stream, call, headers['grpc-timeout'] as string | undefined);
    const admitting = this.options.admit(headersOf(raw), connection.peer);
    stream.once('close', () => admitting.cancel());
    admitting.admitted.then(
      (admission) => this.#handOver(call, admission, headers[':path'] as string),
      (denied: unknown) => refuse(call, denied),
    );
  }

  #handOver(call: Call, admitted: Admitted, path: string): void {
    const handler = this.options.methods.get(path) ?? unknownMethod;
    handler(call, admitted);
  }

  #limit(stream: ServerHttp2Stream, call: Call, header: string | undefined): void {
    const ms = timeoutMs(header);
    if (ms === undefined) return;
    const cancel = this.clock.after(ms, () => call.end('DEADLINE_EXCEEDED', 'the deadline of the call has passed'));
    stream.once('close', cancel);
  }

  #sweep(): void {
    const now = this.clock.monotonic();
    for (const connection of this.#connections.values()) {
      if (!this.#isAlive(connection, now)) connection.session.destroy();
      else if (now > connection.agesAt) this.#age(connection);
    }
  }

  #isAlive(connection: Connection, now: number): boolean {
    const { session, socket } = connection;
    if (session.destroyed) return true; // it is about to leave, and its socket cannot be asked any more
    const { bytesRead } = socket;
    if (bytesRead !== connection.bytesRead) {
      connection.bytesRead = bytesRead;
      connection.heardAt = now;
      connection.asked = false;
      return true;
    }
    const silent = now - connection.heardAt;
    if (silent >= KEEPALIVE.silentMs + KEEPALIVE.answerMs) return !connection.asked;
    if (silent >= KEEPALIVE.silentMs && !connection.asked) connection.asked = session.ping(() => {});
    return true;
  }

  #age(connection: Connection): void {
    if (connection.aged) return;
    connection.aged = true;
    goAway(connection.session);
    const cancel = this.clock.after(this.options.connectionAgeGraceMs, () => connection.session.destroy());
    connection.session.once('close', cancel);
  }
}

function makeServer({ tls, handshakeMs, callsPerConnection }: CarrierOptions): Http2Server | Http2SecureServer {
  const common = {
    maxSessionMemory: SESSION_MB,
    settings: { maxConcurrentStreams: callsPerConnection, enablePush: false },
  };
  if (!tls) return createServer(common);
  return createSecureServer({ ...common, ...contextOf(tls), handshakeTimeout: handshakeMs, allowHTTP1: false });
}

/** Calls that are already on their way are still answered: the client learns from it to make the next one elsewhere. */
function goAway(session: ServerHttp2Session): void {
  if (!session.destroyed && !session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
}

function unknownMethod(call: Call, { leave }: Admitted): void {
  leave();
  call.end('UNIMPLEMENTED', 'there is no such method');
}

/** Every header as it came: node:http2 keeps only the first of several credentials. */
function headersOf(raw: readonly string[]): Headers {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] ?? '', raw[at + 1] ?? ''];
    if (name.startsWith(':')) continue;
    const values = headers.get(name);
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  return headers;
}
