// The page at servers that ask for keys, that go away, that are busy, that have no model.

import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { addNetwork, pictureBundle, writeVersion } from '../server/networks.js';
import { startServer, type Running } from '../server/running.js';
import { until } from '../until.js';
import { findings } from './browser.js';
import { choose, closeBrowser, focused, hasBrowser, paged, picturesIn, settled, textOf } from './paged.js';

const key = 'a-key-that-may-infer-0123456789abcdef';
let guarded: Running;
let leaving: Running;
let bare: Running;
let files: string[];

test.before(async () => {
  if (!(await hasBrowser())) return;
  const one = (folder: string) => pictureBundle(join(folder, 'one', '1'), { labels: ['yes', 'no'] });
  [guarded, leaving, bare] = await Promise.all([
    startServer(one, {}, { GRAFT_API_KEYS: key }),
    startServer(one, { watch: true, poll: 200 }),
    startServer(() => undefined, { watch: true, poll: 200 }),
  ]);
  await Promise.all([guarded, leaving, bare].map(({ server }) => server.started));
  files = await picturesIn(join(demoPictures, 'val', 'dots'));
});
test.after.always(async () => {
  await closeBrowser();
  await guarded?.close();
  await leaving?.close();
  await bare?.close();
});

const atGuarded = () => guarded.server.url;
const atLeaving = () => leaving.server.url;

paged('where keys are on the page asks for one, and keeps it until the tab is closed', atGuarded, async (t, page) => {
  await page.locator('#key-form').waitFor();
  t.is(await focused(page), 'key');
  t.deepEqual(await findings(page), []);
  await page.keyboard.type('wrong-key');
  await page.keyboard.press('Enter');
  await page.getByText('does not take this key').waitFor();
  t.is(await page.locator('#key').getAttribute('aria-invalid'), 'true');
  t.deepEqual(await findings(page), []);
  await page.locator('#key').fill(key);
  await page.keyboard.press('Enter');
  await page.locator('#choose').waitFor();
  t.true(await page.locator('#key-form').isHidden());
  t.is(await focused(page), 'main');
  await choose(page, files.slice(0, 1));
  t.is(await page.locator('.verdict').count(), 1);
  await page.locator('#tab-model').click();
  // the line for a shell names a variable, never the key
  t.true((await textOf(page, '#curl')).includes('Bearer $GRAFT_KEY'));
  t.false((await page.content()).includes(key));
  await page.reload();
  await page.locator('#choose').waitFor();
  t.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
}, { mayFail: [401] }); // prettier-ignore

paged('a busy server is asked again by itself, after as long as it says', atGuarded, async (t, page) => {
  await page.locator('#key').fill(key);
  await page.keyboard.press('Enter');
  await page.locator('#choose').waitFor();
  let refused = 0;
  // a queue cannot be kept full for as long as it takes: two refusals in the server's own form
  await page.route('**/predict?*', route =>
    refused++ < 2
      ? route.fulfill({ status: 503, headers: { 'retry-after': '1' }, json: { error: 'the queue is full', code: 'QUEUE_FULL', request_id: 'r' } }) // prettier-ignore
      : route.continue(),
  );
  await choose(page, files.slice(0, 1));
  t.is(refused, 3);
  t.is(await page.locator('.verdict').count(), 1);
}, { mayFail: [401, 503] }); // prettier-ignore

paged('a version that comes while the page is open is noticed by its answer', atLeaving, async (t, page) => {
  await page.locator('#choose').waitFor();
  await choose(page, files.slice(0, 1));
  t.true((await textOf(page, '.card-actions')).includes('version 1'));
  await cp(join(leaving.folder, 'one', '1'), join(leaving.folder, 'one', '2'), { recursive: true });
  const newest = async () => (await (await fetch(`${atLeaving()}/v2/models/one`)).text()).includes('"2"');
  await until(newest);
  await choose(page, files.slice(1, 2));
  t.true((await textOf(page, '.card-actions')).includes('version 2'));
  await page.locator('#tab-model').click();
  await page.locator('.facts').filter({ hasText: /Versions\s*2/ }).waitFor();
}); // prettier-ignore

paged('a server that goes away: what was answered stays, what is asked says so and can be asked again', atLeaving, async (t, page) => {
  await page.locator('#choose').waitFor();
  await choose(page, files.slice(0, 1));
  await leaving.server.close();
  await choose(page, files.slice(1, 2));
  t.is(await page.locator('.verdict').count(), 1);
  const failure = page.locator('.card .failure');
  t.regex(await failure.innerText(), /The server did not answer\.[^]*NO_ANSWER/);
  t.deepEqual(await findings(page), []);
  await failure.getByRole('button', { name: 'Try again' }).click();
  await settled(page, 2);
  t.is(await page.locator('.card .failure').count(), 1);
  await page.locator('#tab-report').click();
  await page.locator('#report').getByText('The server did not answer.').waitFor();
}, { mayFail: [0] }); // prettier-ignore

paged('models come as they are loaded; what could not be loaded says why', () => bare.server.url, async (t, page) => {
  const early = await startServer(async folder => {
    await pictureBundle(join(folder, 'one', '1'), { labels: ['yes', 'no'] });
    await mkdir(join(folder, 'broken', '1'), { recursive: true });
    await writeFile(join(folder, 'broken', '1', 'model.onnx'), 'no model');
  });
  try {
    // what is loaded when the page comes, and what comes after it
    const other = await page.context().newPage();
    await other.goto(early.server.url);
    await other.locator('#choose').waitFor();
    await other.locator('#loading').filter({ hasText: /broken could not be loaded: .*not an ONNX model/ }).waitFor();
    t.is(await other.locator('#model option').count(), 1);
    t.deepEqual(await findings(other), []);
    await other.close();
  } finally {
    await early.close();
  }
}); // prettier-ignore

paged('without a model the page says how to get one, and finds it when it is there', () => bare.server.url, async (t, page) => {
  await page.locator('#no-model').waitFor();
  t.true((await textOf(page, '#no-model')).includes('graft train'));
  t.true(await page.locator('#tabs').isHidden());
  t.deepEqual(await findings(page), []);
  writeVersion(bare.folder, 'tensors', addNetwork());
  const isThere = async () => (await (await fetch(`${bare.server.url}/v2/models`)).text()).includes('tensors');
  await until(isThere);
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.locator('#no-pictures').waitFor();
  t.true(await page.locator('#no-model').isHidden());
}); // prettier-ignore
