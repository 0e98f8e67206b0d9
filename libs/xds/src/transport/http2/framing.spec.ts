import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutgoingMessage, WholeMessage } from '../../wire/message.js';
import { framesOf, MessageReader, Unreadable } from './framing.js';

const MAX = 100_000;

/** Cuts bytes at these places, as a network may. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function readAll(reader: MessageReader, chunks: readonly Buffer[]): Buffer[] {
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.next(); message; message = reader.next()) messages.push(Buffer.from(message));
  }
  return messages;
}

describe('gRPC frames', () => {
  it('are read as they were written, wherever the network cuts them', () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 16_000, max: 70_000 }).map((size) => new Uint8Array(size).fill(size % 251)),
    );
    const property = fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat()), (messages, places) => {
      const written = messages.flatMap((bytes) => framesOf(new WholeMessage(Buffer.from(bytes))));
      const reader = new MessageReader(MAX);
      const read = readAll(reader, cut(Buffer.concat(written), places));
      expect(read.map((bytes) => bytes.toString('hex'))).toEqual(messages.map((b) => Buffer.from(b).toString('hex')));
      expect(reader.unfinished).toBe(false);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('NET-6 a large body is cut without a copy, and its small pieces are gathered', () => {
    const body = Buffer.alloc(100_000, 1);
    const small = Array.from({ length: 1000 }, (_, index) => Buffer.from([index % 256]));
    const pieces = [...small, body];
    const frames = framesOf(new OutgoingMessage(pieces, 101_000, 'e.s.1'));
    expect(frames.filter(({ buffer }) => buffer === body.buffer)).toHaveLength(Math.ceil(100_000 / 16_384));
    expect(frames.length).toBeLessThan(11);
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThanOrEqual(16_384);
    const [read] = readAll(new MessageReader(200_000), frames);
    expect(read?.subarray(0, 101_000).equals(Buffer.concat(pieces))).toBe(true);
  });

  it.each([
    ['DELTA-16 SEC-9 larger than allowed', Buffer.from([0, 0, 1, 0x86, 0xa1]), 'RESOURCE_EXHAUSTED'],
    ['compressed', Buffer.from([1, 0, 0, 0, 1, 7]), 'UNIMPLEMENTED'],
  ])('%s: the call ends, before the message was awaited', (_, bytes, status) => {
    const reader = new MessageReader(MAX);
    reader.push(bytes);
    let thrown: unknown;
    try {
      reader.next();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Unreadable);
    expect(thrown).toMatchObject({ status });
  });

  it('half a message is told from none', () => {
    const reader = new MessageReader(MAX);
    expect(reader.unfinished).toBe(false);
    reader.push(Buffer.from([0, 0, 0]));
    expect([reader.next(), reader.unfinished]).toEqual([undefined, true]);
  });
});
