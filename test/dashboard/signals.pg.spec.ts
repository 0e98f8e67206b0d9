/** What a mesh tells of its traffic, in a real browser: a journey a page, hostile contents, readers with few rights. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, binding, fillShop, policy } from './board.js';
import { launchChromium, PHONE, Visitor } from './browser.js';
import { mayRun } from './chromium.js';
import { fingerprintOf, QUIET, Traffic } from './traffic.js';

const MESH = '/api/v1/meshes/default';
const FIRING = fingerprintOf('payments-failing');

let database: TestDatabase;
let browser: Browser;
let traffic: Traffic;
const board = new Board();
const tokens: Record<string, string> = {};
/** The change that is suspected. */
let suspected = '';

beforeAll(async () => {
  if (!mayRun()) return;
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url, ...QUIET);
  await fillShop(board);
  suspected = await board.apply(
    'Payments get two seconds',
    policy('TimeoutPolicy', 'shop/payments', 'payments', { request: '2s' }),
  );
  await board.apply('The team of the shop', binding('shop-team', 'editor', 'shop', { namespaces: ['shop'] }));
  await board.apply('Orders are to be answered', {
    ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'ServiceLevelObjective' },
    metadata: { namespace: 'shop', name: 'orders-available' },
    spec: { targetRef: { kind: 'Service', name: 'orders' }, objective: 99.9, availability: {} },
  });
  tokens['owner'] = await board.token('olivia', 'none', { groups: ['shop'] });
  for (const role of ['operator', 'viewer', 'admin']) tokens[role] = await board.token(`${role}-1`, role);
  traffic = await Traffic.of(database.url);
  await traffic.write();
  await traffic.name(suspected);
  await traffic.alarm();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await traffic?.close();
  await board.stop();
  await database?.drop();
});

const as = (who: string, journey: (visitor: Visitor) => Promise<void>): Promise<void> =>
  Visitor.goThrough({ browser, url: board.url, token: tokens[who] ?? '' }, journey);

const names = (visitor: Visitor, table: string): Promise<string[]> =>
  visitor.page.getByRole('table', { name: table }).getByRole('row').allInnerTexts();

describe.skipIf(!mayRun())('how a service fares', () => {
  it('is drawn over time, with what happened, in numbers for who reads, and by route, caller and instance', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/services/shop/payments?range=1h');
      await visitor.heading('payments');
      const charts = page.getByRole('region', { name: 'Traffic' });
      await charts.getByRole('img', { name: /^Requests a second\. newest \d/ }).waitFor();
      await charts.getByRole('img', { name: /^Latency\. p50: newest .* p99: newest/ }).waitFor();
      expect(await charts.locator('canvas').count()).toBe(3);
      await visitor.sees(/incomplete: counts are lower bounds/);
      await charts
        .getByRole('link', { name: /Payments get two seconds|at about the same time/ })
        .first()
        .waitFor();
      await charts.getByText('The same as a table').click();
      const rows = charts.getByRole('region', { name: 'Numbers of the charts' }).getByRole('row');
      await expect.poll(() => rows.count()).toBeGreaterThan(60);
      // What was dropped is said to be missing: it is not drawn as if there had been nothing. Minutes that were summed up
      // while they were still being written, as never happens to what is written in time, are so again.
      const incomplete = async () => (await rows.allInnerTexts()).filter((text) => text.endsWith('no')).length;
      await expect.poll(incomplete, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
      await visitor.picture('signals-service');
      await page.getByRole('tab', { name: /Callers/ }).click();
      await expect.poll(() => names(visitor, 'By caller')).toHaveLength(3);
      expect(page.url()).toContain('by=callers');
      await page.getByRole('table', { name: 'By caller' }).getByRole('link', { name: 'shop/orders-blue' }).click();
      await visitor.heading('shop/orders-blue to shop/payments');
      await page.getByRole('img', { name: /^Failing requests\. newest/ }).waitFor();
      await visitor.sees('verified identity, mutual TLS');
      // What fails comes first, whatever is asked more; each route leads to what failed by it.
      const [, ...routes] = await names(visitor, 'By route');
      expect(routes.map((text) => /payments\/(\w+)/.exec(text)?.[1])).toEqual(['charge', 'quote']);
      expect(routes[0]).toMatch(/[\d,]+ failed: no answer in time/);
      expect(routes[1]).toContain('nothing failed');
      await visitor.picture('signals-edge');
      await page.getByRole('link', { name: /failed: no answer in time/ }).click();
      await visitor.heading('Failures');
      expect(page.url()).toContain(
        'callee=shop/payments&caller=shop/orders-blue&route=HTTPRoute/shop/payments/charge&range=1h',
      );
      await page.getByRole('button', { name: /\/charge\/0\b/ }).waitFor();
      await page.goBack();
      await page.getByRole('list', { name: 'How requests failed' }).getByRole('link').click();
      await visitor.heading('Failures');
      expect(page.url()).toContain('callee=shop/payments&caller=shop/orders-blue&outcome=timeout&range=1h');
      await page.getByRole('button', { name: /\/charge\/0\b/ }).waitFor();
    }));

  it('says what there is to do where nothing is known', () =>
    as('operator', async (visitor) => {
      await visitor.go('/m/default/services/warehouse/labels');
      await visitor.heading('labels');
      await visitor.sees('No request in this time');
      await visitor.page.getByRole('button', { name: 'Copy: heddle top warehouse/labels' }).waitFor();
      await visitor.go('/m/default/services/shop/payments/callers/shop/catalog');
      await visitor.sees('No request in this time');
      const without = 'heddle top warehouse/stock --caller -';
      await visitor.go(
        '/m/default/services/warehouse/stock/callers/-/-?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z',
      );
      await visitor.page.getByRole('button', { name: `Copy: ${without}` }).waitFor();
      await visitor.go('/m/default/services/warehouse/stock/callers/-/-');
      await visitor.sees('No route of yours tells these requests apart');
      await visitor.click('link', 'Its failures');
      await visitor.sees('Nothing failed like that');
      expect(visitor.page.url()).toContain('callee=warehouse/stock&caller=-&range=1h');
    }));
});

describe.skipIf(!mayRun())('failures', () => {
  it('are found by what is known of them; the address holds the search', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/failures');
      await visitor.heading('Failures');
      await visitor.click('button', 'Show older ones');
      await expect.poll(() => page.getByRole('button', { name: 'Show older ones' }).count()).toBe(0);
      await page.getByLabel('Envoy flag').fill('UC');
      await page.getByLabel('Status').fill('503');
      await visitor.click('button', 'Find failures');
      await expect.poll(() => names(visitor, 'Failures')).toHaveLength(3);
      expect(page.url()).toContain('status=503&flag=UC');
      await page.reload();
      await expect.poll(() => names(visitor, 'Failures')).toHaveLength(3);
      await page.getByLabel('Service').fill('warehouse');
      await visitor.click('button', 'Find failures');
      await expect.poll(() => names(visitor, 'Failures')).toHaveLength(2);
      await visitor.picture('signals-failures');
      await page.getByRole('button', { name: '/stock' }).click();
      const drawer = page.getByRole('dialog');
      await drawer.getByText('warehouse/stock/stock-1').waitFor();
      await visitor.expectAccessible();
      await visitor.picture('signals-failure');
      await drawer.getByRole('link', { name: 'request-901' }).click();
      await expect.poll(() => page.getByLabel('Request id').inputValue()).toBe('request-901');
      await visitor.click('button', 'Clear');
      await expect.poll(() => page.getByLabel('Request id').count()).toBe(0);
    }));
});

describe.skipIf(!mayRun())('a pattern', () => {
  it('is named, shown by its evidence, and one click from the plan that takes back the suspected change', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('Operations');
      await page.getByRole('list', { name: 'Patterns' }).getByText('A timeout shorter than the work').click();
      await visitor.heading('A timeout shorter than the work');
      await visitor.sees('from shop/orders-blue: 25 %');
      await visitor.sees('latency p99:');
      await visitor.sees('17 % of the suspicion falls on nothing');
      await visitor.picture('signals-pattern');
      await visitor.click('button', `Plan to take it back: ${suspected}`);
      await visitor.heading(`Roll back ${suspected}`);
      await visitor.sees('TimeoutPolicy shop/payments');
      await visitor.go('/m/default/patterns?service=warehouse/stock');
      await visitor.sees('One instance fails');
      expect(await page.getByText('A timeout shorter than the work').count()).toBe(0);
    }));
});

describe.skipIf(!mayRun())('an alert', () => {
  it('is reached by the link of its notification, silenced with a reason, and told of again', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    // As `libs/alerts` writes it into notifications.
    await visitor.go(`/meshes/default/alerts/${FIRING}`);
    await page.getByLabel('API token').fill(tokens['admin'] ?? '');
    await visitor.click('button', 'Log in');
    await visitor.heading('payments-failing');
    expect(page.url()).toBe(`${board.url}/m/default/alerts/${FIRING}`);
    await visitor.sees('Look at the last change of payments.');
    await visitor.click('button', 'Silence');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('We take the change back');
    await visitor.picture('signals-silence');
    await visitor.expectAccessible();
    await dialog.getByRole('button', { name: 'Silence it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await visitor.sees('Nobody is told of it');
    const { body } = await board.call('GET', `${MESH}/silences`);
    expect(body.items).toMatchObject([
      { namespace: 'shop', matchers: ['alertname="payments-failing"', 'service="payments"'], author: 'admin-1' },
    ]);
    await visitor.picture('signals-alert');
    await visitor.click('link', 'Alerts');
    await visitor.heading('Alerts');
    await page.getByRole('tab', { name: /Silenced 1/ }).click();
    await page.getByRole('list', { name: 'Silenced alerts' }).getByText('payments-failing').waitFor();
    await visitor.picture('signals-silenced');
    await visitor.click('button', 'End it: We take the change back');
    await visitor.sees('No silence is in force');
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('list', { name: 'History of alerts' }).getByText('stock-away was over').waitFor();
    await visitor.picture('signals-alerts-history');
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('by an objective: what is left of its budget, and how fast it goes', () =>
    as('operator', async (visitor) => {
      await visitor.go('/m/default/alerts?show=objectives');
      const list = visitor.page.getByRole('list', { name: 'Objectives' });
      await list.getByRole('link', { name: 'ServiceLevelObjective shop/orders-available' }).waitFor();
      await list.getByRole('list', { name: 'Burn rates' }).getByRole('listitem').nth(2).waitFor();
      await visitor.picture('signals-objectives');
    }));
});

describe.skipIf(!mayRun())('the timeline', () => {
  it('has everything that happened over the traffic; kinds can be left out, and a mark leads to what it is', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.click('link', 'Timeline');
      await visitor.heading('Timeline');
      const table = page.getByRole('table', { name: 'What happened' });
      await table.getByText(/payments-failing/).waitFor();
      await page.getByRole('img', { name: /^Requests a second\. newest \d/ }).waitFor();
      await visitor.picture('signals-timeline');
      await page.getByRole('button', { name: /^Instances/ }).click();
      await page.getByRole('button', { name: /^Alerts/ }).click();
      await expect.poll(() => table.getByText(/takes traffic|payments-failing/).count()).toBe(0);
      expect(page.url()).toContain('without=instance%2Calert');
      await table.getByRole('link', { name: /Payments get two seconds/ }).click();
      await visitor.heading('Payments get two seconds');
    }));
});

describe.skipIf(!mayRun())('the map', () => {
  it('shows who calls whom, how that goes and whether it is mutual TLS, and the same as a list', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.click('link', 'Map');
      await visitor.heading('Map');
      await page.getByRole('link', { name: /payments shop 1 of 1 instances ready .* fail$/ }).waitFor();
      await page.getByText('No identity', { exact: true }).waitFor();
      await visitor.picture('signals-map');
      await visitor.expectAccessible();
      await page.getByText('List', { exact: true }).click();
      await page.getByRole('table', { name: 'Connections' }).getByText('plaintext').waitFor();
      expect((await names(visitor, 'Connections'))[1]).toContain('shop/orders-blue');
      await page.getByRole('table', { name: 'Connections' }).getByRole('link', { name: 'without an identity' }).click();
      await visitor.heading('without an identity to warehouse/stock');
      await page.getByRole('img', { name: /^Requests a second\. newest \d/ }).waitFor();
    }));
});

const PAGES: readonly (readonly [path: string, shows: string | RegExp])[] = [
  ['home/operator', 'A timeout shorter than the work'],
  ['home/owner', /POST \/charge/],
  ['services/shop/payments?range=1h', /incomplete: counts/],
  ['services/shop/payments/callers/shop/orders-blue', 'HTTPRoute/shop/payments/charge'],
  ['services/warehouse/stock/callers/-/-', 'No route of yours tells these requests apart'],
  ['failures', /\/charge\/1\b/],
  ['patterns', 'A timeout shorter than the work'],
  ['patterns/timeouts', /17 % of the suspicion/],
  ['alerts', 'payments-failing'],
  ['alerts?show=history', 'stock-away was over'],
  ['alerts?show=objectives', 'ServiceLevelObjective shop/orders-available'],
  [`alerts/${FIRING}`, 'Look at the last change of payments.'],
  ['timeline', /payments-failing/],
  ['map', 'No identity'],
  ['map?view=list', 'without an identity'],
];

describe.skipIf(!mayRun())('pages about traffic', () => {
  it('can be read and used by everybody, by day and by night, and are text whatever is in them (SEC-12)', () =>
    as('admin', async (visitor) => {
      const { page } = visitor;
      for (const [path, shows] of PAGES) {
        await visitor.go(`/m/default/${path}`);
        await visitor.heading(/./);
        await visitor.sees(shows);
        await visitor.isFineInBothSchemes(path.replaceAll(/[/?=]/g, '-'));
        expect(await page.locator('img[src="x"]').count()).toBe(0);
        expect(await page.title()).not.toBe('broken');
      }
    }));

  it('fit a phone', async () => {
    const visitor = await Visitor.arrive(browser, board.url, { size: PHONE });
    const { page } = visitor;
    await visitor.login(tokens['admin'] ?? '');
    for (const [path] of PAGES) {
      await visitor.go(`/m/default/${path}`);
      await visitor.heading(/./);
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect([path, wide]).toEqual([path, 0]);
      await visitor.picture(`phone-${path.replaceAll(/[/?=]/g, '-')}`);
      await visitor.expectAccessible();
    }
    await page.getByRole('navigation', { name: 'Main pages' }).getByRole('link', { name: 'Alerts' }).click();
    await visitor.heading('Alerts');
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('SEC-34 show a team its own, and of others that there are some', () =>
    as('owner', async (visitor) => {
      const { page } = visitor;
      for (const [path, shows] of [
        ['home/owner', 'A timeout shorter than the work'],
        ['failures', /\/charge\/1\b/],
        ['patterns', 'A timeout shorter than the work'],
        ['alerts', 'payments-failing'],
        ['timeline', /payments-failing/],
      ] as const) {
        await visitor.go(`/m/default/${path}`);
        await visitor.sees(shows);
        await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
        expect([path, await page.getByText(/warehouse|stock-away/).count()]).toEqual([path, 0]);
      }
      await visitor.go('/m/default/map?view=list');
      const table = page.getByRole('table', { name: 'Connections' });
      await table.getByText('shop/catalog to others that you may not see').waitFor();
      // What their own services declare to call they may know; how it fares they may not.
      const elsewhere = await table.getByRole('row').filter({ hasText: 'warehouse' }).allInnerTexts();
      expect(elsewhere.filter((text) => !text.includes('declared only'))).toEqual([]);
      await visitor.go('/m/default/patterns/past');
      await visitor.sees('There is no pattern by this address');
    }));

  it("SEC-34 say so where somebody may not see both ends of a caller's requests", async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    await visitor.login(tokens['owner'] ?? '');
    await visitor.go('/m/default/services/warehouse/stock/callers/shop/catalog');
    await visitor.sees(/Ask somebody who holds one of these roles/);
    await visitor.go('/m/default/services/shop/payments/callers/warehouse/stock');
    await visitor.sees('Nothing that you may see');
    await visitor.expectAccessible();
    await visitor.leave();
  });

  it('SEC-34 offer who may only read nothing that writes', () =>
    as('viewer', async (visitor) => {
      const { page } = visitor;
      await visitor.go(`/m/default/alerts/${FIRING}`);
      await visitor.sees('Look at the last change of payments.');
      expect(await page.getByRole('button', { name: 'Silence' }).count()).toBe(0);
      await visitor.go('/m/default/patterns/timeouts');
      await visitor.sees(/17 % of the suspicion/);
      expect(await page.getByRole('button', { name: /Plan to take it back/ }).count()).toBe(0);
    }));
});
