import { beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from './certificate-authority.js';
import { IssuingPaused, KekUnusable } from './errors.js';
import { DAY_MS, type ManualClock, type MemoryStore } from './fixture.js';
import { kekOf } from './kek.js';
import { leafDates } from './mesh-authority.js';
import { identityOf, kek, orders, rig, type SecretRig, sent } from './secret-fixture.js';

let store: MemoryStore;
let clock: ManualClock;
let replica: SecretRig['replica'];
beforeEach(async () => {
  const fresh = await rig();
  ({ store, clock } = fresh);
  replica = (options) => fresh.replica(options);
});

describe('issuing', () => {
  it('SEC-20 never leaves the issuer’s dates nor the configured life, whatever is asked for', () => {
    const now = clock.now();
    for (const lifetime of [-1, 0, 1, Number.NaN, Number.POSITIVE_INFINITY, 60_000, DAY_MS, 1e15]) {
      for (const left of [120_000, DAY_MS, 400 * DAY_MS]) {
        const issuer = { notBefore: now - 60_000, notAfter: now + left };
        const { notBefore, notAfter } = leafDates(issuer, now, lifetime);
        expect(notBefore).toBeGreaterThanOrEqual(issuer.notBefore);
        expect(notAfter).toBeLessThanOrEqual(issuer.notAfter);
        expect(notAfter).toBeGreaterThan(now);
      }
    }
  });

  it('REL-31 stops at the end of the issuer, and goes on without a restart when there is a new one', async () => {
    const { source, authority } = replica();
    await source.resolve(orders, 'identity', undefined);
    clock.jump(365 * DAY_MS - 2 * 3_600_000);
    const last = identityOf(await source.resolve(orders, 'identity', undefined));
    expect(last.chain[0]?.validToDate.getTime()).toBeLessThanOrEqual(last.chain[1]?.validToDate.getTime() ?? 0);
    clock.jump(3 * 3_600_000);
    await expect(source.resolve(orders, 'identity', last.version)).rejects.toThrow(IssuingPaused);
    store.rows = store.rows.map((row) => (row.purpose === 'intermediate' ? { ...row, active: false } : row));
    await new CertificateAuthority({ authorities: store.authorities, kek, clock }).of('default');
    await authority.refresh();
    expect(identityOf(await source.resolve(orders, 'identity', last.version)).chain).toHaveLength(2);
  });

  it('REL-27 REL-28 decides nothing by a clock that is not the database’s', async () => {
    let skew = 0;
    const { source } = replica({ clockSkewMs: () => skew });
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    clock.jump(30 * DAY_MS);
    skew = 30 * DAY_MS;
    expect(await source.resolve(orders, 'identity', version)).toEqual({ kind: 'keep' });
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'clock-skew' });
    clock.jump(-31 * DAY_MS);
    skew = -DAY_MS;
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'clock-skew' });
  });

  it('REL-2 goes on while Postgres is away, records afterwards, and stops when the spool is full', async () => {
    const { source, issuance } = replica({ capacity: 3 });
    await source.resolve(orders, 'trust', undefined);
    store.away = true;
    for (let round = 0; round < 3; round++) await source.resolve(orders, 'identity', undefined);
    await clock.advance(600_000);
    expect(issuance.pending).toBe(3);
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'spool-full' });
    store.away = false;
    await clock.advance(31_000);
    expect([issuance.pending, store.issued.size]).toEqual([0, 3]);
    expect((await source.resolve(orders, 'identity', undefined)).kind).toBe('send');
  });

  it('REL-3 serves nothing when the mesh was never loaded and Postgres is away', async () => {
    store.away = true;
    await expect(replica().source.resolve(orders, 'trust', undefined)).rejects.toThrow(/away/);
  });

  it('replicas that start together agree on one root and one issuer', async () => {
    store.rows = [];
    const bundles = await Promise.all(
      Array.from({ length: 4 }, () => replica().source.resolve(orders, 'trust', undefined)),
    );
    expect(new Set(bundles.map((answer) => sent(answer).version)).size).toBe(1);
    expect(store.rows.map((row) => row.purpose)).toEqual(['root', 'intermediate']);
  });

  it('SEC-23 refuses the wrong key-encryption key and exchanged rows', async () => {
    const wrong = new CertificateAuthority({
      authorities: store.authorities,
      kek: kekOf(new Uint8Array(32).fill(2)),
      clock,
    });
    await expect(wrong.of('default')).rejects.toThrow(KekUnusable);
    const key = (mesh: string) =>
      store.rows.find((row) => row.mesh === mesh && row.purpose === 'intermediate')?.wrappedKey;
    const swapped = key('other');
    if (!swapped) throw new Error('no key');
    store.rows = store.rows.map((row) =>
      row.mesh === 'default' && row.purpose === 'intermediate' ? { ...row, wrappedKey: swapped } : row,
    );
    await expect(replica().authority.of('default')).rejects.toThrow(/altered or exchanged/);
  });

  it('a thousand proxies at once leave the event loop its turns', async () => {
    const { source } = replica();
    await source.resolve(orders, 'trust', undefined);
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 1000 }, () => source.resolve(orders, 'identity', undefined)));
    clearInterval(count);
    expect(turns).toBeGreaterThan(3);
  });
});
