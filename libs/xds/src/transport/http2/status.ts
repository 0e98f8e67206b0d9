import { status } from '@grpc/grpc-js';
import type { StatusName } from '../call.js';

const CONTENT = 'application/grpc';

/** Headers of a response that has messages. */
export const RESPONSE = { ':status': 200, 'content-type': CONTENT, 'grpc-accept-encoding': 'identity' };

/** The status of a call as trailers: its number, and its words percent-encoded (gRPC over HTTP/2, "Status-Message"). */
export function trailersOf(name: StatusName, details: string): Record<string, string> {
  const code = { 'grpc-status': String(status[name]) };
  return details === ''
    ? code
    : { ...code, 'grpc-message': encodeURIComponent(details.toWellFormed()).replaceAll('%20', ' ') };
}

/** HTTP status for what is no gRPC call at all; `undefined` for one that is. */
export function httpError(method: string | undefined, contentType: string | undefined): number | undefined {
  if (method !== 'POST') return 405;
  return /^application\/grpc(\+proto)?(;|$)/.test(contentType ?? '') ? undefined : 415;
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout`; `undefined` without one, or with one that cannot be read. */
export function timeoutMs(header: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header ?? '') ?? [];
  return digits === undefined || unit === undefined ? undefined : Number(digits) * (UNITS[unit] ?? 0);
}
