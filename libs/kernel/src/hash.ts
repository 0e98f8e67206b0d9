import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';

/**
 * Content hash: SHA-256 cut to 128 bits, as 32 lower-case hex digits. Equal content has equal hashes on every replica
 * and across restarts; it is an identity of content, not a secret.
 */
export function contentHash(bytes: Uint8Array | string): string {
  // A slice of the longer text would keep that alive: hashes are what a graph holds most of.
  return hash('sha256', bytes, 'buffer').toString('hex', 0, 16);
}

/** Content hash of a JSON value through its canonical form (RFC 8785), so that key order does not matter. */
export function valueHash(value: unknown): string {
  return contentHash(canonicalJson(value));
}
