import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { ProgressRow, Store } from '../ports.js';

let database: TestDatabase;
let a: Store;
let b: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  [a, b] = [await open('a'), await open('b')];
  // One that reads and writes, but serves nobody: never waited for.
  await (await openStore({ url: database.url, replica: 'reader' })).close();
});
afterAll(async () => {
  await a?.close();
  await b?.close();
  await database?.drop();
});

const open = (replica: string): Promise<Store> => openStore({ url: database.url, replica, delivers: true, pool: 3 });
const refusal = { proxy: 'p', type: 'LDS', name: 'inbound/80', message: 'no such filter' };
const row = (replica: string, change: number, more: Partial<ProgressRow> = {}): ProgressRow => ({
  ...{ mesh: 'm', change, replica, total: 0, acked: 0, refusing: 0, elapsedMs: 0, refused: [], behind: [] },
  ...more,
});
const known = async (change: number): Promise<readonly unknown[]> =>
  (await a.progress.of('m', [change])).map(({ replica, alive, progress }) => [
    ...[replica, alive, progress?.acked, progress?.total],
  ]);

describe('the delivery of changes', () => {
  it('is waited for from every replica that is alive and serves proxies', async () => {
    await expect
      .poll(() => known(5))
      .toEqual([
        ['a', true, undefined, undefined],
        ['b', true, undefined, undefined],
      ]);
    await a.progress.save([row('a', 5, { total: 3, acked: 1 })]);
    await a.progress.save([row('a', 5, { total: 3, acked: 2 }), row('a', 6)]);
    expect(await known(5)).toEqual([
      ['a', true, 2, 3],
      ['b', true, undefined, undefined],
    ]);
  });

  it('is that of a later change, at a replica which has come to several at once', async () => {
    await b.progress.save([row('b', 7, { total: 2, acked: 2 })]);
    expect(await known(5)).toEqual([
      ['a', true, 2, 3],
      ['b', true, 2, 2],
    ]);
    expect(await a.progress.of('m', [6, 7])).toHaveLength(4);
    expect(await a.progress.of('other', [5])).toEqual([
      { change: 5, replica: 'a', alive: true, progress: undefined },
      { change: 5, replica: 'b', alive: true, progress: undefined },
    ]);
  });

  it('keeps the words of who refuses, and for how long who is behind', async () => {
    const late = { proxy: 'q', sinceMs: 11_000 };
    await a.progress.save([row('a', 8, { total: 2, refusing: 1, elapsedMs: 0.4, refused: [refusal], behind: [late] })]);
    const [first] = await a.progress.of('m', [8]);
    expect(first?.progress).toMatchObject({ total: 2, refusing: 1, elapsedMs: 0.4, refused: [refusal] });
    expect(first?.progress?.behind[0]?.sinceMs).toBeGreaterThanOrEqual(11_000);
    expect(first?.progress?.behind[0]?.sinceMs).toBeLessThan(71_000);
  });

  it('is ended at a start for all but the newest change, which goes on; what was finished stays', async () => {
    await a.progress.resume('a');
    expect((await known(5))[0]).toEqual(['a', true, 2, 2]);
    expect((await known(8))[0]).toEqual(['a', true, 0, 2]);
    await a.progress.begin([row('a', 6, { total: 9 }), row('a', 8, { total: 1 }), row('a', 9)]);
    await a.progress.begin([row('a', 8, { total: 1, acked: 1 })]);
    await a.progress.begin([row('a', 8, { total: 1 })]);
    expect((await known(6))[0]).toEqual(['a', true, 0, 0]);
    expect((await known(8))[0]).toEqual(['a', true, 1, 1]);
    expect((await known(9))[0]).toEqual(['a', true, 0, 0]);
  });

  it('is not waited for from a replica that has stopped; what it has reported counts', async () => {
    await b.close();
    expect(await known(7)).toEqual([
      ['a', true, 1, 1],
      ['b', false, 2, 2],
    ]);
    expect(await known(10)).toEqual([['a', true, undefined, undefined]]);
    b = await open('b');
    await expect.poll(() => known(10)).toHaveLength(2);
  });
});
