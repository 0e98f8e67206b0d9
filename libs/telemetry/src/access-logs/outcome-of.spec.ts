import { describe, expect, it } from 'vitest';
import type { Outcome } from '../model/index.js';
import { emptyEntry, type LogEntry } from './log-entry.js';
import { isCut, isSampled, outcomeOf } from './outcome-of.js';

const entry = (fields: Partial<LogEntry>): LogEntry => ({ ...emptyEntry(), ...fields });
const UNVERIFIED =
  'TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: SAN matcher:TLS_error_end';
const before = (why: string): string => `upstream_reset_before_response_started{${why}}`;

/** As Envoy 1.36 and 1.40 write them; those without details are of attempts. */
const SEEN: readonly (readonly [Outcome, Partial<LogEntry>])[] = [
  ['ok', { status: 200, details: 'via_upstream' }],
  ['ok', { status: 404, details: 'via_upstream' }],
  ['ok', { status: 301, details: 'direct_response' }],
  ['ok', { status: 200, flags: ['DI'], details: 'via_upstream' }],
  ['ok', { status: 403, details: 'via_upstream' }],
  ['ok', { status: 200, grpcStatus: 5 }],
  ['error', { status: 500, details: 'via_upstream' }],
  ['error', { status: 503 }],
  ['error', { status: 200, grpcStatus: 13 }],
  ['error', { status: 200, grpcStatus: 14, details: 'via_upstream' }],
  ['throttled', { status: 429, details: 'via_upstream' }],
  ['throttled', { status: 200, grpcStatus: 8 }],
  ['refused', { flags: ['UF'], transportFailure: 'delayed connect error: Connection refused' }],
  [
    'refused',
    {
      ...{ status: 503, flags: ['UF', 'URX'] },
      details: before('remote_connection_failure|delayed_connect_error:_Connection_refused'),
    },
  ],
  ['connect_timeout', { flags: ['UF'] }],
  ['connect_timeout', { status: 503, flags: ['UF'], details: before('connection_timeout') }],
  ['connect_timeout', { flags: ['UF'], transportFailure: 'delayed connect error: No route to host' }],
  ['tls', { flags: ['UF'], transportFailure: UNVERIFIED }],
  ['tls', { status: 503, flags: ['UF', 'URX'], details: before(`remote_connection_failure|${UNVERIFIED}`) }],
  [
    'tls',
    {
      flags: ['UC'],
      transportFailure: 'TLS_error:|268436502:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    },
  ],
  ['reset', { status: 503, flags: ['UC'], details: before('connection_termination') }],
  ['reset', { flags: ['UR'] }],
  ['reset', { status: 200, flags: ['UPE'], details: 'upstream_reset_after_response_started{protocol_error}' }],
  ['timeout', { status: 504, flags: ['UT'], details: 'response_timeout' }],
  ['timeout', { status: 504, flags: ['UT', 'URX'], details: 'upstream_per_try_timeout' }],
  ['timeout', { flags: ['UT'] }],
  ['timeout', { status: 504, flags: ['SI'], details: 'stream_idle_timeout' }],
  ['timeout', { status: 504, details: 'max_duration_timeout' }],
  ['no_instance', { status: 503, flags: ['UH'], details: 'no_healthy_upstream' }],
  ['dns', { status: 503, flags: ['DF'], details: 'dns_resolution_failure' }],
  ['overflow', { flags: ['UO'] }],
  ['overflow', { status: 503, flags: ['UO'], details: before('overflow') }],
  ['rate_limited', { status: 429, flags: ['RL'], details: 'local_rate_limited' }],
  ['denied', { status: 403, details: 'rbac_access_denied_matched_policy[none]' }],
  ['denied', { status: 200, grpcStatus: 7, details: 'rbac_access_denied_matched_policy[none]' }],
  ['denied', { status: 403, flags: ['UAEX'], details: 'ext_authz_denied' }],
  ['no_route', { status: 404, flags: ['NR'], details: 'route_not_found' }],
  ['no_route', { status: 503, flags: ['NC'], details: 'cluster_not_found' }],
  ['no_route', { status: 500, details: 'direct_response' }],
  ['injected', { status: 503, flags: ['FI'], details: 'fault_filter_abort' }],
  ['overloaded', { status: 503, flags: ['OM'], details: 'overload' }],
  ['client_gone', { flags: ['DC'], details: 'downstream_remote_disconnect' }],
  ['client_gone', { status: 200, flags: ['DC'], details: 'downstream_remote_disconnect' }],
  ['client_gone', { status: 400, flags: ['DPE'], details: 'http1.codec_error' }],
  ['other', { status: 200, flags: ['other'] }],
  ['other', {}],
];

describe('the outcome', () => {
  it.each(SEEN)('is %s of %j', (outcome, fields) => {
    expect(outcomeOf(entry(fields))).toBe(outcome);
  });

  it('of an attempt that was cut is told by its request', () => {
    expect(isCut(entry({}))).toBe(true);
    expect(isCut(entry({ flags: ['UT'] }))).toBe(false);
    expect(isCut(entry({ status: 200 }))).toBe(false);
  });

  it.each([
    [true, { status: 200 }],
    [true, { status: 404 }],
    [true, { status: 200, grpcStatus: 5 }],
    // All of these are in the log, whatever their request id.
    [false, { status: 403 }],
    [false, { status: 429 }],
    [false, { status: 500 }],
    [false, { status: 200, flags: ['DI'] }],
    [false, { status: 200, grpcStatus: 7 }],
    [false, {}],
  ])('is sampled: %s of %j', (sampled, fields) => {
    expect(isSampled(entry(fields))).toBe(sampled);
  });
});
