import type { Reader } from '#libs/envoy-api';
import type { LogEntry } from './log-entry.js';
import { readFlags } from './response-flags.js';
import { boundedText, textLike } from './text.js';

/** envoy.data.accesslog.v3.AccessLogCommon; client addresses are among what is passed over. */
const COMMON = {
  tls: 4,
  startTime: 5,
  upstream: 13,
  cluster: 15,
  flags: 16,
  transportFailure: 18,
  route: 19,
  duration: 23,
};
/** TLSProperties, CertificateProperties and SubjectAltName. */
const PEER_CERTIFICATE = 5;
const SUBJECT_ALT_NAME = 1;
const URI = 1;
/** google.protobuf.Timestamp and Duration. */
const TIME = { seconds: 1, nanos: 2 };
/** envoy.config.core.v3.Address and SocketAddress. */
const SOCKET_ADDRESS = 1;
const SOCKET = { address: 2, port: 3 };

const CLUSTER = /^[a-z0-9-]+(?:\/[a-z0-9-]+){1,3}$/;
const ROUTE = /^[A-Za-z]+\/[a-z0-9-]+\/[a-z0-9.-]+\/[A-Za-z0-9_.-]+$/;
const ADDRESS = /^[0-9a-f.:]+$/;
const SPIFFE = /^spiffe:\/\/[a-z0-9.-]+\/[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/;
const MAX_NAME = 400;
const MAX_ADDRESS = 45;
const MAX_WHY = 256;
/** No request takes a year. */
const MAX_SECONDS = 1e11;

/** @throws MalformedMessage */
export function readCommon(reader: Reader, entry: LogEntry): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === COMMON.startTime) entry.startedAt = readMs(reader.message());
    else if (field === COMMON.duration) entry.durationMs = readMs(reader.message());
    else if (field === COMMON.cluster) entry.cluster = textLike(reader, CLUSTER, MAX_NAME);
    else if (field === COMMON.route) entry.route = textLike(reader, ROUTE, MAX_NAME);
    else if (field === COMMON.flags) entry.flags = readFlags(reader.message());
    else if (field === COMMON.upstream) entry.upstream = readAddress(reader.message());
    else if (field === COMMON.tls) entry.peer = readPeer(reader.message());
    else if (field === COMMON.transportFailure) entry.transportFailure = boundedText(reader, MAX_WHY);
    else reader.skip();
  }
}

/** Milliseconds; 0 for what is no time. */
function readMs(reader: Reader): number {
  let [seconds, nanos] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === TIME.seconds) seconds = reader.integer();
    else if (field === TIME.nanos) nanos = reader.integer();
    else reader.skip();
  }
  // Negative numbers arrive as very large ones.
  return seconds > MAX_SECONDS || nanos >= 1e9 ? 0 : seconds * 1000 + nanos / 1e6;
}

/** `<address>:<port>` */
function readAddress(reader: Reader): string {
  let socket = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === SOCKET_ADDRESS) socket = readSocket(reader.message());
    else reader.skip();
  }
  return socket;
}

function readSocket(reader: Reader): string {
  let [address, port] = ['', 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === SOCKET.address) address = textLike(reader, ADDRESS, MAX_ADDRESS);
    else if (field === SOCKET.port) port = reader.integer();
    else reader.skip();
  }
  return address === '' || port > 65_535 ? '' : `${address}:${port}`;
}

function readPeer(reader: Reader): string {
  let peer = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === PEER_CERTIFICATE) peer = readCertificate(reader.message());
    else reader.skip();
  }
  return peer;
}

/** The first URI: a leaf has one. */
function readCertificate(reader: Reader): string {
  let uri = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === SUBJECT_ALT_NAME && uri === '') uri = readUri(reader.message());
    else reader.skip();
  }
  return uri;
}

function readUri(reader: Reader): string {
  let uri = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === URI) uri = textLike(reader, SPIFFE, MAX_NAME);
    else reader.skip();
  }
  return uri;
}
