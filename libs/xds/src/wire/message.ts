import { invariant } from '#libs/kernel';
import type { Message } from '../transport/call.js';
import { fieldSize, stringField } from './writer.js';

const NONCE_FIELD = 5;
const NONCE_TAG = (NONCE_FIELD << 3) | 2;

/**
 * A response on its way out: the shared body and this stream's own nonce. The body is copied once, by whoever writes it,
 * or not at all (NET-6).
 */
export class OutgoingMessage implements Message {
  readonly byteLength: number;
  readonly #nonceLength: number;

  constructor(
    private readonly body: readonly Buffer[],
    bodyLength: number,
    private readonly nonce: string,
  ) {
    this.#nonceLength = nonce.length;
    invariant(nonce.length < 128, 'a nonce is short, and ASCII');
    this.byteLength = bodyLength + fieldSize(this.#nonceLength);
  }

  /** Writes the message into `target` from `start` on; returns its length, as `Buffer.copy` does. */
  copy(target: Buffer, start = 0): number {
    let at = start;
    for (const piece of this.body) {
      target.set(piece, at);
      at += piece.length;
    }
    target[at++] = NONCE_TAG;
    target[at++] = this.#nonceLength;
    target.write(this.nonce, at, 'latin1');
    return this.byteLength;
  }

  pieces(): readonly Buffer[] {
    return [...this.body, stringField(NONCE_FIELD, this.nonce)];
  }
}

/** A message that is all in one buffer. */
export class WholeMessage implements Message {
  constructor(private readonly bytes: Buffer) {}

  get byteLength(): number {
    return this.bytes.length;
  }

  copy(target: Buffer, start: number): number {
    return this.bytes.copy(target, start);
  }

  pieces(): readonly Buffer[] {
    return [this.bytes];
  }
}

const TYPE_URL_FIELD = 4;
const REMOVED_FIELD = 6;
const VERSION_FIELD = 1;

/** The fields around the resources of a DeltaDiscoveryResponse. */
export const deltaFrame = (typeUrl: string, removed: readonly string[], systemVersion?: string): Buffer[] => [
  ...(systemVersion === undefined ? [] : [stringField(VERSION_FIELD, systemVersion)]),
  stringField(TYPE_URL_FIELD, typeUrl),
  ...removed.map((name) => stringField(REMOVED_FIELD, name)),
];

/** The fields around the resources of a DiscoveryResponse. */
export const sotwFrame = (typeUrl: string, version: string): Buffer[] => [
  stringField(VERSION_FIELD, version),
  stringField(TYPE_URL_FIELD, typeUrl),
];
