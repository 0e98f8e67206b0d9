import { Agent, get } from 'node:http';

export interface LoadTarget {
  readonly port: number;
  readonly host?: string;
  /** Host header. */
  readonly authority?: string;
}

/** Requests without a pause, over kept connections and over new ones, until it is stopped. Counts every answer. */
export class Load {
  /** Bodies of good answers, oldest first; at most the last thousand. */
  readonly answers: string[] = [];
  /** Status and body, or the error, of everything else. */
  readonly failures: string[] = [];
  total = 0;
  #running = true;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #workers: Promise<void>[];

  constructor(
    private readonly target: LoadTarget,
    workers = 4,
  ) {
    this.#workers = Array.from({ length: workers }, (_, index) => this.#work(index % 2 === 0));
  }

  /** True once this many answers have come since the call that made it, and what they say holds for the last of them. */
  next(count: number, holds: (bodies: readonly string[]) => boolean): () => boolean {
    const from = this.total;
    return () => this.total >= from + count && holds(this.answers.slice(-count));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
    this.#agent.destroy();
  }

  async #work(kept: boolean): Promise<void> {
    while (this.#running) {
      const { status, body } = await this.#request(kept);
      this.total += 1;
      if (status === 200) this.answers.push(body);
      else this.failures.push(`${status} ${body}`);
      if (this.answers.length > 1000) this.answers.shift();
      // Leaves the machine to those who do the work.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #request(kept: boolean): Promise<{ readonly status: number; readonly body: string }> {
    const { port, host = '127.0.0.1', authority } = this.target;
    return new Promise((resolve) => {
      const headers = authority === undefined ? {} : { host: authority };
      const request = get({ host, port, path: '/', headers, agent: kept ? this.#agent : false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', (error) => resolve({ status: 0, body: String(error) }));
      });
      request.on('error', (error) => resolve({ status: 0, body: String(error) }));
    });
  }
}
