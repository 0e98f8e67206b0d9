import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { sleep, until } from './rig/until.js';

describe('the ways between replicas, Postgres and Envoys', () => {
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    rig = await Rig.start({ backs: 2 });
    invariants = new Invariants(rig);
  });
  afterEach(() => invariants?.check());
  afterAll(() => rig?.stop());

  const attachedTo = async (instance: string): Promise<string[]> => {
    const rows = await rig.server.rows<{ attached: { replica: string }[] }>(
      'SELECT attached FROM instance WHERE name = $1',
      [instance],
    );
    return rows.flatMap((row) => row.attached.map(({ replica }) => replica));
  };

  it('REL-19 a replica that sees its Envoys but not Postgres serves what it has, says how old that is, and catches up', async () => {
    const [cut, other] = [rig.replica(0), rig.replica(1)];
    const proxy = rig.member(0);
    proxy.moveTo(cut);
    await until('it is attached there', 30_000, async () => (await attachedTo(proxy.name)).includes(cut.name));
    await invariants.check(); // all that is to be said has been said
    const before = await proxy.updates();
    const streams = await rig.metric(cut, 'xds_streams');
    cut.database.set('silent');
    const write = await rig.writer.writeSurely(); // the other one takes it
    await until('it says so', 30_000, () =>
      cut.log().includes('Postgres cannot be reached: what is served stays as it is'),
    );
    expect([await cut.answersReady(), await cut.answersReady('/readyz/api')]).toEqual([true, false]);
    expect(await other.answersReady('/readyz/api')).toBe(true);
    expect(await proxy.updates()).toEqual(before);
    cut.database.heal();
    expect(await rig.prober.sees(write, 60_000)).toBeLessThan(10_000);
    const [age] = [...cut.log().matchAll(/"staleSeconds":(\d+)/g)].slice(-1);
    expect(Number(age?.[1])).toBeGreaterThan(2);
    expect([await staleSeconds(cut), await rig.metric(cut, 'xds_streams')]).toEqual([0, streams]);
  });

  it('REL-19 one that could not renew its lease has its proxies again, though another has crossed them out', async () => {
    const cut = rig.replica(0);
    const proxy = rig.member(0);
    await until('it is attached there', 30_000, async () => (await attachedTo(proxy.name)).includes(cut.name));
    cut.database.set('silent');
    // The lease is 30 s: it is aged, so that the test need not wait for it.
    await rig.server.rows(`UPDATE replica SET seen_at = seen_at - 60000 WHERE replica = $1`, [cut.name]);
    await until('the other has crossed it out', 60_000, async () => (await attachedTo(proxy.name)).length === 0);
    cut.database.heal();
    await until('it is attached again', 30_000, async () => (await attachedTo(proxy.name)).includes(cut.name));
    const [row] = await rig.server.rows<{ detached_at: string }>('SELECT detached_at FROM instance WHERE name = $1', [
      proxy.name,
    ]);
    expect(row).toEqual({ detached_at: '0' });
  });

  it('connections to Postgres whose other end is gone without a word are given up, and the newest content is there in time', async () => {
    const replica = rig.replica(0);
    replica.database.halfOpen();
    const write = await rig.writer.writeSurely();
    expect(await rig.prober.sees(write, 60_000)).toBeLessThan(10_000);
  });

  it('a slow way to Postgres makes writes slow, and nothing else', async () => {
    for (const replica of rig.replicas) replica.database.delay(100);
    await Promise.all([rig.writer.writeSurely(), rig.writer.put('slow')]);
    await rig.writer.remove('slow');
    await rig.prober.more(50);
    expect(rig.prober.failures).toEqual([]);
    for (const replica of rig.replicas) replica.database.heal();
  });

  it('ways between Envoys and replicas that are cut, silent, one-way, half-open or slow cost no request and no update', async () => {
    await invariants.check();
    const before = await rig.told();
    for (const fault of ['cut', 'silent', 'silent-to-target', 'silent-from-target', 'half-open', 'slow'] as const) {
      for (const { wire } of rig.members) {
        if (fault === 'cut') wire.cut();
        else if (fault === 'half-open') wire.halfOpen();
        else if (fault === 'slow') wire.delay(150);
        else wire.set(fault);
      }
      await rig.prober.more(60);
      for (const { wire } of rig.members) wire.heal();
    }
    // What is half open is found by the keepalive of Envoy, 15 s and 5 s: no need to wait for that here.
    for (const { wire } of rig.members) wire.cut();
    await until('all streams are back', 30_000, async () => {
      const counts = await Promise.all(rig.replicas.map((replica) => rig.metric(replica, 'xds_streams')));
      return counts.reduce((sum, n) => sum + n, 0) === rig.members.length;
    });
    await sleep(500);
    expect(await rig.told()).toEqual(before);
  });

  it('REL-3 one that starts while Postgres is away is not ready, takes no stream, and sends nobody nothing', async () => {
    const late = await rig.addReplica('late');
    late.database.set('silent');
    const before = await rig.member(1).updates();
    late.launch();
    rig.member(1).moveTo(late, rig.replica(1));
    await until('it waits', 30_000, () => late.log() !== '' || late.alive);
    await rig.prober.more(150);
    expect([late.alive, await late.answersReady()]).toEqual([true, false]);
    expect(await rig.member(1).updates()).toEqual(before);
    late.database.heal();
    await late.ready();
    rig.member(1).moveTo(late, rig.replica(1));
    await until('it serves', 30_000, async () => (await rig.metric(late, 'xds_streams')) === 1);
    expect(await rig.member(1).updates()).toEqual(before);
    rig.member(1).moveTo(rig.replica(1), rig.replica(0));
    await late.stop();
  });

  const staleSeconds = (replica: ReturnType<Rig['replica']>): Promise<number> =>
    rig.metric(replica, 'heddle_feed_stale_seconds');
});
