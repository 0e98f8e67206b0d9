import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KekUnusable } from './errors.js';
import { Secret } from './secret.js';

/** The key that encrypts the authorities' private keys at rest. All replicas of one database need the same one. */
export interface Kek {
  /** First 64 bits of its SHA-256, hex: names it in errors and in the envelope. Not a secret. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Secret<Uint8Array>;
}

const SIZE = 32;

/** A key-encryption key of the given 32 bytes. @throws KekUnusable for another length. */
export function kekOf(bytes: Uint8Array): Kek {
  if (bytes.length !== SIZE) throw new KekUnusable(`a key-encryption key has ${SIZE} bytes, not ${bytes.length}`);
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 16), key: new Secret(bytes) };
}

/**
 * Reads the key-encryption key, or makes one on the first run: 32 random bytes in a file of mode 0600, complete or not
 * there at all, even when two processes start at once. Its directory is made with mode 0700.
 * @throws KekUnusable when the file cannot be read, is not a plain file of 32 bytes, or may be read by others.
 */
export async function loadOrCreateKek(file: string): Promise<Kek> {
  const found = await read(file);
  if (found) return kekOf(found);
  await create(file);
  const created = await read(file);
  if (!created) throw new KekUnusable(`the key-encryption key ${file} vanished while it was being created`);
  return kekOf(created);
}

async function read(file: string): Promise<Uint8Array | undefined> {
  // O_NOFOLLOW: a link planted in the directory must not lead to a key that somebody else knows.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw new KekUnusable(
        `the key-encryption key ${file} cannot be read (${codeOf(cause)}): let the user that runs Heddle own it, as a plain file of mode 0600`,
        { cause },
      );
    },
  );
  if (!handle) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new KekUnusable(`the key-encryption key ${file} is not a plain file: restore it from your backup`);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new KekUnusable(
        `the key-encryption key ${file} has mode ${mode}, so others may read it: run "chmod 600 ${file}", and if somebody may have read it, rotate the authorities`,
      );
    }
    if (stat.size !== SIZE) {
      throw new KekUnusable(
        `the key-encryption key ${file} has ${stat.size} bytes instead of ${SIZE}: restore it from your backup; do not delete it, the authorities' keys cannot be decrypted without it`,
      );
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Writes aside and links into place: a crash leaves no half key, and of two processes the first wins. */
async function create(file: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(randomBytes(SIZE));
      await handle.sync();
    } finally {
      await handle.close();
    }
    try {
      await link(aside, file);
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause;
    } finally {
      await unlink(aside);
    }
    await syncDirectory(dirname(file));
  } catch (cause) {
    throw new KekUnusable(
      `the key-encryption key ${file} cannot be created (${codeOf(cause)}): make its directory writable for the user that runs Heddle`,
      { cause },
    );
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}
