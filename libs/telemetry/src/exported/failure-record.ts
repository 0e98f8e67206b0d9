import type { ExportedRecord } from '#libs/kernel';
import type { FailureRecord } from '../model/index.js';
import { type EdgeTags, edgeTags } from './edge-tags.js';

/** A request or attempt that failed, as a record for other engines: exactly what Heddle keeps of it, never a query, header or body. */
export const failureRecord = (mesh: string, failure: FailureRecord, tags?: EdgeTags): ExportedRecord => ({
  name: 'heddle.mesh.failure',
  at: failure.at,
  body: `${failure.what} failed: ${failure.outcome}, ${failure.caller || 'nobody known'} to ${failure.callee}`,
  values: {
    'heddle.mesh': mesh,
    'heddle.failure': failure.what,
    'heddle.outcome': failure.outcome,
    'heddle.caller': failure.caller,
    'heddle.caller.instance': failure.callerInstance,
    'heddle.callee': failure.callee,
    'heddle.callee.instance': failure.instance,
    'heddle.subset': failure.subset,
    'heddle.route': failure.route,
    'heddle.response_flags': failure.flags,
    'heddle.details': failure.details,
    'heddle.attempt': failure.attempt,
    'heddle.duration_ms': failure.durationMs,
    'http.request.method': failure.method,
    'http.request.header.x-request-id': failure.requestId,
    'http.response.status_code': failure.status,
    'url.path': failure.path,
    ...edgeTags(tags, failure),
  },
});
