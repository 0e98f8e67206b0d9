import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The build before this one, as far as rolling upgrades go: what must be able to run beside this one on one database.
 * Move it forward when a release is made, and when the compiler makes other resources of the same inputs: builds that do
 * so beside one another send proxies that move between them listeners back and forth (docs/faults.md).
 */
export const PREVIOUS = 'e9dcfb01060f1207cfc8643ea8471e1cdce4adb0';

const HERE = import.meta.dirname;
const ROOT = join(HERE, HERE.includes('/dist/test/') ? '../../../..' : '../../..');

const git = (...args: readonly string[]): Buffer =>
  execFileSync('git', ['-C', ROOT, ...args], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

/** True when history is here: not in a shallow clone, and not in an archive. */
export function previousIsKnown(): boolean {
  try {
    git('cat-file', '-e', `${PREVIOUS}^{commit}`);
    return true;
  } catch {
    return false;
  }
}

/**
 * Builds the previous commit in a folder of its own, once for this clone: it borrows the clone's packages by a link, and
 * must go when they go.
 * @returns its `dist`
 */
export function buildPrevious(): string {
  const place = join(ROOT, '.heddle', `build-${PREVIOUS}`);
  if (existsSync(place)) return join(place, 'dist');
  const draft = `${place}-${process.pid}`;
  mkdirSync(draft, { recursive: true });
  execFileSync('tar', ['-x', '-C', draft], { input: git('archive', PREVIOUS) });
  symlinkSync('../../node_modules', join(draft, 'node_modules'));
  const node = (...args: readonly string[]): unknown =>
    execFileSync(process.execPath, args, { cwd: draft, stdio: ['ignore', 'pipe', 'inherit'] });
  node('proto/generate.mjs');
  node('libs/policies/generate.mjs');
  node('node_modules/typescript-native/bin/tsc', '-p', 'tsconfig.json');
  if (existsSync(place)) rmSync(draft, { recursive: true });
  else renameSync(draft, place);
  return join(place, 'dist');
}
