import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KekUnusable } from './errors.js';
import type { Kek } from './kek.js';

/** What a wrapped key belongs to. It is authenticated, so a row that was moved or swapped does not open (SEC-23). */
export interface KeyReference {
  /** '' for keys of no mesh. */
  readonly mesh: string;
  readonly id: string;
  readonly purpose: string;
}

/*
 * Layout, version 1: version (1) | id of the key-encryption key (8) | sealed data key (60) | sealed private key.
 * A sealed text is nonce (12) | tag (16) | AES-256-GCM ciphertext. Every key has a data key of its own, so the
 * key-encryption key only ever encrypts 32 random bytes and can be changed without touching what it protects.
 */
const VERSION = 1;
const NONCE = 12;
const TAG = 16;
const KEK_ID = 8;
const SEALED_DATA_KEY = NONCE + TAG + 32;

/** Encrypts a private key for storage, bound to what it belongs to. */
export function wrapKey(kek: Kek, reference: KeyReference, plain: Uint8Array): Uint8Array {
  const dataKey = randomBytes(32);
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(kek.id, 'hex')]);
  const bound = bind(header, reference);
  return Buffer.concat([header, seal(kek.key.expose(), bound, dataKey), seal(dataKey, bound, plain)]);
}

/**
 * Decrypts what {@link wrapKey} made.
 * @throws KekUnusable when it was encrypted under another key-encryption key, belongs to something else, or was altered.
 */
export function unwrapKey(kek: Kek, reference: KeyReference, wrapped: Uint8Array): Uint8Array {
  const bytes = Buffer.from(wrapped);
  const what = `the ${reference.purpose} key ${reference.id} of ${reference.mesh === '' ? 'the control plane' : `mesh ${reference.mesh}`}`;
  const headerLength = 1 + KEK_ID;
  if (bytes.length <= headerLength + SEALED_DATA_KEY || bytes[0] !== VERSION) {
    throw new KekUnusable(`${what} is damaged in the database: restore the authority table from a backup`);
  }
  const header = bytes.subarray(0, headerLength);
  const usedKek = header.subarray(1).toString('hex');
  if (usedKek !== kek.id) {
    throw new KekUnusable(
      `${what} was encrypted with the key-encryption key ${usedKek}, but this process has ${kek.id}: put the original key file back (every replica of one database needs the same one)`,
    );
  }
  const bound = bind(header, reference);
  try {
    const dataKey = unseal(kek.key.expose(), bound, bytes.subarray(headerLength, headerLength + SEALED_DATA_KEY));
    return unseal(dataKey, bound, bytes.subarray(headerLength + SEALED_DATA_KEY));
  } catch (cause) {
    throw new KekUnusable(
      `${what} does not decrypt: its row was altered or exchanged with another; restore the authority table from a backup`,
      { cause },
    );
  }
}

/** Length-prefixed, so that no two references give the same bytes. */
function bind(header: Uint8Array, reference: KeyReference): Buffer {
  const parts = [reference.mesh, reference.id, reference.purpose].map((part) => {
    const text = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  });
  return Buffer.concat([header, ...parts]);
}

function seal(key: Uint8Array, bound: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG }).setAAD(bound);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function unseal(key: Uint8Array, bound: Uint8Array, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(bound)
    .setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE + TAG)), decipher.final()]);
}
