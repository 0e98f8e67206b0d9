/** The part of the contract that is about the audit chain. */
import type { Actor, Page } from '../values.port.js';
import type { AuditedToken, AuditItem, AuditPayload } from './chain.js';
import type { AuditSigner, Checkpoint, Cut } from './statement.js';
import type { Break } from './walk.js';

export interface VerifyOptions {
  /** Statements that were kept outside of the database, as they were parsed; the chain has to agree with them. */
  readonly checkpoints?: readonly unknown[];
  /** Starts after the newest of `checkpoints` instead of at the beginning: what comes before is taken on its word. */
  readonly incremental?: boolean;
  /** Called about every 500 entries. */
  readonly onProgress?: (done: { readonly seq: number; readonly head: number }) => void;
  /** Ends it early: what it resolves to then is of no worth. */
  readonly signal?: AbortSignal;
}

export type AuditVerdict =
  | {
      readonly ok: true;
      /** Entries that were verified. */
      readonly entries: number;
      /** First and last of them; `from` is `to` + 1 when there was none. */
      readonly from: number;
      readonly to: number;
      /** Signed statements that the chain agrees with. */
      readonly checkpoints: number;
      /** Those about entries before `from`, which are taken on the word of a newer one. */
      readonly beforeStart: number;
    }
  | Break;

/** An entry as searches and exports show it. */
export interface AuditEntry {
  readonly seq: number;
  /** Config revision after it. */
  readonly revision: number;
  /** RFC 3339. */
  readonly at: string;
  readonly prev: string;
  readonly hash: string;
  readonly payload: AuditPayload;
}

export interface AuditQuery {
  readonly mesh: string;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly decision?: 'applied' | 'refused' | undefined;
  readonly resource?: { readonly kind: string; readonly namespace: string; readonly name: string } | undefined;
  /** RFC 3339; at or after, and before. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** 1 to 500. */
  readonly limit: number;
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined;
}

export interface StoredStatement {
  /** Counts up in the order in which they were made. */
  readonly id: number;
  readonly kind: 'checkpoint' | 'cut' | 'key';
  /** The signed line. */
  readonly document: string;
}

/** The right to sign, for a while: one replica has it. */
export interface AuditLease {
  readonly holder: string;
  readonly fence: number;
}

export interface ExportState {
  readonly destination: string;
  /** Id of the last statement that it has taken; 0 = none. */
  readonly statement: number;
  /** Since the last success. */
  readonly failures: number;
  readonly error: string;
}

export interface AccessFailure {
  /** RFC 3339, whole minutes. */
  readonly minute: string;
  readonly peer: string;
  readonly count: number;
}

/** Somebody was let in, or is no more. */
export interface TokenDecision {
  readonly action: 'token-create' | 'token-revoke';
  readonly actor: Actor;
  /** '' = of the server, or of several meshes. */
  readonly mesh: string;
  readonly token: AuditedToken;
}

/** A request that the caller had no right to make. */
export interface Denied extends Pick<AuditPayload, 'actor' | 'mesh' | 'items' | 'reason'> {
  /** What was asked for, in a few words. */
  readonly message: string;
}

export interface AuditTrail {
  /** For tokens that no row stands for. Those of `Tokens` are audited with their row. @throws StoreUnavailable */
  tokenDecided(decision: TokenDecision): Promise<void>;
  /** @throws StoreUnavailable */
  denied(what: Denied): Promise<void>;
  verify(options?: VerifyOptions): Promise<AuditVerdict>;
  /** Newest first. */
  search(query: AuditQuery): Promise<Page<AuditEntry>>;
  /** The lines of an export, oldest first: a header, keys, entries, signed statements, and where it ends. */
  export(signal?: AbortSignal): AsyncIterable<string>;
  statements(after: number, limit: number): Promise<readonly StoredStatement[]>;
  /** Takes or renews the lease; undefined while another replica has it. @param ttlMs by Postgres's clock */
  lease(holder: string, ttlMs: number): Promise<AuditLease | undefined>;
  /**
   * Signs the chain as it is, after what is new since the last checkpoint was verified.
   * @returns the line; undefined when nothing was added since the last one
   * @throws LeaseLost; ChainBroken, when what would be signed is not whole
   */
  checkpoint(lease: AuditLease, signer: AuditSigner): Promise<string | undefined>;
  /** Publishes a key, signed by the one before (or itself, the first), unless it is published. @throws LeaseLost */
  announceKey(
    lease: AuditLease,
    key: { readonly id: string; readonly publicKey: string },
    signer: AuditSigner,
  ): Promise<boolean>;
  exports(): Promise<readonly ExportState[]>;
  exported(destination: string, statement: number): Promise<void>;
  exportFailed(destination: string, error: string): Promise<void>;
  /**
   * Removes history older than so many days, whole ranges of revisions at a time: the chain up to there is verified, a
   * signed statement that covers the cut is kept (and handed to `deliver`, which has to succeed), the cut is audited.
   * @returns undefined when there is nothing to remove
   * @throws LeaseLost; ChainBroken; NotOwner when no login was given that may change the schema
   */
  cut(request: CutRequest): Promise<Cut | undefined>;
  /** Adds to the counts of failed logins, by peer (SEC-64). */
  accessFailed(counts: ReadonlyMap<string, number>): Promise<void>;
  accessFailures(limit: number): Promise<readonly AccessFailure[]>;
}

export interface CutRequest {
  readonly lease: AuditLease;
  readonly signer: AuditSigner;
  readonly actor: Actor;
  /** Days; at least 1. */
  readonly keepDays: number;
  /** Sends the signed line out of the database before anything is removed. */
  readonly deliver: (line: string) => Promise<void>;
}

export type { AuditedToken, AuditItem, AuditSigner, Checkpoint, Cut };
