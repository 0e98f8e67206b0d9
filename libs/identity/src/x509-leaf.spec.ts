// As in x509-authority.ts: the oracle needs the metadata API to be there first.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, privateKeyOf, readAuthority } from './x509-authority.js';
import { issueLeaf, type LeafIssuer, type LeafName } from './x509-leaf.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2027, 2, 1);
let rootPem = '';
let intermediatePem = '';
let issuer: LeafIssuer;

beforeAll(async () => {
  const times = { notBefore: NOW - DAY, notAfter: NOW + 30_000 * DAY };
  const root = await createAuthority({ commonName: 'root', pathLength: 1, ...times });
  const parent = { certificatePem: root.certificatePem, pkcs8: root.pkcs8.expose() };
  const intermediate = await createAuthority({ commonName: 'intermediate', pathLength: 0, ...times }, parent);
  rootPem = root.certificatePem;
  intermediatePem = intermediate.certificatePem;
  issuer = { ...readAuthority(intermediatePem), privateKey: privateKeyOf(intermediate.pkcs8.expose()) };
});

const uri = (value: string): LeafName => ({ type: 'uri', value });
const leaf = (names: readonly LeafName[], notBefore = NOW, notAfter = NOW + DAY) =>
  issueLeaf({ issuer, names, notBefore, notAfter, use: 'workload' });

describe('issueLeaf', () => {
  it('is what a general X.509 library reads: names, times, serial, extensions and signature', async () => {
    const intermediate = new X509Certificate(intermediatePem);
    const arbitrary = fc.record({
      id: fc.integer({ min: 1, max: 600 }).map((n) => `spiffe://m.heddle.local/default/${'w'.repeat(n)}`),
      from: fc
        .integer({ min: -900, max: 20_000 })
        .map((days) => Math.trunc(NOW / 1000) * 1000 + days * DAY + days * 1000),
      life: fc.integer({ min: 60, max: 40_000_000 }).map((seconds) => seconds * 1000),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ id, from, life }) => {
        const issued = leaf([uri(id)], from, from + life);
        const read = new X509Certificate(issued.certificatePem);
        expect(read.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
          { type: 'url', value: id },
        ]);
        expect(read.notBefore.getTime()).toBe(from);
        expect(read.notAfter.getTime()).toBe(from + life);
        expect(read.serialNumber).toBe(issued.serial);
        expect(read.issuer).toBe(intermediate.subject);
        expect(read.subject).toBe('');
        expect(await read.verify({ publicKey: intermediate.publicKey, signatureOnly: true })).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('SEC-18 is for TLS client and server, not an authority, and names keys of issuer and subject', async () => {
    const read = new X509Certificate(leaf([uri('spiffe://a.b/ns/w')]).certificatePem);
    const expectedKeyId = (await SubjectKeyIdentifierExtension.create(read.publicKey)).keyId;
    expect(read.getExtension(SubjectKeyIdentifierExtension)?.keyId).toBe(expectedKeyId);
    expect(read.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(Buffer.from(issuer.keyId).toString('hex'));
    expect(read.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: false, critical: true });
    expect(read.getExtension(BasicConstraintsExtension)?.pathLength).toBeUndefined();
    expect(read.getExtension(KeyUsagesExtension)).toMatchObject({
      usages: KeyUsageFlags.digitalSignature,
      critical: true,
    });
    expect(read.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(read.getExtension(SubjectAlternativeNameExtension)?.critical).toBe(true);
    expect(read.extensions).toHaveLength(6);
  });

  it('SDS-5 gives the private key that belongs to the certificate, and OpenSSL accepts the chain', () => {
    for (let round = 0; round < 300; round++) {
      const issued = leaf([uri('spiffe://a.b/ns/w')]);
      const read = new NodeCertificate(issued.certificatePem);
      expect(read.checkPrivateKey(createPrivateKey(issued.privateKeyPem.expose()))).toBe(true);
      if (round > 0) continue;
      const intermediate = new NodeCertificate(intermediatePem);
      expect(read.checkIssued(intermediate)).toBe(true);
      expect(read.verify(intermediate.publicKey)).toBe(true);
      expect(intermediate.checkIssued(new NodeCertificate(rootPem))).toBe(true);
      expect(read.subjectAltName).toBe('URI:spiffe://a.b/ns/w');
    }
  });

  it('carries DNS names and addresses of both families for servers', () => {
    const names: LeafName[] = [
      { type: 'dns', value: 'control-plane.heddle.local' },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'ip', value: '2001:db8::10:1' },
    ];
    const { certificatePem } = issueLeaf({ issuer, names, notBefore: NOW, notAfter: NOW + DAY, use: 'server' });
    expect(new NodeCertificate(certificatePem).subjectAltName).toBe(
      'DNS:control-plane.heddle.local, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:10:1',
    );
    expect(new X509Certificate(certificatePem).getExtension(ExtendedKeyUsageExtension)?.usages).toEqual([
      '1.3.6.1.5.5.7.3.1',
    ]);
  });

  it('never repeats a serial and never prints a private key', () => {
    const issued = Array.from({ length: 200 }, () => leaf([uri('spiffe://a.b/ns/w')]));
    expect(new Set(issued.map(({ serial }) => serial)).size).toBe(200);
    expect(JSON.stringify(issued)).not.toContain('PRIVATE KEY');
  });

  it.each(['', 'spiffe://a/\u0430', 'spiffe://a/b c', 'spiffe://a/b\0'])('refuses the name %j', (value) => {
    expect(() => leaf([uri(value)])).toThrow(/cannot name/);
  });
});

describe('createAuthority', () => {
  it('makes a self-signed root and an intermediate that may sign leaves only', async () => {
    const root = new X509Certificate(rootPem);
    const intermediate = new X509Certificate(intermediatePem);
    expect(await root.isSelfSigned()).toBe(true);
    expect(root.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: true, pathLength: 1, critical: true });
    expect(intermediate.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: true, pathLength: 0 });
    expect(intermediate.getExtension(KeyUsagesExtension)).toMatchObject({
      usages: KeyUsageFlags.keyCertSign + KeyUsageFlags.cRLSign,
      critical: true,
    });
    expect(intermediate.issuer).toBe('O=Heddle, CN=root');
    expect(await intermediate.verify({ publicKey: root.publicKey, signatureOnly: true })).toBe(true);
  });

  it('refuses to issue from what is not an authority', () => {
    expect(() => readAuthority(leaf([uri('spiffe://a.b/ns/w')]).certificatePem)).toThrow(/not an authority/);
  });
});
