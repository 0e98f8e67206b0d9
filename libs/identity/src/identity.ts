import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Authorities, Tokens } from '#libs/store';
import { AdminLogin } from './admin-token.js';
import { ApiTokens } from './api-tokens.js';
import { AuthorityRotation } from './authority-rotation.js';
import { CertificateAuthority } from './certificate-authority.js';
import { DatabaseClock } from './database-clock.js';
import { DenyList } from './deny-list.js';
import { IssuanceLog } from './issuance-log.js';
import type { Kek } from './kek.js';
import { ProxyTokens } from './proxy-tokens.js';
import { createSecretSource, type MeshSecrets, type SecretSourceOptions } from './secret-source.js';
import { ServerAuthority } from './server-authority.js';
import { SigningKeys } from './signing-keys.js';

export interface MeshIdentityOptions
  extends Pick<SecretSourceOptions, 'trustDomain' | 'trustDomainAliases' | 'leafLifetimeMs' | 'tracer'> {
  readonly authorities: Authorities;
  readonly tokens: Tokens;
  readonly kek: Kek;
  /** Where the one-time admin token is put. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Everything about who is who, wired together over one store. */
export interface MeshIdentity {
  /** The time by which credentials are judged: the database's. */
  readonly clock: DatabaseClock;
  readonly authority: CertificateAuthority;
  readonly rotation: AuthorityRotation;
  readonly server: ServerAuthority;
  readonly secrets: MeshSecrets;
  readonly proxyTokens: ProxyTokens;
  readonly denyList: DenyList;
  readonly apiTokens: ApiTokens;
  readonly adminLogin: AdminLogin;
  /**
   * Loads keys, the deny-list and the authorities of the given meshes, then keeps them fresh. Afterwards proxies can
   * be served with Postgres away (REL-2).
   * @throws StoreUnavailable or KekUnusable: the replica must not serve (REL-3, SEC-23)
   */
  start(meshes: readonly string[]): Promise<void>;
  /** Stops all timers and writes what is still to be recorded. */
  stop(): Promise<void>;
}

export function createMeshIdentity(given: MeshIdentityOptions): MeshIdentity {
  const clock = new DatabaseClock(given);
  const options = { ...given, clock };
  const authority = new CertificateAuthority(options);
  const issuance = new IssuanceLog(options);
  const keys = new SigningKeys(options);
  const denyList = new DenyList(options);
  const apiTokens = new ApiTokens(options);
  const rotation = new AuthorityRotation({ ...options, authority });
  return {
    clock,
    authority,
    rotation,
    server: new ServerAuthority(options),
    secrets: createSecretSource({ ...options, authority, issuance, clockSkewMs: () => clock.skewMs() }),
    proxyTokens: new ProxyTokens({ ...options, keys, denyList }),
    denyList,
    apiTokens,
    adminLogin: new AdminLogin({ ...options, apiTokens }),
    async start(meshes) {
      await clock.start();
      await keys.start();
      await denyList.start();
      for (const mesh of meshes) await authority.of(mesh);
      authority.start();
      rotation.start();
    },
    async stop() {
      clock.stop();
      rotation.stop();
      authority.stop();
      keys.stop();
      denyList.stop();
      await issuance.stop();
    },
  };
}
