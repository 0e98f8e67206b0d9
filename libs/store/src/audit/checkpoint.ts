import type { Database, Sql } from '../database.js';
import type { AuditLease, AuditSigner } from './audit.port.js';
import { requireLease } from './lease.js';
import { type AuditStatement, anchorOf, parseStatement, signStatement } from './statement.js';
import { type Extent, readExtent, readKeys, type Start, startOf, Verification } from './verify.js';
import type { Break } from './walk.js';

/** What should have been signed is not whole: nothing was signed, so that the last checkpoint before shows it. */
export class ChainBroken extends Error {
  constructor(readonly at: Break) {
    super(`entry ${at.seq} of the audit chain: ${at.reason}`);
    this.name = 'ChainBroken';
  }
}

const NEWEST = `SELECT document FROM audit_statement WHERE kind IN ('checkpoint', 'cut') ORDER BY seq DESC, id DESC LIMIT 1`;
const INSERT = 'INSERT INTO audit_statement (kind, seq, document) VALUES ($1, $2, $3)';
const KEYS = `SELECT document FROM audit_statement WHERE kind = 'key' ORDER BY id`;

const KINDS = {
  'heddle-audit-checkpoint/v1': 'checkpoint',
  'heddle-audit-cut/v1': 'cut',
  'heddle-audit-key/v1': 'key',
} as const satisfies Record<AuditStatement['type'], string>;

/** @param line as `signStatement` made it */
export async function storeStatement(sql: Sql, line: string): Promise<void> {
  const statement = parseStatement(JSON.parse(line));
  if (!statement.ok) throw new Error(statement.error);
  const { value } = statement;
  await sql.query(INSERT, [KINDS[value.type], 'seq' in value ? value.seq : 0, line]);
}

/** The newest statement about the chain, as the place to go on from: all before it was verified when it was made. */
async function lastVouched(sql: Sql, extent: Extent): Promise<Start> {
  const keys = await readKeys(sql);
  const start = startOf(extent, keys);
  if ('ok' in start) throw new ChainBroken(start);
  const [row] = await sql.query<{ document: string }>(NEWEST);
  if (row === undefined) return start;
  const statement = parseStatement(JSON.parse(row.document));
  const place = statement.ok && statement.value.type !== 'heddle-audit-key/v1' ? statement.value : undefined;
  const wrong = place === undefined ? 'it is none' : keys.check(place);
  if (place === undefined || wrong !== undefined)
    throw new ChainBroken({
      ok: false,
      seq: place?.seq ?? 0,
      reason: `the last checkpoint is not to be believed: ${wrong}`,
    });
  return { ...anchorOf(place), revision: place.revision, resources: undefined };
}

/** See `AuditTrail.checkpoint`. */
export async function makeCheckpoint(
  database: Database,
  lease: AuditLease,
  signer: AuditSigner,
): Promise<string | undefined> {
  const extent = await readExtent(database);
  const from = await lastVouched(database, extent);
  if (from.seq === extent.seq && from.hash === extent.hash) return undefined;
  const verdict = await new Verification(database, { extent, keys: await readKeys(database), from }).run();
  if (!verdict.ok) throw new ChainBroken(verdict);
  const { cluster, seq, hash, revision, now } = extent;
  const line = signStatement(
    { type: 'heddle-audit-checkpoint/v1', cluster, seq, hash, revision, at: now.toISOString() },
    signer,
  );
  await database.transaction(async (sql) => {
    await requireLease(sql, lease);
    await storeStatement(sql, line);
  });
  return line;
}

/** See `AuditTrail.announceKey`. */
export async function publishKey(
  database: Database,
  lease: AuditLease,
  key: { readonly id: string; readonly publicKey: string },
  signer: AuditSigner,
): Promise<boolean> {
  const { cluster, now } = await readExtent(database);
  const { id, publicKey } = key; // and nothing else that the caller's object holds
  return database.transaction(async (sql) => {
    await requireLease(sql, lease);
    const known = await sql.query<{ document: string }>(KEYS);
    const ids = known
      .map(({ document }) => parseStatement(JSON.parse(document)))
      .map((s) => s.ok && 'id' in s.value && s.value.id);
    if (ids.includes(id)) return false;
    await storeStatement(
      sql,
      signStatement({ type: 'heddle-audit-key/v1', cluster, id, publicKey, at: now.toISOString() }, signer),
    );
    return true;
  });
}
