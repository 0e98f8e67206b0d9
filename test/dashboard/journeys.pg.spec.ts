/** Two journeys of each persona, from login to what they came for, in a real browser against a real control plane. */
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, binding, fillShop, service, split } from './board.js';
import { launchChromium, Visitor } from './browser.js';
import { mayRun } from './chromium.js';

const WORDS = 'Cluster shop/reviews/8080: unknown lb policy <script>alert(1)</script>';

const GUARD = `apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: catalog, namespace: shop }
spec:
  targetRef: { kind: Service, name: catalog }
  action: ALLOW
  rules:
    - from: [{ workloads: [shop/web] }]
`;

let database: TestDatabase;
let browser: Browser;
const board = new Board();
const tokens: Record<string, string> = {};

beforeAll(async () => {
  if (!mayRun()) return;
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url);
  await fillShop(board);
  await board.apply('The team of the shop', binding('shop-team', 'editor', 'shop', { namespaces: ['shop'] }));
  tokens['owner'] = await board.token('olivia', 'none', { groups: ['shop'] });
  for (const [name, role] of [
    ['otto', 'operator'],
    ['sefa', 'security'],
    ['rita', 'editor'],
    ['ada', 'auditor'],
    ['vera', 'viewer'],
  ])
    tokens[role ?? ''] = await board.token(name ?? '', role ?? '');
  board
    .client('web-2')
    .judgeWith(({ type, resources }) =>
      type === TYPE.cluster && resources.some(({ name }) => name.startsWith('shop/reviews')) ? WORDS : undefined,
    );
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await board.stop();
  await database?.drop();
});

const as = (who: string, journey: (visitor: Visitor) => Promise<void>): Promise<void> =>
  Visitor.goThrough({ browser, url: board.url, token: tokens[who] ?? '' }, journey);

const delivered = async (change: string): Promise<string> =>
  (await board.call('GET', `/api/v1/meshes/default/changes/${change}`)).body.delivery?.state;

describe.skipIf(!mayRun())('a service owner', () => {
  it('sees the services of his own, who calls them and what touched them, and nothing of other teams', () =>
    as('owner', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('My services');
      await visitor.sees('that you may change');
      const mine = page.getByRole('table', { name: 'My services' });
      await expect.poll(() => mine.getByRole('row').count()).toBe(5);
      expect(await mine.getByRole('row', { name: /payments/ }).innerText()).toContain('shop/orders');
      expect(await page.getByText('warehouse').count()).toBe(0);
      await visitor.picture('owner-1-home');
      await visitor.click('link', /Only orders may take money/);
      await visitor.heading('Only orders may take money');
      await visitor.sees('AuthorizationPolicy shop/payments');
      await visitor.go('/m/default/services/warehouse/stock');
      await visitor.sees('Forbidden');
      visitor.complaints.splice(0); // the 403 that was asked for
    }));

  it('makes a policy by the form: an error stands at its field, the plan comes before the change, the change arrives', () =>
    as('owner', async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/resources/TimeoutPolicy/new?namespace=shop&target=orders');
      await visitor.heading('New TimeoutPolicy');
      await page.getByLabel('request', { exact: true }).fill('soon');
      await visitor.click('button', 'Plan');
      await visitor.sees(/must be a duration|a duration/i);
      await visitor.picture('owner-2-field-error');
      visitor.complaints.splice(0); // the 400 that was asked for
      await page.getByLabel('request', { exact: true }).fill('2s');
      await page.getByLabel('Why').fill('Orders answer fast, or not at all');
      await visitor.click('button', 'Plan');
      await visitor.heading('Plan');
      await visitor.sees('What it would do');
      await visitor.picture('owner-2-plan');
      await visitor.click('button', 'Apply this plan');
      await visitor.heading('Orders answer fast, or not at all');
      await visitor.sees(/^\d+ of \d+ have it/);
      const { body } = await board.call('GET', '/api/v1/meshes/default/namespaces/shop/timeoutpolicies/orders');
      expect(body.spec).toEqual({ targetRef: { kind: 'Service', name: 'orders' }, request: '2s' });
    }));
});

describe.skipIf(!mayRun())('an operator', () => {
  it('finds who refuses a change, in the words of Envoy, and rolls it back once he has seen the plan', async () => {
    const change = await board.apply('Reviews open', service('shop/reviews', { dependencies: ['catalog'] }));
    await expect.poll(() => delivered(change)).toBe('Refused');
    await as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('Operations');
      await visitor.sees('shop/web-2');
      await visitor.sees(WORDS);
      await visitor.picture('operator-1-home');
      await page.getByRole('link', { name: change, exact: true }).first().click();
      await visitor.heading('Reviews open');
      await visitor.sees(WORDS);
      await visitor.picture('operator-1-change');
      await visitor.click('button', 'Roll back');
      await visitor.click('button', 'Show the plan');
      await visitor.heading(`Roll back ${change}`);
      await visitor.sees('Service shop/reviews');
      await page.getByRole('tab', { name: /What Envoys get/ }).click();
      await visitor.sees('shop/reviews/8080');
      await visitor.picture('operator-1-plan');
      await visitor.click('button', 'Apply this plan');
      await visitor.heading(`rollback of ${change}`);
    });
    const { body } = await board.call('GET', '/api/v1/meshes/default/namespaces/shop/services/reviews');
    expect(body.type).toBe('urn:heddle:problem:not-found');
  });

  it('asks why a proxy has a cluster, and is told down to the author', () =>
    as('operator', async (visitor) => {
      const { page } = visitor;
      await visitor.click('link', 'Proxies');
      await visitor.heading('Proxies');
      await page.getByLabel('Filter proxies').fill('web-1');
      await page.getByRole('link', { name: 'web-1' }).click();
      await visitor.heading('web-1');
      await page.getByRole('navigation', { name: 'Envoy resources' }).getByText('shop/payments/8080').first().click();
      const tree = page.getByRole('region', { name: 'What it was made from' });
      await tree.getByText('TimeoutPolicy shop/payments').waitFor();
      await visitor.picture('operator-2-explain');
      expect(page.url()).toContain('type=CDS&resource=shop%2Fpayments%2F8080');
      await tree.getByRole('link', { name: 'c-3' }).click();
      await visitor.heading('Nobody waits for payments for ever');
    }));
});

describe.skipIf(!mayRun())('a security engineer', () => {
  it('guards a service that everybody may call, in YAML, and it is no longer on the list', () =>
    as('security', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('Security');
      await visitor.picture('security-1-home');
      await visitor.click('link', 'Guard catalog');
      await visitor.heading('New AuthorizationPolicy');
      await page.getByText('YAML', { exact: true }).click();
      const editor = page.getByRole('textbox', { name: 'Manifest as YAML' });
      await editor.click();
      await page.keyboard.press('Control+a');
      await visitor.paste(GUARD);
      await page.getByLabel('Why').fill('Only the shop window asks for the catalog');
      await visitor.picture('security-1-yaml');
      await visitor.click('button', 'Plan');
      await visitor.heading('Plan');
      await visitor.click('button', 'Apply this plan');
      await visitor.heading('Only the shop window asks for the catalog');
      await visitor.go('/m/default/services/shop/catalog');
      await visitor.sees('ALLOW shop/web');
      await visitor.click('link', 'Security');
      await visitor.heading('Security');
      await visitor.sees('Guard orders');
      expect(await page.getByText('Guard catalog').count()).toBe(0);
    }));

  it('sees every identity with its end, and who was refused', async () => {
    const refused = await board.call(
      'POST',
      '/api/v1/meshes/default/apply',
      { manifests: [service('shop/evil')], message: 'let me in' },
      tokens['viewer'],
    );
    expect(refused.status).toBe(403);
    await as('security', async (visitor) => {
      const { page } = visitor;
      await page.getByRole('list', { name: 'Refusals' }).getByText('vera').waitFor();
      await visitor.click('link', 'Certificates');
      await visitor.heading('Certificates');
      await visitor.sees('spiffe://default.heddle.local/shop/payments');
      await page.getByLabel('Filter identities').fill('orders-blue');
      await expect.poll(() => page.getByRole('table', { name: 'Identities' }).getByRole('row').count()).toBe(3);
      await visitor.picture('security-2-certificates');
    });
  });
});

describe.skipIf(!mayRun())('a release manager', () => {
  it('gives a split to some proxies first, sees who has it, and then to everybody', () =>
    as('editor', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('Releases');
      await visitor.sees('split by HTTPRoute shop/orders');
      await visitor.go('/m/default/resources/HTTPRoute/shop/orders/edit');
      await visitor.heading('Edit orders');
      const weights = page.getByLabel('weight');
      await weights.nth(0).fill('50');
      await weights.nth(1).fill('50');
      await page.getByLabel('Why').fill('Half of the orders to green');
      await visitor.click('button', 'Plan');
      await visitor.heading('Plan');
      await page.getByRole('combobox', { name: 'How' }).click();
      await page.getByRole('option', { name: 'Some proxies first, then more' }).click();
      await page.getByLabel('Waves, in percent of the proxies').fill('30');
      await visitor.picture('release-1-plan');
      await visitor.click('button', 'Apply this plan');
      await visitor.heading('Half of the orders to green');
      await visitor.sees('some proxies have it');
      await visitor.picture('release-1-trial');
      await visitor.click('button', 'Give it to everybody');
      await page.getByRole('dialog').getByRole('button', { name: 'Give it to everybody' }).click();
      await visitor.sees(/everybody has it/);
      await visitor.go('/m/default/home/release');
      await expect.poll(() => page.getByText('50 %').count()).toBe(2);
      await visitor.picture('release-1-side-by-side');
    }));

  it('takes a trial back from those who have it', async () => {
    const trial = { canary: [30], observeSeconds: 3_600 };
    const started = await board.call('POST', '/api/v1/meshes/default/apply', {
      ...{ manifests: [split(90)], message: 'Nearly all to green', trial },
    });
    expect(started.status).toBe(200);
    await as('editor', async (visitor) => {
      const { page } = visitor;
      await visitor.sees('Nearly all to green');
      await visitor.click('button', 'Take it back');
      await page.getByRole('dialog').getByRole('button', { name: 'Take it back' }).click();
      await page.getByRole('list', { name: 'Trials that are over' }).getByText('reverted').waitFor();
      await visitor.picture('release-2-taken-back');
    });
  });
});

describe.skipIf(!mayRun())('an auditor', () => {
  it('verifies the chain, and takes it home', () =>
    as('auditor', async (visitor) => {
      const { page } = visitor;
      await visitor.heading('Audit');
      await visitor.click('button', 'Verify');
      await visitor.sees(/\d+ entries verified, from 1 to \d+/);
      await visitor.picture('auditor-1-verified');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export the chain' }).click(),
      ]);
      const lines = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\n');
      expect(lines.length).toBeGreaterThan(10);
      expect(lines.every((line) => line.startsWith('{'))).toBe(true);
    }));

  it('compares how things were after two changes, and is offered nothing that writes', () =>
    as('auditor', async (visitor) => {
      const { page } = visitor;
      await visitor.click('link', 'Changes');
      await page.getByLabel('Tick c-2 to compare it').check({ force: true });
      await page.getByLabel('Tick c-4 to compare it').check({ force: true });
      await visitor.click('button', 'Compare');
      await visitor.heading('From c-2 to c-4');
      await visitor.sees('TimeoutPolicy shop/payments');
      await visitor.sees('HTTPRoute shop/orders');
      await visitor.picture('auditor-2-compare');
      for (const path of [
        'changes/c-4',
        'resources/Service',
        'resources/HTTPRoute/shop/orders',
        'services/shop/orders',
      ]) {
        await visitor.go(`/m/default/${path}`);
        await visitor.heading(/./);
        await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
        expect(await page.getByText(/^(Edit|Delete|Roll back|Plan|New .*)$/).count()).toBe(0);
      }
    }));
});

describe.skipIf(!mayRun())('two who write the same', () => {
  it('the second one is told who wrote what meanwhile, and may take it over', async () => {
    await as('editor', async (visitor) => {
      const { page } = visitor;
      await visitor.go('/m/default/resources/RetryPolicy/shop/catalog/edit');
      await visitor.heading('Edit catalog');
      await page.getByLabel('attempts').fill('5');
      const change = await board.apply('Three are enough', {
        ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'RetryPolicy', metadata: { namespace: 'shop', name: 'catalog' } },
        spec: { targetRef: { kind: 'Service', name: 'catalog' }, attempts: 3 },
      });
      await visitor.click('button', 'Plan');
      await visitor.sees('Written by somebody else meanwhile');
      await visitor.sees(/root wrote it in/);
      await visitor.sees(change);
      await visitor.picture('conflict');
      await visitor.click('button', /Take theirs/);
      expect(await page.getByLabel('attempts').inputValue()).toBe('3');
    });
  });
});
