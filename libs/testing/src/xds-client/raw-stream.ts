import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { discoveryService, SERVICE } from '#libs/envoy-api';
import {
  decodeDelta,
  decodeSotw,
  encodeDelta,
  encodeSotw,
  type ReceivedResponse,
  type RequestFields,
} from './messages.js';

export type Variant = 'delta' | 'sotw';

export interface RawStreamOptions {
  readonly address: string;
  readonly token?: string | undefined;
  readonly variant: Variant;
  /** Key of `SERVICE`; `ads` by default. */
  readonly service?: keyof typeof SERVICE;
  /** PEM of the CA that signs the server; without it the connection is plaintext. */
  readonly caPem?: string | undefined;
  /** Name to expect in the server's certificate. */
  readonly serverName?: string | undefined;
  /** Called before a request is sent; `undefined`: bytes that were not made from fields. */
  readonly onRequest?: (fields: RequestFields | undefined) => void;
  readonly onResponse: (response: ReceivedResponse) => void;
  readonly onEnd: (end: StreamEnd) => void;
}

/** How a stream ended: a gRPC status. */
export interface StreamEnd {
  readonly code: number;
  readonly details: string;
}

/** One discovery stream on a connection of its own. It answers nothing by itself. */
export class RawStream {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #variant: Variant;
  readonly #onRequest: (fields: RequestFields | undefined) => void;
  #ended = false;

  constructor(options: RawStreamOptions) {
    this.#variant = options.variant;
    this.#onRequest = options.onRequest ?? (() => {});
    const secure =
      options.caPem === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(options.caPem));
    this.#client = new Client(options.address, secure, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': -1,
      ...(options.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': options.serverName }),
    });
    const metadata = new Metadata();
    if (options.token !== undefined) metadata.set('authorization', `Bearer ${options.token}`);
    this.#call = this.#client.makeBidiStreamRequest(path(options), same, same, metadata);
    const decode = options.variant === 'delta' ? decodeDelta : decodeSotw;
    this.#call.on('data', (bytes: Buffer) => options.onResponse(decode(bytes)));
    // The status says all that the error says.
    this.#call.on('error', () => {});
    this.#call.on('status', ({ code, details }) => {
      if (!this.#ended) options.onEnd({ code, details });
      this.#ended = true;
      this.#client.close();
    });
  }

  send(fields: RequestFields): void {
    this.#onRequest(fields);
    this.#call.write(this.#variant === 'delta' ? encodeDelta(fields) : encodeSotw(fields));
  }

  sendBytes(bytes: Buffer): void {
    this.#onRequest(undefined);
    this.#call.write(bytes);
  }

  /** Stops reading, as a client that hangs does. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  halfClose(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

const same = (bytes: Buffer): Buffer => bytes;

/** Path of the method, `/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources`. */
function path({ service = 'ads', variant }: RawStreamOptions): string {
  const methods = Object.entries(discoveryService(SERVICE[service]));
  const prefix = variant === 'delta' ? 'Delta' : 'Stream';
  const method = methods.find(([name]) => name.startsWith(prefix))?.[1];
  if (!method) throw new Error(`${service} has no ${prefix} method`);
  return method.path;
}
