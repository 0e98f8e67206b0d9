import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './account.js';
import { type Binaries, removeDirectory } from './binaries.js';
import { EmbeddedPostgresError } from './error.js';
import { commandLine, isAlive, waitForExit } from './processes.js';

export const SUPERUSER = 'heddle';

const STOP_WAIT_MS = 15_000;

export const clusterDirectory = (dataDir: string): string => join(dataDir, 'cluster');

const passwordFile = (dataDir: string): string => join(dataDir, 'password');

/** The superuser's password, made with the data directory. */
export const readPassword = (dataDir: string): string => readFileSync(passwordFile(dataDir), 'utf8').trim();

interface Run {
  readonly program: string;
  readonly args: readonly string[];
  readonly account: Account | undefined;
}

function run({ program, args, account }: Run): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
    const child = spawn(program, args, {
      ...identity,
      cwd: '/',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function own(path: string, account: Account | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

export interface ClusterOptions {
  readonly dataDir: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  /** Whether a failure of the machine may lose nothing. */
  readonly fsync: boolean;
}

/** Makes a new cluster next to its place and moves it there, so that one that was interrupted is never taken for whole. */
async function initialise({ dataDir, binaries, account, fsync }: ClusterOptions): Promise<void> {
  const draft = join(dataDir, 'cluster.new');
  const secret = join(dataDir, 'password.new');
  removeDirectory(draft);
  rmSync(secret, { force: true });
  const password = randomBytes(24).toString('base64url');
  writeFileSync(secret, `${password}\n`, { mode: 0o600, flag: 'wx' });
  own(secret, account);
  mkdirSync(draft, { mode: 0o700 });
  own(draft, account);
  const auth = ['--auth=scram-sha-256', `--username=${SUPERUSER}`, `--pwfile=${secret}`];
  const args = [
    `--pgdata=${draft}`,
    ...auth,
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(fsync ? [] : ['--no-sync']),
  ];
  try {
    const { code, output } = await run({ program: binaries.initdb, args, account });
    if (code !== 0) {
      removeDirectory(draft);
      throw new EmbeddedPostgresError(`a database could not be made in ${dataDir}:\n${output.trim()}`);
    }
  } finally {
    rmSync(secret, { force: true });
  }
  writeFileSync(passwordFile(dataDir), `${password}\n`, { mode: 0o600 });
  renameSync(draft, clusterDirectory(dataDir));
}

/** Makes the cluster if there is none yet; checks that ours can read it if there is. @returns true when it is new */
export async function ensureCluster(options: ClusterOptions): Promise<boolean> {
  const { dataDir, binaries } = options;
  const cluster = clusterDirectory(dataDir);
  if (!existsSync(cluster)) {
    await initialise(options);
    return true;
  }
  const versionFile = join(cluster, 'PG_VERSION');
  const found = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : 'unknown';
  const major = binaries.version.split('.')[0];
  if (found !== major) {
    throw new EmbeddedPostgresError(
      `the database in ${dataDir} was made by Postgres ${found}, this build of Heddle comes with Postgres ${major}: ` +
        `start the build that made it, or move the data over with pg_dump and a Postgres ${found} of your own`,
    );
  }
  return false;
}

/** Process id of the server that runs on the cluster; undefined when none does. */
export function runningServer(dataDir: string): number | undefined {
  const file = join(clusterDirectory(dataDir), 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  // The id may belong to a stranger by now: only a Postgres on this very directory counts.
  const ours = Number.isInteger(pid) && pid > 1 && isAlive(pid) && commandLine(pid).includes(clusterDirectory(dataDir));
  return ours ? pid : undefined;
}

/** Stops the server that a killed control plane left behind. @returns true when there was one */
export async function stopStaleServer(dataDir: string): Promise<boolean> {
  const pid = runningServer(dataDir);
  if (pid === undefined) {
    rmSync(join(clusterDirectory(dataDir), 'postmaster.pid'), { force: true });
    return false;
  }
  process.kill(pid, 'SIGINT');
  if (await waitForExit(pid, STOP_WAIT_MS)) return true;
  process.kill(pid, 'SIGQUIT');
  if (await waitForExit(pid, STOP_WAIT_MS)) return true;
  throw new EmbeddedPostgresError(`a Postgres of an earlier run (process ${pid}) does not stop: end it by hand`);
}
