import type { Clock, Metrics } from '#libs/kernel';
import { silentMetrics } from '#libs/kernel';
import type { Authorities } from '#libs/store';
import { AuthorityVault } from './authority-vault.js';
import { parseIp } from './ip-address.js';
import type { Kek } from './kek.js';
import { draftRoot, type Issuer, issuerOf, leafDates, signingIssuer } from './mesh-authority.js';
import type { Secret } from './secret.js';
import { issueLeaf, type LeafName } from './x509-leaf.js';

/** The name that every bootstrap demands of the control plane's certificate, whatever the address it dials (SEC-17). */
export const CONTROL_PLANE_NAME = 'control-plane.heddle.local';

const ALWAYS = [CONTROL_PLANE_NAME, 'localhost', '127.0.0.1'];
const SERVER_LIFE_MS = 90 * 86_400_000;

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: Secret<string>;
  /** The root that signed it: what bootstraps pin. */
  readonly caPem: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When to get the next one: two thirds of its life are over. */
  readonly renewAt: number;
}

export interface ServerAuthorityOptions {
  readonly authorities: Authorities;
  readonly kek: Kek;
  readonly clock: Clock;
  readonly metrics?: Metrics;
}

/**
 * The authority of no mesh that signs the control plane's own TLS certificates. Every replica makes its own
 * certificate; they share the root, so a proxy may move between replicas.
 */
export class ServerAuthority {
  readonly #vault: AuthorityVault;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  #loaded: Issuer | undefined;

  constructor(options: ServerAuthorityOptions) {
    this.#vault = new AuthorityVault(options.authorities, options.kek);
    this.#clock = options.clock;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /** The root's certificate; made on first use. @throws StoreUnavailable, KekUnusable */
  async caPem(): Promise<string> {
    return (await this.#issuer()).certificatePem;
  }

  /**
   * A new certificate for the control plane's TLS ports, with the fixed names (control-plane.heddle.local, localhost,
   * 127.0.0.1) and the given ones.
   * @param names host names and IP addresses that people and proxies use for this replica
   * @throws IssuingPaused when the root has expired
   */
  async issue(names: readonly string[]): Promise<ServerCertificate> {
    const issuer = await this.#issuer();
    const now = this.#clock.now();
    signingIssuer([issuer], 'the control plane', now);
    const { notBefore, notAfter } = leafDates(issuer, now, SERVER_LIFE_MS);
    const leafNames = [...new Set([...ALWAYS, ...names])].map(leafName);
    const { certificatePem, privateKeyPem } = issueLeaf({
      issuer,
      names: leafNames,
      notBefore,
      notAfter,
      use: 'server',
    });
    this.#metrics.count('heddle_server_certificates_issued_total');
    const renewAt = now + Math.floor(((notAfter - now) * 2) / 3);
    return { certificatePem, privateKeyPem, caPem: issuer.certificatePem, notBefore, notAfter, renewAt };
  }

  async #issuer(): Promise<Issuer> {
    if (this.#loaded) return this.#loaded;
    const now = this.#clock.now();
    const row = await this.#vault.ensure('', 'server-root', () => draftRoot('Heddle control plane root', now, 0));
    const loaded = issuerOf(this.#vault, row);
    const labels = { mesh: '', purpose: 'server-root' };
    this.#metrics.gauge('heddle_authority_end_timestamp_seconds', loaded.notAfter / 1000, labels);
    this.#loaded = loaded;
    return loaded;
  }
}

const leafName = (name: string): LeafName => ({ type: parseIp(name) ? 'ip' : 'dns', value: name });
