import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { EXIT } from './start-error.js';
import { Launchpad, type Run, ready } from './testing/process.js';

describe('a control plane that must not start says why in one line, and what to do', () => {
  const pad = new Launchpad();
  let served: TestDatabase;
  let other: TestDatabase;
  let unused: TestDatabase;

  beforeAll(async () => {
    served = await createTestDatabase();
    other = await createTestDatabase();
    unused = await createTestDatabase({ empty: true });
    const run = on(served);
    await ready(run);
    run.child.kill('SIGTERM');
    await run.ended;
  });

  afterAll(async () => {
    await pad.cleanUp();
    await Promise.all([served, other, unused].map((database) => database?.drop()));
  });

  const on = (database: TestDatabase, ...flags: string[]): Run => pad.launch('--database-url', database.url, ...flags);
  /** Exit code, and what it said after `heddle: `. */
  const refusal = async (run: Run): Promise<readonly [number | null, string]> => {
    const code = await run.ended;
    const lines = run
      .said()
      .split('\n')
      .filter((line) => line.startsWith('heddle: '));
    expect([lines.length, run.said()]).toEqual([1, expect.not.stringMatching(/\n\s+at /)]);
    return [code, lines[0] ?? ''];
  };
  const contents = (database: TestDatabase): Promise<unknown[]> =>
    database.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname`);

  it('REL-4 an empty database after it has served another, which stays empty', async () => {
    expect(await refusal(on(unused))).toEqual([
      EXIT.database,
      expect.stringMatching(/an empty one.*nothing is served from it.*--database-accept/),
    ]);
    expect(await contents(unused)).toEqual([]);
  });

  it('REL-4 the database of another Heddle, which stays as it was', async () => {
    expect(await refusal(on(other))).toEqual([
      EXIT.database,
      expect.stringMatching(/not the one that this replica has served.*--database-accept/),
    ]);
    expect(await other.rows('SELECT count(*)::int AS n FROM resource')).toEqual([{ n: 0 }]);
  });

  it('REL-4 unless it is meant', async () => {
    const run = on(unused, '--database-accept');
    await ready(run);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    const back = on(served, '--database-accept');
    await ready(back);
    back.child.kill('SIGTERM');
    expect(await back.ended).toBe(0);
  });

  it('the schema of a newer build', async () => {
    await served.rows(`INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Future9999999999999')`);
    expect(await refusal(on(served))).toEqual([EXIT.database, expect.stringContaining('Future9999999999999')]);
    await served.rows(`DELETE FROM migrations WHERE name = 'Future9999999999999'`);
  });

  it('a database that is not there', async () => {
    const url = new URL(served.url);
    url.port = '1';
    expect(await refusal(pad.launch('--database-url', url.href, '--database-wait-seconds', '0'))).toEqual([
      EXIT.database,
      expect.stringMatching(/--database-url.*cannot be used/),
    ]);
  });

  it.each(['--rest-port', '--xds-port'])('a taken port: %s', async (flag) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    expect(await refusal(on(served, flag, String(port)))).toEqual([
      EXIT.port,
      expect.stringMatching(new RegExp(`${port}.*${flag}`)),
    ]);
    holder.close();
  });

  it('a data directory that another control plane owns', async () => {
    const owner = on(served);
    await ready(owner);
    expect(await refusal(on(served))).toEqual([EXIT.dataDirectory, expect.stringContaining(pad.dataDir)]);
    owner.child.kill('SIGTERM');
    await owner.ended;
  });

  it('a key file that is lost, cannot be read, or is none', async () => {
    const key = join(pad.dataDir, 'key');
    renameSync(key, `${key}.away`);
    expect(await refusal(on(served))).toEqual([EXIT.key, expect.stringContaining(key)]);
    rmSync(key); // a start without the file makes one, which is of no use with this database
    mkdirSync(key);
    expect(await refusal(on(served))).toEqual([EXIT.key, expect.stringContaining(key)]);
    rmSync(key, { recursive: true });
    writeFileSync(key, 'short', { mode: 0o600 });
    expect(await refusal(on(served))).toEqual([EXIT.key, expect.stringContaining(key)]);
    expect(readFileSync(key, 'utf8')).toBe('short');
    renameSync(`${key}.away`, key);
  });
});
