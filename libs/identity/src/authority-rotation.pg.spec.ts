import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#libs/kernel';
import { openStore, type Store } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { AuthorityRotation } from './authority-rotation.js';
import { CertificateAuthority } from './certificate-authority.js';
import { kek } from './secret-fixture.js';

const MESH = 'default';

describe('rotation over a real Postgres', () => {
  let database: TestDatabase;
  const stores: Store[] = [];

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    for (const replica of ['a', 'b', 'c']) stores.push(await openStore({ url: database.url, replica }));
  });

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database?.drop();
  });

  /** A replica that was just started: everything it knows comes from the rows. */
  function replica(index = 0) {
    const { authorities } = stores[index] as Store;
    const authority = new CertificateAuthority({ authorities, kek, clock: systemClock });
    return { authority, rotation: new AuthorityRotation({ authorities, authority, kek, clock: systemClock }) };
  }
  const kinds = async ({ rotation }: ReturnType<typeof replica>) =>
    (await rotation.run(MESH)).map(({ kind, purpose }) => `${kind} ${purpose}`);
  const rows = async () => {
    const found = await database.rows(`SELECT
      CASE WHEN active THEN 'active' WHEN activated_at IS NULL THEN 'prepared' ELSE 'retired' END || ' ' || purpose AS text
      FROM authority WHERE mesh = '${MESH}' ORDER BY created_at`);
    return (found as { text: string }[]).map(({ text }) => text);
  };
  const OTHERS = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  const backends = (condition: string) => database.rows(`${OTHERS} AND ${condition}`);
  const kill = (condition: string) =>
    database.rows(`WITH them AS MATERIALIZED (${OTHERS} AND ${condition}) SELECT pg_terminate_backend(pid) FROM them`);
  /** Lets time pass for the stages: all that the job measures is by this database's clock. */
  const age = (interval: string) =>
    database.rows(`UPDATE authority SET created_at = created_at - interval '${interval}',
      activated_at = activated_at - interval '${interval}', retired_at = retired_at - interval '${interval}'`);

  it('nothing is due in a mesh that was just made', async () => {
    expect(await kinds(replica())).toEqual([]);
    expect(await rows()).toEqual(['active root', 'active intermediate']);
  });

  it('REL-48 of replicas that begin together one makes the successor', async () => {
    const begun = await Promise.all([0, 1, 2].map((index) => replica(index).rotation.begin(MESH, 'root')));
    expect(begun.toSorted()).toEqual([false, false, true]);
    expect(await rows()).toEqual(['active root', 'active intermediate', 'prepared root']);
  });

  it('REL-32 one that dies while it writes leaves nothing half done, and the next one goes on', async () => {
    await age('8 days');
    // The row that is to be activated is held, so that the one that retires the other is stuck in the middle.
    const hold = 'BEGIN; SELECT FROM authority WHERE activated_at IS NULL FOR UPDATE; SELECT pg_sleep(600)';
    const held = database.rows(hold).catch(() => 'cut');
    await expect.poll(() => backends(`wait_event = 'PgSleep'`)).toHaveLength(1);
    const dying = replica(1).rotation.run(MESH);
    // oxlint-disable-next-line vitest/valid-expect -- awaited below, when it was made to fail
    const failed = expect(dying).rejects.toThrow();
    await expect.poll(() => backends(`wait_event_type = 'Lock'`)).toHaveLength(1);
    await kill(`wait_event_type = 'Lock'`);
    await failed;
    await kill(`wait_event = 'PgSleep'`);
    expect(await held).toBe('cut');
    expect(await rows()).toEqual(['active root', 'active intermediate', 'prepared root']);
    expect(await kinds(replica(2))).toEqual(['activate root', 'prepare intermediate']);
    expect(await rows()).toEqual(['retired root', 'active intermediate', 'active root', 'prepared intermediate']);
  });

  it('SEC-26 forgets an old root last, and not while a certificate under it is on record and lives', async () => {
    await age('4 minutes');
    expect(await kinds(replica())).toEqual(['activate intermediate']);
    const { issuers } = await replica(1).authority.of(MESH);
    const retired = issuers.find((issuer) => !issuer.active)?.id ?? '';
    const now = Date.now();
    const leaf = { serial: '0a', mesh: MESH, spiffeId: 's', instance: 'i', notBefore: now, issuer: retired };
    await stores[0]?.authorities.recordIssued([{ ...leaf, notAfter: now + 3_600_000 }]);
    await age('9 days');
    expect(await kinds(replica())).toEqual([]);
    expect(await stores[0]?.authorities.forget(retired, 0)).toBe(false);
    await database.rows(`UPDATE issued_certificate SET not_after = ${now - 1}`);
    const all = await Promise.all([0, 1, 2].map((index) => kinds(replica(index))));
    expect(all.flat().toSorted()).toEqual(['forget intermediate', 'forget root']);
    expect(await rows()).toEqual(['active root', 'active intermediate']);
  });

  it('never deletes what signs or is about to', async () => {
    await replica().rotation.begin(MESH, 'intermediate');
    const ids = (await database.rows('SELECT id FROM authority')) as { id: string }[];
    expect(ids).toHaveLength(3);
    for (const { id } of ids) expect(await stores[0]?.authorities.forget(id, 0)).toBe(false);
  });
});
