import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const checkout = mkdtempSync(join(tmpdir(), 'heddle-setup-'));
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

/** The exit of `node --eval` with the functions of setup.mjs in scope, in a checkout that holds nothing else. */
function evaluate(code: string, path = process.env['PATH'] ?? '') {
  const program = `const { ensureReady, runAndExit, SetupError, start } = await import('${checkout}/envoy/setup.mjs'); ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path, CI: 'true' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal, output }));
  return { child, exit };
}

mkdirSync(join(checkout, 'envoy'));
cpSync(`${import.meta.dirname}/../../../envoy/setup.mjs`, join(checkout, 'envoy', 'setup.mjs'));

describe('the start scripts', () => {
  it('end as the program ends', async () => {
    const { exit } = evaluate(`await runAndExit(process.execPath, ['--eval', 'process.exit(7)'])`);
    expect(await exit).toEqual({ code: 7, signal: null, output: '' });
  });

  it('pass a signal on and wait for the program to leave well', async () => {
    const script = `process.on('SIGTERM', () => { console.log('leaving'); process.exit(3); }); console.log('up'); setInterval(() => {}, 1000)`;
    const { child, exit } = evaluate(`await runAndExit(process.execPath, ['--eval', ${JSON.stringify(script)}])`);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await exit).toEqual({ code: 3, signal: null, output: 'up\nleaving\n' });
  });

  it('end by the signal that ended the program', async () => {
    const { exit } = evaluate(`await runAndExit(process.execPath, ['--eval', 'process.kill(process.pid, "SIGTERM")'])`);
    expect(await exit).toMatchObject({ signal: 'SIGTERM' });
  });

  it('say in one line what the user has to do', async () => {
    const { exit } = evaluate(`await start(async () => { throw new SetupError('install it'); })`);
    expect(await exit).toEqual({ code: 1, signal: null, output: 'heddle: install it\n' });
  });
});

describe('the preparation of a checkout', () => {
  /** An npm that does what ours would: `ci` brings Node and the list of what is installed, `run build` compiles. */
  const bin = join(checkout, 'bin');
  const npm = `#!/bin/sh
echo "npm $*" >> ${checkout}/calls
case $1 in
  ci) mkdir -p node_modules/.bin && ln -sf ${process.execPath} node_modules/.bin/node && touch node_modules/.package-lock.json ;;
  run) [ -z "$BROKEN" ] || { echo "error TS1: no"; exit 2; }; mkdir -p dist && touch dist/main.js ;;
esac
`;
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), npm);
  chmodSync(join(bin, 'npm'), 0o755);
  symlinkSync(process.execPath, join(bin, 'node'));
  mkdirSync(join(checkout, 'libs', 'x'), { recursive: true });
  writeFileSync(join(checkout, 'libs', 'x', 'index.ts'), '');
  writeFileSync(join(checkout, 'package-lock.json'), '{}');

  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  const prepare = () => evaluate(`console.log(await ensureReady())`, path).exit;
  const calls = (): string[] => {
    const text = readFileSync(join(checkout, 'calls'), 'utf8').trim();
    writeFileSync(join(checkout, 'calls'), '');
    return text === '' ? [] : text.split('\n');
  };
  const inFuture = (...names: string[]): void =>
    utimesSync(join(checkout, ...names), new Date(), new Date(Date.now() + 5000));

  it('installs and builds what is missing, says so, and then does nothing and says nothing', async () => {
    const first = await prepare();
    expect(calls()).toEqual(['npm ci', 'npm run --silent build']);
    expect(first.output).toMatch(/installing dependencies \(npm ci\): done after \d+ s\n/);
    expect(first.output).toContain(join(checkout, 'node_modules', '.bin', 'node'));
    expect(await prepare()).toEqual({
      code: 0,
      signal: null,
      output: `${join(checkout, 'node_modules', '.bin', 'node')}\n`,
    });
    expect(calls()).toEqual([]);
  });

  it('installs again when the lock has changed, builds again when a source has', async () => {
    inFuture('package-lock.json');
    await prepare();
    expect(calls()).toEqual(['npm ci']);
    utimesSync(join(checkout, 'package-lock.json'), 0, 0);
    inFuture('libs', 'x', 'index.ts');
    await prepare();
    expect(calls()).toEqual(['npm run --silent build']);
  });

  it('shows what a failed step printed', async () => {
    inFuture('libs', 'x', 'index.ts');
    process.env['BROKEN'] = '1';
    const { code, output } = await prepare().finally(() => delete process.env['BROKEN']);
    expect(code).not.toBe(0);
    expect(output).toContain('error TS1: no');
  });
});
