// What clients do that mean no good, or cannot do better: each is to be refused in its own way, and to harm nobody else.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/index.js';
import { ask, talk, type Asker, type Question } from './ask.js';
import type { Tally } from './tally.js';

/** Largest body that the server is told to take. */
export const bodyLimit = 2 ** 20;

const json = { 'content-type': 'application/json' } as const;
const good = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }] });
const post = (path: string, body: string, headers: Question['headers'] = json): Question => ({ path, headers, body });

/** Requests that are whole and wrong, with the statuses that they may have. */
const refused: readonly (readonly [kind: string, question: Question, statuses: readonly number[]])[] = [
  ['cut JSON', post('/v2/models/add/infer', good.slice(0, -9)), [400]],
  ['no UTF-8', { path: '/v2/models/add/infer', headers: json, body: Buffer.from(`{"id":"\xff"}`, 'latin1') }, [400]],
  ['deep JSON', post('/v2/models/add/infer', '['.repeat(5000)), [400]],
  ['prototype', post('/v2/models/add/infer', '{"__proto__":{"polluted":1},"inputs":[]}'), [400]],
  ['wrong shape', post('/v2/models/add/infer', good.replace('[1,4]', '[4,4]')), [400]],
  ['wrong name', post('/v2/models/add/infer', good.replace('"x"', '"y"')), [400]],
  ['unknown model', post('/v2/models/nope/infer', good), [404]],
  ['unknown version', post('/v2/models/sum/versions/77/infer', good), [404]],
  ['unknown path', post('/v3/nothing', good), [404]],
  ['bad name', { path: '/v2/models/..%2f..%2fetc' }, [400]],
  ['pickle', post('/v2/models/add/infer', 'cos\nsystem', { 'content-type': 'application/x-pickle' }), [415]],
  ['no picture', post('/v1/models/pic/predict', 'GIF89 or not', { 'content-type': 'image/gif' }), [400, 415]],
  ['cut picture', post('/v1/models/pic/predict', '\xff\xd8\xff\xe0 cut', { 'content-type': 'image/jpeg' }), [400, 415]],
  ['an address', post('/v1/models/pic/predict', '{"images":[{"url":"http://127.0.0.1:9/"}]}'), [400]],
  ['wrong key', { path: '/v2/models', headers: { authorization: `Bearer ${'x'.repeat(40)}` } }, [401]],
  ['wrong method', { method: 'POST', path: '/v2/health/live', body: '' }, [405]],
  ['oversized', post('/v2/models/add/infer', ' '.repeat(bodyLimit + 1)), [413]],
]; // prettier-ignore

/** Bytes that are no HTTP that two readers read alike. */
const malformed = [
  'POST /v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
  'POST /v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /v2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /v2 HTTP/1.1\nHost: a\n\n',
  'nothing at all\r\n\r\n',
  `GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
];

/** Asks badly once. */
export async function misbehave(asker: Asker, random: Random, tally: Tally): Promise<void> {
  const [kind, question, statuses] = refused[random.integer(refused.length)]!;
  tally.requests++;
  try {
    const { status, body } = await ask(asker, question);
    const code = codeOf(body);
    tally.answered(kind, status, code);
    if (!statuses.includes(status) && status !== 503) tally.fault(kind, `answered ${status} ${code}`);
  } catch (error) {
    tally.lose(kind, String(error));
  }
}

/** The code of a refusal; nothing of another body. */
export function codeOf(body: Uint8Array): string {
  try {
    const { code } = JSON.parse(Buffer.from(body).toString()) as { readonly code?: unknown };
    return typeof code === 'string' ? code : '';
  } catch {
    return '';
  }
}

const requestText = (key: string, body: string): Buffer =>
  Buffer.from(
    `POST /v2/models/add/infer HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);

/** Says what is no HTTP, asks slowly, or leaves in the middle. */
export async function strain({ port, key }: Asker, random: Random, tally: Tally): Promise<void> {
  const way = random.integer(4);
  const whole = requestText(key, good);
  tally.requests++;
  const expect = (kind: string, text: string, wanted: (status: number) => boolean): void => {
    const status = statusOf(text);
    tally.answered(kind, status, '');
    if (status === 0) tally.lose(kind, 'the connection ended without an answer');
    else if (!wanted(status) && status !== 503) tally.fault(kind, `answered ${status}`);
  };
  if (way === 0) {
    const text = await talk(port, Buffer.from(malformed[random.integer(malformed.length)]!));
    expect('malformed HTTP', text, status => status >= 400 && status < 500);
  } else if (way === 1) {
    const text = await talk(port, whole, { piece: 16, pause: 100 });
    expect('slow client', text, status => status === 200);
  } else if (way === 2) {
    const text = await talk(port, whole.subarray(0, 60), { piece: 1, pause: 400, patience: 20_000 });
    expect('never done', text, status => status === 408);
  } else {
    await talk(port, whole, { leaveAfter: 1 + random.integer(whole.length), piece: 64, pause: random.integer(20) });
    tally.answered('left in the middle', 0, '');
    await sleep(50);
  }
}
