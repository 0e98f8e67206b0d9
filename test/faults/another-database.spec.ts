import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '#libs/store';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { DatabaseServer } from './rig/server.js';
import { until } from './rig/until.js';

/** Exit code of a control plane that refuses its database. */
const REFUSED = 4;

describe('running replicas whose Postgres is suddenly another one', () => {
  let rig: Rig;
  let invariants: Invariants;
  /** A server without anything in it. */
  let fresh: DatabaseServer;
  /** This mesh's database as it was some writes ago. */
  let older: DatabaseServer;
  /** The same, after a failover that lost those writes. */
  let failedOver: DatabaseServer;

  beforeAll(async () => {
    rig = await Rig.start();
    invariants = new Invariants(rig);
    await invariants.check();
    fresh = await DatabaseServer.start(join(rig.dir, 'fresh'));
    await fresh.usePassword(rig.server.password);
    await rig.server.stop();
    for (const name of ['older', 'failed-over']) {
      execFileSync('cp', ['-a', rig.server.dataDir, join(rig.dir, name)]); // with the owner of each file
    }
    await rig.server.restart();
    for (const name of ['older', 'failed-over']) writeFileSync(join(rig.dir, name, 'port'), '');
  });
  afterEach(() => {
    for (const replica of rig.replicas) replica.leadTo(rig.server.url);
    return invariants.check();
  });
  afterAll(async () => {
    await Promise.all([fresh, older, failedOver].map((server) => server?.stop()));
    await rig?.stop();
  });

  /** Leads every replica to another server while everything is watched, then back. */
  const mistaken = async (server: DatabaseServer, words: RegExp): Promise<void> => {
    await rig.writer.writeSurely();
    await invariants.check();
    const before = await rig.told();
    for (const replica of rig.replicas) replica.leadTo(server.url);
    await until('every replica says so', 30_000, () => rig.replicas.every((replica) => words.test(replica.log())));
    for (const member of rig.members) member.wire.cut(); // those that come anew are served the same
    const { answer } = await rig.writer.write();
    expect([answer.status, answer.retryAfter > 0]).toEqual([503, true]);
    await rig.prober.more(200);
    expect(await rig.told()).toEqual(before);
    for (const replica of rig.replicas) replica.leadTo(rig.server.url);
  };

  it('REL-4 an empty one: what is served stays, nothing is written there, and all goes on when it is mended', async () => {
    // Without the role of Heddle nobody gets as far as looking at what is in it.
    await mistaken(fresh, /heddle_app.*Postgres cannot be reached: what is served stays as it is/);
    expect(await fresh.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual([]);
  });

  it('REL-4 that of another Heddle', async () => {
    await (await openStore({ url: fresh.url, replica: 'stranger' })).close();
    await mistaken(fresh, /another database \(.*the way to Postgres leads to another database/);
    expect(await fresh.rows(`SELECT replica FROM replica WHERE replica <> 'stranger'`)).toEqual([]);
  });

  it('REL-4 a collector that starts anew meanwhile does not take it for ours', async () => {
    for (const replica of rig.replicas) {
      replica.leadTo(fresh.url);
      for (const pid of replica.collectors()) process.kill(pid, 'SIGKILL');
    }
    const words = /this is another database.*the collector cannot open the database yet/;
    await until('every collector says so', 30_000, () => rig.replicas.every((replica) => words.test(replica.log())));
    expect(await fresh.rows(`SELECT replica FROM replica WHERE replica <> 'stranger'`)).toEqual([]);
  });

  it('REL-4 an older state of the same', async () => {
    older = await DatabaseServer.start(join(rig.dir, 'older'));
    await mistaken(older, /it is at revision \d+, and revision \d+ was served.*this is not the database that it was/);
    expect(older.alive).toBe(true);
  });

  it('REL-4 emptied by hand: the running ones serve on, and one that starts says why it does not', async () => {
    const before = await rig.told();
    await rig.server.rows('CREATE TABLE kept AS SELECT * FROM resource');
    await rig.server.rows('TRUNCATE resource');
    const victim = rig.replica(1);
    await victim.kill();
    victim.launch();
    expect(await victim.ended()).toBe(REFUSED);
    expect(victim.log()).toMatch(
      /heddle: this is not the database it was: it has 0 resources, and by its own history there are \d+/,
    );
    await rig.prober.more(100);
    expect(await rig.told()).toEqual(before);
    await rig.server.rows(
      'SET session_replication_role = replica; INSERT INTO resource SELECT * FROM kept; DROP TABLE kept',
    );
    await victim.start();
  });

  it('REL-5 one that took over and lost the last writes: its state is taken for the truth, everywhere the same', async () => {
    const lost = await rig.writer.writeSurely();
    await rig.prober.sees(lost, 30_000);
    writeFileSync(join(rig.dir, 'failed-over', 'cluster', 'recovery.signal'), '');
    failedOver = await DatabaseServer.start(join(rig.dir, 'failed-over'), { restore_command: 'false' });
    for (const replica of rig.replicas) replica.leadTo(failedOver.url);
    await until('the data plane has the older write', 60_000, async () => (await rig.prober.ask()).write < lost);
    rig.writer.forget();
    await rig.takeOver(failedOver);
  });
});
