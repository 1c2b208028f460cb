// Pictures of the page for the documentation, as a real server gives it:
//   node dist/tools/page-screens.js --bundle BUNDLE --pictures PICTURE… [--out docs] [--all]
// Writes page-light.png (1280 wide, the first picture with its heat map) and page-phone-dark.png (390 wide), with a
// palette; with --all also the empty page, the report and the model, light and dark, to look at.
// What the README shows is scikit-image's chelsea.png (Stefan van der Walt, CC0), told by an ensemble of five folds over
// ants, bees, cats, dogs, roses and sunflowers. Pictures whose licence is not known are not to be shown there.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { serve } from '../src/server/index.js';
import { openChromium } from './chromium.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    bundle: { type: 'string' },
    pictures: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: 'docs' },
    all: { type: 'boolean', default: false },
  },
});
const pictures = [...values.pictures, ...positionals];
if (values.bundle === undefined || pictures.length === 0)
  throw new Error('usage: page-screens --bundle BUNDLE --pictures PICTURE… [--out FOLDER] [--all]');

interface Look {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'light' | 'dark';
  readonly scale: number;
}
const desk: Look = { width: 1280, height: 900, colorScheme: 'light', scale: 1.5 };
const phone: Look = { width: 390, height: 844, colorScheme: 'dark', scale: 2 };

async function opened(browser: Browser, url: string, { width, height, colorScheme, scale }: Look): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: scale });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('#views').waitFor();
  return page;
}

async function withResults(page: Page, files: readonly string[]): Promise<void> {
  await page.locator('#files').setInputFiles([...files]);
  await page
    .locator('.card')
    .nth(files.length - 1)
    .waitFor();
  await page.waitForFunction(() => !document.querySelector('.card[data-state="waiting"], .card[data-state="asking"]'));
  const heat = page.locator('.switch').first();
  if ((await heat.count()) > 0) {
    await heat.check();
    await page.locator('canvas.heat').first().waitFor({ state: 'visible' });
  }
  await page.evaluate(() => scrollTo(0, 0));
}

/** As high as its first card. */
async function fit(page: Page, { width }: Look): Promise<void> {
  const box = await page.locator('.card').first().boundingBox();
  await page.setViewportSize({ width, height: Math.ceil((box?.y ?? 0) + (box?.height ?? 800)) + 24 });
}

async function save(page: Page, name: string, fullPage = false): Promise<void> {
  const png = await page.screenshot({ fullPage });
  const small = await sharp(png).png({ palette: true, colours: 256, effort: 10, dither: 0.6 }).toBuffer();
  await writeFile(join(values.out, `${name}.png`), small);
  console.log(`${name}.png ${Math.round(small.length / 1000)} kB`);
}

await mkdir(values.out, { recursive: true });
const browser = await openChromium();
if (!browser) throw new Error('there is no Chromium here');
const server = await serve({ models: [values.bundle], port: 0, logLevel: 'warn' });
try {
  await server.started;
  const { url } = server;
  const light = await opened(browser, url, desk);
  if (values.all) await save(light, 'page-empty');
  await withResults(light, pictures);
  await fit(light, desk);
  await save(light, 'page-light');
  const small = await opened(browser, url, phone);
  if (values.all) await save(small, 'page-phone-empty');
  await withResults(small, pictures.slice(0, 1));
  await save(small, 'page-phone-dark');
  if (values.all) {
    await save(light, 'page-light-whole', true);
    await save(small, 'page-phone-dark-whole', true);
    const dark = await opened(browser, url, { ...desk, colorScheme: 'dark' });
    await withResults(dark, pictures);
    await save(dark, 'page-dark');
    for (const [page, look] of [
      [light, 'light'],
      [dark, 'dark'],
      [small, 'phone-dark'],
    ] as const)
      for (const tab of ['report', 'model']) {
        await page.locator(`#tab-${tab}`).click();
        await page
          .locator(`#${tab === 'report' ? 'report > .report, #report > .empty' : 'model-facts > *'}`)
          .first()
          .waitFor();
        await save(page, `page-${look}-${tab}`, true);
      }
  }
} finally {
  await browser.close();
  await server.close();
}
