import { candidatesOf } from '../by-outcome.js';
import type { PatternKind } from '../candidate.js';
import { instanceName } from '../words.js';

/** One end does not accept the other's certificate, or one speaks TLS and the other does not. */
export const certificate: PatternKind = {
  name: 'certificate',
  find: (evidence) =>
    candidatesOf(evidence, {
      name: 'certificate',
      outcomes: new Set(['tls']),
      mergeCallers: true,
      byInstance: true,
      sentence: ({ callee, callers, share, scope }) =>
        `${share} of the requests${callers} to ${scope.instances ? `${instanceName(scope.instances[0] ?? '')} of ` : ''}${callee} fail in the TLS handshake`,
    }),
};
