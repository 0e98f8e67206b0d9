import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './error.js';
import { isAlive, startMark } from './processes.js';

interface Owner {
  readonly pid: number;
  readonly started: string;
}

const file = (dataDir: string): string => join(dataDir, 'owner.json');

function readOwner(dataDir: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8')) as Owner;
  } catch {
    return undefined; // no owner, or one that died while it signed in
  }
}

/**
 * Claims the data directory for this process. The owner's start is kept with its process id, so that a stranger who
 * got the id later is not taken for it.
 * @throws EmbeddedPostgresError when a live process owns it: two control planes must not share one Postgres child
 */
export function claimOwnership(dataDir: string): void {
  const own: Owner = { pid: process.pid, started: startMark(process.pid) };
  const claim = (): boolean => {
    try {
      writeFileSync(file(dataDir), JSON.stringify(own), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
  };
  if (claim()) return;
  const owner = readOwner(dataDir);
  if (owner !== undefined && isAlive(owner.pid) && startMark(owner.pid) === owner.started) {
    throw new EmbeddedPostgresError(
      `the database in ${dataDir} is in use by another control plane (process ${owner.pid}): stop that one, or give this one a data directory of its own`,
    );
  }
  rmSync(file(dataDir), { force: true });
  if (!claim()) throw new EmbeddedPostgresError(`another control plane has just taken the database in ${dataDir}`);
}

export function releaseOwnership(dataDir: string): void {
  if (readOwner(dataDir)?.pid === process.pid) rmSync(file(dataDir), { force: true });
}
