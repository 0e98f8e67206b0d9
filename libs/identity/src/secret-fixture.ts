/** For this library's tests only: replicas over one store in memory, and readers of the secrets they hand out. */
import { X509Certificate } from 'node:crypto';
import { fromBinary, SecretSchema, SPIFFECertValidatorConfigSchema } from '#libs/envoy-api';
import { AuthorityRotation } from './authority-rotation.js';
import { CertificateAuthority } from './certificate-authority.js';
import { ManualClock, MemoryStore } from './fixture.js';
import { IssuanceLog } from './issuance-log.js';
import { kekOf } from './kek.js';
import { createSecretSource, type SecretAnswer, type SecretSourceOptions } from './secret-source.js';

export const kek = kekOf(new Uint8Array(32).fill(1));
export const orders = { mesh: 'default', namespace: 'shop', workload: 'orders', instance: 'orders-1' };
export const web = { ...orders, workload: 'web', instance: 'web-1' };

/** The authorities of two meshes, made once for all tests. */
const seed = (async () => {
  const { authorities, rows } = new MemoryStore();
  const authority = new CertificateAuthority({ authorities, kek, clock: new ManualClock() });
  await authority.of('default');
  await authority.of('other');
  return rows;
})();

/** A fresh store with the authorities of two meshes, and a clock. */
export async function rig(): Promise<SecretRig> {
  return new SecretRig(await seed);
}

type ReplicaOptions = Partial<SecretSourceOptions> & { readonly capacity?: number };

export class SecretRig {
  readonly store = new MemoryStore();
  readonly clock = new ManualClock();

  constructor(rows: MemoryStore['rows']) {
    this.store.rows = [...rows];
    this.store.now = () => this.clock.now();
  }

  /** One replica: its own caches over the shared store. */
  replica({ capacity, ...extra }: ReplicaOptions = {}) {
    const observed = extra.log ? { log: extra.log } : {};
    const shared = { authorities: this.store.authorities, clock: this.clock };
    const authority = new CertificateAuthority({ ...shared, kek, ...observed });
    const rotation = new AuthorityRotation({ ...shared, authority, kek, ...observed });
    const issuance = new IssuanceLog({ ...shared, ...(capacity === undefined ? {} : { capacity }) });
    const source = createSecretSource({ authority, issuance, clock: this.clock, ...extra });
    return { authority, rotation, issuance, source };
  }
}

export function sent(answer: SecretAnswer) {
  if (answer.kind !== 'send') throw new Error(`expected a secret, got ${answer.kind}`);
  return { version: answer.version, secret: fromBinary(SecretSchema, answer.bytes) };
}

export function identityOf(answer: SecretAnswer) {
  const { version, secret } = sent(answer);
  if (secret.type.case !== 'tlsCertificate') throw new Error('not a certificate');
  const { certificateChain, privateKey } = secret.type.value;
  const pems = text(certificateChain?.specifier.value).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  return { version, chain: pems.map((pem) => new X509Certificate(pem)), key: text(privateKey?.specifier.value) };
}

const text = (value: string | Uint8Array | undefined): string => Buffer.from(value ?? '').toString();

export function rootsOf(answer: SecretAnswer) {
  const { secret } = sent(answer);
  if (secret.type.case !== 'validationContext') throw new Error('not a bundle');
  const config = secret.type.value.customValidatorConfig;
  const validator = fromBinary(SPIFFECertValidatorConfigSchema, config?.typedConfig?.value ?? new Uint8Array());
  const bundles = validator.trustDomains.map(
    ({ name, trustBundle }) => [name, text(trustBundle?.specifier.value)] as const,
  );
  return { plugin: config?.name, bundles };
}
