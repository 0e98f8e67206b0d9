import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server as GrpcServer, type handleUnaryCall, ServerCredentials } from '@grpc/grpc-js';
import { type ChargeRequest, paymentsDefinition } from './grpc-json.js';
import { type CallResult, describeHop, type Headers, type Hop, type Received, type ServiceName } from './hop.js';
import { Outbound, readBody } from './outbound.js';

export interface ShopServiceOptions extends ServiceName {
  readonly service: 'web' | 'orders' | 'catalog' | 'payments';
  /** Where to listen: loopback, since other hosts come through the sidecar. */
  readonly address: string;
  /** 0 = any free port. */
  readonly httpPort: number;
  /** Payments also listens for gRPC here; 0 = any free port. */
  readonly grpcPort?: number;
  /** `HOST:PORT` of the sidecar's shared HTTP port. */
  readonly outbound: string;
  /** `HOST:PORT` of the sidecar's loopback listener for payments. */
  readonly grpcTarget?: string;
  /** `payments:9090`, when `grpcTarget` is the shared HTTP port. */
  readonly grpcAuthority?: string;
}

/** Answers that end a request without a hop description. */
interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Longest wait of /slow, so that a typing error does not hold a stop. */
const SLOWEST_MS = 60_000;
const MAX_FLAKY_KEYS = 1000;

/** One service of the shop. It knows other services by their names in the mesh and reaches them by its sidecar only. */
export class ShopService {
  readonly #options: ShopServiceOptions;
  readonly #outbound: Outbound;
  readonly #http: Server;
  readonly #grpc: GrpcServer | undefined;
  readonly #failures = new Map<string, number>();
  #httpPort = 0;
  #grpcPort = 0;

  constructor(options: ShopServiceOptions) {
    this.#options = options;
    this.#outbound = new Outbound(options.outbound, options.grpcTarget, options.grpcAuthority);
    this.#http = createServer((request, response) => {
      void this.#serve(request, response);
    });
    // The sidecar keeps connections open for long; if the application closed idle ones first, a request could meet the
    // closing one and fail.
    this.#http.keepAliveTimeout = 0;
    this.#grpc = options.grpcPort === undefined ? undefined : this.#grpcServer();
  }

  get httpPort(): number {
    return this.#httpPort;
  }

  get grpcPort(): number {
    return this.#grpcPort;
  }

  /** @throws the system's error when a port is taken. */
  async start(): Promise<void> {
    const { address, httpPort, grpcPort = 0 } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(httpPort, address, resolve);
    });
    const bound = this.#http.address();
    this.#httpPort = bound !== null && typeof bound === 'object' ? bound.port : 0;
    const grpc = this.#grpc;
    if (!grpc) return;
    this.#grpcPort = await new Promise<number>((resolve, reject) => {
      grpc.bindAsync(`${address}:${grpcPort}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  /** Takes nothing new, finishes what runs, then resolves. */
  async stop(): Promise<void> {
    const http = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    const grpc = this.#grpc;
    const rpc = new Promise<void>((resolve) => (grpc ? grpc.tryShutdown(() => resolve()) : resolve()));
    await Promise.all([http, rpc]);
    this.#outbound.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = { method: request.method ?? 'GET', path: request.url ?? '/', headers: headersOf(request) };
    const reply = await this.#answer(received, request).catch((error: unknown) => ({
      status: 500,
      body: { error: String(error) },
    }));
    const text = JSON.stringify(reply.body);
    // After `stop()` the connection must not be kept: nobody would close it.
    const last = this.#http.listening ? {} : { connection: 'close' };
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...last,
    });
    response.end(text);
  }

  async #answer(received: Received, request: IncomingMessage): Promise<Reply> {
    const { pathname, searchParams } = new URL(received.path, 'http://service');
    const body = await readBody(request);
    switch (pathname) {
      case '/healthz':
        return { status: 200, body: { ok: true } };
      case '/call':
        return this.#call(received, searchParams, body);
      case '/slow':
        await sleep(Math.min(Number(searchParams.get('ms') ?? 1000) || 0, SLOWEST_MS));
        return { status: 200, body: this.#hop(received) };
      case '/flaky':
        return this.#flaky(received, searchParams);
      case '/work':
        return { status: 200, body: { ...this.#hop(received), echo: body } };
      default: {
        const calls = await this.#fanOut(pathname);
        const failed = calls.some((call) => call.status !== 200);
        return { status: failed ? 502 : 200, body: this.#hop(received, calls) };
      }
    }
  }

  /** What this service needs of others to answer a path: web -> orders and catalog -> payments. */
  #fanOut(pathname: string): Promise<readonly CallResult[]> {
    const { service, instance } = this.#options;
    const calls: Promise<CallResult>[] = [];
    if (service === 'web' && pathname === '/shop') {
      calls.push(
        this.#outbound.http({ url: 'http://orders/checkout' }),
        this.#outbound.http({ url: 'http://catalog/items' }),
      );
    }
    if (service === 'orders' && pathname === '/checkout')
      calls.push(this.#outbound.charge({ order: instance, cents: 1999 }));
    if (service === 'catalog' && pathname === '/items')
      calls.push(this.#outbound.http({ url: 'http://payments/charge' }));
    return Promise.all(calls);
  }

  /** `/call?url=...&method=POST&h.x-user=ann`: calls any URL of the mesh and tells what came back, always with 200. */
  async #call(received: Received, query: URLSearchParams, body: string): Promise<Reply> {
    const url = query.get('url');
    if (url === null) return { status: 400, body: { error: '/call needs ?url=' } };
    const headers: Record<string, string> = {};
    for (const [name, value] of query) if (name.startsWith('h.')) headers[name.slice(2)] = value;
    const method = query.get('method') ?? received.method;
    if (url === 'grpc:Payments.Charge') {
      return { status: 200, body: await this.#outbound.charge({ order: this.#options.instance, cents: 100 }) };
    }
    return { status: 200, body: await this.#outbound.http({ url, method, headers, ...(body !== '' && { body }) }) };
  }

  /** `/flaky?fail=2&key=K`: 503 to the first two calls of that key, then 200. */
  #flaky(received: Received, query: URLSearchParams): Reply {
    const key = query.get('key') ?? '';
    const seen = this.#failures.get(key) ?? 0;
    if (seen >= Number(query.get('fail') ?? 1)) return { status: 200, body: this.#hop(received) };
    if (this.#failures.size >= MAX_FLAKY_KEYS) this.#failures.clear();
    this.#failures.set(key, seen + 1);
    return {
      status: 503,
      body: { error: `flaky: failure ${seen + 1} of ${JSON.stringify(key)}`, ...this.#hop(received) },
    };
  }

  #hop(received: Received, calls: readonly CallResult[] = []): Hop {
    return describeHop(this.#options, received, calls);
  }

  #grpcServer(): GrpcServer {
    const server = new GrpcServer();
    const charge: handleUnaryCall<ChargeRequest, Hop> = (call, done) => {
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(call.metadata.getMap())) headers[name] = String(value);
      done(null, this.#hop({ method: 'gRPC', path: call.getPath(), headers }));
    };
    server.addService(paymentsDefinition, { Charge: charge });
    return server;
  }
}

function headersOf(request: IncomingMessage): Headers {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headersDistinct)) headers[name] = (value ?? []).join(', ');
  return headers;
}
