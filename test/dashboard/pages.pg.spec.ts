/** Every page in a real browser: by day, by night and on a phone; hostile contents; sessions that end; many services. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, fillShop, service, split } from './board.js';
import { launchChromium, PHONE, Visitor } from './browser.js';
import { mayRun } from './chromium.js';

const HOSTILE = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';

let database: TestDatabase;
let browser: Browser;
const board = new Board();
let admin = '';
let viewer = '';

beforeAll(async () => {
  if (!mayRun()) return;
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url);
  await fillShop(board);
  [admin, viewer] = await Promise.all([board.token('alma', 'admin'), board.token('vera', 'viewer')]);
  board
    .client('web-2')
    .judgeWith(({ type, resources }) =>
      type === TYPE.cluster && resources.some(({ name }) => name.startsWith('shop/reviews')) ? HOSTILE : undefined,
    );
  const reviews = service('shop/reviews', { dependencies: ['catalog', 'nobody/nothing'] });
  await board.apply(HOSTILE, {
    ...reviews,
    metadata: { ...reviews.metadata, annotations: { 'heddle.dev/note': HOSTILE } },
  });
  const trial = { canary: [20], observeSeconds: 3_600 };
  await board.call('POST', '/api/v1/meshes/default/apply', { manifests: [split(40)], message: 'On trial', trial });
  board.client('catalog-2').disconnect();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await board.stop();
  await database?.drop();
});

/** Address below the mesh, and what shows that it is all there. */
const PAGES: readonly (readonly [string, string | RegExp])[] = [
  ['home/operator', 'shop/web-2'],
  ['home/security', 'Guard catalog'],
  ['home/release', 'On trial'],
  ['home/auditor', 'Is the chain whole?'],
  ['home/owner', 'Changes that touched them'],
  ['map', 'reviews'],
  ['services', 'payments'],
  ['services/shop/payments', 'AuthorizationPolicy shop/payments'],
  ['proxies', 'web-2'],
  ['proxies/shop/web-2?type=CDS&resource=shop%2Fpayments%2F8080', 'policies of callers of shop/payments/8080'],
  ['changes', 'The shop opens'],
  ['changes/c-7', 'As it is now:'],
  ['compare/2/5', 'AuthorizationPolicy shop/payments'],
  ['certificates', 'spiffe://default.heddle.local/shop/web'],
  ['resources', 'TimeoutPolicy'],
  ['resources/Service', 'payments'],
  ['resources/TimeoutPolicy/shop/payments', /^Without it/],
  ['resources/HTTPRoute/shop/orders/edit', 'Add to backendRefs'],
];

const nameOf = (path: string): string => path.split('?')[0]?.replaceAll('/', '-') ?? '';

describe.skipIf(!mayRun())('every page', () => {
  it('can be read and used by everybody, by day and by night', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    await visitor.login(admin);
    for (const [path, shows] of PAGES) {
      await visitor.go(`/m/default/${path}`);
      await visitor.heading(/./);
      await visitor.sees(shows);
      await visitor.isFineInBothSchemes(nameOf(path));
    }
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('fits a phone, within the reach of a thumb', async () => {
    const visitor = await Visitor.arrive(browser, board.url, { size: PHONE });
    const { page } = visitor;
    await visitor.login(admin);
    for (const [path] of PAGES) {
      await visitor.go(`/m/default/${path}`);
      await visitor.heading(/./);
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect([path, wide]).toEqual([path, 0]);
      await visitor.picture(`phone-${nameOf(path)}`);
      await visitor.expectAccessible();
    }
    await page.getByRole('navigation', { name: 'Main pages' }).getByRole('link', { name: 'Services' }).click();
    await visitor.heading('Services');
    await visitor.click('button', 'Menu');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Security' }).click();
    await visitor.heading('Security');
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('can be gone to by keys alone', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.loginByPage(admin);
    await visitor.heading('Operations');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.type('shop/pay');
    await page.getByRole('option', { name: /^shop\/payments *service/ }).waitFor();
    await page.keyboard.press('Enter');
    await visitor.heading('payments');
    visitor.expectQuiet();
    await visitor.leave();
  });
});

describe.skipIf(!mayRun())('a mesh without anything in it', () => {
  it('teaches what would be there, and what to type', async () => {
    const { body } = await board.call('PUT', '/api/v1/meshes/empty', {
      ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'empty' }, spec: {} },
    });
    expect(body.kind).toBe('Mesh');
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(admin);
    for (const [path, shows, command] of [
      ['home/operator', 'No proxy has joined yet', 'heddle proxy bootstrap'],
      ['home/owner', 'No service of yours yet', 'heddle apply -f'],
      ['home/release', 'Nothing is on trial', '--canary'],
      ['services', 'No service yet', 'heddle apply -f'],
      ['map', 'Nothing to draw yet', 'heddle apply -f'],
      ['failures', 'Nothing failed in this time', 'heddle failures'],
      ['patterns', 'No pattern in this time', 'heddle patterns'],
      ['alerts', 'Nothing is the matter', 'heddle alerts rules'],
      ['alerts?show=objectives', 'No objective yet', 'heddle apply -f'],
      ['timeline?without=rotation,change', 'Nothing happened in this time', 'heddle history'],
      ['proxies', 'No proxy has joined yet', 'heddle proxy run'],
      ['certificates', 'No proxy has an identity yet', 'heddle token create'],
      ['resources/HTTPRoute', 'No HTTPRoute yet', 'heddle apply -f'],
    ] as const) {
      await visitor.go(`/m/empty/${path}`);
      await visitor.sees(shows);
      await page
        .getByRole('button', { name: new RegExp(`^Copy: .*${command}`) })
        .first()
        .waitFor();
      await visitor.picture(`empty-${nameOf(path)}`);
      await visitor.expectAccessible();
    }
    visitor.expectQuiet();
    await visitor.leave();
  });
});

describe.skipIf(!mayRun())('what comes from elsewhere', () => {
  it('SEC-12 SEC-47 is text, whatever is in it: messages, annotations, the words of an Envoy', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(admin);
    for (const path of [
      'home/operator',
      'home/owner',
      'home/auditor',
      'changes',
      'changes/c-7',
      'proxies/shop/web-2',
      'services/shop/reviews',
    ]) {
      await visitor.go(`/m/default/${path}`);
      await visitor.heading(/./);
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      await visitor.sees(path === 'services/shop/reviews' ? 'reviews' : /onerror=/);
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.title()).not.toBe('broken');
    }
    visitor.expectQuiet();
    await visitor.leave();
  });
});

describe.skipIf(!mayRun())('a session', () => {
  it('that ends while a page is open leads to the login, and back', async () => {
    const token = await board.token('leaver', 'viewer');
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(token);
    await visitor.go('/m/default/services/shop/payments');
    await visitor.heading('payments');
    const { body } = await board.call('GET', '/api/v1/tokens');
    const { id } = (body.items as { id: string; name: string }[]).find(({ name }) => name === 'leaver') ?? { id: '' };
    await board.call('DELETE', `/api/v1/tokens/${id}`);
    await page.getByLabel('API token').waitFor();
    await page.getByLabel('API token').fill(viewer);
    await visitor.click('button', 'Log in');
    await visitor.heading('payments');
    await visitor.leave();
  });

  it('SEC-34 of a viewer offers nothing that writes, and what is written past the page is refused', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(viewer);
    await visitor.go('/');
    await visitor.heading('My services');
    await expect
      .poll(() => page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts())
      .toEqual([
        ...['My services', 'Map', 'Services', 'Alerts', 'Patterns', 'Failures', 'Timeline'],
        ...['Proxies', 'Changes', 'Resources', 'Certificates'],
      ]);
    for (const path of ['changes/c-7', 'services/shop/payments', 'resources/TimeoutPolicy/shop/payments']) {
      await visitor.go(`/m/default/${path}`);
      await visitor.heading(/./);
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      expect(await page.getByText(/^(Edit|Delete|Roll back|Give it to everybody|Take it back)$/).count()).toBe(0);
    }
    visitor.expectQuiet();
    const status = await page.evaluate(`fetch('/api/dashboard/session').then((a) => a.json()).then(({ csrf }) =>
      fetch('/api/v1/meshes/default/apply', { method: 'POST', body: '{"deletes":[{"kind":"Service","namespace":"shop","name":"web"}]}',
        headers: { 'content-type': 'application/json', 'x-heddle-csrf': csrf } })).then((a) => a.status)`);
    expect(status).toBe(403);
    await visitor.leave();
  });
});

describe.skipIf(!mayRun())('a thousand services', () => {
  it('are a list of which only what is in sight is drawn, and a map of namespaces', async () => {
    for (let i = 0; i < 10; i += 1) {
      const names = Array.from({ length: 100 }, (_, k) => `team-${i}/svc-${String(k).padStart(3, '0')}`);
      await board.apply(
        `Team ${i}`,
        ...names.map((name, k) => service(name, k > 0 ? { dependencies: [names[k - 1]?.split('/')[1]] } : {})),
      );
    }
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(admin);
    await visitor.go('/m/default/services');
    await visitor.sees('1007 services');
    const rows = page.getByRole('table', { name: 'Services' }).getByRole('row');
    expect(await rows.count()).toBeLessThan(80);
    await page.keyboard.press('End');
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    await page.getByRole('link', { name: 'stock' }).waitFor();
    expect(await rows.count()).toBeLessThan(80);
    await page.getByLabel('Filter services by name').fill('team-7/svc-042');
    await page.getByRole('link', { name: 'svc-042' }).click();
    await visitor.heading('svc-042');
    await visitor.go('/m/default/map');
    await visitor.sees('team-7');
    await visitor.picture('many-map');
    await page.getByRole('link', { name: /team-7/ }).click();
    await visitor.sees(/89 of 100 drawn, the list has all/);
    await page.getByRole('link', { name: /svc-0/ }).first().waitFor();
    visitor.expectQuiet();
    await visitor.leave();
  });
});
