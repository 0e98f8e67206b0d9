import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Clock, invariant, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import type { Authorities, AuthorityRow } from '#libs/store';
import { type AuthorityDraft, AuthorityVault } from './authority-vault.js';
import type { Kek } from './kek.js';
import { newKeyId } from './mesh-authority.js';
import { privateKeyOf } from './x509-authority.js';

const LIFE_MS = 3650 * 86_400_000;
const REFRESH_MS = 60_000;

export interface SigningKey {
  /** `kid` of the tokens it signs. */
  readonly id: string;
  readonly publicKey: KeyObject;
  /** Milliseconds since the epoch; it verifies nothing from then on. */
  readonly notAfter: number;
}

export interface SigningKeysOptions {
  readonly authorities: Authorities;
  readonly kek: Kek;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

/**
 * The Ed25519 keys of proxy tokens, of no mesh. The active one signs; one that was retired (`active` false) goes on
 * verifying until its row is removed, so that a rotation breaks no running proxy. The last good set is kept while
 * Postgres is away, so that proxies can reconnect (REL-2).
 */
export class SigningKeys {
  readonly #vault: AuthorityVault;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #byId: ReadonlyMap<string, SigningKey> = new Map();
  #signer: { readonly id: string; readonly privateKey: KeyObject } | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(options: SigningKeysOptions) {
    this.#vault = new AuthorityVault(options.authorities, options.kek);
    this.#clock = options.clock;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** Makes the key on the first run, reads all of them, and reads them again every minute. @throws StoreUnavailable, KekUnusable */
  async start(): Promise<void> {
    await this.#vault.ensure('', 'token-signing', () => Promise.resolve(draftKey(this.#clock.now())));
    await this.refresh();
    this.#stopTimer ??= this.#clock.every(REFRESH_MS, () => {
      this.refresh().catch((error: unknown) => {
        this.#metrics.count('heddle_identity_refresh_failures_total', { what: 'signing-keys' });
        this.#log.warn('the token keys could not be read again; the last good ones are used', { error: String(error) });
      });
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  async refresh(): Promise<void> {
    const rows = (await this.#vault.list('')).filter((row) => row.purpose === 'token-signing');
    const signer = rows.find((row) => row.active);
    if (!signer) throw new Error('the database has no active key for signing proxy tokens');
    if (signer.id !== this.#signer?.id) {
      this.#signer = { id: signer.id, privateKey: privateKeyOf(this.#vault.open(signer)) };
    }
    const labels = { mesh: '', purpose: 'token-signing' };
    this.#metrics.gauge('heddle_authority_end_timestamp_seconds', signer.notAfter / 1000, labels);
    this.#byId = new Map(rows.map((row) => [row.id, keyOf(row)]));
  }

  /** The key that signs now. */
  get signer(): { readonly id: string; readonly privateKey: KeyObject } {
    invariant(this.#signer, 'signing keys are used before they were started');
    return this.#signer;
  }

  /** A key by its id, from our own store only: nothing in a token can bring a key along (SEC-22). */
  find(id: string): SigningKey | undefined {
    return this.#byId.get(id);
  }
}

const keyOf = ({ id, certificatePem, notAfter }: AuthorityRow): SigningKey => ({
  id,
  publicKey: createPublicKey(certificatePem),
  notAfter,
});

function draftKey(now: number): AuthorityDraft {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    id: newKeyId(),
    certificatePem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
    notAfter: now + LIFE_MS,
  };
}
