import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EXIT } from './start-error.js';
import { Launchpad, type Run, ready } from './testing/process.js';

describe('the process of a control plane with its own Postgres', () => {
  const pad = new Launchpad();
  const { dataDir } = pad;
  const launch = () => pad.launch();

  afterAll(() => pad.cleanUp());

  const stop = async (run: Run): Promise<void> => {
    const postgres = Number(
      readFileSync(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0],
    );
    expect(existsSync(`/proc/${postgres}`)).toBe(true);
    run.child.kill('SIGTERM');
    expect([await run.ended, run.said()]).toEqual([0, expect.not.stringContaining('heddle: ')]);
    expect(existsSync(`/proc/${postgres}`)).toBe(false);
    expect(existsSync(join(dataDir, 'owner.json'))).toBe(false);
  };
  const identity = (): unknown => ({
    authority: readFileSync(join(dataDir, 'server-ca.pem'), 'utf8'),
    key: readFileSync(join(dataDir, 'key'), 'base64'),
    cluster: (JSON.parse(readFileSync(join(dataDir, 'database.json'), 'utf8')) as { clusterId: string }).clusterId,
  });

  it('REL-15 is ready when it says so, stops on SIGTERM with its Postgres, and is the same after a restart', async () => {
    const first = launch();
    const url = await ready(first);
    const answer = await fetch(`${url}/readyz/api`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', xds: true, api: true }]);
    const before = identity();
    await stop(first);
    const second = launch();
    expect((await fetch(`${await ready(second)}/readyz/api`)).status).toBe(200);
    expect(identity()).toEqual(before);
    await stop(second);
  });

  it('refuses a key that is not the one its authorities were sealed with, and starts with the right one', async () => {
    const file = join(dataDir, 'key');
    const right = readFileSync(file);
    writeFileSync(file, Buffer.alloc(right.length, 7));
    const refused = launch();
    expect([await refused.ended, refused.said()]).toEqual([
      EXIT.key,
      expect.stringMatching(/heddle: .*put the original key file back/),
    ]);
    expect(refused.said()).not.toMatch(/\n\s+at /);
    expect(existsSync(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'))).toBe(false);
    writeFileSync(file, right);
    const run = launch();
    await ready(run);
    await stop(run);
  });
});
