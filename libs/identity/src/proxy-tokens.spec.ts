import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DenyList } from './deny-list.js';
import { expiryState } from './expiry.js';
import { DAY_MS, ManualClock, MemoryStore } from './fixture.js';
import { kekOf } from './kek.js';
import type { TokenRequest } from './proxy-token.js';
import { ProxyTokens } from './proxy-tokens.js';
import { SigningKeys } from './signing-keys.js';

const kek = kekOf(new Uint8Array(32).fill(1));
const request: TokenRequest = {
  mesh: 'default',
  namespace: 'shop',
  workload: 'web',
  instance: 'web-1',
  labels: { version: 'v2' },
};
let store: MemoryStore;
let clock: ManualClock;
beforeEach(() => {
  store = new MemoryStore();
  clock = new ManualClock();
});

async function replica() {
  const keys = new SigningKeys({ authorities: store.authorities, kek, clock });
  const denyList = new DenyList({ tokens: store.tokens, clock });
  await keys.start();
  await denyList.start();
  return { keys, denyList, tokens: new ProxyTokens({ keys, denyList, clock }) };
}

async function issued(tokens: ProxyTokens, extra: Partial<TokenRequest> = {}) {
  const result = await tokens.issue({ ...request, ...extra });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('proxy tokens', () => {
  it('say on every replica what they were issued for, and live seven days', async () => {
    const { token, claims } = await issued((await replica()).tokens);
    expect(await (await replica()).tokens.verify(token)).toEqual({ ok: true, value: claims });
    expect(claims).toMatchObject({ ...request, labels: { version: 'v2', workload: 'web' }, addresses: [] });
    expect(claims.expiresAt - claims.issuedAt).toBe(7 * DAY_MS);
  });

  it.each<[string, Partial<TokenRequest>, string]>([
    ['a mesh that is no DNS label', { mesh: 'a/b' }, '/mesh'],
    ['a namespace in upper case', { namespace: 'Shop' }, '/namespace'],
    ['a workload with a path', { workload: '../web' }, '/workload'],
    ['every instance there is', { instance: '*' }, '/instance'],
    ['a star in the middle', { instance: 'w*b' }, '/instance'],
    ['a label of another workload', { labels: { workload: 'orders' } }, '/labels/workload'],
    [
      'a label key that is a prototype',
      { labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> },
      '/labels/__proto__',
    ],
    ['an address that is no block', { addresses: ['10.0.0.1'] }, '/addresses/0'],
    ['a block with bits beyond its prefix', { addresses: ['10.0.0.1/8'] }, '/addresses/0'],
    ['more than 90 days', { ttlMs: 91 * DAY_MS }, '/ttlMs'],
    ['no life at all', { ttlMs: 0 }, '/ttlMs'],
    ['a life that is no number', { ttlMs: Number.NaN }, '/ttlMs'],
  ])('are not issued for %s', async (_, extra, path) => {
    const result = await (await replica()).tokens.issue({ ...request, ...extra });
    expect(result.ok ? [] : result.error.map((violation) => violation.path)).toContain(path);
  });

  it('SEC-5 end with their time', async () => {
    const { tokens } = await replica();
    const { token } = await issued(tokens);
    clock.jump(7 * DAY_MS - 1);
    expect((await tokens.verify(token)).ok).toBe(true);
    clock.jump(1);
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'expired' });
  });

  it('REL-28 are not good on a machine whose clock is far behind', async () => {
    const { tokens } = await replica();
    const { token } = await issued(tokens);
    clock.jump(-DAY_MS);
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'not-yet-valid' });
  });

  it('SEC-22 are good with exactly our algorithm, header and key', async () => {
    const { tokens, keys } = await replica();
    const { token } = await issued(tokens);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const kid = keys.signer.id;
    const good = { alg: 'EdDSA', typ: 'heddle-proxy+jwt', kid };
    const own = generateKeyPairSync('ed25519');
    const signed = (head: unknown, body = payload, key = own.privateKey) => {
      const text = `${encode(head)}.${body}`;
      return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
    };
    const hmac = (secret: string) => {
      const text = `${encode({ ...good, alg: 'HS256' })}.${payload}`;
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    };
    const publicPem = store.rows[0]?.certificatePem ?? '';
    const jwk = own.publicKey.export({ format: 'jwk' });
    const corpus = [
      '',
      '.',
      '..',
      '...',
      'x',
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${token}.`,
      `${token}.x`,
      ` ${token}`,
      `${encode({ ...good, alg: 'none' })}.${payload}.`,
      `${encode({ ...good, alg: 'None' })}.${payload}.${signature}`,
      hmac(publicPem),
      hmac(publicPem.trim()),
      hmac(''),
      signed(good),
      signed({ ...good, jwk }),
      signed({ ...good, jku: 'https://evil.test/keys' }),
      signed({ ...good, x5u: 'https://evil.test' }),
      signed({ ...good, x5c: ['MII'] }),
      signed({ ...good, crit: ['b64'], b64: false }),
      signed({ ...good, kid: '../../dev/null' }),
      signed({ ...good, kid: "x' OR '1'='1" }),
      signed({ ...good, kid: '__proto__' }),
      signed({ ...good, kid: '0000000000000000' }),
      signed({ ...good, typ: 'JWT' }),
      signed({ alg: 'EdDSA', kid }),
      signed([good]),
      signed(null),
      // Ours, but for something else than a proxy, or with a member more.
      signed(good, encode({ iss: 'heddle', aud: 'heddle-proxy' }), keys.signer.privateKey),
      signed(
        good,
        encode({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), aud: 'heddle-api' }),
        keys.signer.privateKey,
      ),
      signed(
        good,
        encode({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), admin: true }),
        keys.signer.privateKey,
      ),
      // The last of two members would count, and it is not what was signed.
      `${header}.${encode(`${Buffer.from(payload, 'base64url').toString().slice(0, -1)},"wl":"orders"}`)}.${signature}`,
      `${'a'.repeat(100_000)}.b.c`,
    ];
    const taken: string[] = [];
    for (const forged of corpus) if ((await tokens.verify(forged)).ok) taken.push(forged);
    expect(taken).toEqual([]);
    expect((await tokens.verify(token)).ok).toBe(true);
  });

  it('SEC-22 do not survive a change of any character', async () => {
    const { tokens } = await replica();
    const { token } = await issued(tokens);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.nat(63), async (at, letter) => {
        const changed = token.slice(0, at) + (alphabet[letter] ?? 'A') + token.slice(at + 1);
        const same = changed
          .split('.')
          .every((part, index) =>
            Buffer.from(part, 'base64url').equals(Buffer.from(token.split('.')[index] ?? '', 'base64url')),
          );
        expect(same || !(await tokens.verify(changed)).ok).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('REL-2 are verified and renewed while Postgres is away', async () => {
    const { tokens } = await replica();
    const { token } = await issued(tokens);
    store.away = true;
    await clock.advance(1_800_000);
    expect((await tokens.verify(token)).ok).toBe(true);
    expect((await tokens.renew(token)).ok).toBe(true);
  });

  it('REL-3 are not verified by a replica that could not read keys and revocations', async () => {
    store.away = true;
    await expect(replica()).rejects.toThrow(/away/);
  });

  it('stay good when another key signs', async () => {
    const { tokens, keys } = await replica();
    const { token } = await issued(tokens);
    store.rows = store.rows.map((row) => ({ ...row, active: false }));
    await (await replica()).keys.refresh();
    await keys.refresh();
    expect((await tokens.verify(token)).ok).toBe(true);
    expect((await tokens.verify((await issued(tokens)).token)).ok).toBe(true);
    store.rows = store.rows.filter((row) => row.active);
    await keys.refresh();
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'unknown-key' });
  });
});

describe('renewal', () => {
  it('SEC-28 keeps the scope and the length of life under an id of its own', async () => {
    const { tokens } = await replica();
    const first = await issued(tokens, { ttlMs: 30 * DAY_MS, addresses: ['10.0.0.0/8'] });
    clock.jump(15 * DAY_MS);
    const next = await tokens.renew(first.token);
    if (!next.ok) throw new Error(next.error);
    const { jti, issuedAt, expiresAt, ...scope } = next.value.claims;
    expect(first.claims).toMatchObject(scope);
    expect(jti).not.toBe(first.claims.jti);
    expect([issuedAt, expiresAt - issuedAt]).toEqual([clock.now(), 30 * DAY_MS]);
  });

  it('SEC-28 is refused after the end and after a revocation', async () => {
    const { tokens } = await replica();
    const old = await issued(tokens);
    clock.jump(7 * DAY_MS);
    expect(await tokens.renew(old.token)).toEqual({ ok: false, error: 'expired' });
    const stolen = await issued(tokens);
    await tokens.revoke(stolen.claims.jti, 'stolen');
    expect(await tokens.renew(stolen.token)).toEqual({ ok: false, error: 'revoked' });
  });

  it('SEC-28 does not outlive the revocation of the token it came from, or of one that came from it', async () => {
    for (const revoked of ['first', 'second'] as const) {
      const { tokens } = await replica();
      const first = await issued(tokens);
      const second = await tokens.renew(first.token);
      if (!second.ok) throw new Error(second.error);
      await tokens.revoke((revoked === 'first' ? first : second.value).claims.jti, 'stolen');
      expect(await tokens.verify(first.token)).toEqual({ ok: false, error: 'revoked' });
      expect(await tokens.verify(second.value.token)).toEqual({ ok: false, error: 'revoked' });
      expect((await tokens.verify((await issued(tokens)).token)).ok).toBe(true);
    }
  });

  it('at half-life keeps a proxy in for eight days; without it the alarms come before the end', async () => {
    const { tokens } = await replica();
    let current = await issued(tokens);
    const unattended = current;
    const seen: string[] = [];
    for (let hour = 1; hour <= 8 * 24; hour++) {
      clock.jump(3_600_000);
      const { issuedAt, expiresAt } = current.claims;
      expect((await tokens.verify(current.token)).ok).toBe(true);
      if (clock.now() >= (issuedAt + expiresAt) / 2) {
        const next = await tokens.renew(current.token);
        if (!next.ok) throw new Error(next.error);
        current = next.value;
      }
      const { issuedAt: from, expiresAt: until } = unattended.claims;
      const state = expiryState({ from, until }, clock.now());
      if (state !== seen.at(-1)) seen.push(state);
      expect((await tokens.verify(unattended.token)).ok).toBe(state !== 'expired');
    }
    expect(seen).toEqual(['ok', 'expires-soon', 'expires-very-soon', 'expired']);
  });
});

describe('the deny-list', () => {
  it('SEC-5 reaches every replica within ten seconds and says so', async () => {
    const [here, there] = [await replica(), await replica()];
    const { token, claims } = await issued(here.tokens);
    const renewed = await here.tokens.renew(token);
    if (!renewed.ok) throw new Error(renewed.error);
    const told: string[] = [];
    const both = [claims.jti, renewed.value.claims.jti];
    const say = (where: string, { denyList }: typeof here) =>
      denyList.onDenied(() => told.push(`${where} ${both.map((jti) => denyList.isDenied(jti)).join(' ')}`));
    say('here', here);
    say('there', there);
    await here.tokens.revoke(claims.jti, 'lost host');
    expect(told).toEqual(['here true true']);
    await clock.advance(10_000);
    expect(told).toEqual(['here true true', 'there true true']);
    expect(await there.tokens.verify(token)).toEqual({ ok: false, error: 'revoked' });
  });

  it('REL-2 REL-55 keeps the last good list while Postgres is away, tells its age, and refuses to pretend to revoke', async () => {
    const { tokens, denyList } = await replica();
    const [revoked, other] = [await issued(tokens), await issued(tokens)];
    await tokens.revoke(revoked.claims.jti, 'stolen');
    store.away = true;
    await clock.advance(60_000);
    expect((await tokens.verify(revoked.token)).ok).toBe(false);
    expect(denyList.ageMs).toBeGreaterThanOrEqual(55_000);
    await expect(tokens.revoke(other.claims.jti, 'stolen')).rejects.toThrow(/away/);
    expect([denyList.isDenied(other.claims.jti), (await tokens.verify(other.token)).ok]).toEqual([false, true]);
  });
});
