/** What somebody may try on the way to the identity provider and back, by requests as he would send them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { Board, binding, fillShop } from '../board.js';
import { type Answer, CLIENT, type Claims, type Lie, LyingProvider, nowSeconds, unsigned } from './lying-provider.js';
import { anyPort } from './ports.js';
import { ask } from './request.js';

let database: TestDatabase;
let provider: LyingProvider;
let flags: readonly string[] = [];
let directory = '';
const board = new Board();

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  const port = await anyPort();
  provider = await LyingProvider.start();
  directory = mkdtempSync(join(tmpdir(), 'heddle-oidc-'));
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, CLIENT.secret, { mode: 0o600 });
  flags = [
    ...['--database-url', database.url, '--log-level', 'info'],
    ...['--oidc-issuer', provider.issuer, '--oidc-client-id', CLIENT.id, '--oidc-client-secret-file', secretFile],
    ...['--oidc-public-url', `http://127.0.0.1:${port}`, '--oidc-groups', 'shop=shop', '--oidc-session-minutes', '30'],
  ];
  await board.start(...flags, '--rest-port', String(port));
  await fillShop(board, { proxies: false });
  await board.apply('The shop', binding('shop', 'viewer', 'shop', { namespaces: ['shop'] }));
  await vi.waitFor(async () => expect(await isReady(board.url)).toBe(true), { timeout: 60_000 });
});
afterAll(async () => {
  await board.stop();
  await provider?.stop();
  await database?.drop();
  if (directory !== '') rmSync(directory, { recursive: true });
});

let visitors = 0;
/** Each from an address of its own: whoever tries too often is slowed down, which is a test of its own. */
function nobodyBefore(): string {
  visitors += 1;
  return `127.20.${Math.floor(visitors / 250)}.${(visitors % 250) + 1}`;
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}, url = board.url): Promise<Response> =>
  ask(url + path, { headers, from: nobodyBefore() });

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
const bodyOf = async (answer: Promise<Response> | Response): Promise<any> => (await answer).json();

const isReady = async (url: string): Promise<boolean> => {
  const { provider: found } = await bodyOf(get('/api/dashboard/login', {}, url));
  return found.label === 'single sign-on' && found.problem === undefined;
};

const CALLBACK = '/api/dashboard/oidc/callback';

/** Of a browser: what it sends back, by name. */
const cookiesOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');

/** Somebody presses the button. @returns where he is sent, and what his browser keeps */
async function begin(to = '/m/default/'): Promise<{ readonly url: string; readonly cookie: string }> {
  const answer = await get(`/api/dashboard/oidc/login?${new URLSearchParams({ to })}`);
  expect(answer.status).toBe(302);
  return { url: answer.headers.get('location') ?? '', cookie: cookiesOf(answer) };
}

const comeBack = (query: URLSearchParams, cookie: string): Promise<Response> => get(`${CALLBACK}?${query}`, { cookie });

/** The whole of a login, as the provider answers it. */
async function logIn(answer: Answer = {}): Promise<Response> {
  const { url, cookie } = await begin();
  return comeBack(provider.let(url, answer), cookie);
}

/** Refused, with this code, and nobody is logged in. */
function expectRefused(answer: Response, code: string): void {
  const where = new URL(answer.headers.get('location') ?? '', board.url);
  expect([answer.status, where.pathname, where.searchParams.get('refused')]).toEqual([302, '/login', code]);
  expect(where.origin).toBe(new URL(board.url).origin);
  expect(answer.headers.getSetCookie().join()).not.toMatch(/heddle=[^;]/);
}

const otherKey = (await generateKeyPair('RS256', { extractable: true })) satisfies object;
const otherJwk = await exportJWK(otherKey.publicKey);

const byOther: Lie = ({ claims, header }) => new SignJWT(claims).setProtectedHeader(header).sign(otherKey.privateKey);
const bySecret =
  (secret: string): Lie =>
  ({ claims, header }) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(new TextEncoder().encode(secret));

describe('a login', () => {
  it('SEC-36 goes by code, PKCE, state and nonce, each of its own, bound to the browser by a cookie that no script reads', async () => {
    const answer = await get('/api/dashboard/oidc/login?to=/m/default/');
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^heddle-login=[-\w]{100,}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/);
    const asked = Object.fromEntries(new URL(answer.headers.get('location') ?? '').searchParams);
    expect(asked).toMatchObject({
      ...{ response_type: 'code', client_id: CLIENT.id, scope: 'openid profile email', code_challenge_method: 'S256' },
      redirect_uri: `${board.url}${CALLBACK}`,
    });
    const again = Object.fromEntries(new URL((await begin()).url).searchParams);
    for (const own of ['state', 'nonce', 'code_challenge']) {
      expect(asked[own]).toMatch(/^[-\w]{43}$/);
      expect(asked[own]).not.toBe(again[own]);
      expect(cookie).not.toContain(asked[own]);
    }
  });

  it('gives a session of its own, for as long as the configuration says, with the rights of the group', async () => {
    const before = Date.now();
    const { url, cookie } = await begin('/m/default/services?q=a&z=1');
    const answer = await comeBack(provider.let(url), `${cookie}; heddle=planted`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('0;url=/m/default/services?q=a&amp;z=1');
    const [session = '', ended] = answer.headers.getSetCookie();
    expect(session).toMatch(/^heddle=[-\w]{100,}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(ended).toMatch(/^heddle-login=; .*Max-Age=0$/);
    const own = { cookie: cookiesOf(answer) };
    const view = await bodyOf(get('/api/dashboard/session', own));
    expect(view).toMatchObject({ name: 'ann@example.com', subject: 'User', role: 'none', groups: ['shop'] });
    const minutes = (Date.parse(view.endsAt) - before) / 60_000;
    expect([minutes >= 30, minutes < 31]).toEqual([true, true]);
    const services = '/api/v1/meshes/default/namespaces';
    expect((await get(`${services}/shop/services/web`, own)).status).toBe(200);
    expect((await get(`${services}/warehouse/services/stock`, own)).status).toBe(403);
  });

  it('SEC-36 is begun by no page of another site', async () => {
    for (const site of ['cross-site', 'same-site'])
      expect((await get('/api/dashboard/oidc/login', { 'sec-fetch-site': site })).status).toBe(403);
    expect((await get('/api/dashboard/oidc/login', { 'sec-fetch-site': 'same-origin' })).status).toBe(302);
  });

  it('is begun where the provider sends browsers back to: from another name one goes there first', async () => {
    const { port } = new URL(board.url);
    const answer = await get('/api/dashboard/oidc/login?to=/m/a/', {}, `http://localhost:${port}`);
    expect(answer.headers.get('location')).toBe(`${board.url}/login?to=%2Fm%2Fa%2F`);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it.each([
    '//evil.example/m/',
    'https://evil.example/m/',
    '/\\evil.example',
    '/m/../..//evil.example',
    'javascript:alert(1)',
  ])('SEC-43 leads nowhere but to pages of ours: not to %s', async (to) => {
    const { url, cookie } = await begin(to);
    const page = await (await comeBack(provider.let(url), cookie)).text();
    expect(page).toContain('content="0;url=/"');
    expect(page).not.toContain('evil');
  });
});

describe('an ID token', () => {
  it.each<[string, Claims, Lie | undefined]>([
    ['without a signature', {}, (draft) => unsigned({ ...draft, header: { ...draft.header, alg: 'none' } })],
    [
      'of no algorithm, with something in place of a signature',
      {},
      (draft) => unsigned({ ...draft, header: { ...draft.header, alg: 'none' } }, 'AAAA'),
    ],
    ['with the signature cut off', {}, (draft) => unsigned(draft)],
    ['signed with the secret that the client has, too (SEC-22)', {}, bySecret(CLIENT.secret)],
    ['signed with the public key as if it were a secret (SEC-22)', {}, bySecret(JSON.stringify(otherJwk))],
    ['signed with another key', {}, byOther],
    [
      'that brings its own key (SEC-22)',
      {},
      (draft, key) => byOther({ ...draft, header: { ...draft.header, jwk: otherJwk } }, key),
    ],
    [
      'that says where its key is (SEC-22)',
      {},
      (draft, key) => byOther({ ...draft, header: { ...draft.header, jku: 'http://127.0.0.1:9/jwks' } }, key),
    ],
    ['that is none', {}, () => 'e30'],
    ['of another issuer', { iss: 'https://evil.example' }, undefined],
    ['for somebody else', { aud: 'another-client' }, undefined],
    ['for others, too', { aud: [CLIENT.id, 'another-client'], azp: CLIENT.id }, undefined],
    ['for nobody', { aud: undefined }, undefined],
    ['of another login', { nonce: 'another' }, undefined],
    ['without a nonce', { nonce: undefined }, undefined],
    ['that ended before clocks could differ so much', { exp: nowSeconds() - 65 }, undefined],
    ['without an end', { exp: undefined }, undefined],
    ['of the future', { iat: nowSeconds() + 900, exp: nowSeconds() + 1_200 }, undefined],
    ['not good yet', { nbf: nowSeconds() + 900 }, undefined],
    ['without a subject', { sub: undefined }, undefined],
  ])('SEC-43 %s is refused', async (_, claims, lie) => {
    expectRefused(await logIn({ claims, ...(lie ? { lie } : {}) }), 'provider');
  });

  it('SEC-43 that ended within what clocks may differ is taken', async () => {
    expect((await logIn({ claims: { exp: nowSeconds() - 20 } })).status).toBe(200);
  });

  it.each<[string, Claims]>([
    ['an email that was not verified', { email_verified: false }],
    ['an email that nothing is said of', { email_verified: undefined }],
    ['no email', { email: undefined }],
    ['a name that nobody can be called', { email: 'ann@example.com\r\nadmin' }],
  ])('SEC-43 with %s names nobody', async (_, claims) => {
    expectRefused(await logIn({ claims }), 'name');
  });
});

describe('the way back', () => {
  it('SEC-43 with the name of another provider is a mix-up, and ends the login', async () => {
    const { url, cookie } = await begin();
    const query = provider.let(url);
    query.set('iss', 'https://evil.example');
    expectRefused(await comeBack(query, cookie), 'provider');
  });

  it('SEC-43 without the name of the provider is none of one that always says it', async () => {
    const { url, cookie } = await begin();
    const query = provider.let(url);
    query.delete('iss');
    expectRefused(await comeBack(query, cookie), 'provider');
  });

  it.each<[string, (query: URLSearchParams) => void]>([
    ['another state', (query) => query.set('state', 'x'.repeat(43))],
    ['no state', (query) => query.delete('state')],
    ['two states', (query) => query.append('state', query.get('state') ?? '')],
  ])('SEC-36 with %s is nobody’s', async (_, change) => {
    const { url, cookie } = await begin();
    const query = provider.let(url);
    change(query);
    expectRefused(await comeBack(query, cookie), 'stale');
  });

  it.each<[string, (cookie: string) => string | Promise<string>]>([
    ['in a browser that has begun nothing', () => ''],
    ['in a browser that has begun something else', async () => (await begin()).cookie],
    ['with a changed cookie', (cookie) => `${cookie.slice(0, -2)}AA`],
    ['with a cookie that somebody has added', (cookie) => `${cookie}; ${cookie}`],
    ['with a session in place of the cookie', async () => cookiesOf(await logIn()).replace('heddle=', 'heddle-login=')],
  ])('SEC-36 %s logs nobody in', async (_, change) => {
    const { url, cookie } = await begin();
    expectRefused(await comeBack(provider.let(url), await change(cookie)), 'stale');
  });

  it('SEC-36 that somebody else makes a browser take does not end what its user has begun', async () => {
    const { url, cookie } = await begin();
    expectRefused(await comeBack(new URLSearchParams({ code: 'c', state: 's' }), cookie), 'stale');
    expect((await comeBack(provider.let(url), cookie)).status).toBe(200);
  });

  it('SEC-43 is taken once, on every replica', async () => {
    const other = await new Board().start(...flags, '--replica', 'other', '--key-file', board.keyFile);
    try {
      const { url, cookie } = await begin();
      const query = provider.let(url);
      expect((await comeBack(query, cookie)).status).toBe(200);
      expectRefused(await comeBack(query, cookie), 'stale');
      const refused = provider.refusedCodes;
      await expect.poll(() => isReady(other.url)).toBe(true);
      const there = await get(`${CALLBACK}?${query}`, { cookie }, other.url);
      expect(there.headers.get('location')).toContain('refused=stale');
      expect(provider.refusedCodes).toBe(refused + 1);
    } finally {
      await other.stop();
    }
  });

  it('SEC-43 with a code that was given to another browser is refused by PKCE', async () => {
    const [mine, theirs] = [await begin(), await begin()];
    const query = provider.let(mine.url);
    query.set('code', provider.let(theirs.url).get('code') ?? '');
    expectRefused(await comeBack(query, mine.cookie), 'stale');
  });

  it('is told apart when the provider does not take the secret', async () => {
    provider.refuseClients = true;
    try {
      expectRefused(await logIn(), 'client');
    } finally {
      provider.refuseClients = false;
    }
    expect((await logIn()).status).toBe(200);
  });

  it('SEC-43 says in words of its own what the provider says, and keeps where one wanted to go', async () => {
    const { url, cookie } = await begin('/m/default/map');
    const state = new URL(url).searchParams.get('state') ?? '';
    const words = { error: 'access_denied', error_description: '<script>alert(1)</script>' };
    const answer = await comeBack(new URLSearchParams({ ...words, state, iss: provider.issuer }), cookie);
    expectRefused(answer, 'denied');
    expect(answer.headers.get('location')).toBe('/login?refused=denied&to=%2Fm%2Fdefault%2Fmap');
  });
});

describe('a user', () => {
  const rightsOf = async (answer: Response): Promise<number> =>
    (await bodyOf(get('/api/dashboard/session', { cookie: cookiesOf(answer) }))).meshes.length;

  it('SEC-34 has nothing of what a token of his name has, nor a token of what he has', async () => {
    await board.apply(
      'A token and a user of one name',
      {
        ...binding('token-of-tom', 'viewer', ''),
        spec: { role: 'viewer', subjects: [{ kind: 'Token', name: 'tom@example.com' }] },
      },
      {
        ...binding('user-uta', 'viewer', ''),
        spec: { role: 'viewer', subjects: [{ kind: 'User', name: 'uta@example.com' }] },
      },
    );
    const as = (email: string) => logIn({ claims: { email, groups: [] } });
    expect([await rightsOf(await as('tom@example.com')), await rightsOf(await as('uta@example.com'))]).toEqual([0, 1]);
    const seen = async (token: string) =>
      (await board.call('GET', '/api/v1/meshes', undefined, token)).body.items.length;
    const [tom, uta] = [await board.token('tom@example.com', 'none'), await board.token('uta@example.com', 'none')];
    expect([await seen(tom), await seen(uta)]).toEqual([1, 0]);
  });

  it('SEC-43 is in no group because the provider calls one as we do', async () => {
    expect(await rightsOf(await logIn({ claims: { groups: ['Shop', 'admins', 'shop ', 'other'] } }))).toBe(0);
  });

  it('loses a right at once when the binding goes, and his session with a logout, also for who has kept the cookie', async () => {
    const spec = { role: 'viewer', subjects: [{ kind: 'User', name: 'rob@example.com' }] };
    await board.apply('Rob', { ...binding('rob', 'viewer', ''), spec });
    const cookie = cookiesOf(await logIn({ claims: { email: 'rob@example.com', groups: [] } }));
    const look = async () => (await get('/api/v1/meshes/default/namespaces/shop/services/web', { cookie })).status;
    expect(await look()).toBe(200);
    await board.call('DELETE', '/api/v1/meshes/default/rolebindings/rob');
    expect(await look()).toBe(404);
    const { csrf } = await bodyOf(get('/api/dashboard/session', { cookie }));
    const post = (headers: Readonly<Record<string, string>>) =>
      ask(`${board.url}/api/dashboard/logout`, {
        method: 'POST',
        headers: { cookie, ...headers },
        from: nobodyBefore(),
      });
    expect((await post({})).status).toBe(403);
    const out = await post({ 'x-heddle-csrf': csrf });
    // This provider has no place to log out at.
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringMatching(/^heddle=; .*Max-Age=0$/)]);
    expect((await get('/api/dashboard/session', { cookie })).status).toBe(401);
  });
});

describe('a stream of events of a user', () => {
  it('REL-55: ends when he has logged out', async () => {
    const cookie = cookiesOf(await logIn());
    const stream = await fetch(`${board.url}/api/v1/meshes/default/events`, { headers: { cookie } });
    expect(stream.status).toBe(200);
    const { csrf } = await bodyOf(get('/api/dashboard/session', { cookie }));
    await ask(`${board.url}/api/dashboard/logout`, {
      ...{ method: 'POST', from: nobodyBefore() },
      headers: { cookie, 'x-heddle-csrf': csrf },
    });
    expect(await stream.text()).toMatch(/event: forbidden\n[\s\S]*the session has ended/);
  });
});

describe('what is kept of logins', () => {
  it('SEC-63 is who, whether and why, in the log and counted; no token, code, state or secret', async () => {
    const { url, cookie } = await begin();
    const query = provider.let(url);
    const answer = await comeBack(query, cookie);
    await logIn({ claims: { aud: 'another-client' } });
    await expect
      .poll(() => /ann@example\.com.*somebody logged in by the identity provider/.test(board.logged()))
      .toBe(true);
    expect(board.logged()).toMatch(/"outcome":"provider","reason":"unexpected JWT claim value[^\n]*claim aud/);
    const secrets = [query.get('code'), query.get('state'), cookie.split('=')[1], cookiesOf(answer).split('=')[1]];
    for (const secret of [...secrets, CLIENT.secret, 'an-access-token', 'a-refresh-token', 'eyJ', 'sub-of-ann'])
      expect(board.logged()).not.toContain(secret);
    const { body } = await board.call('GET', '/metrics');
    expect(body).toMatch(/heddle_oidc_logins_total\{outcome="ok"\} \d+/);
    expect(body).toMatch(/heddle_oidc_logins_total\{outcome="stale"\} \d+/);
    expect(body).toMatch(/heddle_oidc_provider_ready 1/);
    expect(body).not.toMatch(/ann@example/);
  });

  it('SEC-45 trying to come back with what others were given is slowed down', async () => {
    const answers: number[] = [];
    for (let i = 0; i < 30; i += 1)
      answers.push((await ask(`${board.url}${CALLBACK}?code=c&state=s`, { from: '127.99.0.1' })).status);
    expect([answers[0], answers.at(-1)]).toEqual([302, 429]);
  });
});
