import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { takeDataDirectory } from './data-directory.js';
import { requireFreePort } from './free-port.js';

const directory = mkdtempSync(join(tmpdir(), 'heddle-data-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the data directory', () => {
  it('belongs to one process until it is released', () => {
    const path = join(directory, 'one');
    const held = takeDataDirectory(path);
    expect(() => takeDataDirectory(path)).toThrow(/belongs to a running control plane \(process \d+\)/);
    held.release();
    takeDataDirectory(path).release();
  });

  it('is taken over from a process that is gone, or whose number another one has now', async () => {
    const path = join(directory, 'left');
    takeDataDirectory(path).release();
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    for (const owner of [{ pid: child.pid, started: '1' }, { pid: process.pid, started: '1' }, 'cut sho']) {
      writeFileSync(join(path, 'owner.json'), typeof owner === 'string' ? owner : JSON.stringify(owner));
      const taken = takeDataDirectory(path);
      expect(JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'))).toMatchObject({ pid: process.pid });
      taken.release();
    }
  });

  it('is one clear line when it cannot be made', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => takeDataDirectory(join(directory, 'file', 'below'))).toThrow(
      /--data-dir\) cannot be used \(ENOTDIR\)/,
    );
  });

  it('is one clear line, at once, where the system takes no directories', () => {
    expect(() => takeDataDirectory('/proc/heddle/data')).toThrow(
      /^the data directory \/proc\/heddle\/data \(--data-dir\) cannot be used \(ENOENT\)/,
    );
  });

  it('is made with those above it', () => {
    takeDataDirectory(join(directory, 'a/b/c')).release();
    expect(statSync(join(directory, 'a/b/c')).mode & 0o777).toBe(0o711);
  });
});

describe('a port', () => {
  it('that is taken is one clear line with the flag that chooses another', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const wanted = { host: '127.0.0.1', port, flag: '--rest-port', what: 'REST' };
    await expect(requireFreePort(wanted)).rejects.toThrow(new RegExp(`port ${port} .*\\(--rest-port\\) is taken`));
    server.close();
    await once(server, 'close');
    await expect(requireFreePort(wanted)).resolves.toBeUndefined();
    await expect(requireFreePort({ ...wanted, host: '192.0.2.1' })).rejects.toThrow(
      /no address of this machine.*--rest-host/,
    );
  });
});
