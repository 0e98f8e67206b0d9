/** For tests of the audit: a signer, and an attacker who owns the database. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Client } from 'pg';
import type { AuditSigner } from '../audit/audit.port.js';
import { envelopeHash } from '../audit/chain.js';
import type { Store } from '../ports.js';

export interface TestSigner extends AuditSigner {
  readonly publicKey: KeyObject;
  readonly pem: string;
}

export function newSigner(id: string): TestSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { id, privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** Makes it the key of the database, as the identity library does, and publishes it. */
export async function installSigner(raw: Client, store: Store, signer: TestSigner, before = signer): Promise<void> {
  await raw.query(`UPDATE authority SET active = false WHERE purpose = 'audit-signing'`);
  await raw.query(
    `INSERT INTO authority (id, mesh, purpose, certificate_pem, wrapped_key, not_after, active)
     VALUES ($1, '', 'audit-signing', $2, '', 0, true)`,
    [signer.id, signer.pem],
  );
  await store.audit.announceKey(await held(store), { id: signer.id, publicKey: signer.pem }, before);
}

export async function held(store: Store, holder = 'a') {
  const lease = await store.audit.lease(holder, 60_000);
  if (lease === undefined) throw new Error('somebody else has the lease');
  return lease;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * What an attacker with the rights of a superuser does who knows how the chain is made: changes one entry's payload and
 * makes every hash after it, and the head, fit.
 */
export async function rewriteFrom(raw: Client, seq: number, edit: (payload: string) => string): Promise<void> {
  const { rows } = await raw.query<{ seq: string; revision: string; at: Date; payload: string; prev: string }>(
    'SELECT seq, revision, at, payload, prev FROM audit_entry WHERE seq >= $1 ORDER BY seq',
    [seq],
  );
  let prev = rows[0]?.prev ?? '';
  for (const row of rows) {
    const payload = Number(row.seq) === seq ? edit(row.payload) : row.payload;
    const entry = { at: row.at.toISOString(), prev, revision: Number(row.revision), seq: Number(row.seq) };
    const hash = envelopeHash({ ...entry, payload: sha256(payload) });
    const { actor } = JSON.parse(payload) as { actor: { name: string } };
    await raw.query(
      'UPDATE audit_entry SET payload = $2, payload_hash = $3, prev = $4, hash = $5, actor = $6 WHERE seq = $1',
      [row.seq, payload, sha256(payload), prev, hash, actor.name],
    );
    await raw.query('UPDATE change SET actor = $2 WHERE revision = $1', [row.revision, actor.name]);
    await raw.query(`UPDATE stream SET audit_prev = $1, audit_hash = $2 WHERE stream = 'config'`, [prev, hash]);
    prev = hash;
  }
}
