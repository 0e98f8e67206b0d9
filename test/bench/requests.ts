/** Requests over a kept connection, one after the other, each with its time. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ANSWER } from './answering.js';

const OKAY = 'HTTP/1.1 200';

export class Caller {
  #text = '';
  #answered: ((text: string) => void) | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly question: string,
  ) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text));
    socket.on('error', () => {});
    socket.on('close', () => this.#answered?.(''));
  }

  static async open(at: { readonly address: string; readonly port: number }, host: string): Promise<Caller> {
    const socket = connect(at.port, at.address);
    await once(socket, 'connect');
    return new Caller(socket, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }

  /** @returns milliseconds that it took @throws Error of any other answer than the application's */
  async ask(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#answered = resolve;
    this.#text = '';
    const began = performance.now();
    this.socket.write(this.question);
    const text = await promise;
    const took = performance.now() - began;
    if (!text.startsWith(OKAY)) throw new Error(`an answer that is none: ${text.slice(0, 200)}`);
    return took;
  }

  close(): void {
    this.socket.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    if (this.#text.endsWith(ANSWER) || !this.#text.startsWith(OKAY)) this.#answered?.(this.#text);
  }
}
