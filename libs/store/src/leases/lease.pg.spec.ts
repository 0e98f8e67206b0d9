import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { Store } from '../ports.js';
import { LeaseLost, requireLease } from './lease.js';

describe('REL-48 the lease of a job', () => {
  let database: TestDatabase;
  let store: Store;
  let raw: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a' });
    raw = new Client({ connectionString: database.url });
    await raw.connect();
  });

  afterAll(async () => {
    await raw?.end();
    await store?.close();
    await database?.drop();
  });

  const sql = {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await raw.query<Row>(text, [...values])).rows,
  };
  const expire = (): Promise<unknown> => raw.query(`UPDATE job_lease SET until = now() - interval '1 second'`);

  it('has one holder, who may renew it; jobs of other names have their own', async () => {
    const mine = await store.leases.take('weave', 'a', 60_000);
    expect(mine).toEqual({ name: 'weave', holder: 'a', fence: 1 });
    expect(await store.leases.take('weave', 'b', 60_000)).toBeUndefined();
    expect(await store.leases.take('weave', 'a', 60_000)).toEqual(mine);
    expect(await store.leases.take('spin', 'b', 60_000)).toMatchObject({ holder: 'b', fence: 1 });
  });

  it('is given back at once by a time of 0', async () => {
    await store.leases.take('dye', 'a', 60_000);
    await store.leases.take('dye', 'a', 0);
    expect(await store.leases.take('dye', 'b', 60_000)).toMatchObject({ holder: 'b', fence: 2 });
  });

  it('of a hundred that ask at once goes to one', async () => {
    const taken = await Promise.all(Array.from({ length: 100 }, (_, i) => store.leases.take('race', `r-${i}`, 60_000)));
    expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it('that ran out and was taken by another makes what the stalled holder writes fail, also after it is free again', async () => {
    const stalled = await store.leases.take('cut', 'a', 60_000);
    if (!stalled) throw new Error('the lease is taken');
    await requireLease(sql, stalled);
    await expire();
    await requireLease(sql, stalled); // nobody else has it: no harm
    const next = await store.leases.take('cut', 'b', 60_000);
    await expect(requireLease(sql, stalled)).rejects.toThrow(LeaseLost);
    await expire();
    await expect(requireLease(sql, stalled)).rejects.toThrow(LeaseLost);
    const again = await store.leases.take('cut', 'a', 60_000);
    expect([next?.fence, again?.fence]).toEqual([2, 3]);
    await expect(requireLease(sql, stalled)).rejects.toThrow(LeaseLost);
  });

  it('cannot be taken from a holder in the middle of its transaction', async () => {
    const mine = await store.leases.take('hold', 'a', 60_000);
    if (!mine) throw new Error('the lease is taken');
    await expire();
    await raw.query('BEGIN');
    await requireLease(sql, mine);
    let isTaken = false;
    const taking = store.leases.take('hold', 'b', 60_000).then((lease) => {
      isTaken = true;
      return lease;
    });
    await raw.query('SELECT pg_sleep(0.1)');
    expect(isTaken).toBe(false);
    await raw.query('COMMIT');
    expect(await taking).toMatchObject({ holder: 'b', fence: 2 });
  });
});
