import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { Server as GrpcServer, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { pointsIn, type ReceivedPoint, type ReceivedRecord, type ReceivedSpan, recordsIn, spansIn } from './decode.js';

/** A request as it came. */
export interface Received {
  /** Last part of its path: `traces`, `metrics` or `logs`; of gRPC, its service. */
  readonly signal: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

const SIGNAL_OF = { TraceService: 'traces', MetricsService: 'metrics', LogsService: 'logs' } as const;

/** An OpenTelemetry collector on real sockets, by HTTP and gRPC, that can be told to hang or to refuse. */
export class OtlpReceiver {
  readonly received: Received[] = [];
  /** Of HTTP: 200 takes it, another status refuses it, 0 never answers. */
  status = 200;
  /** Requests that were begun, those that are refused or hang, too. */
  asked = 0;

  private constructor(
    private readonly http: HttpServer,
    private readonly grpc: GrpcServer,
    private readonly grpcPort: number,
  ) {}

  static async start(): Promise<OtlpReceiver> {
    const grpc = new GrpcServer();
    const http = createServer();
    for (const [service, signal] of Object.entries(SIGNAL_OF)) {
      const name = `opentelemetry.proto.collector.${signal === 'traces' ? 'trace' : signal}.v1.${service}`;
      const path = `/${name}/Export`;
      const raw = { requestStream: false, responseStream: false, requestSerialize: pass, responseSerialize: pass };
      grpc.addService(
        { Export: { path, ...raw, requestDeserialize: pass, responseDeserialize: pass } },
        {
          Export: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
            receiver.take({ signal, headers: call.metadata.getMap(), bytes: call.request });
            done(null, Buffer.alloc(0));
          },
        },
      );
    }
    const grpcPort = await new Promise<number>((resolve, reject) =>
      grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    const receiver = new OtlpReceiver(http, grpc, grpcPort);
    http.on('request', (request, response) => void receiver.#serve(request, response));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  get grpcUrl(): string {
    return `http://127.0.0.1:${this.grpcPort}`;
  }

  take(one: Received): void {
    this.asked += 1;
    this.received.push(one);
  }

  get spans(): ReceivedSpan[] {
    return this.#of('traces').flatMap(spansIn);
  }

  get points(): ReceivedPoint[] {
    return this.#of('metrics').flatMap(pointsIn);
  }

  get records(): ReceivedRecord[] {
    return this.#of('logs').flatMap(recordsIn);
  }

  async close(): Promise<void> {
    this.grpc.forceShutdown();
    this.http.closeAllConnections();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }

  #of(signal: string): Buffer[] {
    return this.received.filter((one) => one.signal === signal).map(({ bytes }) => bytes);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.status === 0) {
      this.asked += 1;
      request.resume();
      return;
    }
    const body = await buffer(request);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const signal = request.url?.split('/').at(-1) ?? '';
    if (this.status === 200) this.take({ signal, headers: request.headers, bytes });
    else this.asked += 1;
    response.writeHead(this.status, { 'Content-Type': 'application/x-protobuf' }).end();
  }
}

const pass = (bytes: Buffer): Buffer => bytes;
