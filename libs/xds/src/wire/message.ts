import { fieldSize, stringField, varintSize, Writer } from './writer.js';

const NONCE_FIELD = 5;

/**
 * A response on its way out: the shared body and this stream's own nonce. grpc-js serializes a message by asking for
 * its length and having it copied behind the frame header, so that is all a message needs to be, and the body is
 * copied once, by whoever writes it (NET-6).
 */
export class OutgoingMessage {
  readonly byteLength: number;
  readonly #nonceLength: number;

  constructor(
    private readonly pieces: readonly Buffer[],
    bodyLength: number,
    private readonly nonce: string,
  ) {
    this.#nonceLength = Buffer.byteLength(nonce);
    this.byteLength = bodyLength + fieldSize(this.#nonceLength);
  }

  /** Writes the message into `target` from `start` on; returns its length, as `Buffer.copy` does. */
  copy(target: Buffer, start = 0): number {
    let at = start;
    for (const piece of this.pieces) {
      target.set(piece, at);
      at += piece.length;
    }
    const tag = new Writer(1 + varintSize(this.#nonceLength)).head(NONCE_FIELD, this.#nonceLength).buffer;
    target.set(tag, at);
    target.write(this.nonce, at + tag.length, 'utf8');
    return this.byteLength;
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
