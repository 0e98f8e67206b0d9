import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { LeaseLost } from '../leases/lease.js';
import { openStore } from '../open-store.js';
import type { Store } from '../ports.js';
import { held, installSigner, newSigner, rewriteFrom, type TestSigner } from '../testing/audited.js';
import { put, request } from '../testing/fixtures.js';
import { ChainBroken } from './checkpoint.js';
import { verifyExport } from './offline.js';

describe('checkpoints of the audit', () => {
  let database: TestDatabase;
  let store: Store;
  let raw: Client;
  let signer: TestSigner;

  beforeEach(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a' });
    raw = new Client({ connectionString: database.url });
    await raw.connect();
    signer = newSigner('k-1');
    await installSigner(raw, store, signer);
  });

  afterEach(async () => {
    await raw?.end();
    await store?.close();
    await database?.drop();
  });

  const write = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1)
      await store.resources.write(request([put('Service', 's', { n: Math.random() })]));
  };
  const checkpoint = async (): Promise<Record<string, unknown>> => {
    const line = await store.audit.checkpoint(await held(store), signer);
    return JSON.parse(line ?? 'null') as Record<string, unknown>;
  };
  const lines = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const line of store.audit.export()) all.push(line);
    return all;
  };

  it('SEC-62 the end of the chain, cut off together with the head that knows of it, is found by a checkpoint only', async () => {
    await write(6);
    const kept = await checkpoint();
    await raw.query('DELETE FROM audit_statement');
    await raw.query('BEGIN');
    await raw.query('SET LOCAL session_replication_role = replica');
    for (const table of ['audit_entry', 'change', 'resource_history'])
      await raw.query(`DELETE FROM ${table} WHERE revision > 4`);
    await raw.query(`UPDATE stream SET revision = 4, audit_seq = e.seq, audit_hash = e.hash, audit_prev = e.prev
      FROM audit_entry e WHERE e.revision = 4 AND stream.stream = 'config'`);
    await raw.query(`UPDATE resource r SET spec = (h.after->>'spec')::json, version = h.version, updated_revision = 4
      FROM resource_history h WHERE h.revision = 4 AND r.uid = h.uid`);
    await raw.query('COMMIT');
    expect(await store.audit.verify()).toMatchObject({ ok: true, to: 4 });
    expect(await store.audit.verify({ checkpoints: [kept] })).toMatchObject({
      ok: false,
      seq: 5,
      reason: expect.stringMatching(
        /ends with entry 4, but the checkpoint of .* vouches for entry 7: its end was cut off/,
      ),
    });
  });

  it('SEC-62 a chain written anew from an entry on is found by a checkpoint only, which says between which entries', async () => {
    await write(3);
    const first = await checkpoint();
    await write(4);
    const second = await checkpoint();
    await raw.query('DELETE FROM audit_statement');
    await rewriteFrom(raw, 6, (payload) => payload.replace('"name":"tests"', '"name":"nobody"'));
    expect(await store.audit.verify()).toMatchObject({ ok: true });
    expect(await store.audit.verify({ checkpoints: [first] })).toMatchObject({ ok: true, checkpoints: 1 });
    expect(await store.audit.verify({ checkpoints: [first, second] })).toMatchObject({
      ok: false,
      seq: 8,
      reason: expect.stringContaining('written anew from one of the entries 5 to 8'),
    });
  });

  it('SEC-62 the whole chain written anew is found by a checkpoint', async () => {
    await write(3);
    const kept = await checkpoint();
    await raw.query('DELETE FROM audit_statement');
    await rewriteFrom(raw, 1, (payload) => payload.replace('"name":"system"', '"name":"nobody"'));
    expect(await store.audit.verify()).toMatchObject({ ok: true });
    expect(await store.audit.verify({ checkpoints: [kept] })).toMatchObject({ ok: false, seq: 4 });
  });

  it('SEC-62 a checkpoint that was altered, is by another key or of another database is not believed', async () => {
    await write(2);
    const kept = await checkpoint();
    const other = newSigner('k-1');
    const forged = { ...kept, hash: 'f'.repeat(64) };
    expect(await store.audit.verify({ checkpoints: [forged] })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('altered'),
    });
    expect(await store.audit.verify({ checkpoints: [{ ...kept, key: 'k-9' }] })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('not known here'),
    });
    expect(await store.audit.verify({ checkpoints: [{ seq: 1 }] })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('cannot be used'),
    });
    await raw.query(`UPDATE authority SET certificate_pem = $1 WHERE id = 'k-1'`, [other.pem]);
    expect(await store.audit.verify({ checkpoints: [kept] })).toMatchObject({ ok: false, seq: 3 });
    await raw.query(`UPDATE authority SET certificate_pem = $1 WHERE id = 'k-1'`, [signer.pem]);
    await raw.query(`UPDATE database_identity SET cluster_id = 'another'`);
    expect(await store.audit.verify({ checkpoints: [kept] })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('another database'),
    });
  });

  it('is made only when something was added, and never over a chain that is not whole', async () => {
    await write(2);
    expect(await checkpoint()).toMatchObject({ type: 'heddle-audit-checkpoint/v1', seq: 3, revision: 3, key: 'k-1' });
    expect(await store.audit.checkpoint(await held(store), signer)).toBeUndefined();
    await store.resources.write(request([put('Service', 's', {}, { ifVersion: 99 })]));
    expect(await checkpoint()).toMatchObject({ seq: 4, revision: 3 });
    await write(2);
    await raw.query(`UPDATE audit_entry SET payload = replace(payload, 'tests', 'nobody') WHERE seq = 5`);
    await expect(store.audit.checkpoint(await held(store), signer)).rejects.toThrow(ChainBroken);
    expect(await store.audit.statements(0, 100)).toHaveLength(3);
  });

  it('is made by the holder of the lease only: one that was stalled finds out when it writes', async () => {
    await write(1);
    const stalled = await held(store, 'a');
    expect(await store.audit.lease('b', 60_000)).toBeUndefined();
    await raw.query(`UPDATE audit_lease SET until = now() - interval '1 second'`);
    const next = await held(store, 'b');
    expect(next.fence).toBe(stalled.fence + 1);
    await expect(store.audit.checkpoint(stalled, signer)).rejects.toThrow(LeaseLost);
    expect(await store.audit.checkpoint(next, signer)).toContain('"seq":2');
  });

  it('goes on with the next key, which the one before has signed', async () => {
    await write(1);
    const old = await checkpoint();
    const next = newSigner('k-2');
    await installSigner(raw, store, next, signer);
    await write(1);
    const line = await store.audit.checkpoint(await held(store), next);
    expect(await store.audit.verify({ checkpoints: [old, JSON.parse(line ?? '')] })).toMatchObject({
      ok: true,
      checkpoints: 4,
    });
    // Who knows only the first key follows to the next; who knows only the next counts what it signed.
    expect(await verifyExport(await lines(), { publicKeys: [signer.publicKey] })).toMatchObject({
      ok: true,
      checkpoints: 2,
    });
    expect(await verifyExport(await lines(), { publicKeys: [next.publicKey] })).toMatchObject({
      ok: true,
      checkpoints: 1,
    });
  });

  it('verifies only what is new after a checkpoint', async () => {
    await write(3);
    const kept = await checkpoint();
    await write(2);
    expect(await store.audit.verify({ checkpoints: [kept], incremental: true })).toMatchObject({
      ok: true,
      entries: 2,
      from: 5,
      to: 6,
    });
    await raw.query(`UPDATE audit_entry SET at = at + interval '1 hour' WHERE seq = 5`);
    expect(await store.audit.verify({ checkpoints: [kept], incremental: true })).toMatchObject({ ok: false, seq: 5 });
  });

  it('SEC-62 an export is verified without the database, and shows what was done to it', async () => {
    await write(2);
    await checkpoint();
    await write(2);
    const kept = await checkpoint();
    const whole = await lines();
    const options = { publicKeys: [signer.publicKey], checkpoints: [kept] };
    expect(await verifyExport(whole, options)).toMatchObject({ ok: true, entries: 5, from: 1, to: 5, checkpoints: 3 });
    expect(await verifyExport(whole)).toMatchObject({ ok: true, key: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const at = (seq: number): number =>
      whole.findIndex((line) => line.includes('-entry/') && line.includes(`"seq":${seq},`));
    const edited = whole.with(at(3), whole[at(3)]?.replace('"name":"tests"', '"name":"nobody"') ?? '');
    expect(await verifyExport(edited, options)).toMatchObject({ ok: false, seq: 3 });
    expect(await verifyExport(whole.toSpliced(at(3), 1), options)).toMatchObject({ ok: false, seq: 3 });
    expect(await verifyExport(whole.slice(0, -1), options)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('cut short'),
    });
    expect(await verifyExport(whole, { publicKeys: [newSigner('k').publicKey] })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('nothing in the file is signed'),
    });
    expect(await verifyExport(['{}'], options)).toMatchObject({ ok: false, reason: expect.stringContaining('line 1') });
  });
});
