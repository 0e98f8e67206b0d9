/** A real browser, and what no page of ours may do in it: break, complain, or load anything from elsewhere. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findChromium, NO_CHROMIUM } from './chromium.js';

const SHOTS = join(import.meta.dirname, '../../.heddle/screenshots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const DESKTOP = { width: 1380, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** @throws Error when there is no Chromium */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(NO_CHROMIUM);
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

export interface Look {
  readonly size?: { readonly width: number; readonly height: number };
  readonly scheme?: 'light' | 'dark';
}

/** Somebody in front of a browser. */
export class Visitor {
  /** What went wrong in the pages, in their order. */
  readonly complaints: string[] = [];
  readonly requested: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => this.requested.push(request.url()));
  }

  /** Somebody who logs in, goes on a journey from home, and leaves. Nothing may have been complained about by then. */
  static async goThrough(
    { browser, url, token }: { readonly browser: Browser; readonly url: string; readonly token: string },
    journey: (visitor: Visitor) => Promise<void>,
  ): Promise<void> {
    const visitor = await Visitor.arrive(browser, url);
    await visitor.login(token);
    await visitor.go('/');
    await journey(visitor);
    visitor.expectQuiet();
    await visitor.leave();
  }

  static async arrive(
    browser: Browser,
    url: string,
    { size = DESKTOP, scheme = 'light' }: Look = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: size,
      colorScheme: scheme,
      hasTouch: size.width < 600,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    context.setDefaultTimeout(40_000);
    return new Visitor(context, await context.newPage(), url);
  }

  go(path: string): Promise<unknown> {
    return this.page.goto(this.url + path);
  }

  /** A session without the page for it, and without a page. */
  async login(token: string): Promise<void> {
    const answer = await this.context.request.post(`${this.url}/api/dashboard/login`, { data: { token } });
    expect([answer.status(), await answer.text()]).toEqual([200, expect.any(String)]);
  }

  /** As people do; the home of the person comes up. */
  async loginByPage(token: string): Promise<void> {
    await this.go('/');
    await this.page.getByLabel('API token').fill(token);
    await this.page.getByRole('button', { name: 'Log in' }).click();
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' });
  }

  heading(name: string | RegExp): Promise<void> {
    return this.page.getByRole('heading', { level: 1, name }).waitFor();
  }

  sees(text: string | RegExp): Promise<void> {
    return this.page.getByText(text).first().waitFor();
  }

  click(role: 'button' | 'link' | 'tab' | 'menuitem' | 'radio', name: string | RegExp): Promise<void> {
    return this.page.getByRole(role, { name }).first().click();
  }

  /** Into what has the focus. */
  paste(text: string): Promise<unknown> {
    return this.page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', ${JSON.stringify(text)});
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }`);
  }

  /** Keeps a picture of the whole page, for people. */
  async picture(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }

  /**
   * By axe: what a person with a keyboard or a screen reader would stumble over.
   * @param rules some of axe's, instead of all
   */
  async expectAccessible(...rules: readonly string[]): Promise<void> {
    await this.page.evaluate(AXE);
    const options = { resultTypes: ['violations'], ...(rules.length > 0 ? { runOnly: rules } : {}) };
    const found = await this.page.evaluate(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map((one) => one.html + ' ' + one.failureSummary).join(' | ')))`);
    expect(found).toEqual([]);
  }

  /** As it is by day and by night, with a picture of each. Of the page's parts only the colours change. */
  async isFineInBothSchemes(name: string): Promise<void> {
    await this.picture(`light-${name}`);
    await this.expectAccessible();
    await this.#letItBe('dark');
    await this.picture(`dark-${name}`);
    await this.expectAccessible('color-contrast');
    await this.#letItBe('light');
  }

  /** The page follows the system while it is open. */
  async #letItBe(scheme: 'light' | 'dark'): Promise<void> {
    await this.page.emulateMedia({ colorScheme: scheme });
    await this.page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
  }

  /** Nothing was complained about, and everything came from this server. */
  expectQuiet(): void {
    expect(this.complaints).toEqual([]);
    expect(this.requested.filter((url) => !url.startsWith(this.url) && !url.startsWith('data:'))).toEqual([]);
  }

  leave(): Promise<void> {
    return this.context.close();
  }
}
