import { Reader } from '#libs/envoy-api';
import type { Metrics } from '#libs/kernel';
import type { Reporter, ReportReceiver } from '../metrics-receiver.js';
import type { ReportSink } from '../raw-report.js';
import { MAX_LOG_NAME } from './log-name.js';

export const ACCESS_LOG_METHOD = '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs';

/** envoy.service.accesslog.v3.StreamAccessLogsMessage. */
const IDENTIFIER = 1;
const IDENTIFIER_FIELD = { node: 1, log: 2 };
const NODE_ID = 1;

/** Receives what `envoy.access_loggers.http_grpc` sends, and hands it on undecoded with the name of who sent it. */
export class AccessLogReceiver {
  constructor(
    private readonly sink: ReportSink,
    private readonly metrics: Metrics,
  ) {}

  open(reporter: Reporter): ReportReceiver {
    // Only the first message of a stream says whose log it is, and which.
    let from: { readonly node: string; readonly log: string } | undefined;
    return {
      message: (bytes) => {
        if (!from) {
          const { node, log } = identifierOf(bytes);
          from = { node: reporter.nodeOf(node), log };
        }
        this.metrics.count('heddle_access_log_messages_total');
        this.metrics.count('heddle_access_log_bytes_total', {}, bytes.length);
        this.sink({ kind: 'log', ...from, bytes });
      },
      closed: () => {},
    };
  }
}

/** @throws MalformedMessage */
function identifierOf(bytes: Buffer): { node: string; log: string } {
  const identifier = { node: '', log: '' };
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === IDENTIFIER) return readIdentifier(reader.message());
    reader.skip();
  }
  return identifier;
}

function readIdentifier(reader: Reader): { node: string; log: string } {
  const identifier = { node: '', log: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === IDENTIFIER_FIELD.node) identifier.node = nodeIdOf(reader.message());
    else if (field === IDENTIFIER_FIELD.log) identifier.log = reader.string('latin1').slice(0, MAX_LOG_NAME);
    else reader.skip();
  }
  return identifier;
}

function nodeIdOf(node: Reader): string {
  for (let field = node.next(); field !== 0; field = node.next()) {
    if (field === NODE_ID) return node.string();
    node.skip();
  }
  return '';
}
