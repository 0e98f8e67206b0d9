import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';
import { route } from './rig/writer.js';

describe('two replicas over one Postgres, under load', () => {
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    rig = await Rig.start({ backs: 2 });
    invariants = new Invariants(rig);
  });
  afterEach(() => invariants?.check());
  afterAll(() => rig?.stop());

  const streams = (index: number): Promise<number> => rig.metric(rig.replica(index), 'xds_streams');

  it('REL-11 a proxy that moves from replica to replica is sent nothing', async () => {
    const [a, b] = [rig.replica(0), rig.replica(1)];
    await invariants.check(); // everything that is to be said has been said
    const before = await rig.told();
    for (let move = 0; move < 6; move++) {
      const [to, other] = move % 2 === 0 ? [a, b] : [b, a];
      for (const member of rig.members) member.moveTo(to, other);
      await until('all streams have moved', 30_000, async () => (await streams(move % 2)) === rig.members.length);
    }
    expect(await rig.told()).toEqual(before);
    rig.member(0).moveTo(a, b);
    rig.member(1).moveTo(b, a);
    await until('both have streams', 30_000, async () => (await streams(0)) > 0 && (await streams(1)) > 0);
  });

  it('REL-13 one that is killed again and again loses no acknowledged write, and no proxy anything', async () => {
    rig.writer.begin(50);
    for (let round = 0; round < 4; round++) {
      const victim = rig.replica(round % 2);
      await rig.prober.more(40);
      await victim.kill();
      await rig.prober.more(40);
      await victim.start();
    }
    await rig.writer.end();
    expect(rig.writer.sent.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(10);
  });

  it('REL-13 a kill without a change in between sends nobody anything', async () => {
    const before = await rig.told();
    await rig.replica(1).kill();
    await until('all streams are at the other', 30_000, async () => (await streams(0)) === rig.members.length);
    await rig.prober.more(100);
    expect(await rig.told()).toEqual(before);
    await rig.replica(1).start();
  });

  it('REL-12 all of them killed at once: requests go on, and when they are back nobody is sent anything', async () => {
    await invariants.check();
    const before = await rig.told();
    await Promise.all(rig.replicas.map((replica) => replica.kill()));
    await rig.prober.more(150);
    await Promise.all(rig.replicas.map((replica) => replica.start()));
    await until(
      'all streams are back',
      30_000,
      async () => (await streams(0)) + (await streams(1)) === rig.members.length,
    );
    await rig.prober.more(50);
    expect(await rig.told()).toEqual(before);
  });

  it('REL-10 of two writes of one version through two replicas one wins, and both decisions are audited', async () => {
    for (let round = 0; round < 15; round++) {
      const version = await etag();
      const answers = await Promise.all([0, 1].map((n) => conditional(n, version, 100_000 + round * 2 + n)));
      expect(answers.sort()).toEqual([200, 412]);
    }
    const [row] = await rig.server.rows<{ n: string }>(
      `SELECT count(*) AS n FROM audit_entry WHERE decision = 'refused'`,
    );
    expect(Number(row?.n)).toBeGreaterThanOrEqual(15);
  });

  it('REL-42 of 200 writes at once the first leaves at once, the rest merge, and the last one counts', async () => {
    const pushes = async (): Promise<number> => {
      const stats = await rig.member(0).sidecar.stats('rds\\.shop/back\\.update_success');
      return [...stats.values()][0] ?? 0;
    };
    const before = await pushes();
    await Promise.all(Array.from({ length: 200 }, (_, n) => rig.writer.write(rig.replica(n % 2))));
    const last = await rig.writer.writeSurely();
    await rig.prober.sees(last, 30_000);
    const pushed = (await pushes()) - before;
    expect([pushed > 0, pushed < 150, pushed]).toEqual([true, true, pushed]);
    expect(rig.writer.sent.filter(({ outcome }) => outcome === 'refused')).toEqual([]);
  });

  it('REL-48 one that stood still beyond its lease takes nothing away, and has its proxies again', async () => {
    const stalled = rig.replica(0);
    // Its own proxy stays with it: another replica must not be the only one that knows of this Envoy.
    const loyal = rig.member(0);
    loyal.moveTo(stalled);
    await until('it is attached there', 30_000, async () => (await attachedTo(loyal.name)).includes(stalled.name));
    loyal.wire.set('silent');
    stalled.freeze();
    // The lease is 30 s: it is aged, so that the test need not wait for it.
    await rig.server.rows(`UPDATE replica SET seen_at = seen_at - 60000 WHERE replica = $1`, [stalled.name]);
    await until(
      'its lease has run out, and its attachments with it',
      60_000,
      async () => !(await attachedTo(loyal.name)).includes(stalled.name),
    );
    stalled.thaw();
    loyal.wire.set('open');
    await until('it has said again who is attached', 60_000, async () =>
      (await attachedTo(loyal.name)).includes(stalled.name),
    );
  });

  async function attachedTo(instance: string): Promise<string[]> {
    const rows = await rig.server.rows<{ attached: { replica: string }[] }>(
      'SELECT attached FROM instance WHERE name = $1',
      [instance],
    );
    return rows.flatMap((row) => row.attached.map(({ replica }) => replica));
  }

  const PATH = '/api/v1/meshes/default/namespaces/shop/httproutes/back';
  async function etag(): Promise<string> {
    const response = await fetch(`${rig.replica(0).url}${PATH}`, { headers: { authorization: `Bearer ${rig.token}` } });
    return response.headers.get('etag') ?? '';
  }
  /** @returns the status */
  async function conditional(replica: number, version: string, write: number): Promise<number> {
    const response = await fetch(`${rig.replica(replica).url}${PATH}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${rig.token}`,
        'content-type': 'application/json',
        'if-match': version,
        'idempotency-key': randomUUID(),
      },
      body: JSON.stringify(route(write)),
    });
    return response.status;
  }
});
