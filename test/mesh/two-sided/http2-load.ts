import { type ClientHttp2Session, connect } from 'node:http2';

export interface Http2Target {
  readonly host: string;
  readonly port: number;
  readonly authority: string;
}

/** Like `Load`, by HTTP/2 without TLS: one worker keeps its session until it is asked to go, the other opens one a request. */
export class Http2Load {
  readonly answers: string[] = [];
  readonly failures: string[] = [];
  total = 0;
  #running = true;
  readonly #workers: Promise<void>[];

  constructor(private readonly target: Http2Target) {
    this.#workers = [this.#work(true), this.#work(false)];
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
  }

  async #work(kept: boolean): Promise<void> {
    let session: ClientHttp2Session | undefined;
    while (this.#running) {
      if (session === undefined || session.closed || session.destroyed) session = await this.#open();
      const answer: string = session === undefined ? '0 no connection' : await this.#request(session);
      this.total += 1;
      if (answer.startsWith('200 ')) this.answers.push(answer.slice(4));
      else this.failures.push(answer);
      if (this.answers.length > 1000) this.answers.shift();
      if (!kept) session?.close();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    session?.destroy();
  }

  #open(): Promise<ClientHttp2Session | undefined> {
    return new Promise((resolve) => {
      const session = connect(`http://${this.target.host}:${this.target.port}`);
      session.on('connect', () => resolve(session));
      session.on('error', () => resolve(undefined));
      session.on('goaway', () => session.close());
    });
  }

  #request(session: ClientHttp2Session): Promise<string> {
    return new Promise((resolve) => {
      let status = 0;
      let body = '';
      const stream = session.request({ ':path': '/', ':authority': this.target.authority });
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        status = Number(headers[':status'] ?? 0);
      });
      stream.on('data', (text: string) => {
        body += text;
      });
      stream.on('error', (error) => resolve(`0 ${error}`));
      stream.on('close', () => resolve(`${status} ${body}`));
    });
  }
}
