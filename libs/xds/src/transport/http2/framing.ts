import type { Message, StatusName } from '../call.js';

/** One byte that tells of compression, four with the length. */
const HEAD = 5;
/** Up to here a message is copied into one buffer; beyond it the pieces go out as they are, in slices. */
const COPIED = 16 * 1024;
/** Bytes handed to the socket at once: with more TLS keeps as much memory for good (performance was measured with 16 KiB). */
const SLICE = 16 * 1024;

/**
 * A message as buffers to be written one after the other.
 * @param cut large pieces into slices
 */
export function framesOf(message: Message, cut = true): readonly Buffer[] {
  const length = message.byteLength;
  if (length <= COPIED) {
    const frame = Buffer.allocUnsafe(HEAD + length);
    writeHead(frame, length);
    message.copy(frame, HEAD);
    return [frame];
  }
  return slices([writeHead(Buffer.allocUnsafe(HEAD), length), ...message.pieces()], cut);
}

function writeHead(frame: Buffer, length: number): Buffer {
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  return frame;
}

/** Large pieces are cut, which copies nothing; small ones are gathered: a write for each would cost more than the copy. */
function slices(pieces: readonly Buffer[], cut: boolean): Buffer[] {
  const slices: Buffer[] = [];
  let [small, size]: [Buffer[], number] = [[], 0];
  const flush = (): void => {
    if (size > 0) slices.push(Buffer.concat(small, size));
    [small, size] = [[], 0];
  };
  for (const piece of pieces) {
    if (size + piece.length > SLICE) flush();
    if (piece.length < SLICE) {
      small.push(piece);
      size += piece.length;
    } else if (!cut) slices.push(piece);
    else for (let at = 0; at < piece.length; at += SLICE) slices.push(piece.subarray(at, at + SLICE));
  }
  flush();
  return slices;
}

/** What the client sent cannot be read: its call ends with this. */
export class Unreadable extends Error {
  constructor(
    readonly status: StatusName,
    message: string,
  ) {
    super(message);
  }
}

/** Puts the messages of a client together from the chunks that arrive. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that the message at the front needs with its head, once known; 0 before. */
  #wanted = 0;

  constructor(private readonly maxBytes: number) {}

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /**
   * The next message that is complete.
   * @throws Unreadable for one that is too large (DELTA-16) or compressed, which our responses never offer
   */
  next(): Buffer | undefined {
    if (this.#length < (this.#wanted || HEAD)) return undefined;
    if (this.#wanted === 0) this.#wanted = this.#sizeOf(this.#front());
    if (this.#length < this.#wanted) return undefined;
    const all = this.#front();
    const message = all.subarray(HEAD, this.#wanted);
    this.#chunks = all.length === this.#wanted ? [] : [all.subarray(this.#wanted)];
    this.#length -= this.#wanted;
    this.#wanted = 0;
    return message;
  }

  /** True in the middle of a message. */
  get unfinished(): boolean {
    return this.#length > 0;
  }

  #front(): Buffer {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && only) return only;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #sizeOf(front: Buffer): number {
    const size = front.readUInt32BE(1);
    if (size > this.maxBytes) {
      throw new Unreadable('RESOURCE_EXHAUSTED', `a message of ${size} bytes; at most ${this.maxBytes} are read`);
    }
    if (front[0] !== 0) throw new Unreadable('UNIMPLEMENTED', 'messages must not be compressed');
    return HEAD + size;
  }
}
