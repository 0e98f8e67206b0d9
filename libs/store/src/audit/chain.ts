import { createHash } from 'node:crypto';
import { canonicalJson } from '#libs/kernel';
import type { AuditAction } from '#libs/model';
import type { Actor } from '../values.port.js';

/** A token as the audit names it, without anything that could be used (SEC-63). */
export interface AuditedToken {
  readonly kind: 'ApiToken' | 'ProxyToken';
  /** Public part; of a proxy token its jti. */
  readonly id: string;
  readonly name?: string | undefined;
  /** What its holder may do with it, and until when. */
  readonly grants?: unknown;
}

/**
 * The audit chain. An entry's payload says who decided what, as canonical JSON (RFC 8785); documents are in it by
 * their SHA-256. The entry's hash is the SHA-256 of its envelope `{at, payload, prev, revision, seq}`, where `payload`
 * is the payload's SHA-256 and `prev` the hash of the entry before, so that nobody can edit, remove or reorder entries
 * and leave the rest of the chain valid (SEC-62). The envelope is put together by Postgres under the lock of the
 * config stream (`nextEntry`) and again here when the chain is verified.
 */
export interface AuditPayload {
  readonly action: AuditAction;
  readonly decision: 'applied' | 'refused';
  readonly actor: Actor;
  readonly mesh: string;
  readonly message: string;
  readonly reverts?: string | undefined;
  /** What `token-*` is about. */
  readonly token?: AuditedToken | undefined;
  /** What `staged` is about. */
  readonly staged?: ({ readonly id: string; readonly to: string } & Readonly<Record<string, unknown>>) | undefined;
  /** Why it was refused. */
  readonly reason?: unknown;
  /** What an applied entry changed: exactly the rows of its revision in history. */
  readonly items: readonly AuditItem[];
}

export interface AuditItem {
  readonly op: string;
  /** Of what was applied since history is kept in ranges. */
  readonly uid?: string | undefined;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly version?: number | undefined;
  /** SHA-256 of the canonical manifests before and after; '' where there was or is none. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** SHA-256 of a document's canonical JSON; '' for none. */
export const documentHash = (document: unknown): string =>
  document === undefined || document === null ? '' : sha256(canonicalJson(document));

export interface Envelope {
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string;
  readonly payload: string;
  readonly prev: string;
  readonly revision: number;
  readonly seq: number;
}

export const envelopeHash = (envelope: Envelope): string => sha256(canonicalJson(envelope));
