import type { Socket } from 'node:net';
import {
  type ConnectionInjector,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { type Call, type CallListener, type Message, refuse, type StatusName } from './call.js';
import {
  type Admitted,
  type Carrier,
  type CarrierOptions,
  type Headers,
  KEEPALIVE,
  type TlsMaterial,
} from './carrier.js';
import { contextOf } from './tls.js';

type Duplex = ServerDuplexStream<Buffer, Message>;

/** grpc-js has no option for what we want of TLS, but takes any credentials that hand it a secure context. */
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

/** gRPC by the server of grpc-js. */
export class GrpcJsCarrier implements Carrier {
  readonly #server: Server;
  readonly #tls: StrictTls | undefined;
  readonly #injector: ConnectionInjector;
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  constructor(private readonly options: CarrierOptions) {
    const { maxMessageBytes, callsPerConnection, connectionAgeMs, connectionAgeGraceMs, handshakeMs } = options;
    this.#tls = options.tls && new StrictTls(options.tls, handshakeMs);
    this.#server = new Server({
      interceptors: [this.#interceptor],
      'grpc.keepalive_time_ms': KEEPALIVE.silentMs,
      'grpc.keepalive_timeout_ms': KEEPALIVE.answerMs,
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_connection_age_ms': connectionAgeMs,
      'grpc.max_connection_age_grace_ms': connectionAgeGraceMs,
      'grpc.max_concurrent_streams': callsPerConnection,
      'grpc.enable_channelz': 0,
    });
    for (const [path, open] of options.methods) {
      const handler = (call: Duplex): void => open(new GrpcJsCall(call), this.#admittedOf(call.metadata));
      this.#server.addService({ [path]: streamOf(path) }, { [path]: handler });
    }
    this.#injector = this.#server.createConnectionInjector(this.#tls ?? ServerCredentials.createInsecure());
  }

  accept(socket: Socket): void {
    this.#injector.injectConnection(socket);
  }

  replaceTls(material: TlsMaterial): void {
    this.#tls?.replace(material);
  }

  drain(graceMs: number): void {
    this.#injector.drain(graceMs);
  }

  destroy(): void {
    this.#server.forceShutdown();
    this.#injector.destroy();
  }

  #admittedOf(metadata: Metadata): Admitted {
    const admitted = this.#admitted.get(metadata);
    if (!admitted) throw new Error('the interceptor lets nobody through who was not admitted');
    return admitted;
  }

  /** An interceptor of the whole server, so no method can be forgotten; no message is handed on before it has judged (SEC-7, M4). */
  readonly #interceptor: ServerInterceptor = (_method, call) => {
    let cancel = (): void => {};
    const end: Call['end'] = (name, details, trailers) => {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(trailers ?? {})) metadata.set(key, value);
      call.sendStatus({ code: status[name], details, metadata });
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const admitting = this.options.admit(headersOf(metadata), call.getPeer());
        cancel = () => admitting.cancel();
        admitting.admitted.then(
          (admitted) => {
            this.#admitted.set(metadata, admitted);
            next(metadata);
          },
          (error: unknown) => refuse({ end }, error),
        );
      })
      .withOnCancel(() => cancel())
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/** A call of grpc-js. */
class GrpcJsCall implements Call {
  constructor(private readonly call: Duplex) {
    call.on('error', () => {});
  }

  get peer(): string {
    return this.call.getPeer();
  }

  listen(listener: CallListener): void {
    let open = true;
    const closed = (): void => {
      if (open) listener.closed();
      open = false;
    };
    // grpc-js reports calls that we ended ourselves as cancelled, too.
    for (const event of ['cancelled', 'error', 'close']) this.call.on(event, closed);
    this.call.on('data', (bytes: Buffer) => listener.message(bytes));
    this.call.on('end', () => listener.halfClosed());
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  write(message: Message, taken: () => void): void {
    this.call.write(message, taken);
  }

  /** grpc-js turns the error of a call into its status. */
  end(name: StatusName, details: string): void {
    if (name === 'OK') this.call.end();
    else this.call.emit('error', { code: status[name], details });
  }
}

/** On the wire a unary call is a stream with one message either way, so every method is served as a stream. */
const streamOf = (path: string): MethodDefinition<Buffer, Message> => ({
  ...{ path, requestStream: true, responseStream: true, requestSerialize: notAClient, responseDeserialize: notAClient },
  requestDeserialize: (bytes) => bytes,
  // It asks a serialized message for `byteLength` and `copy` only (NET-6).
  responseSerialize: (message) => message as unknown as Buffer,
});

const notAClient = (): never => {
  throw new Error('the server reads no responses');
};

const headersOf = (metadata: Metadata): Headers =>
  new Map(Object.keys(metadata.getMap()).map((key) => [key, metadata.get(key).map(String)]));
