import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Longer texts are nobody's of ours. */
const LONGEST = 4_096;

/** Keeps a text from who has no key, and from changes: AES-256-GCM, by a key of its own for each purpose. */
export class Seal {
  readonly #key: Uint8Array;

  /** @param kek 32 bytes that all replicas share @param purpose what is sealed: one purpose never opens another's */
  constructor(kek: Uint8Array, purpose: string) {
    this.#key = new Uint8Array(hkdfSync('sha256', kek, '', `heddle dashboard ${purpose}`, 32));
  }

  /** Printable, without `=` and `;`. */
  close(text: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Undefined for everything that was not sealed with this key for this purpose. */
  open(sealed: string): string | undefined {
    if (sealed.length > LONGEST || !/^[-\w]+$/.test(sealed)) return undefined;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      // Not ours, or changed.
      return undefined;
    }
  }

  /** A mark of a text that only who has the key can make. */
  mark(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}
