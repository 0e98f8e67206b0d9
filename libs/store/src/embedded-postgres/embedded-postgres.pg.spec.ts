import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '#libs/kernel';
import { openStore } from '../open-store.js';
import { type Store, StoreUnavailable } from '../ports.js';
import { put, Recorder, request, until, writeKeyed } from '../testing/fixtures.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './index.js';

describe('the embedded Postgres', () => {
  let parent: string;
  let dataDir: string;
  const running: EmbeddedPostgres[] = [];
  const children: ChildProcess[] = [];

  const start = async (
    more: { port?: number; fsync?: boolean; settings?: Record<string, string> } = {},
  ): Promise<EmbeddedPostgres> => {
    const server = await startEmbeddedPostgres({ dataDir, fsync: false, log: silentLog, ...more });
    running.push(server);
    return server;
  };
  const query = async (url: string, text: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'heddle-embedded-'));
    chmodSync(parent, 0o711);
    dataDir = join(parent, 'data');
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const server of running.splice(0)) await server.stop();
    rmSync(parent, { recursive: true, force: true });
  });

  it('keeps data, port and password over a restart, and listens on 127.0.0.1 only', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept (x int)');
    expect(await query(first.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(first.url, 'SHOW unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(
      await query(
        first.url,
        `SELECT datcollate, pg_encoding_to_char(encoding) AS e FROM pg_database WHERE datname = 'heddle'`,
      ),
    ).toEqual([{ datcollate: 'C', e: 'UTF8' }]);
    expect(Number(new URL(first.url).port)).toBeLessThan(32_768);
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
    await first.stop();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
    const wrong = new URL(second.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('refuses a directory that a live control plane owns', async () => {
    await start();
    await expect(startEmbeddedPostgres({ dataDir, log: silentLog })).rejects.toThrow(`process ${process.pid}`);
  });

  it('stops the server of a control plane that was killed, and keeps its data', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE survived (x int)');
    // As a kill leaves it: the server runs on, and the owner's process id belongs to nobody, or to a stranger.
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    writeFileSync(join(dataDir, 'owner.json'), JSON.stringify({ pid: stranger.pid, started: 'long ago' }));
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM survived')).toEqual([{ n: 0 }]);
    expect(stranger.exitCode).toBeNull();
  });

  it('does not take a stranger with the id of an old server for one', async () => {
    await (await start()).stop();
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    writeFileSync(join(dataDir, 'cluster', 'postmaster.pid'), `${stranger.pid}\n${join(dataDir, 'cluster')}\n`);
    await start();
    expect(stranger.exitCode).toBeNull();
  });

  it('says which Postgres made the data when it is another one', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '13\n');
    await expect(start()).rejects.toThrow(/made by Postgres 13, this build of Heddle comes with Postgres \d+/);
  });

  it('says which port is taken', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    dataDir = join(parent, 'other');
    await expect(start({ port })).rejects.toThrow(`port ${port} of 127.0.0.1`);
  });

  it('shows the last words of a server that does not start, and can be started again', async () => {
    await expect(start({ settings: { shared_buffers: 'nonsense' } })).rejects.toThrow('shared_buffers');
    await start();
  });

  it('takes no half-made cluster for a whole one', async () => {
    await (await start()).stop();
    rmSync(join(dataDir, 'password'));
    rmSync(join(dataDir, 'cluster'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster.new'), 'left by an initdb that was killed');
    await start();
    expect(existsSync(join(dataDir, 'cluster.new'))).toBe(false);
    expect(readFileSync(join(dataDir, 'password'), 'utf8').trim()).not.toBe('');
  });

  it.skipIf(process.getuid?.() !== 0)('as root says which directory its user cannot enter', async () => {
    chmodSync(parent, 0o700);
    await expect(start()).rejects.toThrow(`cannot enter ${parent}`);
  });

  it('REL-1 a store survives crashes of its server during writes: each key is one change, and the chain is whole', async () => {
    const server = await start({ fsync: true }); // without, a commit is confirmed before it is written
    const store = await openStore({ url: server.url, replica: 'a' });
    try {
      const persistent = async (name: string): Promise<void> => {
        expect(await writeKeyed(store, [put('Service', name)], name)).toMatchObject({ ok: true });
      };
      for (let round = 0; round < 3; round += 1) {
        const writes = Array.from({ length: 20 }, (_, n) => persistent(`s-${round}-${n}`));
        const backends = await query(
          server.url,
          `SELECT pid FROM pg_stat_activity WHERE application_name = 'heddle-a'`,
        ).catch(() => []);
        for (const row of backends.slice(0, 1)) process.kill((row as { pid: number }).pid, 'SIGKILL');
        await Promise.all(writes);
      }
      const history = await store.history.list({ mesh: 'default', limit: 500 });
      expect(history).toHaveLength(61);
      expect(await store.verifyAudit()).toMatchObject({ ok: true, entries: 61 });
    } finally {
      await store.close();
    }
  });

  it('REL-2 a store says that its server is away, and follows it again when it is back', async () => {
    let server = await start();
    const store: Store = await openStore({ url: server.url, replica: 'a' });
    const recorder = new Recorder();
    try {
      await store.feed.start(recorder.listen);
      await server.stop();
      await until(() => !store.feed.connected);
      await expect(store.resources.write(request([put('Service', 'x')]))).rejects.toThrow(StoreUnavailable);
      expect(await store.ping()).toBe(false);
      server = await start();
      await until(() => store.feed.connected);
      await store.resources.write(request([put('Service', 'back')]));
      await until(() => recorder.puts.includes('back'));
    } finally {
      await store.close();
    }
  });
});
