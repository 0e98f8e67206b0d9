import { isDnsSubdomain } from '#libs/kernel';

/** A parsed SPIFFE id. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** Segments of the path, never empty ones. */
  readonly path: readonly string[];
}

const SEGMENT = /^[A-Za-z0-9._-]+$/;
const MAX_BYTES = 2048;

/**
 * True for a trust domain: lower-case DNS labels joined by dots. The SPIFFE standard would also take `_`; host names
 * would not, and a trust domain should be usable as one.
 */
export const isTrustDomain = (text: string): boolean => isDnsSubdomain(text);

/**
 * Parses `spiffe://<trust domain>/<path>`, with at least one path segment, or returns undefined. There is one spelling
 * of an id only: `.` and `..`, percent signs, empty segments, a trailing slash, upper-case trust domains, query,
 * fragment, port and anything outside the standard's alphabet are refused (SEC-19, SPIFFE-ID section 2).
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const scheme = 'spiffe://';
  if (text.length > MAX_BYTES || !text.startsWith(scheme)) return undefined;
  const [trustDomain = '', ...path] = text.slice(scheme.length).split('/');
  if (!isTrustDomain(trustDomain) || path.length === 0) return undefined;
  const clean = path.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  return clean ? { trustDomain, path } : undefined;
}

/** The id of a workload: `spiffe://<trust domain>/<namespace>/<workload>`. */
export const workloadId = (trustDomain: string, namespace: string, workload: string): string =>
  `spiffe://${trustDomain}/${namespace}/${workload}`;

/** What every id of a namespace begins with; it ends in `/`, so that no other namespace shares it. */
export const namespacePrefix = (trustDomain: string, namespace: string): string =>
  `spiffe://${trustDomain}/${namespace}/`;
