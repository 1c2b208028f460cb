// The page in a real Chromium at a real server, under its policy: ways in, answers, heat, the report, versions; for the
// keyboard, for screen readers (axe), in light and dark, on phones; with names that mean harm.

import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { readBundle } from '../../src/bundle/node.js';
import { percent, visible } from '../../src/page/wording.js';
import { preparePicture } from '../../src/pictures/node.js';
import { openPredictor, type Answers } from '../../src/prediction/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { addNetwork, pictureBundle, temporary, writeVersion } from '../server/networks.js';
import { startServer, type Running } from '../server/running.js';
import { combine, fresh, heads } from '../workflows/ensemble-runs.js';
import { findings } from './browser.js';
import { choose, closeBrowser, fits, focused, hasBrowser, model, paged as pagedAt, picturesIn, settled, textOf, type PageOptions } from './paged.js'; // prettier-ignore

const hostile = [
  '<img src=x onerror="alert(1)">',
  '\u202egnp.exe\u202c',
  'שלום – RTL',
  '👩‍👩‍👧‍👦 🐝',
  'long '.repeat(800),
  'a\u0000b\tc',
  '',
  '</style><script>alert(2)</script>',
  'x'.repeat(4000),
];

declare global {
  interface Window {
    heard?: (text: string) => void;
  }
}

const picture = join(demoPictures, 'val');
let running: Running;
let ensemble: string;
let files: string[];
/** Of the first file, as the network itself says it. */
let reference: Answers;
let labels: readonly string[];
/** By whether the network takes it for an unknown kind. */
const byUnknown = new Map<number, string>();

test.before(async () => {
  if (!(await hasBrowser())) return;
  ensemble = fresh();
  await combine(await heads([1, 2, 3]), { out: ensemble, coverage: 0.9, reject: 0.1 });
  const versioned = (folder: string, name: string, version: number) => join(folder, name, String(version));
  running = await startServer(
    async folder => {
      for (const version of [1, 2]) await cp(ensemble, versioned(folder, 'ensemble', version), { recursive: true });
      await pictureBundle(versioned(folder, 'hostile', 1), { labels: hostile });
      await pictureBundle(versioned(folder, 'many', 1), { classes: 1000, seed: 'many' });
      await pictureBundle(versioned(folder, 'one', 1), { labels: ['only'] });
      writeVersion(folder, 'tensors', addNetwork());
    },
    { versions: 'all' },
  );
  await running.server.started;
  const { manifest, model: bytes } = await readBundle(ensemble);
  ({ labels } = manifest);
  const predictor = await openPredictor({ manifest, model: bytes }, nodeRuntime(), { threads: 1 });
  const answersOf = async (file: string) =>
    predictor.predict([await preparePicture(await readFile(file), predictor.preprocessing, {})]);
  const [kind] = Object.keys(manifest.data.classes);
  files = await picturesIn(join(picture, kind!));
  reference = await answersOf(files[0]!);
  for (const one of Object.keys(manifest.data.classes))
    for (const file of await picturesIn(join(picture, one)))
      if (byUnknown.size < 2) {
        const { unknown } = await answersOf(file);
        if (!byUnknown.has(unknown![0]!)) byUnknown.set(unknown![0]!, file);
      }
  await predictor.close();
});
test.after.always(async () => {
  await closeBrowser();
  await running?.close();
});

const paged = (title: string, run: Parameters<typeof pagedAt>[2], options?: PageOptions): void =>
  pagedAt(title, () => running.server.url, run, options);

/** Whether one sees what has the focus. */
const hasRing = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement!);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  });

/** How many pixels of the canvas have a colour. */
const drawn = (page: Page) =>
  page
    .locator('canvas.heat')
    .first()
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return { all: data.length / 4, coloured: data.filter((level, i) => i % 4 === 3 && level > 20).length };
    });

paged('a chosen picture: label, members, set and uncertainty are what the network says', async (t, page) => {
  await choose(page, files.slice(0, 1));
  const scores = reference.probabilities;
  const best = scores.indexOf(Math.max(...scores));
  const label = labels[best]!;
  t.is(await textOf(page, '.verdict-label'), label);
  t.is(await textOf(page, '.verdict-score'), percent(scores[best]!));
  t.is(await page.locator('.bar').count(), Math.min(5, labels.length));
  const share = await page
    .locator('.bar.best .meter')
    .evaluate(one => (one as HTMLElement).style.getPropertyValue('--share'));
  t.true(Math.abs(Number(share) - scores[best]!) < 1e-6);
  const rows = page.locator('.members tbody tr');
  t.is(await rows.count(), 4);
  for (let m = 0; m < 3; m++) {
    const own = reference.memberProbabilities![m * labels.length + best]!;
    t.true((await rows.nth(m + 1).innerText()).includes(percent(own)));
  }
  const inSet = labels.filter((_, k) => reference.predictionSet![k] === 1);
  t.deepEqual(await page.locator('.chip').allInnerTexts(), inSet);
  t.true((await textOf(page, '.sureness')).includes(`${reference.uncertainty![0]!.toFixed(2)} of at most`));
  t.true((await page.locator('#status').innerText()).includes(label));
  t.is(await page.locator('.frame img').evaluate((image: HTMLImageElement) => image.naturalWidth > 0), true);
});

paged('a picture of a kind that the model does not know is told apart', async (t, page) => {
  await choose(page, [byUnknown.get(0)!]);
  t.is(await page.locator('.warning').count(), 0);
  await choose(page, [byUnknown.get(1)!]);
  t.regex(await textOf(page, '.warning'), /Unknown kind/);
  t.regex(await textOf(page, '#status'), /Unknown kind/);
});

paged(
  'dropped and pasted pictures are asked about, several at once; cards go one by one and all together',
  async (t, page) => {
    const bytes = [...(await readFile(files[0]!))];
    for (const [kind, name] of [
      ['drop', 'dropped.png'],
      ['paste', 'pasted.png'],
    ] as const)
      // prettier-ignore
      await page.evaluate(
      ([how, called, values]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(values)], called, { type: 'image/png' }));
        const event =
          how === 'drop'
            ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      },
      [kind, name, bytes] as const,
    );
    await settled(page, 2);
    t.deepEqual(await page.locator('.file').allInnerTexts(), ['pasted.png', 'dropped.png']);
    t.is(new Set(await page.locator('.verdict-score').allInnerTexts()).size, 1);
    await choose(page, files.slice(0, 6));
    t.is(await textOf(page, '#count'), '8 pictures');
    await page.getByRole('button', { name: 'Remove pasted.png' }).click();
    t.is(await page.locator('.card').count(), 7);
    await page.locator('#clear').click();
    t.is(await page.locator('.card').count(), 0);
    t.true(await page.locator('#results').isHidden());
  },
);

paged('with the keyboard alone: choose, turn heat on, read the report', async (t, page) => {
  page.on('filechooser', chooser => void chooser.setFiles(files[0]!));
  await page.locator('#tabs').waitFor();
  await page.keyboard.press('Tab');
  const skip = page.locator('.skip:focus');
  t.true((await skip.boundingBox())!.y >= 0);
  await page.keyboard.press('Enter');
  t.is(await focused(page), 'main');
  for (let i = 0; i < 12 && (await focused(page)) !== 'choose'; i++) await page.keyboard.press('Tab');
  t.is(await focused(page), 'choose');
  await page.keyboard.press('Enter');
  await settled(page, 1);
  for (let i = 0; i < 12 && !(await focused(page)).startsWith('heat-'); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.locator('canvas.heat').waitFor();
  const { all, coloured } = await drawn(page);
  t.true(coloured > all / 50, `${coloured} of ${all}`);
  t.regex((await page.locator('canvas.heat').getAttribute('aria-label'))!, /^Heat map for .*: strongest in /);
  // the strength is heard by the layer
  await page.locator('input[type=range]').focus();
  await page.keyboard.press('Home');
  t.true((await drawn(page)).coloured < coloured);
  for (let i = 0; i < 30 && !(await focused(page)).startsWith('tab-'); i++) {
    await page.keyboard.press('Shift+Tab');
    t.true(await hasRing(page), await page.evaluate(() => document.activeElement!.outerHTML.slice(0, 120)));
  }
  await page.keyboard.press('ArrowRight');
  t.is(await focused(page), 'tab-report');
  await page.locator('.report').waitFor();
  t.true(await page.locator('#view-pictures').isHidden());
});

paged('the report of the run is shown whole, and nothing of it runs', async (t, page) => {
  await page.locator('#tab-report').click();
  const report = page.locator('.report');
  await report.waitFor();
  const text = await report.locator('.report-main').innerText();
  for (const part of ['Ensemble', 'Confusion', 'Reliability', 'Where this comes from']) t.true(text.includes(part), part);
  const { metrics } = (await readBundle(ensemble)).manifest;
  const said = new Map([
    ['accuracy', percent(metrics['accuracy'] as number)],
    ['expected calibration error', percent(metrics['expectedCalibrationError'] as number)],
    ['negative log-likelihood', (metrics['negativeLogLikelihood'] as number).toFixed(3)],
    ['Brier score', (metrics['brierScore'] as number).toFixed(3)],
  ]);
  for (const [name, figure] of said) t.true(text.replaceAll(/\n+/g, "\n").includes(`${name}\n${figure}`), `${name} ${figure}`);
  const plots = report.locator('svg');
  t.true((await plots.count()) > 3);
  for (const plot of await plots.all()) t.regex((await plot.getAttribute('aria-label')) ?? '', /\w/);
  t.is(await report.locator('script, style, link, iframe, [onclick], [data-page-style]').count(), 0);
  // style attributes are rules now, and the sheet is read
  const shares = await report.locator('.meter').evaluateAll(ones => ones.map(one => (one as HTMLElement).style.getPropertyValue('--share')));
  t.true(shares.length > 0 && shares.every(share => share !== ''));
  t.is(await report.locator('.figures').evaluate(one => getComputedStyle(one).display), 'grid');
  const pictures = report.locator('img');
  t.true((await pictures.count()) > 0);
  await page.waitForFunction(() => {
    const images = document.querySelector('.report')!.shadowRoot!.querySelectorAll('img');
    return [...images].every(image => image.complete && image.naturalWidth > 0 && image.src.startsWith('blob:'));
  });
  await page.locator('#model').selectOption('one');
  await page.getByText('This model brings no report').waitFor();
}, { mayFail: [404] }); // prettier-ignore

paged('labels that mean harm are text; long ones and many of them fit', async (t, page) => {
  await model(page, 'hostile');
  await choose(page, files.slice(0, 1));
  await page.getByRole('button', { name: 'more label' }).click();
  const names = await page.locator('.bar-name').evaluateAll(ones => ones.map(one => one.textContent));
  t.deepEqual([...names].sort(), hostile.map(name => (name === '' ? '(no name)' : visible(name))).sort());
  t.is(await page.locator('.card img').count(), 1);
  t.is(await page.locator('script').count(), 1);
  t.true(await fits(page));
  await page.locator('#tab-model').click();
  t.true(await fits(page));
  await page.locator('#tab-pictures').click();
  await model(page, 'many');
  await page.getByText('995 other labels').waitFor();
  await page.locator('#tab-model').click();
  await page.getByText('and 940 more: search for them.').waitFor();
  await page.locator('#label-search').fill('label 99');
  t.is(await page.locator('.labels li').count(), 11);
  await page.locator('#tab-pictures').click();
  await model(page, 'one');
  await page.locator('.verdict-label').filter({ hasText: 'only' }).waitFor();
  t.is(await page.locator('.bar').count(), 1);
  t.true(await fits(page));
}, { viewport: { width: 360, height: 740 } }); // prettier-ignore

paged('a chosen version is asked, by its own path', async (t, page) => {
  const asked: string[] = [];
  page.on('request', request => asked.push(new URL(request.url()).pathname));
  await page.locator('#tabs').waitFor();
  t.is(await page.locator('#version option').count(), 3);
  await choose(page, files.slice(0, 1));
  t.true((await textOf(page, '.card-actions')).includes('version 2'));
  await page.locator('#version').selectOption('1');
  await page.locator('.card-actions').filter({ hasText: 'version 1' }).waitFor();
  t.true(asked.includes('/v1/models/ensemble/versions/1/predict'));
  await page.locator('#tab-model').click();
  const { url } = running.server;
  t.true((await textOf(page, '#curl')).endsWith(`'${url}/v1/models/ensemble/versions/1/predict?top=5&members=1'`));
});

paged('a network of tensors takes no pictures: the page tells how to ask it, and the line works', async (t, page) => {
  await choose(page, files.slice(0, 1));
  await page.locator('#model').selectOption('tensors');
  await page.locator('#no-pictures').waitFor();
  t.true(await page.locator('#choose').isHidden());
  // answers of another model are not those of this one
  t.true(await page.locator('.card').isHidden());
  t.deepEqual(await findings(page), []);
  await page.getByRole('button', { name: 'Show how to ask it' }).click();
  t.is(await focused(page), 'tab-model');
  t.true((await textOf(page, '.facts')).includes('x FP32, 1 × 4'));
  const line = await textOf(page, '#curl');
  const [, body, address] = /-d '([^']+)' '([^']+)'$/.exec(line)!;
  const answer = await running.post(t, new URL(address!).pathname, body, { 'content-type': 'application/json' });
  t.is(answer.status, 200);
  await page.locator('#tab-pictures').click();
  await page.locator('#model').selectOption('ensemble');
  await page.locator('.verdict').waitFor();
});

paged('heat lies on the picture as it is, whatever its size and however it was turned', async (t, page) => {
  const folder = temporary();
  await mkdir(folder, { recursive: true });
  const upright = sharp(await readFile(files[0]!))
    .resize(180, 120, { fit: 'fill' })
    .removeAlpha();
  const at = (name: string) => join(folder, name);
  // nearest, so that what the network sees is nearly the same
  const large = await sharp(await upright.png().toBuffer())
    .resize(900, 600, { kernel: 'nearest' })
    .png()
    .toBuffer();
  await writeFile(at('small.png'), await upright.png().toBuffer());
  await writeFile(at('large.png'), large);
  // lies on its side, and says so
  const turned = await sharp(large).rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 98 }).toBuffer();
  await writeFile(at('turned.jpg'), turned);
  await choose(page, ['small.png', 'large.png', 'turned.jpg'].map(at));
  for (const one of await page.locator('.switch').all()) await one.check();
  await page.waitForFunction(() => [...document.querySelectorAll('canvas.heat')].every(one => !(one as HTMLElement).hidden)); // prettier-ignore
  const compared = await page.locator('canvas.heat').evaluateAll(ones => {
    const layers = ones.filter(one => one instanceof HTMLCanvasElement);
    const alphas = layers.map(one => {
      const { data } = one.getContext('2d')!.getImageData(0, 0, one.width, one.height);
      return data.filter((_, i) => i % 4 === 3);
    });
    const [first] = alphas;
    return {
      sizes: layers.map(({ width, height }) => `${width} × ${height}`),
      strongest: Math.max(...alphas.map(alpha => alpha.reduce((most, one) => Math.max(most, one), 0))),
      apart: alphas.map(alpha => alpha.reduce((sum, one, i) => sum + Math.abs(one - first![i]!), 0) / alpha.length),
    };
  });
  t.deepEqual(compared.sizes, Array(3).fill('480 × 320'));
  t.true(compared.strongest > 60);
  for (const apart of compared.apart) t.true(apart < 12, `${apart} of 255 apart on average`);
});

paged('what fails says why and what to do; what cannot work is not sent, or asked again', async (t, page) => {
  let asked = 0;
  page.on('request', request => {
    if (request.method() === 'POST') asked++;
  });
  const folder = temporary();
  await mkdir(folder, { recursive: true });
  const whole = await readFile(files[0]!);
  const cut = join(folder, 'cut.png');
  await writeFile(cut, whole.subarray(0, whole.length >> 1));
  await choose(page, [cut]);
  const failure = page.locator('.failure').first();
  const text = await failure.innerText();
  for (const part of ['damaged', 'IMAGE_CORRUPT', 'request ', 'save it anew']) t.true(text.includes(part), part);
  t.is(await failure.getByRole('button').count(), 0);
  t.deepEqual(await findings(page), []);
  t.is(asked, 1);
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['hello'], 'notes.txt', { type: 'text/plain' }));
    dataTransfer.items.add(new File([new Uint8Array(21 * 1024 * 1024)], 'big.jpg', { type: 'image/jpeg' }));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  });
  await settled(page, 3);
  t.is(asked, 1);
  t.true((await textOf(page, '.card:has-text("notes.txt")')).includes('no picture'));
  t.true((await textOf(page, '.card:has-text("big.jpg")')).includes('20 MiB'));
  await page.getByRole('button', { name: 'Send anyway' }).click();
  await page.locator('.card:has-text("big.jpg")').filter({ hasText: 'IMAGE_TOO_LARGE' }).waitFor();
  t.is(asked, 2);
  t.is(await textOf(page, '#count'), '3 pictures, 3 without an answer');
}, { mayFail: [400, 413] }); // prettier-ignore

paged('twenty pictures: all are answered, members stay closed, and only the sum is spoken', async (t, page) => {
  const spoken: string[] = [];
  await page.exposeFunction('heard', (text: string) => void spoken.push(text));
  await page.evaluate(() => {
    const status = document.querySelector('#status')!;
    new MutationObserver(() => window.heard!(status.textContent ?? '')).observe(status, { childList: true }); // prettier-ignore
  });
  await choose(
    page,
    Array.from({ length: 20 }, (_, i) => files[i % files.length]!),
  );
  t.is(await page.locator('.verdict').count(), 20);
  t.is(await page.locator('details.members[open]').count(), 0);
  await page.locator('#status').filter({ hasText: 'All answered: 20 pictures.' }).waitFor();
  t.deepEqual(spoken, ['20 pictures added.', 'All answered: 20 pictures.']);
  // what somebody opens stays so for what comes later
  await page.locator('details.members summary').first().click();
  await choose(page, files.slice(0, 1));
  t.is(await page.locator('details.members[open]').count(), 2);
});

paged('the camera: a picture is taken, and the camera is let go', async (t, page) => {
  await page.locator('#camera-open').click();
  await page.locator('#camera-take:enabled').waitFor();
  t.deepEqual(await findings(page), []);
  await page.locator('#camera-take').click();
  await settled(page, 1);
  t.is(await textOf(page, '.file'), 'camera 1.jpg');
  await page.keyboard.press('Escape');
  t.true(await page.locator('#camera').isHidden());
  t.is(await page.locator('#camera-video').evaluate((video: HTMLVideoElement) => video.srcObject), null);
});

paged('nothing in the way of readers with other needs: in light and dark, on a phone, in colours of their own', async (t, page) => {
  t.deepEqual(await findings(page), [], 'empty');
  await choose(page, files.slice(0, 1));
  await page.locator('.switch').first().check();
  await page.locator('canvas.heat').first().waitFor();
  const looks: [string, Parameters<Page['emulateMedia']>[0], number][] = [
    ['light', { colorScheme: 'light' }, 1280],
    ['dark', { colorScheme: 'dark' }, 1280],
    ['phone', { colorScheme: 'dark', reducedMotion: 'reduce' }, 360],
    ['colours of their own', { forcedColors: 'active', colorScheme: 'light' }, 1280],
  ];
  for (const [look, media, width] of looks) {
    await page.emulateMedia(media);
    await page.setViewportSize({ width, height: 800 });
    // the rest is the same in all looks
    const rules = look === 'light' ? [] : ['color-contrast', 'target-size', 'scrollable-region-focusable'];
    for (const view of look === 'colours of their own' ? (['pictures'] as const) : (['pictures', 'report', 'model'] as const)) {
      await page.locator(`#tab-${view}`).click();
      if (view === 'report') await page.locator('.report').waitFor();
      // the report has the page's own colours: on a phone it is only narrower
      if (view === 'pictures' || width > 360) t.deepEqual(await findings(page, ...rules), [], `${view}, ${look}`);
      t.true(await fits(page), `${view}, ${look}`);
    }
  }
}); // prettier-ignore

paged('the button turns the lights on and off, and remembers', async (t, page) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.locator('#theme').click();
  t.not(await paper(), before);
  t.is(await page.locator('#theme').getAttribute('aria-pressed'), 'true');
  await page.reload();
  t.not(await paper(), before);
  await page.locator('#theme').click();
  t.is(await paper(), before);
  t.is(await page.evaluate(() => localStorage.length), 0);
}, { colorScheme: 'light' }); // prettier-ignore

test('every module that the page imports is among its files', async t => {
  const { pageAssets } = await import('../../src/page/assets.js');
  const assets = pageAssets();
  const wanted = new Set(['main.js', 'page.css', 'icon.svg']);
  for (const [name, { body }] of assets)
    if (name.endsWith('.js'))
      for (const [, at] of new TextDecoder().decode(body).matchAll(/from '([^']+)'/g)) {
        t.regex(at!, /^\.\/[a-z-]+\.js$/, `${name} imports ${at}`);
        wanted.add(at!.slice(2));
      }
  t.deepEqual([...wanted, 'index.html'].sort(), [...assets.keys()].sort());
});
