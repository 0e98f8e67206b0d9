import { MalformedMessage } from '#libs/envoy-api';
import type { Log, LogFields, Metrics } from '#libs/kernel';
import { limitHit } from '../limits.js';
import { Denied } from '../types.js';
import { RequestTooLarge } from '../wire/request.js';

/** The status with which a stream ends because of this error; what deserves it is logged and counted. */
export function denialOf(
  error: unknown,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  fields: LogFields,
): Denied {
  if (error instanceof Denied) {
    // SEC-1: somebody with a good credential wants to be somebody else.
    if (error.status === 'PERMISSION_DENIED') {
      metrics.count('xds_denied_total', { status: error.status });
      log.warn('a client was refused for its node', { ...fields, error: error.message });
    }
    return error;
  }
  if (error instanceof MalformedMessage) return new Denied('INVALID_ARGUMENT', `malformed request: ${error.message}`);
  if (error instanceof RequestTooLarge) {
    limitHit(metrics, error.limit);
    log.warn('a request is larger than allowed', { ...fields, error: error.message });
    return new Denied('RESOURCE_EXHAUSTED', error.message);
  }
  // A bug of ours or of the gatekeeper must cost one stream only (REL-20).
  log.error('a stream failed', { ...fields, error: String(error) });
  return new Denied('UNAVAILABLE', 'internal error');
}
