import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from './certificate-authority.js';
import { DAY_MS, type ManualClock, MemoryStore } from './fixture.js';
import { parseLeafVersion, renewalTime } from './leaf-version.js';
import { identityOf, kek, orders, rig, rootsOf, type SecretRig, sent, web } from './secret-fixture.js';

let store: MemoryStore;
let clock: ManualClock;
let replica: SecretRig['replica'];
beforeEach(async () => {
  const fresh = await rig();
  ({ store, clock } = fresh);
  replica = (options) => fresh.replica(options);
});

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
