import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LauncherError } from './launcher-error.js';

/** What `envoy/versions.json` says: which Envoy is used when nobody chooses, and the SHA-256 of each binary we fetch. */
export interface EnvoyVersions {
  /** The version that is fetched when none is asked for. */
  readonly default: string;
  /** The oldest version that Heddle is tried on; an older one found on the machine is refused. */
  readonly minimum: string;
  /** version -> `<os>-<cpu>` as Node names them -> SHA-256 of the executable, in hex. */
  readonly pins: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Reads the pins. The file lies in the checkout's `envoy/` folder, which is found upwards of this module: sources and
 * the compiled tree below `dist/` are of different depth.
 */
export function readEnvoyVersions(from: string = import.meta.dirname): EnvoyVersions {
  for (let dir = from; ; dir = dirname(dir)) {
    const file = join(dir, 'envoy', 'versions.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as EnvoyVersions;
    if (dir === dirname(dir)) throw new LauncherError(`envoy/versions.json not found above ${from}`);
  }
}

/** `linux-x64`, `linux-arm64`, `darwin-arm64` ...: the key of a pin. */
export const platformKey = (): string => `${process.platform}-${process.arch}`;

/** Compares two versions number by number; a suffix such as `-dev` is ignored. Negative: `a` is older. */
export function compareVersions(a: string, b: string): number {
  const numbers = (v: string): number[] => v.split('-', 1)[0]?.split('.').map(Number) ?? [];
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
