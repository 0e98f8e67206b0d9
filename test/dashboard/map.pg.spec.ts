/** The map of a thousand services with traffic: what is drawn is counted, not timed. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, service } from './board.js';
import { launchChromium, Visitor } from './browser.js';
import { mayRun } from './chromium.js';
import { QUIET, Traffic } from './traffic.js';

const TEAMS = 8;
const OF_TEAM = 100;
/** Services of the one big team: more than there is room for. */
const OF_BIG = 200;

/** Elements within the canvas: what a frame has to lay out and paint. */
const MOST_ELEMENTS = 4_000;
const MOST_NODES = 90;
/** Changes of elements while the map is moved by so many steps: it is moved as a whole. */
const STEPS = 30;
const MOST_CHANGES = STEPS * 12;

let database: TestDatabase;
let browser: Browser;
let traffic: Traffic;
let token = '';
const board = new Board();

const nameOf = (team: string, i: number): string => `${team}/svc-${String(i).padStart(3, '0')}`;

/** Five call each: a tree. */
const calleeOf = (i: number): number => Math.floor((i - 1) / 5);

async function fill(team: string, total: number): Promise<readonly (readonly [string, string])[]> {
  const numbers = Array.from({ length: total }, (_, i) => i);
  for (let from = 0; from < total; from += OF_TEAM)
    await board.apply(
      `${team} from ${from}`,
      ...numbers.slice(from, from + OF_TEAM).map((i) => {
        const [, callee] = nameOf(team, calleeOf(i)).split('/');
        return service(nameOf(team, i), { dependencies: i === 0 ? [] : [callee] });
      }),
    );
  return numbers.slice(1).map((i) => [nameOf(team, i), nameOf(team, calleeOf(i))]);
}

beforeAll(async () => {
  if (!mayRun()) return;
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url, ...QUIET);
  const calls: (readonly [string, string])[] = [['team-1/svc-000', 'big/svc-000']];
  for (let i = 0; i < TEAMS; i += 1) calls.push(...(await fill(`team-${i}`, OF_TEAM)));
  calls.push(...(await fill('big', OF_BIG)));
  token = await board.token('alma', 'admin');
  traffic = await Traffic.of(database.url);
  await traffic.calls(calls);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await traffic?.close();
  await board.stop();
  await database?.drop();
});

const count = (visitor: Visitor, selector: string): Promise<number> => visitor.page.locator(selector).count();

async function expectWithinBudget(visitor: Visitor): Promise<void> {
  await visitor.page.locator('.react-flow__node').first().waitFor();
  expect(await count(visitor, '.react-flow__node')).toBeLessThanOrEqual(MOST_NODES);
  expect(await count(visitor, '.react-flow *')).toBeLessThan(MOST_ELEMENTS);
}

/** Moves the map by its ground. @returns how many elements changed, came or went meanwhile */
async function moved(visitor: Visitor): Promise<number> {
  const { page } = visitor;
  await page.evaluate(`{
    window.changes = 0;
    window.watch = new MutationObserver((found) => { window.changes += found.length; });
    window.watch.observe(document.querySelector('.react-flow'), { subtree: true, childList: true, attributes: true });
  }`);
  const box = await page.locator('.react-flow__pane').boundingBox();
  if (box === null) throw new Error('the map has no place');
  await page.mouse.move(box.x + 8, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + 8 + STEPS, box.y + 8 + STEPS, { steps: STEPS });
  await page.mouse.up();
  return page.evaluate('(window.watch.disconnect(), window.changes)');
}

describe.skipIf(!mayRun())('a map of a thousand services', () => {
  it('is one of namespaces, then of one of them; what there is no room for is named, and in the list', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(token);
    await visitor.go('/m/default/map');
    await visitor.sees('1000 services: choose a namespace to see its own');
    await expectWithinBudget(visitor);
    await expect.poll(() => count(visitor, '.react-flow__node')).toBe(TEAMS + 1);
    await page.getByRole('link', { name: /^team-7 / }).click();
    await page
      .getByRole('link', { name: /^svc-0\d\d team-7/ })
      .first()
      .waitFor();
    await expectWithinBudget(visitor);
    await visitor.go('/m/default/map?namespace=big');
    await page.getByRole('link', { name: /^1\d\d more see the list/ }).waitFor();
    await expectWithinBudget(visitor);
    await expect.poll(() => count(visitor, '.react-flow__node:visible')).toBe(MOST_NODES);
    await visitor.picture('many-map-big');
    expect(await moved(visitor)).toBeLessThan(MOST_CHANGES);
    await page.getByText('List', { exact: true }).click();
    const rows = page.getByRole('table', { name: 'Connections' }).getByRole('row');
    await rows.nth(5).waitFor();
    expect(await rows.count()).toBeLessThan(80);
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    await expect.poll(async () => (await rows.allInnerTexts()).some((text) => text.includes('big/svc-000'))).toBe(true);
    visitor.expectQuiet();
    await visitor.leave();
  });

  it('stays where it is when numbers come that are new', async () => {
    const visitor = await Visitor.arrive(browser, board.url);
    const { page } = visitor;
    await visitor.login(token);
    await visitor.go('/m/default/map?namespace=team-1&range=1h');
    const node = page.getByRole('link', { name: /^svc-000 team-1/ });
    await node.waitFor();
    const placesOf = (): Promise<string> =>
      page.evaluate(
        `[...document.querySelectorAll('.react-flow__node')].map((one) => one.dataset.id + one.style.transform).sort().join()`,
      );
    const [before, places] = [await node.innerText(), await placesOf()];
    await traffic.calls([['team-1/svc-001', 'team-1/svc-000']], 40);
    await expect.poll(() => node.innerText()).not.toBe(before);
    expect(await placesOf()).toBe(places);
    visitor.expectQuiet();
    await visitor.leave();
  });
});
