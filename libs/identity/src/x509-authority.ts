// The certificate library resolves its parts through decorators and needs the metadata API to be there first.
import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { Secret } from './secret.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A new authority: its certificate and, to be wrapped at once, its private key as PKCS #8. */
export interface NewAuthority {
  readonly certificatePem: string;
  readonly pkcs8: Secret<Uint8Array>;
}

export interface AuthoritySubject {
  /** For people: `Heddle root of mesh default`. At most 64 characters reach the certificate. */
  readonly commonName: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Authorities that may stand between this one and a leaf. */
  readonly pathLength: number;
}

/** The authority that signs another one. */
export interface SigningParent {
  readonly certificatePem: string;
  readonly pkcs8: Uint8Array;
}

/**
 * Makes an ECDSA P-256 authority certificate: `CA:TRUE` with a path length, certificate and CRL signing only, subject
 * and authority key identifiers. Without a parent it signs itself.
 */
export async function createAuthority(subject: AuthoritySubject, parent?: SigningParent): Promise<NewAuthority> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const issuer = parent ? new X509Certificate(parent.certificatePem) : undefined;
  const name = [{ O: ['Heddle'] }, { CN: [subject.commonName.slice(0, 64)] }];
  const extensions: Extension[] = [
    new BasicConstraintsExtension(true, subject.pathLength, true),
    // oxlint-disable-next-line no-bitwise
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    await AuthorityKeyIdentifierExtension.create(issuer?.publicKey ?? keys.publicKey),
  ];
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: issuer?.subjectName.toJSON() ?? name,
    notBefore: new Date(subject.notBefore),
    notAfter: new Date(subject.notAfter),
    publicKey: keys.publicKey,
    signingKey: parent ? await importKey(parent.pkcs8) : keys.privateKey,
    signingAlgorithm: SIGNING,
    extensions,
  });
  const pkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { certificatePem: `${certificate.toString('pem')}\n`, pkcs8: new Secret(pkcs8) };
}

const importKey = (pkcs8: Uint8Array): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), P256, false, ['sign']);

/** What issuing needs to know of an authority's certificate. */
export interface AuthorityCertificate {
  /** DER of the subject, byte for byte: the `issuer` of what it signs. */
  readonly subject: Uint8Array;
  readonly keyId: Uint8Array;
  /** Key identifier of the authority that signed it; its own when it did. */
  readonly issuerKeyId: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** @throws Error for what is not an authority's certificate */
export function readAuthority(certificatePem: string): AuthorityCertificate {
  const certificate = new X509Certificate(certificatePem);
  const keyId = certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  if (keyId === undefined || certificate.getExtension(BasicConstraintsExtension)?.ca !== true) {
    throw new Error(`the certificate ${certificate.subject} is not an authority's`);
  }
  return {
    subject: new Uint8Array(certificate.subjectName.toArrayBuffer()),
    keyId: Buffer.from(keyId, 'hex'),
    issuerKeyId: Buffer.from(certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId ?? keyId, 'hex'),
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
  };
}

/** A private key for `node:crypto`. @throws Error when the bytes are not PKCS #8 */
export const privateKeyOf = (pkcs8: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
