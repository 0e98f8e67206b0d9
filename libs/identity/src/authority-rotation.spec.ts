import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog } from '#libs/kernel';
import { DAY_MS, type ManualClock, type MemoryStore } from './fixture.js';
import { parseLeafVersion } from './leaf-version.js';
import { ISSUER_KNOWN_FOR_MS, RETIRED_FOR_MS, ROOT_TRUSTED_FOR_MS } from './rotation-plan.js';
import { identityOf, orders, rig, rootsOf, type SecretRig, sent, web } from './secret-fixture.js';

let store: MemoryStore;
let clock: ManualClock;
let replica: SecretRig['replica'];
beforeEach(async () => {
  const fresh = await rig();
  ({ store, clock } = fresh);
  replica = (options) => fresh.replica(options);
});

type Replica = ReturnType<SecretRig['replica']>;
const kinds = async ({ rotation }: Replica) =>
  (await rotation.run('default')).map(({ kind, purpose }) => `${kind} ${purpose}`);
const leafOf = async ({ source }: Replica) => identityOf(await source.resolve(orders, 'identity', undefined));
const bundleOf = async ({ source }: Replica): Promise<X509Certificate[]> => {
  const [, text = ''] = rootsOf(await source.resolve(web, 'trust', undefined)).bundles[0] ?? [];
  return (text.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));
};
/** As a proxy does it: the chain that travels with the leaf, up to a root of the bundle. */
function verifies([leaf, issuer]: readonly X509Certificate[], bundle: readonly X509Certificate[]): boolean {
  if (!leaf || !issuer) return false;
  return (
    leaf.verify(issuer.publicKey) && bundle.some((root) => issuer.checkIssued(root) && issuer.verify(root.publicKey))
  );
}

describe('the rotation of an issuer', () => {
  it('begins after a third of its life, and every replica knows the next one before a leaf is signed by it', async () => {
    const [one, two] = [replica(), replica()];
    const old = parseLeafVersion((await leafOf(one)).version)?.issuer;
    await leafOf(two);
    expect(await kinds(one)).toEqual([]);
    clock.jump(122 * DAY_MS);
    expect(await kinds(one)).toEqual(['prepare intermediate']);
    expect(parseLeafVersion((await leafOf(one)).version)?.issuer).toBe(old);
    await two.authority.refresh();
    clock.jump(ISSUER_KNOWN_FOR_MS - 1);
    expect(await kinds(one)).toEqual([]);
    clock.jump(1);
    expect(await kinds(one)).toEqual(['activate intermediate']);
    const first = await leafOf(one);
    expect(parseLeafVersion(first.version)?.issuer).not.toBe(old);
    expect(verifies(first.chain, await bundleOf(two))).toBe(true);
    // The other replica has not read the change yet: it keeps what the first one issued, and goes on with the old one.
    expect((await two.source.resolve(orders, 'identity', first.version)).kind).toBe('keep');
    expect(parseLeafVersion((await leafOf(two)).version)?.issuer).toBe(old);
  });

  it('re-issues nothing at once: a leaf of the old one is kept until its own renewal', async () => {
    const one = replica();
    const held = (await leafOf(one)).version;
    expect([
      await one.rotation.begin('default', 'intermediate'),
      await one.rotation.begin('default', 'intermediate'),
    ]).toEqual([true, false]);
    clock.jump(ISSUER_KNOWN_FOR_MS);
    expect(await kinds(one)).toEqual(['activate intermediate']);
    expect((await one.source.resolve(orders, 'identity', held)).kind).toBe('keep');
    clock.jump(DAY_MS);
    const next = identityOf(await one.source.resolve(orders, 'identity', held));
    expect(parseLeafVersion(next.version)?.issuer).not.toBe(parseLeafVersion(held)?.issuer);
  });

  it('SEC-26 deletes the retired one with its key, but not while a certificate of it lives', async () => {
    const one = replica({ leafLifetimeMs: 20 * DAY_MS });
    await leafOf(one);
    await one.issuance.flush();
    await one.rotation.begin('default', 'intermediate');
    clock.jump(ISSUER_KNOWN_FOR_MS);
    await kinds(one);
    clock.jump(RETIRED_FOR_MS + DAY_MS);
    expect(await kinds(one)).toEqual([]);
    expect(store.rows.filter((row) => row.mesh === 'default')).toHaveLength(3);
    clock.jump(12 * DAY_MS);
    expect(await kinds(one)).toEqual(['forget intermediate']);
    expect(store.rows.filter((row) => row.mesh === 'default').map((row) => row.active)).toEqual([true, true]);
  });
});

describe('the rotation of a root', () => {
  it('SEC-25 the bundle holds it, the same on every replica, before an issuer under it signs a leaf', async () => {
    const [one, two] = [replica(), replica()];
    const changed: string[] = [];
    two.authority.onTrustChanged((mesh) => changed.push(mesh));
    const before = await bundleOf(two);
    await one.source.resolve(orders, 'trust', undefined);
    await one.rotation.begin('default', 'root');
    await two.authority.refresh();
    expect(changed).toEqual(['default']);
    const trust = await Promise.all([one, two].map(({ source }) => source.resolve(orders, 'trust', undefined)));
    expect(trust[0]).toEqual(trust[1]);
    const overlap = await bundleOf(two);
    expect([before.length, overlap.length]).toEqual([1, 2]);
    clock.jump(ROOT_TRUSTED_FOR_MS - 1);
    expect(await kinds(one)).toEqual([]);
    clock.jump(1);
    expect(await kinds(one)).toEqual(['activate root', 'prepare intermediate']);
    clock.jump(ISSUER_KNOWN_FOR_MS);
    const last = await leafOf(one);
    expect(await kinds(one)).toEqual(['activate intermediate']);
    const first = await leafOf(one);
    expect([verifies(last.chain, before), verifies(first.chain, before), verifies(first.chain, overlap)]).toEqual([
      true,
      false,
      true,
    ]);
    await two.authority.refresh();
    expect(sent(await two.source.resolve(orders, 'trust', undefined)).version).toBe(
      trust[0]?.kind === 'send' && trust[0].version,
    );
  });

  it('REL-31 goes on without a restart, and at once, when the root itself has expired', async () => {
    const one = replica();
    await leafOf(one);
    clock.jump(3651 * DAY_MS);
    await expect(leafOf(one)).rejects.toThrow(/expired/);
    const steps = await kinds(one);
    expect(steps).toEqual(['prepare root', 'activate root', 'prepare intermediate', 'activate intermediate']);
    expect(verifies((await leafOf(one)).chain, await bundleOf(one))).toBe(true);
  });
});

describe('many years', () => {
  it('REL-31 pass without an alarm, with every leaf that lives verified by every bundle a proxy may hold', async () => {
    const warnings: unknown[] = [];
    const log: Log = { ...silentLog, warn: (message, fields) => void warnings.push({ message, fields }) };
    const one = replica({ log, leafLifetimeMs: 7 * DAY_MS });
    const leaves = new Map<string, X509Certificate[]>();
    const bundles = new Map<string, X509Certificate[]>();
    /** One of every third day. */
    const leavesOf: string[] = [];
    const bundlesOf: string[] = [];
    const steps: Record<string, number> = {};
    let most = 0;
    for (const end = clock.now() + 12 * 365 * DAY_MS; clock.now() < end; clock.jump(3 * DAY_MS)) {
      for (const step of await kinds(one)) steps[step] = (steps[step] ?? 0) + 1;
      await one.authority.refresh();
      const { chain } = await leafOf(one);
      await one.issuance.flush();
      const bundle = await bundleOf(one);
      const [issuer, roots] = [chain[1]?.fingerprint256 ?? '', bundle.map((root) => root.fingerprint256).join()];
      leaves.set(issuer, chain);
      bundles.set(roots, bundle);
      leavesOf.push(issuer);
      bundlesOf.push(roots);
      // A proxy whose certificate still lives was sent a bundle at most seven days ago.
      for (const byIssuer of new Set(leavesOf.slice(-3))) {
        for (const held of new Set(bundlesOf.slice(-3))) {
          expect(verifies(leaves.get(byIssuer) ?? [], bundles.get(held) ?? [])).toBe(true);
        }
      }
      most = Math.max(most, store.rows.filter((row) => row.mesh === 'default').length);
    }
    expect(warnings).toEqual([]);
    expect([steps['activate root'], steps['activate intermediate']]).toEqual([3, expect.toSatisfy((n) => n > 30)]);
    expect([steps['forget root'], most]).toEqual([3, expect.toSatisfy((n) => n <= 6)]);
  });

  it('REL-31 alarms at half, a quarter and a tenth of a life when rotation does not happen', async () => {
    const parts: unknown[] = [];
    const log: Log = { ...silentLog, warn: (_message, fields) => void parts.push(fields?.['percentLeft']) };
    const one = replica({ log });
    await leafOf(one);
    for (let day = 0; day < 360; day++) {
      clock.jump(DAY_MS);
      await one.authority.refresh();
    }
    expect(parts).toEqual([50, 25, 10]);
  });
});

describe('replicas and accidents', () => {
  it('REL-48 replicas that look together take each step once', async () => {
    const replicas = Array.from({ length: 5 }, () => replica());
    clock.jump(1300 * DAY_MS);
    const prepared = await Promise.all(replicas.map(kinds));
    expect(prepared.flat().toSorted()).toEqual(['activate intermediate', 'prepare intermediate', 'prepare root']);
    clock.jump(ROOT_TRUSTED_FOR_MS);
    const activated = await Promise.all(replicas.map(kinds));
    expect(activated.flat().toSorted()).toEqual(['activate root', 'forget intermediate', 'prepare intermediate']);
  });

  it('REL-48 one that was stalled since it looked changes nothing', async () => {
    const [active] = store.rows.filter((row) => row.mesh === 'default' && row.purpose === 'intermediate');
    const one = replica();
    await one.rotation.begin('default', 'intermediate');
    clock.jump(ISSUER_KNOWN_FOR_MS);
    await kinds(one);
    const rows = store.rows;
    const late = { activeId: active?.id ?? '', preparedId: rows.at(-1)?.id ?? '' };
    expect(await store.authorities.activate(late)).toBe(false);
    const never = () => Promise.reject(new Error('made a key for nothing'));
    expect(await store.authorities.prepare('default', 'intermediate', late.activeId, never)).toBe(false);
    expect(store.rows).toEqual(rows);
  });

  it('REL-2 waits while Postgres is away, and leaves are issued on', async () => {
    const one = replica();
    await leafOf(one);
    clock.jump(200 * DAY_MS);
    store.away = true;
    await expect(one.rotation.run('default')).rejects.toThrow(/away/);
    expect((await leafOf(one)).chain).toHaveLength(2);
    store.away = false;
    expect(await kinds(one)).toEqual(['prepare intermediate']);
  });

  it('looks by itself every minute', async () => {
    const one = replica();
    await leafOf(one);
    clock.jump(200 * DAY_MS);
    one.rotation.start();
    // Making a key takes turns of the event loop that a hand clock does not wait for.
    await clock.advance(60_000);
    await expect.poll(() => store.rows.filter((row) => row.mesh === 'default').length).toBe(3);
    one.rotation.stop();
  });
});
