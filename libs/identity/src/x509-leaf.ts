import { createECDH, createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { oid, pem, sequence, TAG, time, tlv } from './der.js';
import { parseIp } from './ip-address.js';
import { Secret } from './secret.js';

/** Who signs: what a leaf takes over from the certificate of its issuer. */
export interface LeafIssuer {
  /** DER of the issuer certificate's subject, byte for byte. */
  readonly subject: Uint8Array;
  /** Its subject key identifier. */
  readonly keyId: Uint8Array;
  /** P-256. */
  readonly privateKey: KeyObject;
}

export type LeafName =
  | { readonly type: 'uri'; readonly value: string }
  | { readonly type: 'dns'; readonly value: string }
  | { readonly type: 'ip'; readonly value: string };

export interface LeafRequest {
  readonly issuer: LeafIssuer;
  /** At least one; the subject alternative names, in this order. A workload's certificate has exactly one URI. */
  readonly names: readonly LeafName[];
  /** Milliseconds since the epoch, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `workload`: TLS client and server. `server`: TLS server only. */
  readonly use: 'workload' | 'server';
}

export interface LeafCertificate {
  /** 32 hex digits. */
  readonly serial: string;
  readonly certificatePem: string;
  readonly privateKeyPem: Secret<string>;
}

const OID = {
  ecPublicKey: oid('1.2.840.10045.2.1'),
  prime256v1: oid('1.2.840.10045.3.1.7'),
  ecdsaWithSha256: oid('1.2.840.10045.4.3.2'),
  subjectKeyId: oid('2.5.29.14'),
  keyUsage: oid('2.5.29.15'),
  subjectAltName: oid('2.5.29.17'),
  basicConstraints: oid('2.5.29.19'),
  authorityKeyId: oid('2.5.29.35'),
  extendedKeyUsage: oid('2.5.29.37'),
  serverAuth: oid('1.3.6.1.5.5.7.3.1'),
  clientAuth: oid('1.3.6.1.5.5.7.3.2'),
};
const TRUE = Buffer.of(0x01, 0x01, 0xff);
const P256 = sequence(OID.ecPublicKey, OID.prime256v1);
const VERSION_3 = tlv(0xa0, tlv(TAG.integer, Buffer.of(2)));
const ECDSA_SHA256 = sequence(OID.ecdsaWithSha256);
const EMPTY_SUBJECT = sequence();
/** digitalSignature: the first of nine bits, seven of eight unused. */
const KEY_USAGE = extension(OID.keyUsage, true, tlv(TAG.bitString, Buffer.of(7, 0x80)));
/** An empty sequence is `CA:FALSE` without a path length. */
const NOT_A_CA = extension(OID.basicConstraints, true, sequence());
const EXTENDED_KEY_USAGE = {
  workload: extension(OID.extendedKeyUsage, false, sequence(OID.serverAuth, OID.clientAuth)),
  server: extension(OID.extendedKeyUsage, false, sequence(OID.serverAuth)),
};

/**
 * Makes a P-256 key pair and a certificate for it. The DER is put together by hand: there is one shape of leaf, so all
 * but names, times and keys is constant, and a general ASN.1 library takes some thirty times as long. That library is
 * the oracle of the tests. Signing and key generation take well under a millisecond, so they stay on the event loop.
 *
 * The subject is empty and the alternative name therefore critical (RFC 5280, 4.1.2.6), as X.509-SVIDs may have it.
 */
export function issueLeaf(request: LeafRequest): LeafCertificate {
  const key = generateKey();
  const serial = randomSerial();
  const { issuer } = request;
  const tbs = sequence(
    VERSION_3,
    tlv(TAG.integer, serial),
    ECDSA_SHA256,
    issuer.subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    EMPTY_SUBJECT,
    key.spki,
    tlv(
      0xa3,
      sequence(
        KEY_USAGE,
        EXTENDED_KEY_USAGE[request.use],
        NOT_A_CA,
        extension(OID.subjectKeyId, false, tlv(TAG.octetString, keyIdentifier(key.point))),
        extension(OID.authorityKeyId, false, sequence(tlv(0x80, issuer.keyId))),
        extension(OID.subjectAltName, true, sequence(...request.names.map(generalName))),
      ),
    ),
  );
  const signature = sign('sha256', tbs, { key: issuer.privateKey, dsaEncoding: 'der' });
  const der = sequence(tbs, ECDSA_SHA256, tlv(TAG.bitString, Buffer.of(0), signature));
  return {
    serial: serial.toString('hex'),
    certificatePem: pem('CERTIFICATE', der),
    privateKeyPem: new Secret(pem('PRIVATE KEY', key.pkcs8)),
  };
}

/** SHA-1 of the public key (RFC 5280, 4.2.1.2): an identifier that chain building compares, not a security measure. */
export const keyIdentifier = (point: Uint8Array): Buffer => createHash('sha1').update(point).digest();

interface GeneratedKey {
  /** Uncompressed point, 65 bytes. */
  readonly point: Buffer;
  readonly spki: Buffer;
  readonly pkcs8: Buffer;
}

/**
 * By ECDH's key generation, which is the same operation: it hands out raw numbers, and generateKeyPair with encodings
 * was seen to spend several milliseconds on what takes 30 microseconds here.
 */
function generateKey(): GeneratedKey {
  const ecdh = createECDH('prime256v1');
  const point = ecdh.generateKeys();
  // Leading zeros are left out, and RFC 5915 wants the full width.
  const scalar = Buffer.alloc(32);
  const short = ecdh.getPrivateKey();
  short.copy(scalar, 32 - short.length);
  const publicBits = tlv(TAG.bitString, Buffer.of(0), point);
  const ecPrivateKey = sequence(tlv(TAG.integer, Buffer.of(1)), tlv(TAG.octetString, scalar), tlv(0xa1, publicBits));
  return {
    point,
    spki: sequence(P256, publicBits),
    pkcs8: sequence(tlv(TAG.integer, Buffer.of(0)), P256, tlv(TAG.octetString, ecPrivateKey)),
  };
}

/** 126 random bits in 16 bytes: positive, and of constant width because the first byte is never zero. */
function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function extension(id: Uint8Array, critical: boolean, value: Uint8Array): Buffer {
  return sequence(id, ...(critical ? [TRUE] : []), tlv(TAG.octetString, value));
}

/** RFC 5280 GeneralName: context tags 2 (dNSName), 6 (uniformResourceIdentifier), 7 (iPAddress). */
function generalName(name: LeafName): Buffer {
  switch (name.type) {
    case 'dns':
      return tlv(0x82, ascii(name.value));
    case 'uri':
      return tlv(0x86, ascii(name.value));
    case 'ip': {
      const bytes = parseIp(name.value);
      if (!bytes) throw new Error(`not an IP address: ${name.value}`);
      return tlv(0x87, bytes);
    }
  }
}

function ascii(text: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error(`a certificate cannot name ${JSON.stringify(text)}`);
  return Buffer.from(text, 'latin1');
}
