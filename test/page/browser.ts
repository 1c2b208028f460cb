// Pages of a real browser for tests: every one is watched for what its policy blocked, for errors, and for what it asked
// of anybody but the server.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { patience } from '../until.js';

/** What must not happen, in words. */
export type Faults = readonly string[];

export interface Watched {
  readonly page: Page;
  /** All that went wrong so far. */
  faults(): Promise<Faults>;
  close(): Promise<void>;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare global {
  interface Window {
    blocked?: string[];
    axe?: {
      run(
        root: Document,
        options: { readonly runOnly?: readonly string[] },
      ): Promise<{ violations: readonly Violation[] }>;
    };
  }
}
interface Violation {
  readonly id: string;
  readonly impact?: string | null;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}

/** @param mayFail statuses that a test brings about, 0 for no answer; browsers tell of them as errors */
export async function watched(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  mayFail: readonly number[] = [],
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const found: string[] = [];
  page.on('console', message => {
    const isExpected = mayFail.some(status => message.text().includes(status === 0 ? 'net::ERR_' : `status of ${status}`)); // prettier-ignore
    if (message.type() === 'error' && !isExpected) found.push(message.text());
  });
  page.on('pageerror', error => found.push(String(error)));
  page.on('dialog', dialog => {
    found.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', request => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('blob:'))
      found.push(`asked ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.blocked = [];
    document.addEventListener('securitypolicyviolation', event => {
      window.blocked?.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.goto(url);
  return {
    page,
    faults: async () => [...found, ...(await page.evaluate(() => window.blocked ?? ['not watched']))],
    close: () => context.close(),
  };
}

/** All findings of axe, however small. @param rules only these of its rules */
export async function findings(page: Page, ...rules: readonly string[]): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(
    async only => (await window.axe!.run(document, only.length > 0 ? { runOnly: only } : {})).violations,
    rules,
  );
  return violations
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary}`).join('; ')}`); // prettier-ignore
}
