// Kinds of bodies, packed bodies and their limits, and a million chunks of one byte.
// Rows 5.4 and 5.5 of safety.md.

import { connect } from 'node:net';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { listen, makeApp, parseAnswer, talk } from './talk.js';

const infer = '/v2/models/add/infer';
const MiB = 1024 * 1024;
const { app } = makeApp();
test.after.always(() => app.close());

async function post(headers: Record<string, string>, payload: Buffer | string = '{}', url = infer, on = app) {
  const answer = await on.inject({ method: 'POST', url, headers, payload });
  return { status: answer.statusCode, ...answer.json<{ code?: string; bytes?: number; error?: string }>() };
}

const type = (media: string) => ({ 'content-type': media });

for (const media of [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON;charset="UTF-8"',
  'application/octet-stream',
  'application/vnd.graft+json',
  'image/jpeg',
  'image/x-anything',
  'application/x-www-form-urlencoded',
])
  // prettier-ignore
  test(`taken as bytes: ${media}`, async t => {
    t.like(await post(type(media)), { status: 200, bytes: 2 });
  });

for (const media of [
  'application/pickle',
  'application/x-pickle',
  'application/python-pickle',
  'application/yaml',
  'text/plain',
  'text/json',
  'multipart/form-data; boundary=a',
  'application/xml',
  'application/json; charset=utf-16',
  'application/json; charset=utf-7',
  'nonsense',
  'application/',
  '*/*',
  'application/x-protobuf',
  'image/',
])
  // prettier-ignore
  test(`not taken: ${media}`, async t => {
    t.like(await post(type(media)), { status: 415, code: 'UNSUPPORTED_MEDIA' });
  });

test('a body without a kind is taken; one of curl -d is JSON under /v2 only', async t => {
  const raw = { method: 'POST', url: infer, payload: Buffer.from('{}') } as const;
  t.is((await app.inject(raw)).json<{ bytes: number }>().bytes, 2);
  t.is((await post(type('application/x-www-form-urlencoded'), '{}', '/slow/0')).status, 415);
});

test('packed bodies are unpacked; broken, cut or unknown ones are refused', async t => {
  const body = Buffer.from(JSON.stringify(Array.from({ length: 5000 }, (_, at) => at)));
  const packed = (coding: string, bytes: Buffer) => post({ ...type('application/json'), 'content-encoding': coding }, bytes); // prettier-ignore
  for (const [coding, bytes] of [
    ['gzip', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['GZIP', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['identity', body],
  ] as const)
    // prettier-ignore
    t.like(await packed(coding, bytes), { status: 200, bytes: body.length }, coding);
  for (const [coding, bytes] of [
    ['gzip', body],
    ['gzip', gzipSync(body).subarray(0, 500)],
    ['gzip', Buffer.concat([gzipSync(body), Buffer.from('more')])],
    ['deflate', deflateRawSync(body)],
    ['deflate', gzipSync(body)],
    ['deflate', Buffer.concat([deflateSync(body), Buffer.from('more')])],
    ['gzip', Buffer.alloc(0)],
  ] as const)
    // prettier-ignore
    t.like(await packed(coding, bytes), { status: 400, code: 'BAD_REQUEST' }, coding);
  for (const coding of ['br', 'zstd', 'compress', 'gzip, gzip', 'made-up'])
    t.like(await packed(coding, body), { status: 415, code: 'UNSUPPORTED_MEDIA' }, coding);
});

test('a packed body over the limit or the ratio is refused without being held', async t => {
  const gzip = { ...type('application/json'), 'content-encoding': 'gzip' };
  // 1 MiB may grow as it likes; above that a hundredfold is a bomb
  t.like(await post(gzip, gzipSync(Buffer.alloc(MiB))), { status: 200, bytes: MiB });
  t.like(await post(gzip, gzipSync(Buffer.alloc(2 * MiB))), { status: 413, code: 'TOO_LARGE' });
  const { app: small } = makeApp({ limits: { body: 10_000 } });
  const noise = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * at * 7919) % 251));
  t.like(await post(gzip, gzipSync(noise(10_000)), infer, small), { status: 200, bytes: 10_000 });
  t.like(await post(gzip, gzipSync(noise(10_001)), infer, small), { status: 413, code: 'TOO_LARGE' });
  const bomb = gzipSync(Buffer.alloc(80 * MiB, ' '));
  const before = process.memoryUsage().rss;
  t.like(await post(gzip, bomb), { status: 413, code: 'TOO_LARGE' });
  t.true(process.memoryUsage().rss - before < 64 * MiB);
});

test('a million chunks of one byte are one body, and cost no memory that stays', async t => {
  const port = await listen(app);
  const head = `POST ${infer} HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`; // prettier-ignore
  const chunks = Buffer.from('1\r\na\r\n'.repeat(1_000_000) + '0\r\n\r\n');
  const send = async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', chunk => (text += chunk.toString()));
    socket.write(head);
    socket.write(chunks);
    await new Promise(resolve => socket.once('close', resolve));
    return text;
  };
  t.true((await send()).includes('"bytes":1000000'));
  const after = process.memoryUsage().rss;
  t.true((await send()).includes('"bytes":1000000'));
  t.true(process.memoryUsage().rss - after < 64 * MiB);
});

test('a chunked body over the limit is refused when it passes it', async t => {
  const { app: small } = makeApp({ limits: { body: 100 } });
  const port = await listen(small);
  const head = `POST ${infer} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const at = async (size: number) => parseAnswer((await talk(port, `${head}${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`, 20_000)).text).status; // prettier-ignore
  t.is(await at(100), 200);
  t.is(await at(101), 413);
  await small.close();
});
