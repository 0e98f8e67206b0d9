export {
  AdminLogin,
  type AdminLoginOptions,
  type AdminTokenFile,
  type ExchangeRefusal,
  ensureAdminToken,
} from './admin-token.js';
export * from './api-tokens.js';
export { type AuditKey, AuditKeys, type AuditKeysOptions } from './audit-keys.js';
export { AuthorityRotation, type AuthorityRotationOptions, type RotatedPurpose } from './authority-rotation.js';
export { CertificateAuthority, type CertificateAuthorityOptions } from './certificate-authority.js';
export { DatabaseClock, type DatabaseClockOptions } from './database-clock.js';
export { DenyList, type DenyListOptions } from './deny-list.js';
export { IssuingPaused, KekUnusable } from './errors.js';
export * from './expiry.js';
export { createMeshIdentity, type MeshIdentity, type MeshIdentityOptions } from './identity.js';
export { IssuanceLog, type IssuanceLogOptions, type IssuedCertificate } from './issuance-log.js';
export { type Kek, kekOf, loadOrCreateKek } from './kek.js';
export { type LeafFacts, parseLeafVersion } from './leaf-version.js';
export type { Issuer, MeshAuthority, TrustedRoot } from './mesh-authority.js';
export {
  DEFAULT_PROXY_TOKEN_MS,
  type IssuedProxyToken,
  issueProxyToken,
  LONGEST_PROXY_TOKEN_MS,
  type TokenRefusal,
  type TokenRequest,
  tokenFamily,
  verifyProxyToken,
} from './proxy-token.js';
export { ProxyTokens, type ProxyTokensOptions } from './proxy-tokens.js';
export { ISSUER_KNOWN_FOR_MS, RETIRED_FOR_MS, ROOT_TRUSTED_FOR_MS, type RotationStep } from './rotation-plan.js';
export { Secret } from './secret.js';
export { IDENTITY, TRUST } from './secret-bytes.js';
export { createSecretSource, type MeshSecrets, type SecretAnswer, type SecretSourceOptions } from './secret-source.js';
export {
  CONTROL_PLANE_NAME,
  ServerAuthority,
  type ServerAuthorityOptions,
  type ServerCertificate,
} from './server-authority.js';
export { type SigningKey, SigningKeys, type SigningKeysOptions } from './signing-keys.js';
export * from './spiffe.js';
export { admitNode, covers, type Registration, type TokenScope } from './token-scope.js';
export * from './types.js';
