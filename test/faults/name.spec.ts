import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultProxy } from '../../libs/testing/src/faults/index.js';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('REL-50 is skipped: a process is given names of its own in a mount namespace, as root only');

describe.skipIf(!isRoot)('a Postgres that is known by a name', () => {
  let rig: Rig;
  /** The same Postgres at two addresses. */
  let ways: FaultProxy[];

  beforeAll(async () => {
    rig = await Rig.start({ replicas: 1 });
    const { hostname, port } = new URL(rig.server.url);
    const targets = () => [{ host: hostname, port: Number(port) }];
    const first = await FaultProxy.start({ targets, host: '127.0.59.1' });
    ways = [first, await FaultProxy.start({ targets, host: '127.0.59.2', port: first.port })];
  });
  afterAll(async () => {
    await rig?.stop();
    await Promise.all(ways?.map((way) => way.stop()) ?? []);
  });

  it('REL-50 is found again when the name leads to another address', async () => {
    const [first, second] = ways;
    const hosts = join(rig.dir, 'hosts');
    const name = (address: string): void =>
      writeFileSync(hosts, `127.0.0.1 localhost\n${address} database.heddle.test\n`);
    name('127.0.59.1');
    const url = new URL(rig.server.url);
    url.hostname = 'database.heddle.test';
    url.port = String(first?.port);
    // Names of its own for this process alone: the machine's are left as they are.
    const wrapper = ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
    const replica = await rig.addReplica('named', { wrapper });
    await replica.start(['--database-url', url.href]);
    const taken = second?.taken ?? 0;
    expect([first === undefined || first.taken > 0, taken]).toEqual([true, 0]);
    name('127.0.59.2');
    first?.set('refused');
    await until('it takes writes again', 60_000, () => replica.answersReady('/readyz/api'));
    await until('it goes the new way', 30_000, () => (second?.taken ?? 0) > taken);
    const { answer } = await rig.writer.write(replica);
    expect(answer.status).toBe(200);
    await new Invariants(rig).check();
  });
});
