// Every raw request of the corpus over a socket to a server with the model `add`, against what its index says of it: the
// status it expects, or one that its note also accepts, one answer, and a server that still answers. Every picture of the
// corpus to a classifier (row 64 of the protocol's table of cases).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { assets } from '../assets.js';
import { parseAnswer, talk } from './http/talk.js';
import { addNetwork, pictureBundle, writeVersion } from './networks.js';
import { startServer, type Running } from './running.js';

interface Entry {
  readonly file: string;
  readonly kind: string;
  readonly expect: string;
  readonly must?: string;
  readonly note?: string;
}

const folder = join(assets ?? '', 'corpus');
const index = assets === undefined ? { files: [] } : (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { files: Entry[] }); // prettier-ignore
const entries = index.files.filter(({ kind }) => kind === 'http');
const images = index.files.filter(({ kind }) => kind === 'image');

let at: Running;
test.before(async () => {
  at = await startServer(async folder => {
    writeVersion(folder, 'add', addNetwork());
    await pictureBundle(join(folder, 'pic', '1'));
  });
  await at.server.started;
});
test.after.always(() => at.close());

if (entries.length === 0) test('the corpus is not here', t => t.pass());

for (const { file, expect, must, note } of entries)
  test.serial(file, async t => {
    const before = process.memoryUsage().rss;
    const { text } = await talk(at.port, readFileSync(join(folder, file)), 1_000);
    const { status, headers, body } = parseAnswer(text);
    const accepted = [expect, note ?? ''].flatMap(words => words.match(/\b[1-5][0-9]{2}\b/g) ?? []).map(Number);
    t.true(accepted.includes(status), `${expect} (${note}): ${text.slice(0, 400)}`);
    t.is(text.match(/HTTP\/1\.1 \d/g)?.length, 1);
    const answer = JSON.parse(body) as Record<string, unknown>;
    if (status === 200)
      t.deepEqual(answer['outputs'], [{ name: 'y', datatype: 'FP32', shape: [1, 4], data: [1, 3, 5, 7] }]); // prettier-ignore
    else t.deepEqual(Object.keys(answer), ['error', 'code', 'request_id']);
    if (status === 405) t.is(headers.get('allow'), must?.replace('Allow: ', ''));
    if (must?.includes('memory')) t.true(process.memoryUsage().rss - before < 64 * 1024 * 1024);
    t.is(Reflect.get({}, 'polluted'), undefined);
    t.false(at.entries().some(entry => JSON.stringify(entry).includes('RangeError') || Number(entry['level']) >= 50));
    t.is((await at.get(t, '/v2/health/ready')).status, 200);
  });

for (const { file, expect, must = '', note = '' } of images)
  test.serial(`row 64: ${file}`, async t => {
    const began = performance.now();
    const answer = await at.post(t, '/v1/models/pic/predict', new Uint8Array(readFileSync(join(folder, file))), { 'content-type': 'image/jpeg' }); // prettier-ignore
    t.true(performance.now() - began < 2_000);
    const mayLoad = expect === 'load' || /\bload/i.test(note);
    const mayRefuse = expect === 'refuse' || note.includes('IMAGE_');
    const [prediction] = (answer.json['predictions'] ?? []) as { width: number; height: number }[];
    if (answer.status === 200) t.true(mayLoad && prediction !== undefined, answer.text);
    else {
      t.true(mayRefuse, answer.text);
      // an empty file is a request without a picture
      t.regex(answer.code, /^(IMAGE_(CORRUPT|UNSUPPORTED|TOO_LARGE)|BAD_REQUEST)$/);
      if (answer.code === 'BAD_REQUEST') t.is(file, 'image/empty.jpg');
    }
    const size = /width (\d+),? height (\d+)/.exec(must);
    if (size && prediction) t.deepEqual([prediction.width, prediction.height], [Number(size[1]), Number(size[2])]);
    t.is((await at.get(t, '/v2/health/ready')).status, 200);
  });
