/** The part of the contract that is about tokens and authorities. */
import type { TokenDecision } from './audit/audit.port.js';
import type { Actor } from './values.port.js';

export interface ApiTokenRow {
  /** Public part, by which it is found. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** What RoleBindings know it by, beside its name. */
  readonly groups: readonly string[];
  /** The only meshes in which it is worth anything; empty = every one. */
  readonly meshes: readonly string[];
  /** SHA-256 of the secret part, hex. */
  readonly secretHash: string;
  /** Milliseconds since the epoch, as the others; revoking it is its end. */
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly revoked: boolean;
}

/** Whoever is let in, or no more, is in the audit by the same transaction (SEC-61). */
export interface Tokens {
  insert(row: ApiTokenRow, by: Actor): Promise<void>;
  find(id: string): Promise<ApiTokenRow | undefined>;
  /** Also those that ended, for 30 days; in the audit they stay. */
  list(): Promise<readonly ApiTokenRow[]>;
  /** @returns false when there is no such token */
  revoke(id: string, by: Actor): Promise<boolean>;
  touch(id: string, at: number): Promise<void>;
  /**
   * Deny-list of proxy tokens by `jti`; entries end with the token they deny.
   * @param by who decided it, and in which mesh; undefined = it has been decided, and audited, before
   */
  deny(jti: string, until: number, reason: string, by?: Pick<TokenDecision, 'actor' | 'mesh'>): Promise<void>;
  denied(): Promise<ReadonlyMap<string, number>>;
}

/** An encrypted authority key with its certificate. `wrapped` is opaque to the store. */
export interface AuthorityRow {
  readonly id: string;
  /** '' for the server CA and the token signing key, which belong to no mesh. */
  readonly mesh: string;
  readonly purpose: 'root' | 'intermediate' | 'server-root' | 'token-signing' | 'audit-signing';
  readonly certificatePem: string;
  readonly wrappedKey: Uint8Array;
  readonly notAfter: number;
  readonly active: boolean;
}

export interface AuthorityStage {
  readonly id: string;
  readonly purpose: AuthorityRow['purpose'];
  /** Prepared: known to all, signs nothing yet. Active: signs. Retired: signs no more, what it signed is still good. */
  readonly stage: 'prepared' | 'active' | 'retired';
  /** Milliseconds in this stage, by Postgres's clock. */
  readonly forMs: number;
  /** A certificate that it issued is on record and has not ended. */
  readonly inUse: boolean;
}

export interface Authorities {
  /** All rows of a mesh and purpose, newest first. */
  list(mesh: string): Promise<readonly AuthorityRow[]>;
  /** Runs `create` under an advisory lock for (mesh, purpose) unless an active row exists, so that replicas agree. */
  ensure(mesh: string, purpose: AuthorityRow['purpose'], create: () => Promise<AuthorityRow>): Promise<AuthorityRow>;
  /**
   * Puts a new row in the place of the active one, which goes on verifying what it signed; under the same lock.
   * @param replaces id of the row that was active when it was decided: when another is by now, that one stays and is returned
   */
  rotate(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    replaces: string,
    create: () => Promise<AuthorityRow>,
  ): Promise<AuthorityRow>;
  /** Postgres's clock, milliseconds since the epoch. */
  now(): Promise<number>;
  /** Where the authorities of a mesh stand in their rotation; `now` is Postgres's clock, milliseconds since the epoch. */
  stages(mesh: string): Promise<{ readonly now: number; readonly stages: readonly AuthorityStage[] }>;
  /**
   * Adds an authority that signs nothing yet. Fenced: false, with nothing made or written, when another one than
   * `activeId` is active by now, or one is prepared already.
   */
  prepare(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    activeId: string,
    create: () => Promise<AuthorityRow>,
  ): Promise<boolean>;
  /** Retires the active one and makes the prepared one active, both or neither. Fenced: false when either is no longer so. */
  activate(change: { readonly activeId: string; readonly preparedId: string }): Promise<boolean>;
  /** Deletes a retired one with its key. False when it is not retired for that long, or a certificate of it has not ended. */
  forget(id: string, retiredForMs: number): Promise<boolean>;
  recordIssued(
    rows: readonly {
      readonly serial: string;
      readonly mesh: string;
      readonly spiffeId: string;
      readonly instance: string;
      readonly notBefore: number;
      readonly notAfter: number;
      readonly issuer: string;
    }[],
  ): Promise<void>;
}
