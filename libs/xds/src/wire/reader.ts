/** Bytes that are not a protobuf message, or not the one expected. */
export class MalformedMessage extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedMessage';
  }
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/**
 * A forward-only reader of protobuf fields. Requests arrive for every ACK of every client, so the fields that matter
 * are read in place and everything else is skipped without being copied.
 */
export class Reader {
  #at: number;
  #wireType = 0;
  #length = 0;

  /** @param end where its part of the buffer ends: the parts of a message are read in place */
  constructor(
    private readonly buffer: Buffer,
    start = 0,
    private readonly end = buffer.length,
  ) {
    this.#at = start;
  }

  /** Bytes of the length-delimited field that was read last. */
  get length(): number {
    return this.#length;
  }

  /** Number of the next field, or 0 at the end. @throws MalformedMessage */
  next(): number {
    if (this.#at >= this.end) return 0;
    const tag = this.varint();
    this.#wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new MalformedMessage('field number 0');
    return field;
  }

  /** A varint as a number. Values beyond 2^53 lose precision; none of the fields read here has them. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.end) throw new MalformedMessage('truncated varint');
      const byte = this.buffer[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedMessage('varint of more than 10 bytes');
  }

  /** The contents of a length-delimited field, without a copy. */
  bytes(): Buffer {
    const start = this.#enter();
    return this.buffer.subarray(start, this.#at);
  }

  /** Without a buffer of its own for the bytes: a client that comes back sends a thousand strings. */
  string(): string {
    const start = this.#enter();
    return this.buffer.toString('utf8', start, this.#at);
  }

  /** A reader of the message that the field contains. */
  message(): Reader {
    const start = this.#enter();
    return new Reader(this.buffer, start, this.#at);
  }

  /** Passes over the contents of a length-delimited field. @returns where they start */
  #enter(): number {
    if (this.#wireType !== DELIMITED) throw new MalformedMessage(`wire type ${this.#wireType} where bytes belong`);
    this.#length = this.varint();
    const start = this.#at;
    if (start + this.#length > this.end) throw new MalformedMessage('truncated field');
    this.#at = start + this.#length;
    return start;
  }

  /** The value of a field of an integer type. */
  integer(): number {
    if (this.#wireType !== VARINT) throw new MalformedMessage(`wire type ${this.#wireType} where a number belongs`);
    return this.varint();
  }

  /** Passes over the field whose number `next` returned. Groups are refused: no xDS message has any. */
  skip(): void {
    if (this.#wireType === VARINT) this.varint();
    else if (this.#wireType === DELIMITED) this.#enter();
    else if (this.#wireType === FIXED64) this.#at += 8;
    else if (this.#wireType === FIXED32) this.#at += 4;
    else throw new MalformedMessage(`wire type ${this.#wireType}`);
    if (this.#at > this.end) throw new MalformedMessage('truncated field');
  }
}
