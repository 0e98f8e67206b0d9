import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Clock } from '#libs/kernel';
import type { Authorities, AuthorityRow } from '#libs/store';
import { type AuthorityDraft, AuthorityVault } from './authority-vault.js';
import type { Kek } from './kek.js';
import { newKeyId } from './mesh-authority.js';
import { privateKeyOf } from './x509-authority.js';

const DAY_MS = 86_400_000;
const PURPOSE = 'audit-signing';

export interface AuditKey {
  readonly id: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export interface AuditKeysOptions {
  readonly authorities: Authorities;
  readonly kek: Kek;
  readonly clock: Clock;
  /** Days that a key signs before the next one takes its place; 0 = for ever. */
  readonly days: number;
}

/**
 * The Ed25519 keys that sign checkpoints of the audit chain and nothing else. Their private halves are encrypted with
 * the key-encryption key, so that who owns the database cannot sign. Keys that were replaced stay: what they signed is
 * still to be verified, and each has signed the one after it.
 */
export class AuditKeys {
  readonly #vault: AuthorityVault;

  constructor(private readonly options: AuditKeysOptions) {
    this.#vault = new AuthorityVault(options.authorities, options.kek);
  }

  /** All keys, oldest first; the last one signs. Makes the first one, and the next one when it is time. @throws StoreUnavailable, KekUnusable */
  async current(): Promise<readonly [AuditKey, ...AuditKey[]]> {
    const { clock } = this.options;
    const active = await this.#vault.ensure('', PURPOSE, () => Promise.resolve(this.#draft()));
    if (active.notAfter <= clock.now()) await this.#vault.rotate(active, () => Promise.resolve(this.#draft()));
    const rows = (await this.#vault.list('')).filter(({ purpose }) => purpose === PURPOSE);
    const [first, ...later] = [
      ...rows.filter(({ active: is }) => !is).toReversed(),
      ...rows.filter((row) => row.active),
    ];
    if (first === undefined) throw new Error('the database has no key for checkpoints of the audit');
    return [this.#open(first), ...later.map((row) => this.#open(row))];
  }

  #open(row: AuthorityRow): AuditKey {
    const publicKey = createPublicKey(row.certificatePem).export({ type: 'spki', format: 'pem' }).toString();
    return { id: row.id, publicKey, privateKey: privateKeyOf(this.#vault.open(row)) };
  }

  #draft(): AuthorityDraft {
    const { clock, days } = this.options;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return {
      id: newKeyId(),
      certificatePem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
      notAfter: days === 0 ? Number.MAX_SAFE_INTEGER : clock.now() + days * DAY_MS,
    };
  }
}
