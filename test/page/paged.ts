// Tests of the page: each has a page of its own at a server that runs, and whatever is blocked, fails or leaves the server
// is a fault of the test.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openChromium } from '../../tools/chromium.js';
import { watched } from './browser.js';

export interface PageOptions extends BrowserContextOptions {
  /** Statuses that the test brings about; 0: no answer. */
  readonly mayFail?: readonly number[];
}

let browser: Browser | undefined;

/** Opens the browser; whether there is one. */
export async function hasBrowser(): Promise<boolean> {
  browser = await openChromium();
  return browser !== undefined;
}

export const closeBrowser = async (): Promise<void> => browser?.close();

/** @param url of the server, asked when the test runs */
export function paged(
  title: string,
  url: () => string,
  run: (t: ExecutionContext, page: Page) => Promise<void>,
  { mayFail, ...context }: PageOptions = {},
): void {
  test.serial(title, async t => {
    if (!browser) {
      t.log('NOT RUN: there is no Chromium here (Debian: the package chromium)');
      return t.pass();
    }
    const { page, faults, close } = await watched(browser, url(), context, mayFail);
    try {
      await run(t, page);
      t.deepEqual(await faults(), []);
    } finally {
      await close();
    }
  });
}

/** Chooses files, and waits for what becomes of them. */
export async function choose(page: Page, paths: readonly string[]): Promise<void> {
  const before = await page.locator('.card').count();
  await page.locator('#files').setInputFiles([...paths]);
  await settled(page, before + paths.length);
}

/** All cards have an answer or a failure. */
export async function settled(page: Page, cards: number): Promise<void> {
  await page.waitForFunction(
    wanted =>
      document.querySelectorAll('.card[data-state="answered"], .card[data-state="failed"]').length === wanted &&
      document.querySelectorAll('.card').length === wanted,
    cards,
  );
}

/** Waits until a model is the one that is asked. */
export async function model(page: Page, name: string): Promise<void> {
  await page.locator('#model').selectOption(name);
  await page.locator('#tab-model').click();
  await page.locator('#model-facts h2').first().filter({ hasText: name }).waitFor();
  await page.locator('#tab-pictures').click();
}

export const textOf = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText();

export const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');

/** Nothing is wider than the window. */
export const fits = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

export async function picturesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map(name => join(folder, name));
}
