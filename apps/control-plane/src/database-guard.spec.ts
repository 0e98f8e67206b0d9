import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DatabaseGuard, judgeDatabase } from './database-guard.js';

const served = { clusterId: 'a', epoch: 'e1', configRevision: 7, schemaVersion: 2 };
const directory = mkdtempSync(join(tmpdir(), 'heddle-guard-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the database that was served', () => {
  it.each([
    ['is served again', served, 'same'],
    ['is served further on', { ...served, configRevision: 9 }, 'same'],
    ['REL-5: is served after a failover that lost nothing', { ...served, epoch: 'e2' }, 'restored'],
  ])('%s', (_, found, verdict) => {
    expect(judgeDatabase(served, found)).toEqual({ ok: true, value: verdict });
  });

  it.each([
    ['REL-4: one that no Heddle has used', undefined, /an empty one/],
    ['REL-4: an empty one', { ...served, clusterId: 'b', configRevision: 1 }, /an empty one/],
    ['REL-4: a foreign one', { ...served, clusterId: 'b', configRevision: 90 }, /another one/],
    ['REL-5: an older state of it', { ...served, configRevision: 6 }, /revision 6.*revision 7/],
    ['an older schema of it', { ...served, schemaVersion: 1 }, /schema 1/],
  ])('is not replaced by %s', (_, found, message) => {
    const judged = judgeDatabase(served, found);
    expect(judged.ok ? '' : judged.error).toMatch(message);
  });

  it('is remembered, and forgotten on purpose only', () => {
    const guard = new DatabaseGuard(directory);
    expect(guard.require(served, false)).toBe('first');
    guard.save(served);
    const other = { ...served, clusterId: 'b' };
    expect(() => new DatabaseGuard(directory).require(other, false)).toThrow(/nothing is served.*--database-accept/);
    expect(guard.require(other, true)).toBe('accepted');
    writeFileSync(join(directory, 'database.json'), '{');
    expect(() => guard.require(served, false)).toThrow(/cannot be read/);
  });
});
