import {
  AS_ROOT,
  type Clock,
  contentHash,
  type Log,
  type Metrics,
  type ProxyIdentity,
  silentLog,
  silentMetrics,
  silentTracer,
  type Tracer,
} from '#libs/kernel';
import type { CertificateAuthority } from './certificate-authority.js';
import { IssuingPaused } from './errors.js';
import type { IssuanceLog } from './issuance-log.js';
import { formatLeafVersion, isGenuine, parseLeafVersion, renewalTime } from './leaf-version.js';
import { leafDates, type MeshAuthority, signingIssuer } from './mesh-authority.js';
import { Pace } from './pace.js';
import { IDENTITY, identitySecret, TRUST, trustSecret } from './secret-bytes.js';
import { formatSpiffeId } from './spiffe.js';
import { defaultTrustDomain } from './types.js';
import { issueLeaf } from './x509-leaf.js';

/** The same shape as the answer that the xDS engine expects of a source of secrets. */
export type SecretAnswer =
  /** The held one is still good: send nothing. */
  | { readonly kind: 'keep' }
  /** No such secret for this proxy. */
  | { readonly kind: 'none' }
  | { readonly kind: 'send'; readonly version: string; readonly bytes: Uint8Array };

/** Where a proxy's secrets come from: its own certificate, and whom to trust. Nothing of any other proxy (SEC-2). */
export interface MeshSecrets {
  /**
   * @param identity from the verified credential and the admitted node id, never from anything else the proxy said
   * @param name wire name: `identity` or `trust`; every other name is `none`
   * @param heldVersion version the proxy says it holds, if any
   * @throws IssuingPaused when a certificate is needed and none may be issued; the proxy keeps what it has
   * @throws StoreUnavailable when the mesh was never loaded and Postgres is away
   */
  resolve(identity: ProxyIdentity, name: string, heldVersion: string | undefined): Promise<SecretAnswer>;
  /** Milliseconds until `resolve` may give something new for this version; 0 = now; undefined = only on a change of trust. */
  renewAfterMs(version: string, now: number): number | undefined;
}

export interface SecretSourceOptions {
  readonly authority: CertificateAuthority;
  readonly issuance: IssuanceLog;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
  /** The one that certificates are issued under. Default `<mesh>.heddle.local`. */
  readonly trustDomain?: (mesh: string) => string;
  /** Others under which identities count. Default: none. */
  readonly trustDomainAliases?: (mesh: string) => readonly string[];
  /** Milliseconds; default 24 h; at least a minute. Cut to the issuer's remaining life. */
  readonly leafLifetimeMs?: number;
  /** How far this machine's clock is from the database's, in milliseconds; undefined = not known (REL-27). */
  readonly clockSkewMs?: () => number | undefined;
}

const DAY_MS = 86_400_000;
/** Beyond this difference to the database's clock, nothing is issued and nothing is renewed (REL-27, REL-28). */
const MOST_SKEW_MS = 60_000;

export function createSecretSource(options: SecretSourceOptions): MeshSecrets {
  return new SecretSource(options);
}

class SecretSource implements MeshSecrets {
  readonly #options: SecretSourceOptions;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #tracer: Tracer;
  readonly #trustDomain: (mesh: string) => string;
  readonly #pace = new Pace();

  constructor(options: SecretSourceOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
    this.#tracer = options.tracer ?? silentTracer;
    this.#trustDomain = options.trustDomain ?? defaultTrustDomain;
  }

  async resolve(identity: ProxyIdentity, name: string, heldVersion: string | undefined): Promise<SecretAnswer> {
    const answer = await this.#answer(identity, name, heldVersion);
    this.#metrics.count('heddle_secret_answers_total', {
      secret: name === IDENTITY || name === TRUST ? name : 'other',
      answer: answer.kind,
    });
    return answer;
  }

  renewAfterMs(version: string, now: number): number | undefined {
    const facts = parseLeafVersion(version);
    return facts && Math.max(0, renewalTime(facts) - now);
  }

  async #answer(identity: ProxyIdentity, name: string, heldVersion: string | undefined): Promise<SecretAnswer> {
    // SEC-2, SDS-6: two constant names and nothing to look up by, so no name can lead to another proxy's secret.
    if (name !== IDENTITY && name !== TRUST) {
      this.#log.debug('a proxy asked for a secret that does not exist', { ...identity, secret: name });
      return { kind: 'none' };
    }
    const authority = await this.#options.authority.of(identity.mesh);
    if (name === TRUST) return this.#trust(authority);
    const spiffeId = formatSpiffeId({ ...identity, trustDomain: this.#trustDomain(identity.mesh) });
    if (heldVersion !== undefined && this.#isGood(authority, spiffeId, heldVersion)) return { kind: 'keep' };
    return this.#pace.run(() => this.#issue(authority, identity, spiffeId));
  }

  /** Always sent, also when held: an Envoy that shows an old bundle's version may have lost its watches (SDS-3). */
  #trust(authority: MeshAuthority): SecretAnswer {
    const now = this.#options.clock.now();
    const alive = authority.roots.filter((root) => now < root.notAfter);
    // With all of them expired nothing verifies any more; an empty bundle would only hide why.
    const domains = [this.#trustDomain(authority.mesh), ...(this.#options.trustDomainAliases?.(authority.mesh) ?? [])];
    const bytes = trustSecret(domains, alive.length > 0 ? alive : authority.roots);
    return { kind: 'send', version: contentHash(bytes), bytes };
  }

  /** Contracts of the version: our mac, an issuer that is still trusted, before its renewal. */
  #isGood(authority: MeshAuthority, spiffeId: string, version: string): boolean {
    const facts = parseLeafVersion(version);
    const issuer = facts && authority.issuers.find(({ id }) => id === facts.issuer);
    if (!facts || !issuer || !isGenuine(version, issuer, spiffeId)) return false;
    const now = this.#options.clock.now();
    // With a clock that is not to be trusted, time decides nothing: a genuine leaf is kept (REL-27).
    if (this.#skewed()) return true;
    return now < issuer.notAfter && now < renewalTime(facts);
  }

  #issue(authority: MeshAuthority, identity: ProxyIdentity, spiffeId: string): SecretAnswer {
    if (!this.#tracer.on) return this.#mint(authority, identity, spiffeId);
    const { mesh, namespace, workload } = identity;
    return this.#tracer.run('certificate issue', () => this.#mint(authority, identity, spiffeId), {
      ...AS_ROOT,
      values: { 'heddle.mesh': mesh, 'heddle.workload': `${namespace}/${workload}` },
    });
  }

  #mint(authority: MeshAuthority, identity: ProxyIdentity, spiffeId: string): SecretAnswer {
    if (this.#skewed()) {
      throw new IssuingPaused(
        'clock-skew',
        "this machine's clock is more than a minute from the database's: nothing is issued",
      );
    }
    this.#options.issuance.ensureRoom();
    const now = this.#options.clock.now();
    const issuer = signingIssuer(authority.issuers, `mesh ${identity.mesh}`, now);
    const dates = leafDates(issuer, now, this.#options.leafLifetimeMs ?? DAY_MS);
    const leaf = issueLeaf({ issuer, names: [{ type: 'uri', value: spiffeId }], ...dates, use: 'workload' });
    const facts = { serial: leaf.serial, ...dates, issuer: issuer.id };
    this.#options.issuance.record({ ...facts, mesh: identity.mesh, spiffeId, instance: identity.instance });
    this.#metrics.count('heddle_certificates_issued_total');
    const version = formatLeafVersion(facts, issuer, spiffeId);
    return { kind: 'send', version, bytes: identitySecret(leaf, issuer.certificatePem) };
  }

  #skewed(): boolean {
    const skew = this.#options.clockSkewMs?.();
    return skew !== undefined && Math.abs(skew) > MOST_SKEW_MS;
  }
}
