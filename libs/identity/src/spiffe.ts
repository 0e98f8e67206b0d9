import { err, isDnsLabel, isDnsSubdomain, ok, type Result } from '#libs/kernel';
import { spiffeId } from './types.js';

/** The parts of a workload's SPIFFE id, `spiffe://<trust domain>/<namespace>/<workload>`. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workload: string;
}

const MAX_BYTES = 2048;
const SCHEME = 'spiffe://';

/**
 * Parses a trust domain (SEC-19): a lower-case DNS name of at most 253 characters. Narrower than the SPIFFE standard,
 * which also permits underscores and inner empty labels: what is accepted here is a host name everywhere else, too.
 */
export function parseTrustDomain(text: string): Result<string, string> {
  return isDnsSubdomain(text) ? ok(text) : err('a trust domain is a lower-case DNS name of at most 253 characters');
}

/**
 * The one parser of SPIFFE ids (SEC-19). Accepts exactly the form that Heddle issues: no upper case, no percent
 * escapes, no empty or dot segments, no trailing slash, no port, user, query or fragment, so that two ids are the same
 * if and only if their texts are, and whoever compares texts cannot be tricked.
 */
export function parseSpiffeId(text: string): Result<SpiffeId, string> {
  if (Buffer.byteLength(text) > MAX_BYTES) return err(`a SPIFFE id has at most ${MAX_BYTES} bytes`);
  if (!text.startsWith(SCHEME)) return err(`a SPIFFE id begins with ${SCHEME}`);
  const [trustDomain, namespace, workload, ...rest] = text.slice(SCHEME.length).split('/');
  const domain = parseTrustDomain(trustDomain ?? '');
  if (!domain.ok) return domain;
  if (namespace === undefined || workload === undefined || rest.length > 0) {
    return err('the path of a SPIFFE id is /<namespace>/<workload>');
  }
  if (!isDnsLabel(namespace)) return err('the namespace in a SPIFFE id is a DNS label');
  if (!isDnsLabel(workload)) return err('the workload in a SPIFFE id is a DNS label');
  return ok({ trustDomain: domain.value, namespace, workload });
}

/** The text of a SPIFFE id; the inverse of {@link parseSpiffeId}. @throws Error for parts it would not accept. */
export function formatSpiffeId(id: SpiffeId): string {
  const text = spiffeId(id.trustDomain, id.namespace, id.workload);
  const parsed = parseSpiffeId(text);
  if (!parsed.ok) throw new Error(`not a SPIFFE id: ${parsed.error}`);
  return text;
}
