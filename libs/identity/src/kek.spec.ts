import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrapKey, wrapKey } from './envelope.js';
import { KekUnusable } from './errors.js';
import { kekOf, loadOrCreateKek } from './kek.js';
import { Secret } from './secret.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heddle-kek-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('loadOrCreateKek', () => {
  it('makes a key of 32 bytes and mode 0600 on the first run, and finds it again', async () => {
    const file = join(directory, 'secrets', 'kek');
    const first = await loadOrCreateKek(file);
    const { mode, size } = await stat(file);
    expect([mode & 0o777, size]).toEqual([0o600, 32]);
    expect((await stat(join(directory, 'secrets'))).mode & 0o777).toBe(0o700);
    expect((await loadOrCreateKek(file)).id).toBe(first.id);
    expect(await readdir(join(directory, 'secrets'))).toEqual(['kek']);
  });

  it('gives processes that start together the same key', async () => {
    const file = join(directory, 'kek');
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKek(file)));
    expect(new Set(keys.map((kek) => kek.id)).size).toBe(1);
    expect(await readdir(directory)).toEqual(['kek']);
  });

  it('refuses a file that others may read and says how to mend it', async () => {
    const file = join(directory, 'kek');
    await loadOrCreateKek(file);
    await chmod(file, 0o640);
    await expect(loadOrCreateKek(file)).rejects.toThrow(/mode 0640.*chmod 600/);
  });

  it('refuses a file of another size and warns not to delete it', async () => {
    const file = join(directory, 'kek');
    await writeFile(file, 'short', { mode: 0o600 });
    await expect(loadOrCreateKek(file)).rejects.toThrow(/5 bytes instead of 32.*backup/);
  });

  it('refuses a link and a directory', async () => {
    const file = join(directory, 'kek');
    await loadOrCreateKek(file);
    await symlink(file, join(directory, 'link'));
    await expect(loadOrCreateKek(join(directory, 'link'))).rejects.toThrow(KekUnusable);
    await expect(loadOrCreateKek(directory)).rejects.toThrow(/not a plain file/);
  });

  it('says which directory must be writable when the key cannot be made', async () => {
    await writeFile(join(directory, 'plain'), '');
    await expect(loadOrCreateKek(join(directory, 'plain', 'kek'))).rejects.toThrow(KekUnusable);
  });
});

describe('the envelope', () => {
  const kek = kekOf(new Uint8Array(32).fill(7));
  const reference = { mesh: 'a', id: 'k1', purpose: 'root' };

  it('opens what it sealed, whatever the contents', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.string(), fc.string(), (plain, mesh, id) => {
        const ref = { mesh, id, purpose: 'root' };
        expect(Buffer.from(unwrapKey(kek, ref, wrapKey(kek, ref, plain)))).toEqual(Buffer.from(plain));
      }),
    );
  });

  it('never gives the same bytes twice and never holds the plain text', () => {
    const plain = Buffer.from('a private key that must not be seen');
    const [a, b] = [wrapKey(kek, reference, plain), wrapKey(kek, reference, plain)];
    expect(Buffer.from(a).equals(b)).toBe(false);
    expect(Buffer.from(a).includes(plain.subarray(0, 8))).toBe(false);
  });

  it.each([
    ['mesh', { ...reference, mesh: 'b' }],
    ['key id', { ...reference, id: 'k2' }],
    ['purpose', { ...reference, purpose: 'intermediate' }],
    ['split between mesh and id', { ...reference, mesh: 'ak', id: '1' }],
  ])('SEC-23 does not open in a row of another %s', (_, other) => {
    expect(() => unwrapKey(kek, other, wrapKey(kek, reference, Buffer.from('key')))).toThrow(/altered or exchanged/);
  });

  it('SEC-23 names both keys when the key-encryption key is another one', () => {
    const other = kekOf(new Uint8Array(32).fill(8));
    expect(() => unwrapKey(other, reference, wrapKey(kek, reference, Buffer.from('key')))).toThrow(
      new RegExp(`${kek.id}.*${other.id}`),
    );
  });

  it('SEC-23 notices every flipped bit and every cut', () => {
    const sealed = wrapKey(kek, reference, Buffer.from('a key'));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const copy = Uint8Array.from(sealed);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => unwrapKey(kek, reference, copy)).toThrow(KekUnusable);
    }
    for (let end = 0; end < sealed.length; end++) {
      expect(() => unwrapKey(kek, reference, sealed.subarray(0, end))).toThrow(KekUnusable);
    }
  });
});

describe('Secret', () => {
  it('SEC-24 shows its value to nobody who does not ask for it', () => {
    const secret = new Secret('hunter2');
    const seen = [
      [secret].join(),
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }),
      inspect(secret, { showHidden: true, depth: 9 }),
    ];
    expect(seen.join(' ')).not.toContain('hunter2');
    expect(Object.keys(secret)).toEqual([]);
    expect(secret.expose()).toBe('hunter2');
  });
});
