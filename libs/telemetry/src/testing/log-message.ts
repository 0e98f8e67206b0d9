import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { LogEntry } from '../access-logs/log-entry.js';

const LD = WireType.LengthDelimited;
const METHODS = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const FLAGS: Readonly<Record<string, number>> = { UH: 2, UT: 3, UF: 6, UC: 7, UO: 8, NR: 9, RL: 12, DC: 15, URX: 16 };

/** A StreamAccessLogsMessage as Envoy writes it. @param node in its identifier, if there is one */
export function logMessage(entries: readonly Partial<LogEntry>[], node?: { id: string; log: string }): Buffer {
  const writer = new BinaryWriter();
  if (node) {
    nested(writer, 1, () => {
      nested(writer, 1, () => writer.tag(1, LD).string(node.id).tag(2, LD).string('cluster'));
      writer.tag(2, LD).string(node.log);
    });
  }
  nested(writer, 2, () => {
    for (const entry of entries) nested(writer, 1, () => writeEntry(writer, entry));
  });
  return Buffer.from(writer.finish());
}

function nested(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, LD).fork();
  write();
  writer.join();
}

function writeEntry(writer: BinaryWriter, entry: Partial<LogEntry>): void {
  nested(writer, 1, () => writeCommon(writer, entry));
  nested(writer, 3, () => writeRequest(writer, entry));
  nested(writer, 4, () => writeResponse(writer, entry));
}

function writeCommon(writer: BinaryWriter, entry: Partial<LogEntry>): void {
  const { startedAt = 0, durationMs = 0, upstream = '', cluster = '', route = '', flags = [], peer = '' } = entry;
  if (peer !== '')
    nested(writer, 4, () => nested(writer, 5, () => nested(writer, 1, () => writer.tag(1, LD).string(peer))));
  if (startedAt > 0) nested(writer, 5, () => writeTime(writer, startedAt));
  if (upstream !== '') {
    const [address = '', port] = upstream.split(':');
    nested(writer, 13, () =>
      nested(writer, 1, () => writer.tag(2, LD).string(address).tag(3, WireType.Varint).uint32(Number(port))),
    );
  }
  writer.tag(15, LD).string(cluster);
  nested(writer, 16, () => {
    for (const flag of flags) writer.tag(FLAGS[flag] ?? 99, WireType.Varint).bool(true);
  });
  writer.tag(18, LD).string(entry.transportFailure ?? '');
  writer.tag(19, LD).string(route);
  nested(writer, 23, () => writeTime(writer, durationMs));
}

function writeTime(writer: BinaryWriter, ms: number): void {
  writer.tag(1, WireType.Varint).int64(Math.floor(ms / 1000));
  writer.tag(2, WireType.Varint).int32(Math.round((ms % 1000) * 1e6));
}

function writeRequest(
  writer: BinaryWriter,
  { method = 'GET', host = '', path = '/', requestId = '', attempt = 0 }: Partial<LogEntry>,
): void {
  writer.tag(1, WireType.Varint).int32(METHODS.indexOf(method));
  writer.tag(3, LD).string(host);
  writer.tag(5, LD).string(path);
  writer.tag(9, LD).string(requestId);
  if (attempt > 0) {
    nested(writer, 13, () => writer.tag(1, LD).string('x-envoy-attempt-count').tag(2, LD).string(String(attempt)));
  }
}

function writeResponse(writer: BinaryWriter, { status = 0, grpcStatus, details = '' }: Partial<LogEntry>): void {
  if (status > 0) nested(writer, 1, () => writer.tag(1, WireType.Varint).uint32(status));
  if (grpcStatus !== undefined) {
    nested(writer, 5, () => writer.tag(1, LD).string('grpc-status').tag(2, LD).string(String(grpcStatus)));
  }
  writer.tag(6, LD).string(details);
}
