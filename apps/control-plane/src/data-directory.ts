import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { codeOf, EXIT, StartError } from './start-error.js';

const ownerSchema = z.object({ pid: z.int().positive(), started: z.string() });
type Owner = z.output<typeof ownerSchema>;

/** The data directory, held by this process until it is released. */
export interface DataDirectory {
  readonly path: string;
  release(): void;
}

/** When a process started, in the kernel's ticks: with its number it names one process for ever. '' = it is not there. */
function startOf(pid: number): string {
  try {
    // After the command, which may hold anything: the 20th of the remaining fields (proc(5), starttime).
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return isAlive(pid) ? 'unknown' : '';
    throw error;
  }
}

/** Where there is no /proc, a live process of that number counts as the owner. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // Gone in between, or cut short by a crash: nobody holds it.
    return undefined;
  }
}

/**
 * Makes the directory if need be and takes it: one control plane to a directory. What a killed one left is taken over.
 * @throws StartError when a live one has it, or it cannot be used
 */
export function takeDataDirectory(path: string): DataDirectory {
  const file = join(path, 'owner.json');
  const own = join(path, `owner.${randomUUID()}`);
  const mine: Owner = { pid: process.pid, started: startOf(process.pid) };
  try {
    makeDirectories(resolve(path));
    writeFileSync(own, JSON.stringify(mine), { mode: 0o600, flag: 'wx' });
    try {
      take(path, file, own);
    } finally {
      rmSync(own, { force: true });
    }
  } catch (error) {
    if (error instanceof StartError) throw error;
    const message = `the data directory ${path} (--data-dir) cannot be used (${codeOf(error) || String(error)})`;
    throw new StartError(EXIT.dataDirectory, message, { cause: error });
  }
  return {
    path,
    release() {
      const owner = readOwner(file);
      if (owner?.pid === mine.pid && owner.started === mine.started) rmSync(file, { force: true });
    },
  };
}

/**
 * Makes a directory and those above it that are missing, one by one from the nearest that is there: Node's own
 * `recursive` never returns where a file system refuses with ENOENT, as /proc does. Entering them is allowed: an embedded
 * Postgres may run as another user. Files in them are 0600.
 * @throws the system's error of the first that cannot be made
 */
function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    try {
      mkdirSync(directory, { mode: 0o711 });
    } catch (error) {
      // Another process may be making the same.
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** A link appears complete or not at all, and of two processes one gets it. */
function take(path: string, file: string, own: string): void {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      linkSync(own, file);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const owner = readOwner(file);
    if (owner !== undefined && owner.started !== '' && startOf(owner.pid) === owner.started)
      throw owned(path, owner.pid);
    // Moved aside first: of two that find the same leftover, one moves it, the other finds it gone.
    const aside = `${file}.${randomUUID()}`;
    try {
      renameSync(file, aside);
      rmSync(aside);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  throw new StartError(EXIT.dataDirectory, `other control planes keep taking the data directory ${path}: try again`);
}

const owned = (path: string, pid: number): StartError =>
  new StartError(
    EXIT.dataDirectory,
    `the data directory ${path} belongs to a running control plane (process ${pid}): stop that one, or choose another with --data-dir`,
  );
