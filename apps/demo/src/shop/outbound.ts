import { Agent, type IncomingMessage, request } from 'node:http';
import { Client, credentials, status as grpcStatus, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type ChargeRequest, paymentsClient, paymentsDefinition } from './grpc-json.js';
import type { CallResult, Hop } from './hop.js';

export interface HttpCall {
  /** `http://orders/checkout`: the host is a name of the mesh. */
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const CALL_TIMEOUT_MS = 30_000;

/** gRPC codes that a mesh answers with, as the HTTP status that says the same. */
const HTTP_STATUS = new Map<number, number>([
  [grpcStatus.PERMISSION_DENIED, 403],
  [grpcStatus.UNAUTHENTICATED, 401],
  [grpcStatus.UNIMPLEMENTED, 404],
  [grpcStatus.DEADLINE_EXCEEDED, 504],
  [grpcStatus.UNAVAILABLE, 503],
]);

/** The way out of a service: everything goes through the sidecar beside it. */
export class Outbound {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #host: string;
  readonly #port: number;
  readonly #payments: Client | undefined;

  /**
   * @param sidecar `HOST:PORT` of the sidecar's shared HTTP port.
   * @param grpcTarget `HOST:PORT` of the sidecar's loopback listener for payments, or of its shared HTTP port; without
   *   it Charge cannot be called.
   * @param grpcAuthority name of payments in the mesh, `payments:9090`: what the shared HTTP port routes by.
   */
  constructor(sidecar: string, grpcTarget?: string, grpcAuthority?: string) {
    [this.#host, this.#port] = splitHostPort(sidecar);
    if (grpcTarget === undefined) return;
    const options = grpcAuthority === undefined ? {} : { 'grpc.default_authority': grpcAuthority };
    this.#payments = paymentsClient(grpcTarget, credentials.createInsecure(), options);
  }

  /** One HTTP call in the form that programs with `http_proxy` use: the whole URL in the request line, and Host. */
  http(call: HttpCall): Promise<CallResult> {
    const { url, method = 'GET', headers = {}, body } = call;
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve({ to: url, status: 0, answer: null, error: error.message });
      let host: string;
      try {
        host = new URL(url).host;
      } catch (error) {
        return failed(error as Error);
      }
      const outgoing = request(
        {
          host: this.#host,
          port: this.#port,
          path: url,
          method,
          agent: this.#agent,
          signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
          headers: { ...headers, host, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
        },
        (response) => {
          readBody(response).then(
            (text) => resolve({ to: url, status: response.statusCode ?? 0, answer: parsed(text) }),
            failed,
          );
        },
      );
      outgoing.on('error', failed);
      outgoing.end(body);
    });
  }

  /** Payments.Charge by gRPC. */
  charge(requested: ChargeRequest): Promise<CallResult> {
    const to = 'grpc:Payments.Charge';
    const client = this.#payments;
    if (!client) return Promise.resolve({ to, status: 0, answer: null, error: 'started without --grpc-target' });
    const { path, requestSerialize, responseDeserialize } = paymentsDefinition.Charge;
    const deadline = Date.now() + CALL_TIMEOUT_MS;
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: Hop): void => {
        if (!error) resolve({ to, status: 200, answer });
        else resolve({ to, status: HTTP_STATUS.get(error.code) ?? 500, answer: null, error: error.message });
      };
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        requested,
        new Metadata(),
        { deadline },
        done,
      );
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#payments?.close();
  }
}

/** Splits `127.0.0.1:8080`. @throws Error when there is no port. */
export function splitHostPort(text: string): [host: string, port: number] {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  if (!match?.[1] || !match[2]) throw new Error(`${JSON.stringify(text)} is not HOST:PORT`);
  return [match[1].replace(/^\[(.*)\]$/, '$1'), Number(match[2])];
}

/** The whole body as text. */
export async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
