import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fromBinary, SecretSchema, SPIFFECertValidatorConfigSchema } from '#libs/envoy-api';
import { CertificateAuthority } from './certificate-authority.js';
import { IssuingPaused, KekUnusable } from './errors.js';
import { DAY_MS, ManualClock, MemoryStore } from './fixture.js';
import { IssuanceLog } from './issuance-log.js';
import { kekOf } from './kek.js';
import { parseLeafVersion, renewalTime } from './leaf-version.js';
import { leafDates } from './mesh-authority.js';
import { createSecretSource, type SecretAnswer, type SecretSourceOptions } from './secret-source.js';

const kek = kekOf(new Uint8Array(32).fill(1));
const orders = { mesh: 'default', namespace: 'shop', workload: 'orders', instance: 'orders-1' };
const web = { ...orders, workload: 'web', instance: 'web-1' };

let seed: MemoryStore['rows'] = [];
let store: MemoryStore;
let clock: ManualClock;
beforeAll(async () => {
  const first = new MemoryStore();
  const authority = new CertificateAuthority({ authorities: first.authorities, kek, clock: new ManualClock() });
  await authority.of('default');
  await authority.of('other');
  seed = first.rows;
});
beforeEach(() => {
  store = new MemoryStore();
  store.rows = [...seed];
  clock = new ManualClock();
});

/** One replica: its own caches over the shared store. */
function replica(extra: Partial<SecretSourceOptions> & { readonly capacity?: number } = {}) {
  const authority = new CertificateAuthority({ authorities: store.authorities, kek, clock });
  const issuance = new IssuanceLog({
    authorities: store.authorities,
    clock,
    ...(extra.capacity === undefined ? {} : { capacity: extra.capacity }),
  });
  return { authority, issuance, source: createSecretSource({ authority, issuance, clock, ...extra }) };
}

function sent(answer: SecretAnswer) {
  if (answer.kind !== 'send') throw new Error(`expected a secret, got ${answer.kind}`);
  return { version: answer.version, secret: fromBinary(SecretSchema, answer.bytes) };
}

function identityOf(answer: SecretAnswer) {
  const { version, secret } = sent(answer);
  if (secret.type.case !== 'tlsCertificate') throw new Error('not a certificate');
  const { certificateChain, privateKey } = secret.type.value;
  const pems = text(certificateChain?.specifier.value).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  return { version, chain: pems.map((pem) => new X509Certificate(pem)), key: text(privateKey?.specifier.value) };
}

const text = (value: string | Uint8Array | undefined): string => Buffer.from(value ?? '').toString();

function rootsOf(answer: SecretAnswer) {
  const { secret } = sent(answer);
  if (secret.type.case !== 'validationContext') throw new Error('not a bundle');
  const config = secret.type.value.customValidatorConfig;
  const validator = fromBinary(SPIFFECertValidatorConfigSchema, config?.typedConfig?.value ?? new Uint8Array());
  const bundles = validator.trustDomains.map(
    ({ name, trustBundle }) => [name, text(trustBundle?.specifier.value)] as const,
  );
  return { plugin: config?.name, bundles };
}

describe('the identity secret', () => {
  it('is a certificate for the SPIFFE id, its key, and a chain that the bundle of the mesh verifies', async () => {
    const { source } = replica();
    const { chain, key } = identityOf(await source.resolve(orders, 'identity', undefined));
    const [leaf, intermediate] = chain;
    expect(chain).toHaveLength(2);
    expect(leaf?.subjectAltName).toBe('URI:spiffe://default.heddle.local/shop/orders');
    expect(leaf?.checkPrivateKey(createPrivateKey(key))).toBe(true);
    const { plugin, bundles } = rootsOf(await source.resolve(orders, 'trust', undefined));
    expect(plugin).toBe('envoy.tls.cert_validator.spiffe');
    expect(bundles.map(([name]) => name)).toEqual(['default.heddle.local']);
    const root = new X509Certificate(bundles[0]?.[1] ?? '');
    expect(leaf?.verify(createPublicKey(intermediate?.toString() ?? ''))).toBe(true);
    expect(intermediate?.verify(root.publicKey)).toBe(true);
    expect(intermediate?.checkIssued(root)).toBe(true);
  });

  it('REL-29 is valid from five minutes ago, for a day from now', async () => {
    const { chain } = identityOf(await replica().source.resolve(orders, 'identity', undefined));
    expect(chain[0]?.validFromDate.getTime()).toBe(clock.now() - 300_000);
    expect(chain[0]?.validToDate.getTime()).toBe(clock.now() + DAY_MS);
  });

  it('SEC-2 SDS-6 is never another proxy’s, whatever the name', async () => {
    const { source } = replica();
    const names = [
      'shop/web',
      'identity/web',
      '*',
      '..',
      '../identity',
      'IDENTITY',
      'identity ',
      'Trust',
      '',
      '__proto__',
    ];
    const probes = [...names, 'xdstp://heddle/envoy.Secret/identity', 'spiffe://default.heddle.local/shop/web'];
    for (const name of probes) expect(await source.resolve(orders, name, undefined)).toEqual({ kind: 'none' });
    const bytes = await source.resolve(orders, 'identity', undefined);
    expect(bytes.kind === 'send' && Buffer.from(bytes.bytes).includes('web')).toBe(false);
  });

  it('is kept while it is good: a restart and a move to another replica make no key', async () => {
    const { version } = sent(await replica().source.resolve(orders, 'identity', undefined));
    const other = replica();
    expect(await other.source.resolve(orders, 'identity', version)).toEqual({ kind: 'keep' });
    expect(other.issuance.pending).toBe(0);
  });

  it.each([
    ['no version', () => undefined],
    ['a version of another form', () => 'v0'],
    ['an empty version', () => ''],
    [
      'a changed end',
      (v: string) =>
        v.replace(/\.(\d+)\.([0-9a-f]{16})\./, (_, end: string, id: string) => `.${Number(end) + 86_400}.${id}.`),
    ],
    ['a mac that is cut', (v: string) => v.slice(0, -1)],
    ['an unknown issuer', (v: string) => v.replace(/\.[0-9a-f]{16}\./, '.0000000000000000.')],
  ])('is minted anew for %s', async (_, change: (version: string) => string | undefined) => {
    const { source } = replica();
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    const next = sent(await source.resolve(orders, 'identity', change(version)));
    expect(next.version).not.toBe(version);
  });

  it('SEC-1 is minted anew when the version belongs to another workload or another mesh', async () => {
    const { source } = replica();
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    expect((await source.resolve(web, 'identity', version)).kind).toBe('send');
    expect((await source.resolve({ ...orders, mesh: 'other' }, 'identity', version)).kind).toBe('send');
  });

  it('is minted anew once its serial is revoked', async () => {
    const revoked = new Set<string>();
    const { source } = replica({ isRevoked: (serial) => revoked.has(serial) });
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    expect((await source.resolve(orders, 'identity', version)).kind).toBe('keep');
    revoked.add(parseLeafVersion(version)?.serial ?? '');
    expect((await source.resolve(orders, 'identity', version)).kind).toBe('send');
  });

  it('REL-30 is renewed after 40 to 60 % of its life, at a time that is the same on every replica', async () => {
    const { source } = replica();
    const shares: number[] = [];
    for (let round = 0; round < 40; round++) {
      const { version } = sent(await source.resolve(orders, 'identity', undefined));
      const wait = source.renewAfterMs(version, clock.now()) ?? 0;
      shares.push(wait / DAY_MS);
      expect(replica().source.renewAfterMs(version, clock.now())).toBe(wait);
    }
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.4);
    expect(Math.max(...shares)).toBeLessThanOrEqual(0.6);
    expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.05);
  });

  it('turns from keep to send exactly when it said it would', async () => {
    const { source } = replica();
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    clock.jump((source.renewAfterMs(version, clock.now()) ?? 0) - 1);
    expect((await source.resolve(orders, 'identity', version)).kind).toBe('keep');
    clock.jump(1);
    expect(source.renewAfterMs(version, clock.now())).toBe(0);
    expect((await source.resolve(orders, 'identity', version)).kind).toBe('send');
  });

  it('SEC-24 leaves no private key in the store', async () => {
    const { source, issuance } = replica();
    const { key } = identityOf(await source.resolve(orders, 'identity', undefined));
    await issuance.flush();
    const dump = Buffer.from(JSON.stringify([store.rows, [...store.issued]])).toString('latin1');
    expect(dump).not.toContain('PRIVATE KEY');
    expect(dump).not.toContain(key.split('\n')[2]);
    expect([...store.issued.values()]).toMatchObject([
      { mesh: 'default', instance: 'orders-1', spiffeId: 'spiffe://default.heddle.local/shop/orders' },
    ]);
  });
});

describe('the trust secret', () => {
  it('SDS-3 is always sent, also when held, with the same bytes and version on every replica', async () => {
    const first = await replica().source.resolve(orders, 'trust', undefined);
    const second = await replica().source.resolve(web, 'trust', sent(first).version);
    expect(second).toEqual(first);
    expect(replica().source.renewAfterMs(sent(first).version, clock.now())).toBeUndefined();
  });

  it('SEC-14 holds the roots of its own mesh only', async () => {
    const { source } = replica();
    const one = rootsOf(await source.resolve(orders, 'trust', undefined));
    const two = rootsOf(await source.resolve({ ...orders, mesh: 'other' }, 'trust', undefined));
    expect(two.bundles[0]?.[0]).toBe('other.heddle.local');
    expect(two.bundles[0]?.[1]).not.toBe(one.bundles[0]?.[1]);
  });

  it('holds every root, and tells when a refresh finds another one', async () => {
    const { source, authority } = replica();
    const changed: string[] = [];
    authority.onTrustChanged((mesh) => changed.push(mesh));
    await source.resolve(orders, 'trust', undefined);
    authority.start();
    await clock.advance(61_000);
    expect(changed).toEqual([]);
    // A second root of the same mesh, made over an empty store.
    const donor = new MemoryStore();
    await new CertificateAuthority({ authorities: donor.authorities, kek, clock }).of('default');
    store.rows.push(...donor.rows.filter((row) => row.purpose === 'root').map((row) => ({ ...row, active: false })));
    await clock.advance(61_000);
    authority.stop();
    expect(changed).toEqual(['default']);
    const { bundles } = rootsOf(await source.resolve(orders, 'trust', undefined));
    expect(bundles[0]?.[1].match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });
});

describe('issuing', () => {
  it('SEC-20 never leaves the issuer’s dates nor the configured life, whatever is asked for', () => {
    const now = clock.now();
    for (const lifetime of [-1, 0, 1, Number.NaN, Number.POSITIVE_INFINITY, 60_000, DAY_MS, 1e15]) {
      for (const left of [120_000, DAY_MS, 400 * DAY_MS]) {
        const issuer = { notBefore: now - 60_000, notAfter: now + left };
        const { notBefore, notAfter } = leafDates(issuer, now, lifetime);
        expect(notBefore).toBeGreaterThanOrEqual(issuer.notBefore);
        expect(notAfter).toBeLessThanOrEqual(issuer.notAfter);
        expect(notAfter).toBeGreaterThan(now);
      }
    }
  });

  it('REL-31 stops at the end of the issuer, and goes on without a restart when there is a new one', async () => {
    const { source, authority } = replica();
    await source.resolve(orders, 'identity', undefined);
    clock.jump(365 * DAY_MS - 2 * 3_600_000);
    const last = identityOf(await source.resolve(orders, 'identity', undefined));
    expect(last.chain[0]?.validToDate.getTime()).toBeLessThanOrEqual(last.chain[1]?.validToDate.getTime() ?? 0);
    clock.jump(3 * 3_600_000);
    await expect(source.resolve(orders, 'identity', last.version)).rejects.toThrow(IssuingPaused);
    store.rows = store.rows.map((row) => (row.purpose === 'intermediate' ? { ...row, active: false } : row));
    await new CertificateAuthority({ authorities: store.authorities, kek, clock }).of('default');
    await authority.refresh();
    expect(identityOf(await source.resolve(orders, 'identity', last.version)).chain).toHaveLength(2);
  });

  it('REL-27 REL-28 decides nothing by a clock that is not the database’s', async () => {
    let skew = 0;
    const { source } = replica({ clockSkewMs: () => skew });
    const { version } = sent(await source.resolve(orders, 'identity', undefined));
    clock.jump(30 * DAY_MS);
    skew = 30 * DAY_MS;
    expect(await source.resolve(orders, 'identity', version)).toEqual({ kind: 'keep' });
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'clock-skew' });
    clock.jump(-31 * DAY_MS);
    skew = -DAY_MS;
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'clock-skew' });
  });

  it('REL-2 goes on while Postgres is away, records afterwards, and stops when the spool is full', async () => {
    const { source, issuance } = replica({ capacity: 3 });
    await source.resolve(orders, 'trust', undefined);
    store.away = true;
    for (let round = 0; round < 3; round++) await source.resolve(orders, 'identity', undefined);
    await clock.advance(600_000);
    expect(issuance.pending).toBe(3);
    await expect(source.resolve(orders, 'identity', undefined)).rejects.toMatchObject({ reason: 'spool-full' });
    store.away = false;
    await clock.advance(31_000);
    expect([issuance.pending, store.issued.size]).toEqual([0, 3]);
    expect((await source.resolve(orders, 'identity', undefined)).kind).toBe('send');
  });

  it('REL-3 serves nothing when the mesh was never loaded and Postgres is away', async () => {
    store.away = true;
    await expect(replica().source.resolve(orders, 'trust', undefined)).rejects.toThrow(/away/);
  });

  it('replicas that start together agree on one root and one issuer', async () => {
    store.rows = [];
    const bundles = await Promise.all(
      Array.from({ length: 4 }, () => replica().source.resolve(orders, 'trust', undefined)),
    );
    expect(new Set(bundles.map((answer) => sent(answer).version)).size).toBe(1);
    expect(store.rows.map((row) => row.purpose)).toEqual(['root', 'intermediate']);
  });

  it('SEC-23 refuses the wrong key-encryption key and exchanged rows', async () => {
    const wrong = new CertificateAuthority({
      authorities: store.authorities,
      kek: kekOf(new Uint8Array(32).fill(2)),
      clock,
    });
    await expect(wrong.of('default')).rejects.toThrow(KekUnusable);
    const key = (mesh: string) =>
      store.rows.find((row) => row.mesh === mesh && row.purpose === 'intermediate')?.wrappedKey;
    const swapped = key('other');
    if (!swapped) throw new Error('no key');
    store.rows = store.rows.map((row) =>
      row.mesh === 'default' && row.purpose === 'intermediate' ? { ...row, wrappedKey: swapped } : row,
    );
    await expect(replica().authority.of('default')).rejects.toThrow(/altered or exchanged/);
  });

  it('a thousand proxies at once leave the event loop its turns', async () => {
    const { source } = replica();
    await source.resolve(orders, 'trust', undefined);
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 1000 }, () => source.resolve(orders, 'identity', undefined)));
    clearInterval(count);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('eight simulated days', () => {
  it('a proxy that is served through its own renewals always holds a certificate with a third of its life left', async () => {
    const { source } = replica();
    let { version } = sent(await source.resolve(orders, 'identity', undefined));
    let renewals = 0;
    for (const end = clock.now() + 8 * DAY_MS; clock.now() < end; ) {
      await clock.advance(Math.max(1000, source.renewAfterMs(version, clock.now()) ?? 0));
      const facts = parseLeafVersion(version);
      expect((facts?.notAfter ?? 0) - clock.now()).toBeGreaterThan(DAY_MS / 3);
      const answer = await source.resolve(orders, 'identity', version);
      if (answer.kind === 'send') {
        version = answer.version;
        renewals += 1;
      }
      expect(facts ? renewalTime(facts) : Number.NaN).toBeLessThanOrEqual(clock.now());
    }
    expect(renewals).toBeGreaterThan(12);
  });
});
