import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from './find-envoy.js';
import { freePort } from './free-port.js';
import { runCommand } from './run-command.js';
import { baseId, Sidecar } from './sidecar.js';
import { writeSidecarFiles } from './sidecar-files.js';
import { sampleOptions } from './testdata/sample-options.js';

const VERSIONS = ['1.40.0', '1.36.4'];
const envoys = new Map<string, string>();
const dir = mkdtempSync(join(tmpdir(), 'heddle-launcher-'));

beforeAll(async () => {
  for (const version of VERSIONS) envoys.set(version, (await findEnvoy({ version })).path);
}, 300_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const envoyOf = (version: string): string => envoys.get(version) ?? '';

async function written(name: string): Promise<{ bootstrap: string; admin: { address: string; port: number } }> {
  const admin = { address: '127.0.0.1', port: await freePort() };
  const xds = { ...sampleOptions.xds, address: '127.0.0.1', port: await freePort() };
  const files = await writeSidecarFiles(join(dir, name), { ...sampleOptions, xds, admin, token: 'a.b.c' });
  return { bootstrap: files.bootstrap, admin };
}

describe.each(VERSIONS)('Envoy %s', (version) => {
  it.each([
    ['an address', '127.0.0.1'],
    ['a name', 'localhost'],
  ])('accepts the rendered bootstrap with %s as control plane, without a warning', async (_what, address) => {
    const xds = { ...sampleOptions.xds, address };
    const files = await writeSidecarFiles(join(dir, `validate-${version}`), { ...sampleOptions, xds, token: 'a.b.c' });
    const result = await runCommand(envoyOf(version), ['--mode', 'validate', '-c', files.bootstrap]);
    expect(result.stdout + result.stderr).toMatch(/OK/);
    expect(result.stderr).not.toMatch(/\[(warning|error|critical)\]|[Dd]eprecated/);
    expect(result.code).toBe(0);
  });

  it('accepts a folder that was written elsewhere and carried to where it was meant for, and not before', async () => {
    const [here, there] = [join(dir, `written-${version}`), join(dir, `carried-${version}`)];
    await writeSidecarFiles(here, { ...sampleOptions, token: 'a.b.c', installDir: there });
    const validate = () => runCommand(envoyOf(version), ['--mode', 'validate', '-c', join(there, 'bootstrap.yaml')]);
    expect((await validate()).code).not.toBe(0);
    renameSync(here, there);
    expect(await validate()).toMatchObject({ code: 0 });
  });

  it('starts, answers its admin interface, and stops on request', async () => {
    const { bootstrap, admin } = await written(`start-${version}`);
    const lines: string[] = [];
    const options = { envoy: envoyOf(version), bootstrap, admin, id: `start-${version}` };
    const sidecar = await Sidecar.start({ ...options, logLevel: 'info', onLine: (line) => lines.push(line) });
    // Without a control plane it waits for its first listeners: alive, not ready.
    expect(await sidecar.ready(200)).toBe(false);
    expect((await sidecar.stats('^server.concurrency$')).get('server.concurrency')).toBe(1);
    expect(await sidecar.drained(1000)).toBe(true);
    expect(await sidecar.stop()).toMatchObject({ expected: true, reason: 'stopped' });
    expect(lines.filter((line) => /[Dd]eprecated|no configured limit/.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
    await expect(sidecar.ready(1000)).rejects.toThrow(/ended/);
  });

  it('takes another base id when another Envoy of the host has the same', async () => {
    const [first, second] = [await written(`base-a-${version}`), await written(`base-b-${version}`)];
    const id = `clash-${version}`;
    const one = await Sidecar.start({ envoy: envoyOf(version), ...first, id });
    const two = await Sidecar.start({ envoy: envoyOf(version), ...second, id });
    const command = readFileSync(`/proc/${two.pid}/cmdline`, 'utf8').split('\0');
    expect(command[command.indexOf('--base-id') + 1]).toBe(String(baseId(id, 1)));
    await Promise.all([one.stop(), two.kill()]);
  });
});

describe('a sidecar', () => {
  it('says in one line, with the words of Envoy, why it did not start', async () => {
    const { bootstrap, admin } = await written('taken');
    // Whoever has the port answers like another Envoy would.
    const server = createServer((_request, response) => response.end('{"command_line_options":{"base_id":"7"}}'));
    await new Promise<void>((resolve) => server.listen(admin.port, admin.address, resolve));
    const options = { envoy: envoyOf('1.40.0'), bootstrap, admin, id: 'taken', logFile: join(dir, 'taken.log') };
    await expect(Sidecar.start(options)).rejects.toThrow(/^Envoy of taken did not start: .*Address already in use/);
    expect(readFileSync(options.logFile, 'utf8')).toContain('Address already in use');
    server.close();
  });

  it('refuses to start what is no executable', async () => {
    const options = { ...(await written('none')), envoy: '/nowhere/envoy', id: 'none' };
    await expect(Sidecar.start(options)).rejects.toThrow('cannot run /nowhere/envoy');
  });

  it('tells when it ended without having been asked to', async () => {
    const sidecar = await Sidecar.start({ ...(await written('crash')), envoy: envoyOf('1.40.0'), id: 'crash' });
    process.kill(sidecar.pid, 'SIGKILL');
    expect(await sidecar.exited).toMatchObject({ expected: false, signal: 'SIGKILL' });
    expect(sidecar.exit?.reason).toContain('SIGKILL');
  });
});
