import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from './start-error.js';

/** As compiled by `npm run build`: signals and exit codes are those of a process. */
const MAIN = join(import.meta.dirname, '../../../dist/apps/control-plane/src/main.js');
const READY = /Heddle is ready: REST (\S+), xDS on port (\d+)/;

interface Run {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: () => string;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

describe('the process of a control plane with its own Postgres', () => {
  let parent: string;
  let dataDir: string;
  const runs: Run[] = [];

  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'heddle-control-plane-'));
    chmodSync(parent, 0o711); // as root, Postgres runs as another user, who has to pass through
    dataDir = join(parent, 'data');
  });

  afterAll(async () => {
    for (const { child } of runs) child.kill('SIGTERM');
    await Promise.all(runs.map((run) => run.ended));
    rmSync(parent, { recursive: true, force: true });
  });

  const launch = (): Run => {
    const flags = ['--data-dir', dataDir, '--rest-port', '0', '--xds-port', '0'];
    const child = spawn(process.execPath, [MAIN, ...flags], { cwd: parent, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const ended = once(child, 'close').then(() => child.exitCode);
    const run = { child, said: () => text, ended };
    runs.push(run);
    return run;
  };
  /** @returns the URL of REST */
  const ready = async (run: Run): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    run.child.stderr?.on('data', () => {
      const url = READY.exec(run.said())?.[1];
      if (url !== undefined) resolve(url);
    });
    const first = await Promise.race([promise, run.ended]);
    if (typeof first !== 'string') throw new Error(`it ended with ${first}: ${run.said()}`);
    return first;
  };
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
