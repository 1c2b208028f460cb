// The protocol's table of cases, rows 59, 63 to 66, 68 and 69: pictures three ways, what is no picture, addresses that are
// never asked, counters and traces, against a real server. Scores are those of `graft predict`, exactly.

import test, { type ExecutionContext } from 'ava';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { nodeRuntime } from '../../src/runtime/node.js';
import { predict } from '../../src/index.js';
import { addNetwork, pictureBundle, temporary, writeVersion } from './networks.js';
import { binary, startServer, type Read, type Running } from './running.js';

/** A picture of smooth colours, another for each seed. */
function pixels(width: number, height: number, seed: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = (seed * 53 + x * (3 + c) + y * (7 - c)) % 256;
  return sharp(data, { raw: { width, height, channels: 3 } });
}

const pictures = new Map<string, Buffer>();
let at: Running;
test.before(async () => {
  pictures.set('a.jpg', await pixels(40, 30, 1).jpeg().toBuffer());
  pictures.set('b.png', await pixels(17, 50, 2).png().toBuffer());
  pictures.set('c.webp', await pixels(64, 64, 3).webp().toBuffer());
  pictures.set('turned.jpg', await pixels(40, 30, 4).withMetadata({ orientation: 6 }).jpeg().toBuffer());
  pictures.set('d.gif', await pixels(20, 20, 5).gif().toBuffer());
  at = await startServer(
    async folder => {
      await pictureBundle(join(folder, 'pic', '1'), { seed: 'a' });
      await pictureBundle(join(folder, 'other', '1'), { seed: 'b' });
      writeVersion(folder, 'add', addNetwork());
      mkdirSync(join(folder, 'ens', '1'), { recursive: true });
      const root = { op: 'average', members: [{ model: 'pic' }, { model: 'other' }] };
      writeFileSync(join(folder, 'ens', '1', 'ensemble.json'), JSON.stringify({ version: 1, root }));
    },
    { limits: { picture: 1024 * 1024, pictures: 4 } },
  );
  await at.server.started;
});
test.after.always(() => at.close());

interface Prediction {
  readonly labels: readonly { readonly index: number; readonly label: string; readonly score: number }[];
  readonly width: number;
  readonly height: number;
  readonly members?: readonly { readonly name: string; readonly weight: number; readonly labels: Prediction['labels'] }[]; // prettier-ignore
}
const predictionsOf = (answer: Read) => answer.json['predictions'] as readonly Prediction[];
const predicted = '/v1/models/pic/predict';

function formOf(names: readonly string[], fields: Readonly<Record<string, string>> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const name of names) form.append('image', new Blob([new Uint8Array(pictures.get(name)!)]), name);
  return form;
}
const base64 = (name: string) => ({ b64: pictures.get(name)!.toString('base64') });
const refused = (t: ExecutionContext, { status, code }: Read, wanted: number, ...codes: readonly string[]) => {
  t.is(status, wanted);
  t.true(codes.includes(code), `${code}, wanted ${codes.join(' or ')}`);
};

test('row 59: classification', async t => {
  const input = { name: 'pictures', datatype: 'UINT8', shape: [2, 8, 8, 3], data: Array.from({ length: 384 }, (_, i) => (i * 37) % 256) }; // prettier-ignore
  const ask = (classification: unknown, more = {}) => at.infer(t, 'pic', { inputs: [input], outputs: [{ name: 'probabilities', parameters: { classification, ...more } }] }); // prettier-ignore
  const plain = await at.infer(t, 'pic', { inputs: [input], outputs: [{ name: 'probabilities' }] });
  const scores = (plain.json['outputs'] as { data: number[] }[])[0]!.data;
  const best = [scores.slice(0, 10), scores.slice(10)].flatMap(
    row =>
    row.map((score, index) => ({ score, index })).sort((a, b) => b.score - a.score || a.index - b.index).slice(0, 3), // prettier-ignore
  );
  const answer = await ask(3);
  const [output] = answer.json['outputs'] as { datatype: string; shape: number[]; data: string[] }[];
  t.deepEqual([output!.datatype, output!.shape], ['BYTES', [2, 3]]);
  output!.data.forEach((text, i) => {
    const [value, index, label] = text.split(':');
    t.is(Math.fround(Number(value)), Math.fround(best[i]!.score));
    t.deepEqual([index, label], [String(best[i]!.index), `label ${best[i]!.index}`]);
  });
  t.deepEqual(((await ask(1000)).json['outputs'] as { shape: number[] }[])[0]!.shape, [2, 10]);
  refused(t, await ask(0), 400, 'BAD_PARAMETER');
  refused(t, await ask(1_000_000), 400, 'BAD_PARAMETER');
  refused(t, await ask('3'), 400, 'BAD_PARAMETER');
});

test('row 63: a picture, three in a form, and as base64 say the same, which is what graft predict says', async t => {
  const names = [...pictures.keys()];
  const folder = temporary();
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of pictures) writeFileSync(join(folder, name), bytes);
  const files = names.map(name => join(folder, name));
  const runtime = nodeRuntime();
  const wanted = await predict(join(at.folder, 'pic', '1'), files, { top: 10 }, runtime);
  for (const [i, name] of names.entries()) {
    const file = wanted.find(({ file: path }) => path.endsWith(name))!;
    if (!('probabilities' in file)) return t.fail(`${name} was not read`);
    const type = `image/${name.split('.')[1]!.replace('jpg', 'jpeg')}`;
    const answer = await at.post(t, `${predicted}?top=10`, new Uint8Array(pictures.get(name)!), { 'content-type': type }); // prettier-ignore
    t.is(answer.status, 200, answer.text);
    const [one] = predictionsOf(answer);
    const scores: number[] = [];
    for (const { index, score, label } of one!.labels) {
      scores[index] = score;
      t.is(label, `label ${index}`);
    }
    t.deepEqual(scores, file.probabilities, `picture ${i}`);
    t.true(Math.abs(scores.reduce((a, b) => a + b, 0) - 1) < 1e-5);
  }
  const three = names.slice(0, 3);
  const one = await Promise.all(three.map(async name => predictionsOf(await at.post(t, predicted, new Uint8Array(pictures.get(name)!), { 'content-type': 'application/octet-stream' }))[0])); // prettier-ignore
  t.deepEqual(predictionsOf(await at.post(t, predicted, formOf(three))), one);
  t.deepEqual(predictionsOf(await at.post(t, predicted, { images: three.map(base64) })), one);
  t.is(one[0]!.labels.length, 5);
  const turned = predictionsOf(await at.post(t, predicted, { images: [base64('turned.jpg')], top: 1 }))[0]!;
  t.deepEqual([turned.width, turned.height, turned.labels.length], [30, 40, 1]);
  const byVersion = await at.post(t, '/v1/models/pic/versions/1/predict', { images: three.map(base64) });
  t.deepEqual(predictionsOf(byVersion), one);
});

test('row 63: members of an ensemble', async t => {
  const answer = await at.post(t, '/v1/models/ens/predict?members=1&top=100', formOf(['a.jpg', 'b.png']));
  const alone = await Promise.all(['pic', 'other'].map(async name => predictionsOf(await at.post(t, `/v1/models/${name}/predict?top=10`, formOf(['a.jpg', 'b.png']))))); // prettier-ignore
  predictionsOf(answer).forEach(({ labels, members }, i) => {
    t.deepEqual(members!.map(({ name, weight }) => [name, weight]), [['pic', 0.5], ['other', 0.5]]); // prettier-ignore
    t.deepEqual(members!.map(member => member.labels), alone.map(one => one[i]!.labels)); // prettier-ignore
    for (const { index, score } of labels) {
      const [a, b] = members!.map(member => member.labels.find(label => label.index === index)!.score);
      t.true(Math.abs(score - (a! + b!) / 2) < 1e-6);
    }
  });
});

test('row 63: options', async t => {
  for (const query of ['top=0', 'top=101', 'top=x', 'members=2', 'on_member_failure=never'])
    refused(t, await at.post(t, `${predicted}?${query}`, formOf(['a.jpg'])), 400, 'BAD_PARAMETER');
  refused(t, await at.post(t, predicted, { images: [] }), 400, 'BAD_REQUEST');
  refused(t, await at.post(t, predicted, { images: [{ b64: 'a=b' }] }), 400, 'BAD_REQUEST');
  refused(t, await at.post(t, predicted, { images: Array.from({ length: 5 }, () => base64('a.jpg')) }), 413, 'TOO_LARGE'); // prettier-ignore
  refused(t, await at.post(t, predicted, formOf(['a.jpg', 'a.jpg', 'a.jpg', 'a.jpg', 'a.jpg'])), 413, 'TOO_LARGE');
  refused(t, await at.post(t, predicted, new Uint8Array(1024 * 1024 + 1), { 'content-type': 'image/png' }), 413, 'IMAGE_TOO_LARGE'); // prettier-ignore
  const none = await at.post(t, '/v1/models/add/predict', formOf(['a.jpg']));
  refused(t, none, 400, 'BAD_REQUEST');
  t.regex(none.error, /add/);
  refused(t, await at.post(t, '/v1/models/nope/predict', formOf(['a.jpg'])), 404, 'MODEL_NOT_FOUND');
});

test.serial('row 64: what is no picture, or a broken one', async t => {
  const jpeg = pictures.get('a.jpg')!;
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
  const wide = await sharp({ create: { width: 16_400, height: 1, channels: 3, background: 'red' } }).png().toBuffer(); // prettier-ignore
  const large = await sharp({ create: { width: 8000, height: 7000, channels: 3, background: 'red' } }).png().toBuffer(); // prettier-ignore
  const sent: Readonly<Record<string, readonly [bytes: Uint8Array, status: number, code: string]>> = {
    svg: [Buffer.from(svg), 415, 'IMAGE_UNSUPPORTED'],
    text: [Buffer.from('no picture'), 415, 'IMAGE_UNSUPPORTED'],
    tiff: [await pixels(8, 8, 6).tiff().toBuffer(), 415, 'IMAGE_UNSUPPORTED'],
    cut: [jpeg.subarray(0, jpeg.length / 2), 400, 'IMAGE_CORRUPT'],
    'cut PNG': [pictures.get('b.png')!.subarray(0, 100), 400, 'IMAGE_CORRUPT'],
    wide: [wide, 413, 'IMAGE_TOO_LARGE'],
    '56 megapixels': [large, 413, 'IMAGE_TOO_LARGE'],
  };
  const counted = async (code: string) => Number(new RegExp(`^graft_images_rejected_total\\{code="${code}"\\} (\\d+)$`, 'm').exec((await at.get(t, '/metrics')).text)?.[1] ?? 0); // prettier-ignore
  const before = await counted('IMAGE_TOO_LARGE');
  for (const [name, [bytes, status, code]] of Object.entries(sent)) {
    const answer = await at.post(t, predicted, new Uint8Array(bytes), { 'content-type': 'image/jpeg' });
    t.deepEqual([answer.status, answer.code], [status, code], name);
  }
  refused(t, await at.post(t, predicted, new Uint8Array(1024 * 1024 + 1), { 'content-type': 'image/png' }), 413, 'IMAGE_TOO_LARGE'); // prettier-ignore
  t.is((await counted('IMAGE_TOO_LARGE')) - before, 3, 'each once');
  const form = formOf(['a.jpg', 'b.png']);
  form.append('image', new Blob(['no picture']), 'x.png');
  const answer = await at.post(t, predicted, form);
  refused(t, answer, 415, 'IMAGE_UNSUPPORTED');
  t.regex(answer.error, /^image 2: /);
  t.is((await at.get(t, '/v2/health/ready')).status, 200);
});

test('row 65: addresses are never asked', async t => {
  let connections = 0;
  const listener = createServer(socket => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/a.jpg`;
  refused(t, await at.post(t, predicted, { url }), 400, 'BAD_REQUEST');
  refused(t, await at.post(t, predicted, { images: [{ url }] }), 400, 'BAD_REQUEST');
  refused(t, await at.post(t, predicted, { images: [url] }), 400, 'BAD_REQUEST');
  const form = new FormData();
  form.append('image', url);
  refused(t, await at.post(t, predicted, form), 415, 'IMAGE_UNSUPPORTED');
  const file = new FormData();
  file.append('image', new Blob([url]), 'a.jpg');
  refused(t, await at.post(t, predicted, file), 415, 'IMAGE_UNSUPPORTED');
  const linked = `<svg xmlns="http://www.w3.org/2000/svg"><image href="${url}" width="8" height="8"/></svg>`;
  refused(t, await at.post(t, predicted, linked, { 'content-type': 'image/svg+xml' }), 415, 'IMAGE_UNSUPPORTED');
  t.is(connections, 0);
  listener.close();
});

test('row 66: only JSON, tensors, forms and pictures are read', async t => {
  const types = ['application/pickle', 'application/x-pickle', 'application/vnd.bentoml+pickle', 'application/x-python-serialize', 'application/xml', 'application/yaml', 'text/plain']; // prettier-ignore
  for (const type of types)
    for (const path of [predicted, '/v2/models/add/infer'])
      refused(t, await at.post(t, path, Buffer.from('\x80\x04N.'), { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA'); // prettier-ignore
});

test.serial('row 68: counters do not grow by names that are not known', async t => {
  const series = async () => {
    const { status, text, headers, body } = await at.get(t, '/metrics');
    t.is(status, 200);
    t.regex(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const lines = (text || new TextDecoder().decode(body)).split('\n');
    return lines.filter(line => line !== '' && !line.startsWith('#')).map(line => line.replace(/ \S+$/, ''));
  };
  const ask = async (i: number) => {
    await at.server.app.inject({ method: 'POST', url: `/v2/models/unknown-${i}/infer`, payload: '{}', headers: { 'content-type': 'application/json' } }); // prettier-ignore
    await at.server.app.inject(`/nowhere/${i}`);
  };
  await ask(-1);
  const ofUnknown = (lines: readonly string[]) => lines.filter(line => /unknown-|nowhere|status="404"/.test(line));
  const before = ofUnknown(await series());
  t.true(before.length > 0);
  for (let i = 0; i < 300; i++) await ask(i);
  const after = await series();
  t.deepEqual(ofUnknown(after), before);
  t.false(after.some(line => line.includes('unknown-') || line.includes('nowhere')));
  for (const name of ['graft_build_info', 'graft_http_requests_total', 'graft_models', 'graft_workers', 'process_cpu_seconds_total', 'nodejs_heap_size_total_bytes']) t.true(after.some(line => line.startsWith(name)), name); // prettier-ignore
});

test('row 69: traces', async t => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { valid: `00-${id}-00f067aa0ba902b7-01`, zero: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, cut: `00-${id}-00f067`, version: `ff-${id}-00f067aa0ba902b7-01` }; // prettier-ignore
  for (const [name, traceparent] of Object.entries(headers)) {
    const answer = await at.get(t, '/v2/models', { headers: { traceparent, 'x-request-id': `trace-${name}` } });
    t.is(answer.status, 200);
    t.is(answer.headers.get('x-request-id'), `trace-${name}`);
    const entry = at.entries().find(one => one['request_id'] === `trace-${name}`);
    t.regex(String(entry?.['trace_id']), /^[0-9a-f]{32}$/);
    t.is(entry?.['trace_id'] === id, name === 'valid');
  }
  const odd = await at.get(t, '/v2/models', { headers: { 'x-request-id': 'not an id' } });
  t.not(odd.headers.get('x-request-id'), 'not an id');
});

test('pictures may also be asked for as a tensor, one answer being binary', async t => {
  const data = Uint8Array.from({ length: 192 }, (_, i) => i);
  const inputs = [{ name: 'pictures', datatype: 'UINT8', shape: [1, 8, 8, 3], parameters: { binary_data_size: 192 } }];
  const { body, headers } = binary({ inputs, parameters: { binary_data_output: true } }, data);
  const answer = await at.infer(t, 'pic', body, headers);
  t.is(answer.tail.length, 80);
});
