import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';

/** What a collector was sent. */
export interface Export {
  /** `/opentelemetry.proto.collector.trace.v1.TraceService/Export`, or `/v1/traces` over HTTP. */
  readonly path: string;
  /** The message without its frame: protobuf, in which texts stand as they are. */
  readonly message: Buffer;
}

const FRAME_HEAD_BYTES = 5;
const EMPTY_MESSAGE = Buffer.alloc(FRAME_HEAD_BYTES);

/** An OTLP collector that keeps what it is sent; over gRPC, and over HTTP/2 without gRPC. */
export function otlpReceiver(exports: Export[]): Http2Server {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const path = headers[':path'] ?? '';
    const parts: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const body = Buffer.concat(parts);
      const isGrpc = headers['content-type']?.startsWith('application/grpc') ?? false;
      exports.push({ path, message: isGrpc ? body.subarray(FRAME_HEAD_BYTES) : body });
      if (!isGrpc) {
        stream.respond({ ':status': 200 }, { endStream: true });
        return;
      }
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(EMPTY_MESSAGE);
    });
  });
  return server;
}
