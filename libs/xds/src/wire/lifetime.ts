import type { Cell } from '../cell.js';
import { fieldSize, stringField, varintSize, Writer } from './writer.js';

/** Fields of envoy.service.discovery.v3.Resource. */
const RESOURCE = { version: 1, name: 3, ttl: 6 };
const RESOURCE_TYPE = 'type.googleapis.com/envoy.service.discovery.v3.Resource';
const RESOURCES = 2;

/** A resource with its time to live, as an entry of a delta response. One without a time has none. */
export const timedDelta = (cell: Cell): Buffer[] => wrapped(withTtl(cell));

/** The same without content: a sign of life (TTL-2). Delta only: Envoy does not count one in state-of-the-world (TTL-3). */
export const beatDelta = (cell: Cell): Buffer[] => wrapped(beat(cell));

/** In state-of-the-world a resource with a time is packed in a Resource (TTL-1); one without a time is sent as always. */
export const timedSotw = (cell: Cell): Buffer[] => (cell.ttlMs > 0 ? wrapped(packed(withTtl(cell))) : [cell.sotw]);

const withTtl = (cell: Cell): Buffer[] => (cell.ttlMs > 0 ? [cell.fields, ttlField(cell.ttlMs)] : [cell.fields]);

const beat = ({ name, version, ttlMs }: Cell): Buffer[] => [
  stringField(RESOURCE.version, version),
  stringField(RESOURCE.name, name),
  ttlField(ttlMs),
];

const packed = (resource: readonly Buffer[]): Buffer[] => [stringField(1, RESOURCE_TYPE), ...field(2, resource)];

const wrapped = (resource: readonly Buffer[]): Buffer[] => field(RESOURCES, resource);

function field(number: number, contents: readonly Buffer[]): Buffer[] {
  const length = contents.reduce((sum, piece) => sum + piece.length, 0);
  return [new Writer(fieldSize(length) - length).head(number, length).buffer, ...contents];
}

/** google.protobuf.Duration{seconds = 1, nanos = 2} */
function ttlField(ms: number): Buffer {
  const [seconds, nanos] = [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
  const length = (seconds > 0 ? 1 + varintSize(seconds) : 0) + (nanos > 0 ? 1 + varintSize(nanos) : 0);
  const writer = new Writer(fieldSize(length)).head(RESOURCE.ttl, length);
  if (seconds > 0) writer.varint(1 << 3).varint(seconds);
  if (nanos > 0) writer.varint(2 << 3).varint(nanos);
  return writer.buffer;
}
