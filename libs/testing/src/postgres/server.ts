import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#libs/kernel';
import { migrateDatabase, startEmbeddedPostgres } from '#libs/store';
import { removeDatabase, runStatements, withDatabase } from './statements.js';

export interface TestPostgres {
  /** As a superuser. */
  readonly url: string;
  /** A migrated database that nobody is connected to. */
  readonly template: string;
  stop(): Promise<void>;
}

const PREFIX = 'heddle-test-postgres-';

/** Small, and without anything that works on its own account while tests measure. */
const SETTINGS = { shared_buffers: '48MB', max_connections: '120', max_wal_size: '2GB', autovacuum: 'off', jit: 'off' };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readNumber(file: string, pattern: RegExp): number {
  return existsSync(file) ? Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) : 0;
}

/** Ends the servers of runs that were killed, and removes their directories. */
function cleanUpAfterKilledRuns(): void {
  for (const entry of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const directory = join(tmpdir(), entry);
    const owner = readNumber(join(directory, 'data', 'owner.json'), /"pid":(\d+)/);
    if (owner === 0 || isAlive(owner)) continue;
    const server = readNumber(join(directory, 'data', 'cluster', 'postmaster.pid'), /^(\d+)/);
    if (server > 1 && isAlive(server) && readCommand(server).includes(directory)) process.kill(server, 'SIGQUIT');
    rmSync(directory, { recursive: true, force: true });
  }
}

const readCommand = (pid: number): string => {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

async function makeTemplate(url: string, template: string): Promise<void> {
  await runStatements(url, [`CREATE DATABASE ${template}`]);
  await migrateDatabase(withDatabase(url, template), silentLog);
}

/** A Postgres for tests (no fsync), with a migrated template; or the server at `url`, in which a template is made. */
export async function startTestPostgres(url?: string): Promise<TestPostgres> {
  const template = `heddle_template_${process.pid}`;
  if (url !== undefined && url !== '') {
    await removeDatabase(url, template);
    await makeTemplate(url, template);
    return { url, template, stop: () => removeDatabase(url, template) };
  }
  cleanUpAfterKilledRuns();
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(directory, 0o711); // as root, Postgres runs as another user, who has to pass through
  const dataDir = join(directory, 'data');
  const server = await startEmbeddedPostgres({ dataDir, fsync: false, settings: SETTINGS, log: silentLog });
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await makeTemplate(server.url, template);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: server.url, template, stop };
}
