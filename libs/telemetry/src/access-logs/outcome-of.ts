import type { Outcome } from '../model/index.js';
import type { LogEntry } from './log-entry.js';

/** What an entry says of how it ended. */
export type Classified = Pick<LogEntry, 'flags' | 'status' | 'grpcStatus' | 'details' | 'transportFailure'>;

type Rule = readonly [outcome: Outcome, holds: (entry: Classified, has: (...flags: string[]) => boolean) => boolean];

/** What TLS itself says, on either end: a certificate that is not accepted, a peer that speaks no TLS. */
const TLS = /TLS_error|CERTIFICATE_VERIFY|SSL[ _]routines|certificate[ _](?:verify|required|unknown|expired)/i;
const REFUSED = /Connection[ _]refused/i;
const OVERFLOW = /\{overflow/;
/** Statuses of gRPC that the application answers when it, and not its caller, is at fault. */
const GRPC_ERRORS: ReadonlySet<number | undefined> = new Set([2, 4, 12, 13, 14, 15]);
const RESOURCE_EXHAUSTED = 8;

/**
 * From the narrow to the wide, since Envoy sets several flags at once: a request whose last attempt was refused has `UF` and
 * `URX`. Names of flags and details are Envoy's; all of those here were seen to come from one of 1.36 or 1.40, or are in its
 * `response_code_details` page.
 */
const RULES: readonly Rule[] = [
  ['injected', (_, has) => has('FI')],
  [
    'client_gone',
    ({ status, details }, has) => (has('DC', 'DR') && status < 500) || details === 'downstream_remote_disconnect',
  ],
  [
    'denied',
    ({ details }, has) =>
      has('UAEX') || /^(?:rbac_access_denied|ext_authz_denied|jwt_authn_access_denied)/.test(details),
  ],
  ['rate_limited', ({ details }, has) => has('RL') || /^(?:local_rate_limited|request_rate_limited)/.test(details)],
  ['overloaded', ({ details }, has) => has('OM') || details.startsWith('overload')],
  ['no_route', ({ status, details }, has) => has('NR', 'NC') || (details === 'direct_response' && status >= 500)],
  ['dns', ({ details }, has) => has('DF') || details.startsWith('dns_')],
  ['overflow', ({ details }, has) => has('UO') || OVERFLOW.test(details)],
  ['no_instance', (_, has) => has('UH')],
  ['tls', (entry, has) => has('UF', 'UC', 'UR') && TLS.test(whyOf(entry))],
  ['refused', (entry, has) => has('UF') && REFUSED.test(whyOf(entry))],
  // Also a host or network that cannot be reached, which the kernel tells by the same flag.
  ['connect_timeout', (_, has) => has('UF')],
  ['timeout', ({ details }, has) => has('UT', 'SI', 'DT', 'UMSDR') || details.endsWith('_timeout')],
  ['reset', (_, has) => has('UC', 'UR', 'LR', 'UPE')],
  // A client that does not speak HTTP: no failure of anybody whom it called.
  ['client_gone', (_, has) => has('DPE', 'IH')],
  ['throttled', ({ status, grpcStatus }) => status === 429 || grpcStatus === RESOURCE_EXHAUSTED],
  ['error', ({ status, grpcStatus }) => status >= 500 || GRPC_ERRORS.has(grpcStatus)],
  ['other', (_, has) => has('LH', 'RLSE', 'NFCF', 'other')],
];

/** What became of a request or an attempt, by what its own entry says. `other` of no answer at all: ask `isCut`. */
export function outcomeOf(entry: Classified): Outcome {
  const has = (...flags: string[]): boolean => flags.some((flag) => entry.flags.includes(flag));
  const found = RULES.find(([, holds]) => holds(entry, has))?.[0];
  return found ?? (entry.status === 0 ? 'other' : 'ok');
}

const whyOf = ({ details, transportFailure }: Classified): string => `${transportFailure} ${details}`;

/** An attempt that its own sidecar ended, because the request was over: how it was over, the request's entry says. */
export const isCut = ({ status, flags, grpcStatus }: Classified): boolean =>
  status === 0 && flags.length === 0 && grpcStatus === undefined;

/** As sidecars are told: of these, every one is logged. */
const LOGGED_GRPC: ReadonlySet<number | undefined> = new Set([...GRPC_ERRORS, 7, RESOURCE_EXHAUSTED]);

/** An answer that may be the application's or its sidecar's, and if it is the sidecar's, a refusal or failure. */
export const isDoubtful = ({ status, grpcStatus }: Pick<Classified, 'status' | 'grpcStatus'>): boolean =>
  status >= 500 || status === 429 || status === 403 || LOGGED_GRPC.has(grpcStatus);

/** Whether it is in its log only because it is in the sample; all others of its kind are there, too. */
export const isSampled = (entry: Classified): boolean =>
  entry.flags.length === 0 && !isDoubtful(entry) && outcomeOf(entry) === 'ok';

/** Whether Envoy itself made this answer. Of attempts it cannot be told: they have no details. */
export const isOwnAnswer = ({ details }: Pick<LogEntry, 'details'>): boolean => details !== 'via_upstream';
