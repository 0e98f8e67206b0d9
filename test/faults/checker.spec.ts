import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, checkSecrecy, type StoredHistory } from '../../libs/testing/src/faults/index.js';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';

const whole: StoredHistory = {
  keys: new Map([['k', 2]]),
  changes: new Map([[2, 1]]),
  alive: new Set(['Service/a']),
  stored: new Set(['Service/a']),
};
const sent = (outcome: 'acknowledged' | 'refused' | 'unknown') => [
  { key: 'k', outcome, name: 'Service/a', value: 'k' },
];

describe('the checker of invariants finds what is wrong', () => {
  it.each([
    ['nothing', sent('acknowledged'), whole, []],
    ['an unacknowledged write that is there', sent('unknown'), whole, []],
    ['an unacknowledged write that is not', sent('unknown'), { ...whole, keys: new Map() }, []],
    ['an acknowledged write that is lost', sent('acknowledged'), { ...whole, keys: new Map<string, number>() }, ['I1']],
    ['a refused write that was carried out', sent('refused'), whole, ['I1']],
    ['a revision that is no change', sent('unknown'), { ...whole, keys: new Map([['k', 9]]) }, ['I1']],
    ['a change that is not audited', [], { ...whole, changes: new Map([[2, 0]]) }, ['I2']],
    ['a change that is audited twice', [], { ...whole, changes: new Map([[2, 2]]) }, ['I2']],
    ['a resource that is gone', [], { ...whole, stored: new Set<string>() }, ['I6']],
    ['a resource that came from nowhere', [], { ...whole, alive: new Set<string>() }, ['I2']],
  ])('of history: %s', (_what, writes, found, ids) => {
    expect(checkHistory(writes, found).map((line) => line.slice(0, 2))).toEqual(ids);
  });

  it('keys and credentials in text', () => {
    expect(checkSecrecy('a log', 'all is well', ['s3cret'])).toEqual([]);
    const text = '{"key":"-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49","token":"s3cret"}';
    expect(checkSecrecy('a log', text, ['s3cret'])).toHaveLength(3);
  });

  describe('on a real mesh', () => {
    let rig: Rig;
    let invariants: Invariants;

    beforeAll(async () => {
      rig = await Rig.start({ replicas: 1 });
      invariants = new Invariants(rig);
      await invariants.check();
    });
    afterAll(() => rig?.stop());

    it('a request that failed, and one that policy denies and that was answered', async () => {
      rig.prober.failures.push('planted');
      rig.prober.leaks.push('planted');
      await expect(invariants.check()).rejects.toThrow(/^invariants are broken:\nI7: planted\nI8: planted$/);
      rig.prober.failures.length = 0;
      rig.prober.leaks.length = 0;
    });

    it('a cluster that was taken away, though no service was deleted', async () => {
      await rig.writer.put('brief');
      await rig.writer.remove('brief');
      rig.writer.deletions = 0;
      await expect(invariants.check()).rejects.toThrow(/I6: front-1 lost 1 clusters, 0 services were deleted/);
      rig.writer.deletions = 1;
      await invariants.check();
    });

    it('an audit entry that was changed by hand', async () => {
      const change = (by: string): Promise<unknown> =>
        rig.server.rows(`UPDATE audit_entry SET payload = payload || '${by}' WHERE seq = 2`);
      await change(' ');
      await expect(invariants.check()).rejects.toThrow(/I3: entry 2/);
      await rig.server.rows(`UPDATE audit_entry SET payload = rtrim(payload) WHERE seq = 2`);
      await invariants.check();
    });

    it('a process that ended by itself', async () => {
      process.kill(rig.replica(0).pid, 'SIGKILL');
      await expect.poll(() => rig.replica(0).unasked).toBe('a ended with SIGKILL');
      await rig.replica(0).start();
      await invariants.check();
    });
  });
});
