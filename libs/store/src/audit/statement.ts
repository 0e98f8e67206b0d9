import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, err, ok, type Result } from '#libs/kernel';
import type { Anchor } from './walk.js';

/**
 * Signed statements about the chain, each one line of canonical JSON (RFC 8785) whose `signature` is Ed25519 over the
 * same without it. They are kept in the database and sent elsewhere: whoever keeps one can show that the chain up to it
 * was rewritten, even by the owner of the database.
 */
const common = {
  /** `database_identity.cluster_id`: one of another database says nothing about this one. */
  cluster: z.string().max(200),
  /** RFC 3339, by Postgres's clock. */
  at: z.iso.datetime(),
  /** Id of the key that signed it. */
  key: z.string().max(200),
  signature: z.string().max(200),
};
const place = {
  seq: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'),
  /** Config revision of the entry. */
  revision: z.int().min(0),
};

const checkpoint = z.strictObject({ type: z.literal('heddle-audit-checkpoint/v1'), ...common, ...place });
/** All up to here was verified and then removed: the chain that is left follows this entry. */
const cut = z.strictObject({
  type: z.literal('heddle-audit-cut/v1'),
  ...common,
  ...place,
  /** Resources that there were after it. */
  resources: z.int().min(0),
});
/** A new key; the first one signs its own, every later one is signed by the one before. */
const key = z.strictObject({
  type: z.literal('heddle-audit-key/v1'),
  ...common,
  id: z.string().max(200),
  /** SubjectPublicKeyInfo, PEM. */
  publicKey: z.string().max(2_000),
});
const statementSchema = z.discriminatedUnion('type', [checkpoint, cut, key]);

export type AuditStatement = z.output<typeof statementSchema>;
export type Checkpoint = z.output<typeof checkpoint>;
export type Cut = z.output<typeof cut>;
export type KeyStatement = z.output<typeof key>;
type Unsigned<T> = T extends unknown ? Omit<T, 'signature' | 'key'> : never;
/** A statement before it is signed. */
export type StatementDraft = Unsigned<AuditStatement>;

/** Signs texts with the key of the audit, whose private half never leaves it. */
export interface AuditSigner {
  /** Id of the key. */
  readonly id: string;
  readonly privateKey: KeyObject;
}

/** @returns the statement's line */
export function signStatement(draft: StatementDraft, signer: AuditSigner): string {
  const body = { ...draft, key: signer.id };
  const signature = sign(null, Buffer.from(canonicalJson(body)), signer.privateKey).toString('base64url');
  return canonicalJson({ ...body, signature });
}

/** Reads a statement; what it says is not to be believed before `Keys.check`. */
export function parseStatement(value: unknown): Result<AuditStatement, string> {
  const parsed = statementSchema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err(`it is no statement about an audit chain: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

/** SHA-256 of a public key (DER), hex: what people compare. */
export const fingerprintOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** The public keys that are believed: those it starts with, and those that one of them has signed. */
export class Keys {
  readonly #byId = new Map<string, KeyObject>();
  /** Keys that are known by what they are, their id being said by the first statement about them. */
  readonly #pinned = new Set<string>();

  trust(id: string, publicKey: KeyObject): void {
    this.#byId.set(id, publicKey);
  }

  /** Trusts a key whose id is not known yet. */
  pin(publicKey: KeyObject): void {
    this.#pinned.add(fingerprintOf(publicKey));
  }

  /** Whether the key that signed it is believed. A statement about a pinned key makes its id known. */
  knows(statement: AuditStatement): boolean {
    if (statement.type === 'heddle-audit-key/v1') this.#introduce(statement);
    return this.#byId.has(statement.key) || this.#isKnownKey(statement);
  }

  /** Why the statement is not to be believed; undefined when it is. A key statement that is good adds its key. */
  check(statement: AuditStatement): string | undefined {
    if (!this.knows(statement)) return `it is signed by a key that is not known here (${statement.key})`;
    if (this.#isKnownKey(statement)) return undefined;
    const publicKey = this.#byId.get(statement.key);
    if (publicKey === undefined || !isSignedBy(publicKey, statement))
      return 'its signature does not fit: it was altered';
    if (statement.type === 'heddle-audit-key/v1') this.trust(statement.id, createPublicKey(statement.publicKey));
    return undefined;
  }

  /** A key that is believed anyway needs nobody's word. */
  #isKnownKey(statement: AuditStatement): boolean {
    if (statement.type !== 'heddle-audit-key/v1') return false;
    const known = this.#byId.get(statement.id);
    const stated = publicKeyOf(statement.publicKey);
    return known !== undefined && stated !== undefined && fingerprintOf(known) === fingerprintOf(stated);
  }

  #introduce({ id, publicKey: pem }: KeyStatement): void {
    const publicKey = publicKeyOf(pem);
    if (publicKey !== undefined && this.#pinned.has(fingerprintOf(publicKey))) this.trust(id, publicKey);
  }
}

/** Undefined for what is no public key. */
export function publicKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

function isSignedBy(publicKey: KeyObject, { signature, ...body }: AuditStatement): boolean {
  return verify(null, Buffer.from(canonicalJson(body)), publicKey, Buffer.from(signature, 'base64url'));
}

/** What a chain is compared with. */
export const anchorOf = ({ type, seq, hash, at }: Checkpoint | Cut): Anchor => ({
  seq,
  hash,
  what: `the ${type === 'heddle-audit-cut/v1' ? 'cut' : 'checkpoint'} of ${at}`,
});
