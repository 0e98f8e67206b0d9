import { encode, packAny, SecretSchema, SPIFFECertValidatorConfigSchema } from '#libs/envoy-api';
import { sortedUnique } from '#libs/kernel';
import type { TrustedRoot } from './mesh-authority.js';
import type { LeafCertificate } from './x509-leaf.js';

/** Wire names of the two secrets that a proxy may have. */
export const IDENTITY = 'identity';
export const TRUST = 'trust';

/** The `identity` secret: leaf and intermediate, and the leaf's key, inline. */
export function identitySecret(leaf: LeafCertificate, intermediatePem: string): Uint8Array {
  const inline = (text: string) => ({ specifier: { case: 'inlineBytes' as const, value: Buffer.from(text) } });
  return encode(SecretSchema, {
    name: IDENTITY,
    type: {
      case: 'tlsCertificate',
      value: {
        certificateChain: inline(leaf.certificatePem + intermediatePem),
        privateKey: inline(leaf.privateKeyPem.expose()),
      },
    },
  });
}

/**
 * The `trust` secret: the SPIFFE validator with the mesh's trust domains and its roots, so that a certificate counts
 * only if its own trust domain's authority signed it (SEC-29). Equal roots give equal bytes on every replica.
 * @param trustDomains in any order, at least one
 */
export function trustSecret(trustDomains: readonly string[], roots: readonly TrustedRoot[]): Uint8Array {
  const bundle = Buffer.from(roots.map((root) => root.certificatePem).join(''));
  const validator = packAny(SPIFFECertValidatorConfigSchema, {
    trustDomains: sortedUnique(trustDomains).map((name) => ({
      name,
      trustBundle: { specifier: { case: 'inlineBytes' as const, value: bundle } },
    })),
  });
  return encode(SecretSchema, {
    name: TRUST,
    type: {
      case: 'validationContext',
      value: { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe', typedConfig: validator } },
    },
  });
}
