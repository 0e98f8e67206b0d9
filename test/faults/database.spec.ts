import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eachMessage, NOTIFICATION } from '../../libs/testing/src/faults/index.js';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { sleep, until } from './rig/until.js';
import { isDone } from './rig/writer.js';

/** Each of the two replicas listens for changes, and the collector of each. */
const LISTENING = 4;

describe('two replicas whose Postgres fails', () => {
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    rig = await Rig.start({ postgres: { max_connections: '40' } });
    invariants = new Invariants(rig);
  });
  afterEach(() => invariants?.check());
  afterAll(() => rig?.stop());

  const listeners = (): Promise<number[]> => rig.server.backends('heddle-feed');
  const backends = async (): Promise<number[]> => [
    ...(await rig.server.backends('heddle-a')),
    ...(await rig.server.backends('heddle-b')),
  ];
  const apiIsBack = (): Promise<number> =>
    until('both take writes', 60_000, async () => {
      const ready = await Promise.all(rig.replicas.map((replica) => replica.answersReady('/readyz/api')));
      return ready.every(Boolean);
    });

  it('REL-1 killed as a whole during writes: none that was acknowledged is lost, none is done twice', async () => {
    for (let round = 0; round < 3; round++) {
      rig.writer.begin(10);
      const sure = [rig.writer.writeSurely(), rig.writer.put(`once-${round}`)];
      await sleep(50 + 30 * round);
      await rig.server.kill();
      await rig.prober.more(30);
      await rig.server.restart();
      await Promise.all(sure);
      await rig.writer.end();
      await apiIsBack();
    }
    const rows = await rig.server.rows<{ name: string }>(
      `SELECT name FROM resource_history WHERE name LIKE 'once-%' ORDER BY name`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['once-0', 'once-1', 'once-2']);
  });

  it('REL-1 a backend killed during a write: the client is told 503, and the same key is one write', async () => {
    const gate = await rig.server.session();
    await gate.query('BEGIN');
    await gate.query(`SELECT 1 FROM stream WHERE stream = 'config' FOR UPDATE`);
    const first = rig.writer.write(rig.replica(0));
    await until('the write waits', 5_000, async () => {
      const waiting = await rig.server.rows<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE application_name = 'heddle-a' AND wait_event_type = 'Lock'`,
      );
      for (const { pid } of waiting) process.kill(pid, 'SIGKILL');
      return waiting.length > 0;
    });
    const { answer } = await first;
    expect([answer.status, answer.retryAfter > 0]).toEqual([503, true]);
    await gate.end().catch(() => {}); // Postgres restarts all backends when one was killed
    await apiIsBack();
  });

  it('REL-2 away, while proxies start anew: they are let in and served, and writes are told to come back', async () => {
    await rig.server.stop();
    await until('both have noticed', 20_000, async () => {
      const ready = await Promise.all(rig.replicas.map((replica) => replica.answersReady('/readyz/api')));
      return ready.every((yes) => !yes);
    });
    expect(await Promise.all(rig.replicas.map((replica) => replica.answersReady()))).toEqual([true, true]);
    for (const member of rig.members) member.wire.cut();
    await rig.prober.more(200);
    const { answer } = await rig.writer.write(rig.replica(1));
    expect([answer.status, answer.retryAfter > 0]).toEqual([503, true]);
    await rig.server.restart();
    await apiIsBack();
  });

  it('REL-6 REL-7 listening connections that end, or fall silent, cost a poll at most', async () => {
    const listen = (times: number) => async () => (await listeners()).length === times * LISTENING;
    await until('all listen', 20_000, listen(1));
    const before = await listeners();
    for (const pid of before) process.kill(pid, 'SIGTERM');
    const first = await rig.writer.writeSurely();
    expect(await rig.prober.sees(first, 20_000)).toBeLessThan(10_000);
    await until('all listen again', 20_000, listen(1));
    const silent = await listeners();
    expect(silent.filter((pid) => before.includes(pid))).toEqual([]);
    for (const pid of silent) process.kill(pid, 'SIGSTOP');
    const second = await rig.writer.writeSurely();
    expect(await rig.prober.sees(second, 20_000)).toBeLessThan(10_000);
    await until('all have replaced it', 30_000, listen(2));
    for (const pid of silent) process.kill(pid, 'SIGCONT');
  });

  it('REL-8 notifications that are lost, or come twice, change nothing but the time', async () => {
    for (const times of [0, 2]) {
      const [lossy] = [rig.replica(0)];
      let met = 0;
      lossy.database.rewriteWith(() => eachMessage((type) => (type === NOTIFICATION ? (met++, times) : 1)));
      lossy.database.cut();
      rig.member(0).moveTo(lossy);
      await apiIsBack();
      for (let n = 0; n < 5; n++) {
        const write = await rig.writer.writeSurely();
        await rig.prober.sees(write, 30_000);
      }
      expect(met).toBeGreaterThan(0);
      lossy.database.heal();
      lossy.database.cut();
      await apiIsBack();
    }
  });

  it('REL-36 all connections taken by others: 503 for whom there is none, and all is well when they go', async () => {
    for (const pid of await backends()) process.kill(pid, 'SIGTERM'); // their places are taken before they are back
    const hogs = [];
    try {
      for (;;) hogs.push(await rig.server.session());
    } catch (error) {
      expect(String(error)).toMatch(/too many clients/);
    }
    await rig.prober.more(100);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => rig.writer.write(rig.replica(n % 2)).then(({ answer }) => answer)),
    );
    expect(answers.filter((answer) => !isDone(answer) && answer.status !== 503)).toEqual([]);
    for (const hog of hogs) await hog.end();
    await apiIsBack();
  });

  it('REL-37 the revision row held by somebody idle: 503 within seconds, and it goes on when the server has cut him', async () => {
    const holder = await rig.server.session();
    await holder.query(`SET idle_in_transaction_session_timeout = '8s'`);
    await holder.query('BEGIN');
    await holder.query(`UPDATE stream SET revision = revision WHERE stream = 'config'`);
    const begun = performance.now();
    const { answer } = await rig.writer.write(rig.replica(0));
    expect([answer.status, answer.retryAfter > 0, performance.now() - begun < 7_000]).toEqual([503, true, true]);
    await rig.writer.writeSurely();
  });

  it('REL-39 REL-1 the answer lost after the commit: the same key gets the first outcome', async () => {
    const replica = rig.replica(0);
    let armed = true;
    replica.database.rewriteWith(() => {
      // CommandComplete of COMMIT, for a transaction that wrote an audit entry, never arrives.
      let text = '';
      return (chunk) => {
        text = (text + chunk.toString('latin1')).slice(-400);
        if (!armed || !text.includes('COMMIT\0')) return chunk;
        armed = false;
        setTimeout(() => replica.database.cut(), 0);
        return Buffer.alloc(0);
      };
    });
    replica.database.cut();
    await apiIsBack();
    armed = true;
    await Promise.all(Array.from({ length: 4 }, () => rig.writer.writeSurely()));
    replica.database.heal();
    expect(armed).toBe(false);
  });
});
