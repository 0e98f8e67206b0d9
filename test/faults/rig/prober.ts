import { Agent, get } from 'node:http';
import { until } from './until.js';

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Host header. */
  readonly authority: string;
}

/** A path that a policy denies to everybody. */
export const DENIED_PATH = '/denied';
/** Carries the number of the newest write that the answering Envoys know of. */
export const WRITE_HEADER = 'x-write';
const DENIED_EVERY = 10;
const PAUSE_MS = 5;
/** An answer that takes longer counts as none. */
const TIMEOUT_MS = 15_000;

interface Answer {
  readonly status: number;
  readonly write: number;
  readonly text: string;
}

/** Requests without end through a real Envoy, over a kept connection and over new ones: what the data plane feels of a fault. */
export class Prober {
  total = 0;
  denied = 0;
  /** I7: everything that was not answered as it should be, with the seconds since the start. */
  readonly failures: string[] = [];
  /** I8: requests that policy denies and that were answered all the same. */
  readonly leaks: string[] = [];
  /** Number of the newest write seen in an answer. */
  newest = 0;
  readonly #begun = performance.now();
  readonly #agent = new Agent({ keepAlive: true });
  #running = true;
  #paused = false;
  readonly #workers: Promise<void>[];

  constructor(private readonly target: ProbeTarget) {
    this.#workers = [true, false].map((kept) => this.#work(kept));
  }

  /** Lets the data plane be while its own processes are at fault. */
  pause(paused: boolean): void {
    this.#paused = paused;
  }

  /** One request of its own. */
  ask(path = '/', kept = false): Promise<Answer> {
    return new Promise((resolve) => {
      const { host, port, authority } = this.target;
      const options = { host, port, path, headers: { host: authority }, agent: kept ? this.#agent : (false as const) };
      const failed = (error: Error): void => resolve({ status: 0, write: 0, text: String(error) });
      const request = get({ ...options, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        const write = Number(response.headers[WRITE_HEADER] ?? 0);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, write, text }));
        response.on('error', failed);
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      request.on('error', failed);
    });
  }

  /** Waits until answers come from Envoys that know of this write or a later one. @returns milliseconds */
  sees(write: number, ms: number): Promise<number> {
    return until(`the data plane has write ${write}`, ms, async () => (await this.ask()).write >= write);
  }

  /** Waits for this many further answers. */
  async more(count: number): Promise<void> {
    const from = this.total;
    await until(`${count} further requests`, 60_000, () => this.total >= from + count);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
    this.#agent.destroy();
  }

  async #work(kept: boolean): Promise<void> {
    let n = kept ? 0 : DENIED_EVERY / 2;
    while (this.#running) {
      n += 1;
      if (!this.#paused) await this.#probe(n % DENIED_EVERY === 0 ? DENIED_PATH : '/', kept);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #probe(path: string, kept: boolean): Promise<void> {
    const { status, write, text } = await this.ask(path, kept);
    const at = `${((performance.now() - this.#begun) / 1000).toFixed(2)} s: ${path} ${status} ${text.slice(0, 120)}`;
    if (this.#paused) return;
    this.total += 1;
    if (path !== DENIED_PATH) {
      if (status !== 200) this.failures.push(at);
      this.newest = Math.max(this.newest, write);
      return;
    }
    this.denied += 1;
    if (status >= 200 && status < 300) this.leaks.push(at);
    else if (status !== 403) this.failures.push(at);
  }
}
