import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, fillShop, service } from './board.js';
import { launchChromium, Visitor } from './browser.js';
import { mayRun } from './chromium.js';

let database: TestDatabase;
let browser: Browser;
const board = new Board();
let viewer = '';
let operator = '';

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url);
  await fillShop(board, { proxies: false });
  [viewer, operator] = await Promise.all([board.token('vera', 'viewer'), board.token('otto', 'operator')]);
  if (mayRun()) browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await board.stop();
  await database?.drop();
});

/** A request as a browser sends it, with a cookie. */
const request = (path: string, init: RequestInit = {}) => fetch(board.url + path, { redirect: 'manual', ...init });

/** @returns the cookie of a session, and the mark that its writes carry */
async function session(token: string): Promise<{ readonly cookie: string; readonly csrf: string }> {
  const answer = await request('/api/dashboard/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  expect(answer.status).toBe(200);
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { csrf } = (await (await request('/api/dashboard/session', { headers: { cookie } })).json()) as {
    csrf: string;
  };
  return { cookie, csrf };
}

describe('the files of the dashboard', () => {
  it.each(['/', '/login', '/m/default/', '/m/default/services/shop/orders'])(
    'SEC-47 %s is the page, which may load nothing from elsewhere and run no script but its files',
    async (path) => {
      const answer = await request(path);
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{24}';/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const text = await answer.text();
      expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
    },
  );

  it('has another nonce for every answer', async () => {
    const nonces = await Promise.all(
      [1, 2].map(async () => (await request('/')).headers.get('content-security-policy')?.match(/nonce-(\S+)'/)?.[1]),
    );
    expect(new Set(nonces).size).toBe(2);
  });

  it('are kept by browsers for ever, compressed, under names that say what is in them', async () => {
    const page = await (await request('/')).text();
    const script = /src="(\/assets\/[\w-]+\.js)"/.exec(page)?.[1] ?? '';
    const answer = await request(script, { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it.each(['/assets/nothing.js', '/assets/..%2findex.html', '/assets/', '/n/default', '/index.html'])(
    'SEC-32 %s is a problem, not a file',
    async (path) => {
      const answer = await request(path);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ]);
    },
  );
});

describe('SEC-34 a home', () => {
  const HOMES = ['owner', 'operator', 'security', 'release', 'auditor'] as const;

  it.each([
    ['viewer', ['owner']],
    ['editor', ['owner', 'release']],
    ['operator', ['owner', 'operator', 'release']],
    ['security', ['owner', 'security', 'auditor']],
    ['auditor', ['owner', 'auditor']],
    ['admin', HOMES],
  ] as const)('is offered to, and answers, only whom it is for: %s', async (role, allowed) => {
    const token = await board.token(`home-${role}`, role);
    const { cookie } = await session(token);
    const me = (await (await request('/api/dashboard/session', { headers: { cookie } })).json()) as {
      meshes: { name: string; homes: string[] }[];
    };
    expect(me.meshes.map(({ name, homes }) => [name, [...homes].sort()])).toEqual([['default', [...allowed].sort()]]);
    for (const home of HOMES) {
      const { status } = await board.call('GET', `/api/dashboard/meshes/default/${home}`, undefined, token);
      expect([home, status]).toEqual([home, (allowed as readonly string[]).includes(home) ? 200 : 403]);
    }
  });

  it('of a mesh that one has no right in is not there, and none is without a token', async () => {
    const token = await board.token('elsewhere', 'admin', { meshes: ['other'] });
    for (const home of [...HOMES, 'services', 'services/shop/web', 'identities']) {
      const path = `/api/dashboard/meshes/default/${home}`;
      expect((await board.call('GET', path, undefined, token)).status).toBe(404);
      expect((await board.call('GET', path, undefined, '')).status).toBe(401);
    }
  });
});

describe('a session', () => {
  it('SEC-36 is a cookie that scripts and other sites cannot have', async () => {
    const answer = await request('/api/dashboard/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: viewer }),
    });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^heddle=[-\w]{100,}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(viewer);
    expect(await answer.json()).toEqual({ name: 'vera' });
  });

  it('SEC-36 writes only with the mark of its page, from its own origin', async () => {
    const { cookie, csrf } = await session(operator);
    const post = async (headers: Readonly<Record<string, string>>) => {
      const body = JSON.stringify({ manifests: [service('shop/new')], dryRun: true });
      const answer = await request('/api/v1/meshes/default/apply', {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie, ...headers },
        body,
      });
      return answer.status;
    };
    expect(await post({ 'x-heddle-csrf': csrf })).toBe(200);
    expect(await post({ 'x-heddle-csrf': csrf, origin: board.url, 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await post({})).toBe(403);
    expect(await post({ 'x-heddle-csrf': `${csrf}x` })).toBe(403);
    expect(await post({ 'x-heddle-csrf': (await session(viewer)).csrf })).toBe(403);
    expect(await post({ 'x-heddle-csrf': csrf, origin: 'https://evil.example' })).toBe(403);
    expect(await post({ 'x-heddle-csrf': csrf, origin: 'null' })).toBe(403);
    expect(await post({ 'x-heddle-csrf': csrf, 'sec-fetch-site': 'same-site' })).toBe(403);
  });

  it('SEC-36 tells nothing to a page of another port of the same host, which the cookie would go with', async () => {
    const { cookie } = await session(viewer);
    const get = async (site: string) =>
      (await request('/api/v1/meshes', { headers: { cookie, 'sec-fetch-site': site } })).status;
    expect([await get('same-origin'), await get('same-site'), await get('cross-site')]).toEqual([200, 403, 403]);
  });

  it.each([
    ['changed', (cookie: string) => `${cookie.slice(0, -2)}AA`],
    ['empty', () => 'heddle='],
    ['another text', () => 'heddle=eyJ0b2tlbiI6ImhkbF8ifQ'],
    ['there twice', (cookie: string) => `${cookie}; ${cookie}`],
  ])('counts for nothing when its cookie is %s', async (_, change) => {
    const { cookie } = await session(viewer);
    expect((await request('/api/v1/meshes', { headers: { cookie: change(cookie) } })).status).toBe(401);
  });

  it('ends with a logout, also for who has kept the cookie', async () => {
    const { cookie, csrf } = await session(viewer);
    const out = await request('/api/dashboard/logout', { method: 'POST', headers: { cookie, 'x-heddle-csrf': csrf } });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringMatching(/^heddle=; .*Max-Age=0$/)]);
    expect((await request('/api/v1/meshes', { headers: { cookie } })).status).toBe(401);
  });

  it('ends when its token is revoked', async () => {
    const token = await board.token('gone', 'viewer');
    const { cookie } = await session(token);
    const { body } = await board.call('GET', '/api/v1/tokens');
    const { id } = (body.items as { id: string; name: string }[]).find(({ name }) => name === 'gone') ?? { id: '' };
    await board.call('DELETE', `/api/v1/tokens/${id}`);
    expect((await request('/api/v1/meshes', { headers: { cookie } })).status).toBe(401);
  });

  it('SEC-45 guessing tokens is slowed down', async () => {
    const guess = async () =>
      (
        await request('/api/dashboard/login', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ token: 'hdl_0000000000000000_guess' }),
        })
      ).status;
    const own = await new Board().start(
      '--database-url',
      database.url,
      '--replica',
      'guessed',
      '--key-file',
      board.keyFile,
    );
    const { url } = board;
    board.url = own.url;
    try {
      const answers: number[] = [];
      for (let i = 0; i < 25; i += 1) answers.push(await guess());
      expect([answers[0], answers.at(-1)]).toEqual([401, 429]);
    } finally {
      board.url = url;
      await own.stop();
    }
  });

  it('is opened once by a link, which is good for one use', async () => {
    const { body } = await board.call('POST', '/api/dashboard/links', undefined, viewer);
    const follow = async () =>
      (
        await request('/api/dashboard/login', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ link: body.link }),
        })
      ).status;
    expect(body.link).not.toContain(viewer);
    expect([await follow(), await follow()]).toEqual([200, 401]);
  });
});

describe.skipIf(!mayRun())('in Chromium', () => {
  it('one logs in by a token, sees what one may see, and logs out; the token is in no storage and no address', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.go('/');
    await visitor.picture('login');
    await visitor.expectAccessible();
    await visitor.loginByPage(viewer);
    await visitor.heading('My services');
    await visitor.go('/m/default/services?q=pay');
    await visitor.heading('Services');
    await page.getByRole('link', { name: 'payments' }).waitFor();
    await visitor.expectAccessible();
    const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
    expect(kept).not.toContain('hdl_');
    expect(kept).not.toContain('heddle=');
    expect(visitor.requested.join(' ')).not.toContain(viewer);
    await page.getByRole('button', { name: /vera/ }).click();
    await visitor.click('menuitem', 'Log out');
    await page.getByLabel('API token').waitFor();
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('a wrong token is refused with what to do', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    await visitor.go('/');
    await visitor.page.getByLabel('API token').fill('hdl_0123456789abcdef_wrong');
    await visitor.click('button', 'Log in');
    await visitor.sees(/the token is unknown, expired or revoked: "heddle token create" makes another/);
    await visitor.leave();
  });

  it('a link logs in, and is gone from the address', async () => {
    const { body } = await board.call('POST', '/api/dashboard/links', undefined, operator);
    const visitor = await Visitor.arrive(browser, board.url);
    await visitor.go(`/login#link=${body.link}`);
    await visitor.heading('Operations');
    expect(visitor.page.url()).toBe(`${board.url}/m/default/home/operator`);
    expect(visitor.requested.join(' ')).not.toContain(body.link);
    visitor.expectQuiet();
    await visitor.leave();
  });
});
