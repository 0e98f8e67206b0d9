/** People log in by a real identity provider, in a real browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { selfSigned } from '../../self-signed.js';
import { Board, binding, fillShop } from '../board.js';
import { DESKTOP, launchChromium, PHONE, Visitor } from '../browser.js';
import { mayRun } from '../chromium.js';
import { anyPort } from './ports.js';
import { CLIENT, RealProvider } from './real-provider.js';

const CONTACT = 'the mesh team, #mesh in the chat';
let database: TestDatabase;
let browser: Browser;
let provider: RealProvider;
let dashboard = '';
let directory = '';
const board = new Board();

beforeAll(async () => {
  if (!mayRun()) return;
  database = await createTestDatabase({ empty: true });
  const port = await anyPort();
  // Another site than the provider, as everywhere but on one machine: that a cookie is Strict counts.
  dashboard = `http://localhost:${port}`;
  provider = await RealProvider.start({ dashboard });
  directory = mkdtempSync(join(tmpdir(), 'heddle-oidc-'));
  const secretFile = fileWith('secret', `${CLIENT.secret}\n`);
  await board.start(
    ...['--database-url', database.url, '--rest-port', String(port)],
    ...['--oidc-issuer', provider.issuer, '--oidc-client-id', CLIENT.id, '--oidc-client-secret-file', secretFile],
    ...['--oidc-public-url', dashboard, '--oidc-label', 'Example ID', '--oidc-contact', CONTACT],
    ...['--oidc-scopes', 'openid,email,groups', '--oidc-groups', '/teams/shop=shop,/platform/mesh=platform'],
  );
  await fillShop(board, { proxies: false });
  await board.apply(
    'Who may do what',
    binding('shop-team', 'editor', 'shop', { namespaces: ['shop'] }),
    binding('platform', 'operator', 'platform'),
  );
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await board.stop();
  await provider?.stop();
  await database?.drop();
  if (directory !== '') rmSync(directory, { recursive: true });
});

function fileWith(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Somebody whose browser knows nothing yet. */
async function someone(journey: (visitor: Visitor) => Promise<void>): Promise<void> {
  const visitor = await Visitor.arrive(browser, dashboard);
  await journey(visitor);
  await visitor.leave();
}

/** By the pages of the provider, from the button on. */
async function logIn({ page }: Pick<Visitor, 'page'>, login: string): Promise<void> {
  await page.getByRole('link', { name: 'Log in with Example ID' }).click();
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

describe.skipIf(!mayRun())('who logs in by the identity provider', () => {
  it('arrives where he wanted to go, sees what the role of his group permits, and logs out of both', () =>
    someone(async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/services?q=a');
      await page.getByRole('link', { name: 'Log in with Example ID' }).waitFor();
      await visitor.picture('login-provider');
      await visitor.expectAccessible();
      await logIn(visitor, 'olivia');
      await visitor.heading('Services');
      expect(page.url()).toBe(`${dashboard}/m/default/services?q=a`);
      await page.getByRole('link', { name: 'payments' }).waitFor();
      expect(await page.getByText('warehouse').count()).toBe(0);
      const asked = await page.evaluate(`Promise.all([
        '/api/v1/meshes/default/namespaces/shop/services/web',
        '/api/v1/meshes/default/namespaces/warehouse/services/stock',
        '/api/v1/meshes/default/audit',
      ].map((path) => fetch(path).then(({ status }) => status)))`);
      expect(asked).toEqual([200, 403, 403]);
      const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
      expect(kept).not.toMatch(/heddle=|eyJ|olivia/);
      await page.getByRole('button', { name: /olivia@example.com/ }).click();
      await visitor.picture('login-provider-user');
      await visitor.click('menuitem', 'Log out');
      await visitor.click('button', 'Yes, sign me out');
      await page.getByRole('link', { name: 'Log in with Example ID' }).waitFor();
      expect(page.url()).toBe(`${dashboard}/login`);
      await visitor.go('/m/default/services');
      await page.getByLabel('API token').waitFor();
    }));

  it('is known by name and group in what he writes', () =>
    someone(async (visitor) => {
      await visitor.go('/');
      await logIn(visitor, 'otto');
      await visitor.heading('Operations');
      const status =
        await visitor.page.evaluate(`fetch('/api/dashboard/session').then((one) => one.json()).then(({ csrf }) =>
        fetch('/api/v1/meshes/default/namespaces/shop/services/web', {
          method: 'DELETE', headers: { 'X-Heddle-Csrf': csrf },
        })).then(({ status }) => status)`);
      expect(status).toBe(200);
      const { body } = await board.call('GET', '/api/v1/meshes/default/audit');
      const authors = (body.items as { payload: { actor: { name: string; role: string } } }[]).map(
        (one) => one.payload.actor,
      );
      expect(authors).toContainEqual(expect.objectContaining({ name: 'otto@example.com', role: 'user' }));
    }));

  it('and has no right is told so, and whom to ask; a binding to his name counts at once', () =>
    someone(async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/services');
      await logIn(visitor, 'nora');
      await visitor.heading('You have no rights here yet');
      await visitor.sees('nora@example.com');
      await visitor.sees(CONTACT);
      await visitor.picture('login-provider-no-rights');
      await visitor.expectAccessible();
      await board.apply('Nora looks around', {
        ...binding('nora', 'viewer', ''),
        spec: { role: 'viewer', subjects: [{ kind: 'User', name: 'nora@example.com' }] },
      });
      await visitor.click('button', 'Load again');
      await visitor.heading('Services');
      await page.getByRole('link', { name: 'payments' }).waitFor();
    }));

  it('is told in words of ours when the provider does not let him in', () =>
    someone(async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/services?q=pay');
      await visitor.click('link', 'Log in with Example ID');
      await visitor.click('link', /Cancel/);
      await page.getByRole('alert').getByText('The identity provider did not let you in.').waitFor();
      expect(new URL(page.url()).searchParams.get('to')).toBe('/m/default/services?q=pay');
      await visitor.picture('login-provider-refused');
      await visitor.expectAccessible();
      await logIn(visitor, 'otto');
      await visitor.heading('Services');
      expect(page.url()).toBe(`${dashboard}/m/default/services?q=pay`);
    }));
});

describe.skipIf(!mayRun())('the page for logins', () => {
  it.each([
    ['day', { size: DESKTOP, scheme: 'light' }],
    ['night', { size: PHONE, scheme: 'dark' }],
  ] as const)('says why somebody was refused, in words of ours only, by %s', async (when, look) => {
    const visitor = await Visitor.arrive(browser, dashboard, look);
    await visitor.go('/login?refused=name&to=/m/default/');
    await visitor.page.getByRole('alert').getByText('does not say who you are').waitFor();
    await visitor.page.getByRole('link', { name: 'Log in with Example ID' }).waitFor();
    await visitor.picture(`login-provider-refused-${when}`);
    await visitor.expectAccessible();
    await visitor.go('/login?refused=Your%20token%20is%20hdl_1');
    await visitor.page.getByRole('link', { name: 'Log in with Example ID' }).waitFor();
    expect(await visitor.page.getByRole('alert').count()).toBe(0);
    visitor.expectQuiet();
    await visitor.leave();
  });
});

describe.skipIf(!mayRun())('a provider that is not there', () => {
  it('keeps nobody from starting, nor tokens from working; the button says why, and works once it is there', async () => {
    const [port, providerPort] = [await anyPort(), await anyPort()];
    const url = `http://localhost:${port}`;
    const away = new Board();
    await away.start(
      ...[
        '--database-url',
        database.url,
        '--replica',
        'away',
        '--key-file',
        board.keyFile,
        '--rest-port',
        String(port),
      ],
      ...['--oidc-issuer', `http://127.0.0.1:${providerPort}`, '--oidc-client-id', CLIENT.id],
      ...['--oidc-public-url', url, '--oidc-label', 'Example ID'],
    );
    const visitor = await Visitor.arrive(browser, url);
    let late: RealProvider | undefined;
    try {
      await visitor.go('/');
      const button = visitor.page.getByRole('button', { name: 'Log in with Example ID' });
      await button.waitFor();
      expect(await button.isDisabled()).toBe(true);
      await visitor.sees('This does not work at the moment: it cannot be reached (ECONNREFUSED)');
      await visitor.picture('login-provider-away');
      await visitor.expectAccessible();
      late = await RealProvider.start({ port: providerPort, dashboard: url });
      await visitor.page.getByRole('link', { name: 'Log in with Example ID' }).waitFor();
      await visitor.page.getByLabel('API token').fill(await board.token('vera', 'viewer'));
      await visitor.page.getByRole('button', { name: 'Log in', exact: true }).click();
      await visitor.heading('My services');
    } finally {
      await visitor.leave();
      await away.stop();
      await late?.stop();
    }
  });
});

describe.skipIf(!mayRun())('by TLS', () => {
  it('SEC-36 cookies have the name that nobody else can set, and the provider is trusted by the file that says so', async () => {
    const port = await anyPort();
    const url = `https://localhost:${port}`;
    const names = [{ type: 'dns', value: 'localhost' } as const, { type: 'ip', value: '127.0.0.1' } as const];
    const tls = await selfSigned(names);
    const [certFile, keyFile] = [fileWith('tls.crt', tls.certificate), fileWith('tls.key', tls.key)];
    const secure = await RealProvider.start({ dashboard: url, tls });
    const replica = new Board();
    await replica.start(
      ...['--database-url', database.url, '--replica', 'tls', '--key-file', board.keyFile, '--rest-port', String(port)],
      ...['--rest-tls-cert-file', certFile, '--rest-tls-key-file', keyFile, '--oidc-ca-file', certFile],
      ...['--oidc-issuer', secure.issuer, '--oidc-client-id', CLIENT.id, '--oidc-public-url', url],
      ...['--oidc-client-secret-file', fileWith('secret', CLIENT.secret), '--oidc-label', 'Example ID'],
      ...['--oidc-scopes', 'openid,email,groups', '--oidc-groups', '/teams/shop=shop'],
    );
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      const page = await context.newPage();
      await page.goto(`${url}/m/default/services`);
      await logIn({ page }, 'olivia');
      await page.getByRole('link', { name: 'payments' }).waitFor();
      const cookies = (await context.cookies(url)).filter(({ name }) => /heddle/.test(name));
      expect(cookies).toEqual([
        expect.objectContaining({
          ...{ name: '__Host-heddle', domain: 'localhost', path: '/', expires: -1 },
          ...{ httpOnly: true, secure: true, sameSite: 'Strict' },
        }),
      ]);
    } finally {
      await context.close();
      await replica.stop();
      await secure.stop();
    }
  });
});
