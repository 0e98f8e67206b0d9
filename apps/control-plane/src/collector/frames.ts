import type { RawReport } from '#libs/telemetry';
import type { ExportSettings, MeshTags } from './mesh-export.js';

/**
 * What goes through the pipe between the control plane and its collector: frames of `<length of the rest, 4 bytes><kind, 1
 * byte><rest>`. Times are milliseconds since the epoch, as doubles. Each report says whose it is, so that one that was dropped,
 * or a collector that began anew, takes nothing from the others.
 */
export type Frame =
  | { readonly kind: 'start'; readonly settings: WorkerSettings }
  | { readonly kind: 'report'; readonly receivedAt: number; readonly report: RawReport }
  | { readonly kind: 'time'; readonly now: number }
  | { readonly kind: 'tags'; readonly tags: MeshTags }
  | { readonly kind: 'missed'; readonly since: number; readonly until: number };

/** What a collector needs to know. It has secrets, so it goes through the pipe: arguments and environments can be read. */
export interface WorkerSettings {
  readonly databaseUrl: string;
  /** Of the database that the control plane serves: the way may lead to another one one day. */
  readonly clusterId: string;
  readonly replica: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where else it sends what it makes; absent = nowhere. */
  readonly otlp?: ExportSettings | undefined;
}

const KIND = { start: 1, report: 2, time: 3, missed: 4, tags: 5 } as const;
const HEAD_BYTES = 5;
/** Of a report, before its names: when it was received, what it is, and how long the names are. */
const REPORT_HEAD_BYTES = 8 + 1 + 1 + 2;
const LONGEST_LOG = 255;
const LONGEST_NODE = 65_535;
/** Larger than any message that is let in. */
const LONGEST_FRAME = 32 * 1024 * 1024;

function frame(kind: keyof typeof KIND, rest: Buffer, more = 0): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + rest.length);
  bytes.writeUInt32LE(1 + rest.length + more, 0);
  bytes.writeUInt8(KIND[kind], 4);
  rest.copy(bytes, HEAD_BYTES);
  return bytes;
}

export const startFrame = (settings: WorkerSettings): Buffer => frame('start', Buffer.from(JSON.stringify(settings)));

/** @returns undefined for more than a frame holds */
export function tagsFrame(tags: MeshTags): Buffer | undefined {
  const rest = Buffer.from(JSON.stringify(tags));
  return rest.length < LONGEST_FRAME ? frame('tags', rest) : undefined;
}

export function timeFrame(now: number): Buffer {
  const rest = Buffer.allocUnsafe(8);
  rest.writeDoubleLE(now);
  return frame('time', rest);
}

export function missedFrame(since: number, until: number): Buffer {
  const rest = Buffer.allocUnsafe(16);
  rest.writeDoubleLE(since);
  rest.writeDoubleLE(until, 8);
  return frame('missed', rest);
}

/** What stands before the bytes of the report, which are written after it as they are. */
export function reportHead({ kind, node, log, bytes }: RawReport, receivedAt: number): Buffer {
  const nodeBytes = Buffer.from(node).subarray(0, LONGEST_NODE);
  const logBytes = Buffer.from(log).subarray(0, LONGEST_LOG);
  const head = Buffer.allocUnsafe(REPORT_HEAD_BYTES);
  head.writeDoubleLE(receivedAt, 0);
  head.writeUInt8(kind === 'log' ? 1 : 0, 8);
  head.writeUInt8(logBytes.length, 9);
  head.writeUInt16LE(nodeBytes.length, 10);
  return frame('report', Buffer.concat([head, logBytes, nodeBytes]), bytes.length);
}

/** Takes the pipe's bytes as they come, and gives whole frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /** @throws Error when this is not our pipe */
  *read(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (let next = this.#next(); next !== undefined; next = this.#next()) yield parse(next);
  }

  #next(): Buffer | undefined {
    if (this.#length < HEAD_BYTES) return undefined;
    const first = this.#gathered(HEAD_BYTES);
    const length = first.readUInt32LE(0);
    if (length < 1 || length > LONGEST_FRAME) throw new Error(`a frame of ${length} bytes`);
    if (this.#length < 4 + length) return undefined;
    const whole = this.#gathered(4 + length);
    const rest = whole.subarray(4 + length);
    this.#chunks[0] = rest;
    this.#length -= 4 + length;
    return whole.subarray(4, 4 + length);
  }

  /** The first chunk, of at least so many bytes. */
  #gathered(least: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (first.length >= least) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function parse(bytes: Buffer): Frame {
  switch (bytes.readUInt8(0)) {
    case KIND.start:
      return { kind: 'start', settings: JSON.parse(bytes.toString('utf8', 1)) };
    case KIND.tags:
      return { kind: 'tags', tags: JSON.parse(bytes.toString('utf8', 1)) };
    case KIND.time:
      return { kind: 'time', now: bytes.readDoubleLE(1) };
    case KIND.missed:
      return { kind: 'missed', since: bytes.readDoubleLE(1), until: bytes.readDoubleLE(9) };
    case KIND.report:
      return parseReport(bytes);
    default:
      throw new Error(`a frame of kind ${bytes.readUInt8(0)}`);
  }
}

function parseReport(bytes: Buffer): Frame {
  const receivedAt = bytes.readDoubleLE(1);
  const kind = bytes.readUInt8(9) === 1 ? 'log' : 'metrics';
  const logEnd = 1 + REPORT_HEAD_BYTES + bytes.readUInt8(10);
  const nodeEnd = logEnd + bytes.readUInt16LE(11);
  const log = bytes.toString('utf8', 1 + REPORT_HEAD_BYTES, logEnd);
  const node = bytes.toString('utf8', logEnd, nodeEnd);
  return { kind: 'report', receivedAt, report: { kind, node, log, bytes: bytes.subarray(nodeEnd) } };
}
