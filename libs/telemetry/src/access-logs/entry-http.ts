import type { Reader } from '#libs/envoy-api';
import type { LogEntry } from './log-entry.js';
import { boundedText, textLike } from './text.js';

/**
 * envoy.data.accesslog.v3.HTTPRequestProperties. User agent, referer and forwarded addresses are among what is passed over;
 * of headers there is the number of the attempt.
 */
const REQUEST = { method: 1, authority: 3, path: 5, requestId: 9, headers: 13 };
/** HTTPResponseProperties; of headers and trailers there is the status of gRPC. */
const RESPONSE = { code: 1, headers: 4, trailers: 5, details: 6 };
/** An entry of a map<string, string>, and google.protobuf.UInt32Value. */
const MAP = { key: 1, value: 2 };
const VALUE = 1;

/** envoy.config.core.v3.RequestMethod, by number. */
const METHODS = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];
const REQUEST_ID = /^[A-Za-z0-9-]+$/;
const HOST = /^[A-Za-z0-9._-]+$/;
const NUMBER = /^[0-9]{1,4}$/;
const MAX_ID = 64;
const MAX_HOST = 259;
const MAX_PATH = 512;
const MAX_DETAILS = 256;
const MAX_HEADER = 32;

/** @throws MalformedMessage */
export function readRequest(reader: Reader, entry: LogEntry): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === REQUEST.method) entry.method = METHODS[reader.integer()] ?? '';
    else if (field === REQUEST.authority) entry.host = hostOf(boundedText(reader, MAX_HOST));
    else if (field === REQUEST.path) entry.path = withoutQuery(boundedText(reader, MAX_PATH));
    else if (field === REQUEST.requestId) entry.requestId = textLike(reader, REQUEST_ID, MAX_ID);
    else if (field === REQUEST.headers)
      entry.attempt = readNumber(reader.message(), 'x-envoy-attempt-count') ?? entry.attempt;
    else reader.skip();
  }
}

/** @throws MalformedMessage */
export function readResponse(reader: Reader, entry: LogEntry): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === RESPONSE.code) entry.status = readValue(reader.message());
    else if (field === RESPONSE.details) entry.details = boundedText(reader, MAX_DETAILS);
    else if (field === RESPONSE.headers || field === RESPONSE.trailers) {
      entry.grpcStatus = readNumber(reader.message(), 'grpc-status') ?? entry.grpcStatus;
    } else reader.skip();
  }
}

function readValue(reader: Reader): number {
  let value = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === VALUE) value = reader.integer();
    else reader.skip();
  }
  return value <= 999 ? value : 0;
}

/** The value of one header as a number; undefined for another header, and for what is none. */
function readNumber(reader: Reader, name: string): number | undefined {
  let [key, value] = ['', ''];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === MAP.key) key = boundedText(reader, MAX_HEADER);
    else if (field === MAP.value) value = textLike(reader, NUMBER, MAX_HEADER);
    else reader.skip();
  }
  return key === name && value !== '' ? Number(value) : undefined;
}

const withoutQuery = (path: string): string => path.split(/[?#]/, 1)[0] ?? '';

function hostOf(authority: string): string {
  const host = authority.split(':', 1)[0] ?? '';
  return HOST.test(host) ? host.toLowerCase() : '';
}
