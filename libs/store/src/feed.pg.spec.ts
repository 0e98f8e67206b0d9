import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog, silentTracer } from '#libs/kernel';
import { eachMessage, FaultProxy, NOTIFICATION } from '../../testing/src/faults/index.js';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { POLL_MS } from './feed/feed.js';
import { DatabaseDistrusted } from './feed/trust.js';
import { openStore } from './open-store.js';
import { type Store, StoreUnavailable } from './ports.js';
import { clockWithout, put, Recorder, request, until } from './testing/fixtures.js';

const targetOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

describe('the feed', () => {
  let database: TestDatabase;
  let writer: Store;
  let raw: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    writer = await openStore({ url: database.url, replica: 'writer' });
    raw = new Client({ connectionString: database.url });
    await raw.connect();
  });

  afterAll(async () => {
    await raw?.end();
    await writer?.close();
    await database?.drop();
  });

  const listeners = async (): Promise<number[]> => {
    const { rows } = await raw.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'heddle-feed'`,
    );
    return rows.map((row) => row.pid);
  };

  /** A store that follows by hints alone, so that only a hint can bring an event. */
  const follow = async (recorder: Recorder, polling = false): Promise<Store> => {
    await until(async () => (await listeners()).length === 0); // those of the test before
    const store = await openStore({
      url: database.url,
      replica: 'reader',
      ...(polling ? {} : { clock: clockWithout(POLL_MS) }),
    });
    await store.feed.start(recorder.listen);
    await until(async () => (await listeners()).length > 0);
    await store.feed.poke();
    return store;
  };

  const write = async (name: string): Promise<void> => {
    const result = await writer.resources.write(request([put('Service', name)]));
    expect(result.ok).toBe(true);
  };

  it('hands over a commit of another replica without being asked', async () => {
    const recorder = new Recorder();
    const store = await follow(recorder);
    try {
      await write('hinted');
      await until(() => recorder.puts.includes('hinted'));
      expect(store.feed.connected).toBe(true);
    } finally {
      await store.close();
    }
  });

  it('knows in which trace another replica has made a change, and belongs to no request that pokes it', async () => {
    const under = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const recorder = new Recorder();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const tracer = { ...silentTracer, on: true, current: () => traceparent };
    const traced = await openStore({ url: database.url, replica: 'traced', tracer });
    const store = await openStore({ url: database.url, replica: 'reader' });
    try {
      await store.feed.start((event) => {
        seen.push(under.getStore());
        recorder.listen(event);
      });
      const { configRevision } = await store.identity();
      await traced.resources.write(request([put('Service', 'traced')]));
      await under.run('a request', () => store.feed.poke());
      await until(() => recorder.puts.includes('traced'));
      await until(() => store.feed.traced(configRevision, configRevision + 1).length > 0);
      expect(store.feed.traced(configRevision, configRevision + 1)).toMatchObject([
        { revision: configRevision + 1, traceparent },
      ]);
      expect(new Set(seen)).toEqual(new Set([undefined]));
      await write('not-traced');
      await store.feed.poke();
      expect(store.feed.traced(configRevision + 1, configRevision + 9)).toEqual([]);
    } finally {
      await store.close();
      await traced.close();
    }
  });

  it('REL-6 finds what was written while its connection was down, and listens again', async () => {
    const recorder = new Recorder();
    const store = await follow(recorder);
    try {
      for (const round of [1, 2, 3]) {
        const [pid] = await listeners();
        await raw.query('SELECT pg_terminate_backend($1)', [pid]);
        await write(`gap-${round}`);
        await until(() => recorder.puts.includes(`gap-${round}`));
        await until(async () => (await listeners()).some((other) => other !== pid));
      }
      await write('after-the-gaps');
      await until(() => recorder.puts.includes('after-the-gaps'));
    } finally {
      await store.close();
    }
  });

  it('REL-7 replaces a connection that has gone silent', async () => {
    const recorder = new Recorder();
    const store = await follow(recorder);
    const [pid = 0] = await listeners();
    process.kill(pid, 'SIGSTOP');
    try {
      await write('silence');
      await until(() => recorder.puts.includes('silence'), 20_000);
    } finally {
      process.kill(pid, 'SIGCONT');
      await store.close();
    }
  });

  it('REL-7 goes on by polling while it is silent', async () => {
    const recorder = new Recorder();
    const store = await follow(recorder, true);
    const [pid = 0] = await listeners();
    process.kill(pid, 'SIGSTOP');
    try {
      await write('polled');
      await until(() => recorder.puts.includes('polled'), POLL_MS + 3_000);
    } finally {
      process.kill(pid, 'SIGCONT');
      await store.close();
    }
  });

  it('hands over a snapshot when the log no longer reaches back, or the database has another epoch', async () => {
    const recorder = new Recorder();
    const store = await openStore({ url: database.url, replica: 'reader', clock: clockWithout(POLL_MS) });
    try {
      await store.feed.start(recorder.listen);
      await store.feed.poke();
      const before = recorder.events.length;
      await raw.query(`UPDATE stream SET log_floor = revision + 1, revision = revision + 2 WHERE stream = 'config'`);
      await store.feed.poke();
      await raw.query(`UPDATE database_identity SET epoch = 'restored'`);
      await store.feed.poke();
      expect(recorder.events.slice(before).map((event) => event.kind)).toEqual(['snapshot', 'snapshot']);
    } finally {
      await store.close();
    }
  });

  it('REL-4 an older state is not handed over, nothing is written to it, and all is read anew when it is mended', async () => {
    const recorder = new Recorder();
    const store = await openStore({ url: database.url, replica: 'reader', clock: clockWithout(POLL_MS) });
    try {
      await store.feed.start(recorder.listen);
      await raw.query(`UPDATE stream SET revision = revision - 1 WHERE stream = 'config'`);
      const before = recorder.events.length;
      await expect(store.feed.poke()).rejects.toThrow(DatabaseDistrusted);
      expect([store.feed.connected, recorder.events.length]).toEqual([false, before]);
      await expect(store.resources.write(request([put('Service', 'too-early')]))).rejects.toThrow(StoreUnavailable);
      await raw.query(`UPDATE stream SET revision = revision + 1 WHERE stream = 'config'`);
      await store.feed.poke();
      expect([store.feed.connected, recorder.events.at(-1)?.kind]).toEqual([true, 'snapshot']);
    } finally {
      await store.close();
    }
  });

  it('REL-5 an older state after a failover is the truth', async () => {
    const recorder = new Recorder();
    const store = await openStore({ url: database.url, replica: 'reader', clock: clockWithout(POLL_MS) });
    try {
      await store.feed.start(recorder.listen);
      // Both at once: the feed may read at any time, as when it has just begun to listen.
      await raw.query(`UPDATE database_identity SET epoch = 'failed over';
        UPDATE stream SET revision = revision - 1 WHERE stream = 'config'`);
      await store.feed.poke();
      expect([store.feed.connected, recorder.events.at(-1)?.kind]).toEqual([true, 'snapshot']);
    } finally {
      await raw.query(`UPDATE stream SET revision = revision + 1 WHERE stream = 'config'`);
      await store.close();
    }
  });

  it('REL-4 a state that has lost more than its history explains is not handed over, unless it is accepted', async () => {
    for (let n = 0; n < 5; n++) await write(`kept-${n}`);
    await raw.query('CREATE TABLE kept AS SELECT * FROM resource');
    await raw.query('TRUNCATE resource');
    const store = await openStore({ url: database.url, replica: 'reader' });
    await expect(store.feed.start(() => {})).rejects.toThrow(/0 resources, and by its own history there are \d+/);
    await store.close();
    const accepting = await openStore({ url: database.url, replica: 'reader', accept: true });
    const recorder = new Recorder();
    await accepting.feed.start(recorder.listen);
    expect(recorder.events).toMatchObject([{ kind: 'snapshot', snapshot: { resources: [] } }]);
    await accepting.close();
    // As a restore does: without the trigger that asks for an audit entry.
    await raw.query(`SET session_replication_role = replica; INSERT INTO resource SELECT * FROM kept; DROP TABLE kept`);
    await raw.query('RESET session_replication_role');
  });

  it('REL-51 says once that no notifications come through, and polls', async () => {
    const proxy = await FaultProxy.start({ targets: () => [targetOf(database.url)] });
    proxy.rewriteWith(() => eachMessage((type) => (type === NOTIFICATION ? 0 : 1)));
    const said: string[] = [];
    const log = { ...silentLog, warn: (message: string) => said.push(message) };
    const recorder = new Recorder();
    const store = await openStore({ url: proxy.urlOf(database.url), replica: 'deaf', log });
    try {
      await store.feed.start(recorder.listen);
      await until(() => said.some((line) => /polling every 2 s/.test(line)), 30_000);
      await write('polled-at-last');
      await until(() => recorder.puts.includes('polled-at-last'), POLL_MS + 3_000);
      expect(said.filter((line) => /polling every 2 s/.test(line))).toHaveLength(1);
    } finally {
      await store.close();
      await proxy.stop();
    }
  });

  it('REL-51 does not take a Postgres that answers nothing for a way without notifications', async () => {
    const proxy = await FaultProxy.start({ targets: () => [targetOf(database.url)] });
    const said: string[] = [];
    const log = { ...silentLog, warn: (message: string) => said.push(message) };
    const store = await openStore({ url: proxy.urlOf(database.url), replica: 'stalled', log });
    try {
      await store.feed.start(new Recorder().listen);
      proxy.set('silent');
      proxy.cut();
      // Two connections that never came about.
      await until(() => said.filter((line) => /is silent: it is replaced/.test(line)).length >= 2, 30_000);
      proxy.heal();
      await until(async () => (await listeners()).length === 1, 20_000);
      expect(said.filter((line) => /polling every 2 s/.test(line))).toEqual([]);
    } finally {
      await store.close();
      await proxy.stop();
    }
  });

  it('hands everything over anew when the listener threw', async () => {
    const store = await openStore({ url: database.url, replica: 'reader', clock: clockWithout(POLL_MS) });
    const kinds: string[] = [];
    try {
      await store.feed.start((event) => {
        kinds.push(event.kind);
        if (kinds.length === 2) throw new Error('the listener fails once');
      });
      await write('thrown');
      await until(() => kinds.length >= 2);
      await store.feed.poke();
      expect(kinds.slice(0, 3)).toEqual(['snapshot', 'delta', 'snapshot']);
    } finally {
      await store.close();
    }
  });
});
