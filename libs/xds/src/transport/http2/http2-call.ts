import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '#libs/kernel';
import type { Call, CallListener, Message, StatusName } from '../call.js';
import type { CarrierOptions } from '../carrier.js';
import { framesOf, MessageReader, Unreadable } from './framing.js';
import { RESPONSE, trailersOf } from './status.js';

/**
 * Slices of a large message that are on their way to the socket at once. TLS copies what it is given; plain text is
 * written from the frame that all streams share, so it need not be cut, and a turn of the loop for each piece costs
 * 0.2 ms of 280 KB.
 */
const SLICES_UNDER_WAY = { tls: 2, plain: 24 };

interface Slice {
  readonly bytes: Buffer;
  /** For the last one of a message. */
  readonly taken: (() => void) | undefined;
}

const nothing = (): void => {};

export interface CallOptions extends Pick<CarrierOptions, 'maxMessageBytes' | 'messageMs' | 'tooSlow'> {
  readonly clock: Clock;
}

/** A call on a stream of node:http2. Large messages go out in slices, each when the socket has taken an earlier one. */
export class Http2Call implements Call {
  readonly #reader: MessageReader;
  #listener: CallListener | undefined;
  #waiting: Slice[] = [];
  readonly #encrypted: boolean;
  #underWay = 0;
  #ending: Record<string, string> | undefined;
  #closed = false;
  #paused = false;
  #cancelWait: (() => void) | undefined;
  /** The client has sent everything. */
  #ended = false;

  constructor(
    private readonly stream: ServerHttp2Stream,
    readonly peer: string,
    private readonly options: CallOptions,
  ) {
    this.#reader = new MessageReader(options.maxMessageBytes);
    this.#encrypted = stream.session?.encrypted ?? true;
    stream.on('error', nothing); // 'close' follows
    stream.on('close', () => this.#close());
  }

  listen(listener: CallListener): void {
    this.#listener = listener;
    if (this.#closed) {
      listener.closed();
      return;
    }
    this.stream.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#deliver();
    });
    this.stream.on('end', () => {
      this.#ended = true;
      this.#deliver();
    });
  }

  pause(): void {
    this.#paused = true;
    this.stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
    if (!this.#paused) this.stream.resume();
  }

  write(message: Message, taken: () => void): void {
    // A reset by the client, or the end of its connection, ends what it sends before 'close' says that nobody reads any more.
    if (this.#closed || this.#ending || this.stream.destroyed || this.stream.closed) {
      taken();
      return;
    }
    if (!this.stream.headersSent) this.stream.respond(RESPONSE, { waitForTrailers: true });
    const frames = framesOf(message, this.#encrypted);
    const [only] = frames;
    if (frames.length === 1 && only && this.#waiting.length === 0) {
      this.stream.write(only, taken);
      return;
    }
    const last = frames.length - 1;
    for (const [index, bytes] of frames.entries()) {
      this.#waiting.push({ bytes, taken: index === last ? taken : undefined });
    }
    this.#writeOn();
  }

  end(status: StatusName, details: string, trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#closed || this.#ending) return;
    this.#ending = { ...trailersOf(status, details), ...trailers };
    if (this.#waiting.length === 0) this.#finish(this.#ending);
  }

  #writeOn(): void {
    const most = this.#encrypted ? SLICES_UNDER_WAY.tls : SLICES_UNDER_WAY.plain;
    while (this.#underWay < most) {
      const slice = this.#waiting.shift();
      if (!slice) break;
      this.#underWay++;
      this.stream.write(slice.bytes, () => {
        this.#underWay--;
        slice.taken?.();
        this.#writeOn();
      });
    }
    if (this.#ending && this.#waiting.length === 0 && !this.#closed) this.#finish(this.#ending);
  }

  #finish(trailers: Record<string, string>): void {
    const { stream } = this;
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    if (!stream.headersSent) {
      stream.respond({ ...RESPONSE, ...trailers }, { endStream: true });
      this.#letGo();
      return;
    }
    stream.once('wantTrailers', () => {
      stream.sendTrailers(trailers);
      this.#letGo();
    });
    stream.end();
  }

  /** The answer is complete; a client that would go on sending is told that nobody reads it (RFC 9113, section 8.1). */
  #letGo(): void {
    const { stream } = this;
    stream.removeAllListeners('data');
    stream.resume();
    setImmediate(() => {
      if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  /** Several messages may have come in one chunk: whoever pauses gets no other of them. */
  #deliver(): void {
    try {
      while (this.#open) {
        const message = this.#reader.next();
        if (!message) break;
        this.#stopWaiting(); // the time is for one message
        this.#listener?.message(message);
      }
      if (this.#ended && this.#open) this.#halfClose();
      this.#awaitRest();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.end(error.status, error.message);
    }
  }

  /** Half of a message has a time to become whole. */
  #awaitRest(): void {
    const { clock, messageMs, tooSlow } = this.options;
    if (!this.#open || !this.#reader.unfinished) {
      this.#stopWaiting();
      return;
    }
    this.#cancelWait ??= clock.after(messageMs, () => {
      tooSlow();
      this.end('RESOURCE_EXHAUSTED', `a message was not complete after ${messageMs} ms`);
    });
  }

  #stopWaiting(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
  }

  /** Messages may be handed on. */
  get #open(): boolean {
    return !this.#paused && !this.#closed && !this.#ending;
  }

  #halfClose(): void {
    if (this.#reader.unfinished) this.end('INTERNAL', 'the last message is incomplete');
    else this.#listener?.halfClosed();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#listener?.closed();
    for (const { taken } of waiting) taken?.();
  }
}
