import type { Socket } from 'node:net';
import type { Way } from './way.js';

/** Turns bytes that came from the target into those that the client gets. */
export type Rewrite = (chunk: Buffer) => Buffer;

export interface LinkOptions {
  readonly client: Socket;
  readonly connect: () => Promise<Socket>;
  readonly way: Way;
  readonly delayMs: number;
  readonly rewrite: Rewrite | undefined;
  readonly closed: () => void;
}

const stopsUp = (way: Way): boolean => way === 'silent' || way === 'silent-to-target';
const stopsDown = (way: Way): boolean => way === 'silent' || way === 'silent-from-target';

/** One connection through a `FaultProxy`. What is held back waits in the sockets: the sender feels a full window. */
export class Link {
  #target: Socket | undefined;
  #way: Way;
  #delayMs: number;
  #abandoned = false;
  #ended = false;

  constructor(private readonly options: LinkOptions) {
    this.#way = options.way;
    this.#delayMs = options.delayMs;
    const { client } = options;
    client.setNoDelay(true);
    client.pause();
    client.on('error', () => {});
    client.on('close', () => this.#clientGone());
    client.on('data', (chunk: Buffer) => this.#pass(chunk, () => this.#target));
    client.on('end', () => this.#finish(() => this.#target));
    // While nothing passes, not even the connection is made.
    if (!stopsUp(this.#way)) void this.#open();
  }

  set(way: Way): void {
    this.#way = way;
    if (this.#target === undefined) {
      if (!stopsUp(way) && !this.#abandoned) void this.#open();
      return;
    }
    this.#flow();
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  reset(): void {
    this.options.client.resetAndDestroy();
    this.#target?.resetAndDestroy();
  }

  /** The target's side ends; the client is not told and gets no answer any more. */
  abandon(): void {
    this.#abandoned = true;
    this.#target?.resetAndDestroy();
    this.options.client.resume(); // a dead machine's network swallows what is sent
  }

  #flow(): void {
    const { client } = this.options;
    if (stopsUp(this.#way)) client.pause();
    else client.resume();
    if (stopsDown(this.#way)) this.#target?.pause();
    else this.#target?.resume();
  }

  #opening = false;
  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    const { client, rewrite } = this.options;
    let target: Socket;
    try {
      target = await this.options.connect();
    } catch {
      client.resetAndDestroy();
      return;
    }
    if (client.destroyed) {
      target.resetAndDestroy();
      return;
    }
    this.#target = target;
    target.on('data', (chunk: Buffer) => this.#pass(rewrite === undefined ? chunk : rewrite(chunk), () => client));
    target.on('end', () => this.#finish(() => client));
    target.on('close', () => this.#targetGone());
    this.#flow();
  }

  #pass(chunk: Buffer, to: () => Socket | undefined): void {
    if (this.#abandoned || chunk.length === 0) return;
    if (this.#delayMs === 0) to()?.write(chunk);
    else setTimeout(() => to()?.write(chunk), this.#delayMs);
  }

  #finish(to: () => Socket | undefined): void {
    if (this.#abandoned) return;
    setTimeout(() => to()?.end(), this.#delayMs);
  }

  #clientGone(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.options.closed();
    this.#target?.destroy();
  }

  #targetGone(): void {
    if (this.#abandoned || this.#ended) return;
    // Bytes that the client has not had yet still go out: a close is not a reset.
    setTimeout(() => this.options.client.destroySoon(), this.#delayMs);
  }
}
