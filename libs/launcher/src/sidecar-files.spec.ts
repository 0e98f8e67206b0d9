import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeSidecarFiles, writeToken } from './sidecar-files.js';
import { sampleOptions } from './testdata/sample-options.js';

const root = mkdtempSync(join(tmpdir(), 'heddle-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('the files of a sidecar', () => {
  it('are written whole, the secret ones readable by the owner only, nothing temporary left', async () => {
    const dir = join(root, 'deep', 'er');
    const written = await writeSidecarFiles(dir, { ...sampleOptions, token: 'one.two.three' });
    expect(readdirSync(dir).sort()).toEqual(['bootstrap.yaml', 'ca.pem', 'sds-ca.yaml', 'sds-token.yaml', 'token']);
    expect([mode(dir), mode(written.token), mode(join(dir, 'sds-token.yaml'))]).toEqual([0o700, 0o600, 0o600]);
    expect(readFileSync(written.bootstrap, 'utf8')).toContain(`path: ${dir}/sds-token.yaml`);
    expect(parse(readFileSync(join(dir, 'sds-ca.yaml'), 'utf8'))).toMatchObject({
      resources: [{ validation_context: { trusted_ca: { inline_string: sampleOptions.caPem } } }],
    });
  });

  it('point to where they will be on another machine, when they are written for one', async () => {
    const files = { ...sampleOptions, token: 'a.b.c', installDir: '/etc/heddle/web-1/' };
    const { bootstrap } = await writeSidecarFiles(join(root, 'carried'), files);
    const text = readFileSync(bootstrap, 'utf8');
    expect(text).toContain('path: /etc/heddle/web-1/sds-token.yaml');
    expect(text).not.toContain(root);
    await expect(writeSidecarFiles(join(root, 'x'), { ...files, installDir: 'etc/heddle' })).rejects.toThrow(
      'the folder on the other machine is "etc/heddle": it must begin with /',
    );
  });

  it('are replaced by a rename, which is what Envoy watches for', async () => {
    const dir = join(root, 'renewed');
    await writeSidecarFiles(dir, { ...sampleOptions, token: 'old' });
    const before = statSync(join(dir, 'sds-token.yaml')).ino;
    await writeToken(dir, 'new');
    expect(statSync(join(dir, 'sds-token.yaml')).ino).not.toBe(before);
    expect(readFileSync(join(dir, 'token'), 'utf8')).toBe('new\n');
    expect(mode(join(dir, 'token'))).toBe(0o600);
  });

  it.each(['', 'two lines\n', 'a b'])('are not written with the token %j', async (token) => {
    await expect(writeToken(root, token)).rejects.toThrow(/token is empty or holds/);
  });

  it('SEC-17: are not written without a CA', async () => {
    const dir = join(root, 'none');
    await expect(writeSidecarFiles(dir, { ...sampleOptions, caPem: '', token: 'x' })).rejects.toThrow(
      /no CA certificate/,
    );
    expect(readdirSync(root)).not.toContain('none');
  });
});
