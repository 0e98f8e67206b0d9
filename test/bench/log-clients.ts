/** Sidecars as the access log service sees them: entries of requests, attempts and what was served, at a steady rate. */
import { Client, type ClientWritableStream, credentials, Metadata } from '@grpc/grpc-js';
import { ACCESS_LOG_METHOD, type LogEntry } from '#libs/telemetry';
import { logMessage } from '../../libs/telemetry/testing/index.js';

export const BACKS = 20;
const LOGS = ['request', 'attempt', 'served'] as const;
/** One of so many has failed. */
const FAILING = 50;
/** Envoy sends what it has gathered in a second, or 16 KiB. */
const ENTRIES_A_MESSAGE = 45;
const TICK_MS = 100;
const AGAIN_MS = 500;

const same = (bytes: Buffer): Buffer => bytes;

/** A stream that is opened again when it has ended, as the server ends each when it is old enough. */
interface LogStream {
  to: ClientWritableStream<Buffer>;
}

export interface LogTarget {
  readonly port: number;
  readonly serverName: string;
  readonly caPem: string;
}

export class LogClients {
  /** Entries that were written, and that found no room, as a sidecar drops them. */
  offered = 0;
  refused = 0;
  readonly #clients: Client[] = [];
  readonly #sidecars: (readonly LogStream[])[] = [];
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #n = 0;

  constructor(private readonly target: LogTarget) {}

  join(name: string, token: string): void {
    const { port, serverName, caPem } = this.target;
    const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(caPem)), {
      'grpc.ssl_target_name_override': serverName,
    });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    this.#clients.push(client);
    this.#sidecars.push(
      LOGS.map((log) => this.#open({ client, metadata, first: logMessage([], { id: name, log: `${log};1/16` }) })),
    );
  }

  /** @param rate entries a second, of all together */
  start(rate: number): void {
    const began = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - began) / 1000) * rate;
      while (this.offered + this.refused < due) this.#message();
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
    for (const { to } of this.#sidecars.flat()) to.cancel();
    for (const client of this.#clients) client.close();
  }

  #open({ client, metadata, first }: { client: Client; metadata: Metadata; first: Buffer }): LogStream {
    const open = (): ClientWritableStream<Buffer> => {
      const ended = (): void => void setTimeout(again, AGAIN_MS);
      const to = client.makeClientStreamRequest(ACCESS_LOG_METHOD, same, same, metadata, ended);
      to.on('error', () => {});
      to.write(first);
      return to;
    };
    const again = (): void => {
      if (!this.#isStopped) stream.to = open();
    };
    const stream = { to: open() };
    return stream;
  }

  #message(): void {
    this.#n += 1;
    const sidecar = this.#sidecars[this.#n % this.#sidecars.length];
    const stream = sidecar?.[Math.floor(this.#n / this.#sidecars.length) % LOGS.length];
    if (!stream) return;
    if (stream.to.writableNeedDrain) {
      this.refused += ENTRIES_A_MESSAGE;
      return;
    }
    stream.to.write(logMessage(Array.from({ length: ENTRIES_A_MESSAGE }, (_, i) => this.#entry(i))));
    this.offered += ENTRIES_A_MESSAGE;
  }

  #entry(i: number): Partial<LogEntry> {
    const n = this.#n * ENTRIES_A_MESSAGE + i;
    const back = `back-${n % BACKS}`;
    const hasFailed = n % FAILING === 0;
    return {
      ...{ cluster: `bench/${back}/8080`, route: `HTTPRoute/bench/${back}/${n % 3}`, host: back, attempt: 1 },
      ...{ upstream: `10.9.0.${1 + (n % BACKS)}:8080`, details: hasFailed ? 'upstream_reset' : 'via_upstream' },
      ...{ status: hasFailed ? 503 : 200, flags: hasFailed ? ['UC'] : [], startedAt: Date.now() - 20 },
      ...{ durationMs: 2 + ((n * 7919) % 400) / 10, path: `/products/${n % 1_000}/reviews?page=3` },
      requestId: `0${n.toString(16).padStart(7, '0')}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`,
    };
  }
}
