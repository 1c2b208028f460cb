// What surrounds every request: ids, refusals in one shape, 404 and 405, limits on both sides, counts and log lines.
// Row 5.5 of safety.md: limits of connections, time and requests in flight.

import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { errors } from '../../../src/server/errors.js';
import type { HttpFacts } from '../../../src/server/metrics.js';
import { listen, makeApp, parseAnswer, talk } from './talk.js';

const infer = '/v2/models/add/infer';
const jsonHeaders = { 'content-type': 'application/json' };

test('every answer has an id and nosniff; a good id of the client is kept, any other replaced', async t => {
  const { app } = makeApp();
  for (const url of ['/v2', '/nowhere', '/fault', '/v2/models/%zz/infer']) {
    const { headers } = await app.inject({ url, headers: { 'x-request-id': 'mine.1_a-B' } });
    t.is(headers['x-request-id'], 'mine.1_a-B', url);
    t.is(headers['x-content-type-options'], 'nosniff');
    t.is(headers['referrer-policy'], 'no-referrer');
  }
  for (const id of ['', 'a b', 'a'.repeat(129), 'é'])
    t.regex(String((await app.inject({ url: '/v2', headers: { 'x-request-id': id } })).headers['x-request-id']), /^[0-9a-f-]{36}$/); // prettier-ignore
});

test('an unknown path is 404, a wrong method 405 with Allow, HEAD works where GET does', async t => {
  const { app } = makeApp();
  const nowhere = await app.inject({ method: 'POST', url: '/v2/nowhere', payload: 'text', headers: { 'content-type': 'text/plain' } }); // prettier-ignore
  t.is(nowhere.statusCode, 404);
  t.is(nowhere.json<{ code: string }>().code, 'NOT_FOUND');
  const get = await app.inject(infer);
  t.is(get.statusCode, 405);
  t.is(get.headers.allow, 'POST');
  t.is(get.json<{ code: string }>().code, 'METHOD_NOT_ALLOWED');
  t.is((await app.inject({ method: 'DELETE', url: '/v2?a=b' })).headers.allow, 'GET, HEAD');
  const port = await listen(app);
  t.is(parseAnswer((await talk(port, `PROPFIND ${infer} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).text).status, 405); // prettier-ignore
  t.is(parseAnswer((await talk(port, 'GET http://b/v2/models/a/infer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).text).headers.get('allow'), 'POST'); // prettier-ignore
  const head = await app.inject({ method: 'HEAD', url: '/v2' });
  t.is(head.statusCode, 200);
  t.is(head.body, '');
  await app.close();
});

test('a fault of ours says a fixed text; its details are in the log, under the id', async t => {
  const { app, entries } = makeApp();
  const answer = await app.inject({ url: '/fault', headers: { 'x-request-id': 'f1' } });
  t.is(answer.statusCode, 500);
  t.is(answer.json<{ code: string }>().code, 'INTERNAL');
  t.false(answer.body.includes('secret'));
  const line = entries().find(entry => entry['msg'] === 'request failed');
  t.is(line?.['request_id'], 'f1');
  t.regex(JSON.stringify(line), /secret path/);
});

test('refusals have the status of their code, and the headers that go with it', async t => {
  const { app } = makeApp({}, on => {
    on.get('/busy', async () => {
      throw errors.QUEUE_TIMEOUT({ reason: 'full' });
    });
    on.get('/busy-long', async () => {
      throw errors.MODEL_NOT_READY(Object.assign({ reason: 'restarting' }, { retryAfter: 90 }));
    });
    on.get('/failed', async () => {
      throw errors.RUN_FAILED({ reason: 'node Div: division by zero' });
    });
  });
  const busy = await app.inject('/busy');
  t.is(busy.statusCode, 503);
  t.is(busy.headers['retry-after'], '1');
  t.is((await app.inject('/busy-long')).headers['retry-after'], '30');
  const failed = await app.inject({ url: '/failed', headers: { 'x-request-id': 'r' } });
  t.deepEqual(failed.json(), { error: 'node Div: division by zero', code: 'RUN_FAILED', request_id: 'r' });
});

test('requests over the limit in flight are refused at once; health is not', async t => {
  const counts: number[] = [0];
  const { app } = makeApp({ limits: { inFlight: 2 }, onInFlight: delta => counts.push(counts.at(-1)! + delta) });
  const slow = [1, 2].map(() => app.inject({ method: 'POST', url: '/slow/1000' }));
  while (counts.at(-1) !== 2) await sleep(5);
  const third = await app.inject('/v2');
  t.is(third.statusCode, 503);
  t.is(third.json<{ code: string }>().code, 'QUEUE_FULL');
  t.is(third.headers['retry-after'], '1');
  t.is((await app.inject('/v2/health/live')).statusCode, 200);
  for (const answer of await Promise.all(slow)) t.is(answer.statusCode, 200);
  t.is((await app.inject('/v2')).statusCode, 200);
  t.is(counts.at(-1), 0);
  t.is(Math.max(...counts), 3);
});

test('bodies over the limit of bytes in flight are refused at once; what was answered makes room', async t => {
  let inFlight = 0;
  const { app } = makeApp({ limits: { body: 100, inFlightBytes: 150 }, onInFlight: delta => (inFlight += delta) });
  const post = (url: string, size: number, more = {}) => app.inject({ method: 'POST', url, headers: { ...jsonHeaders, ...more }, payload: 'a'.repeat(size) }); // prettier-ignore
  const slow = post('/slow/1000', 100);
  while (inFlight === 0) await sleep(5);
  t.is((await post(infer, 50)).statusCode, 200);
  const refused = await post(infer, 51);
  t.is(refused.statusCode, 503);
  t.is(refused.json<{ code: string }>().code, 'QUEUE_FULL');
  t.is(
    (await post(infer, 20, { 'content-encoding': 'gzip' })).statusCode,
    503,
    'packed, it may become as large as any',
  );
  t.is((await app.inject('/v2')).statusCode, 200);
  t.is((await slow).statusCode, 200);
  t.is((await post(infer, 51)).statusCode, 200);
});

test('limits of URL, headers and body, on both sides', async t => {
  const { app } = makeApp({ limits: { body: 1000, url: 100, headers: 1024 } });
  const at = (url: string) => app.inject(url);
  t.is((await at(`/v2?${'a'.repeat(96)}`)).statusCode, 200);
  const long = await at(`/v2?${'a'.repeat(97)}`);
  t.is(long.statusCode, 431);
  t.is(long.json<{ code: string }>().code, 'HEADERS_TOO_LARGE');
  t.is((await at(`/v2/models/${'a'.repeat(90)}/infer`)).statusCode, 431);
  const post = (payload: string) => app.inject({ method: 'POST', url: infer, headers: jsonHeaders, payload });
  t.is((await post('a'.repeat(1000))).statusCode, 200);
  const large = await post('a'.repeat(1001));
  t.is(large.statusCode, 413);
  t.is(large.json<{ code: string }>().code, 'TOO_LARGE');
  const port = await listen(app);
  const get = (size: number) => talk(port, `GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${'a'.repeat(size)}\r\n\r\n`); // prettier-ignore
  t.is(parseAnswer((await get(900)).text).status, 200);
  t.is(parseAnswer((await get(1100)).text).status, 431);
  await app.close();
});

test('what is answered is counted by route template, and logged in one line', async t => {
  const facts: HttpFacts[] = [];
  const { app, entries } = makeApp({ onAnswered: fact => facts.push(fact) });
  await app.inject({ method: 'POST', url: infer, headers: { ...jsonHeaders, 'x-request-id': 'c1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, payload: '{"secret":1}' }); // prettier-ignore
  await app.inject('/made/up');
  t.deepEqual(facts.map(({ route, method, status }) => [route, method, status]), [['/v2/models/:model/infer', 'POST', 200], [undefined, 'GET', 404]]); // prettier-ignore
  t.true(facts.every(({ seconds }) => seconds >= 0 && seconds < 60));
  const [line] = entries();
  t.like(line, { msg: 'request', request_id: 'c1', trace_id: 'a'.repeat(32), parent_id: 'b'.repeat(16), route: '/v2/models/:model/infer', status: 200 }); // prettier-ignore
  t.false(JSON.stringify(entries()).includes('secret'));
});

test('a bad traceparent begins a new trace and harms nothing', async t => {
  const { app, entries } = makeApp();
  const zero = '0'.repeat(32);
  for (const traceparent of [
    `00-${zero}-${'b'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
    '00-aaaa',
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01-x`,
  ])
    // prettier-ignore
    t.is((await app.inject({ url: '/v2', headers: { traceparent } })).statusCode, 200);
  const traces = entries().map(entry => entry['trace_id']);
  t.is(new Set(traces).size, 6);
  for (const trace of traces) t.regex(String(trace), /^[0-9a-f]{32}$/);
  t.true(entries().every(entry => !('parent_id' in entry) && entry['trace_id'] !== zero));
});

test('slow headers, a slow body and a body that stops are ended with 408', async t => {
  const limits = { headersTime: 300, requestTime: 1_000, checkInterval: 50, idleTime: 300 };
  const { app } = makeApp({ limits });
  const port = await listen(app);
  const slow = Array.from({ length: 100 }, async () => {
    const socket = connect(port, '127.0.0.1');
    const timer = setInterval(() => socket.write('a'), 20);
    socket.on('error', () => undefined);
    socket.write('GET /v2 HTTP/1.1\r\nX-A: ');
    let text = '';
    socket.on('data', chunk => (text += chunk.toString()));
    await new Promise(resolve => socket.once('close', resolve));
    clearInterval(timer);
    return text;
  });
  // others are answered meanwhile
  for (let at = 0; at < 20; at++) t.is((await fetch(`http://127.0.0.1:${port}/v2`)).status, 200);
  for (const text of await Promise.all(slow)) {
    t.is(parseAnswer(text).status, 408);
    t.regex(text, /"code":"REQUEST_TIMEOUT"/);
  }
  const head = `POST ${infer} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;
  const stopped = await talk(port, `${head}{`, 10_000);
  t.is(parseAnswer(stopped.text).status, 408);
  t.regex(stopped.text, /the body stopped arriving/);
  const socket = connect(port, '127.0.0.1');
  const timer = setInterval(() => socket.write(' '), 50);
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', chunk => (text += chunk.toString()));
  socket.write(head);
  await new Promise(resolve => socket.once('close', resolve));
  clearInterval(timer);
  t.is(parseAnswer(text).status, 408);
  t.regex(text, /did not arrive in time/);
  await app.close();
});

test('a run may take longer than a sender may be silent', async t => {
  const { app } = makeApp({ limits: { idleTime: 100, checkInterval: 50 } });
  const port = await listen(app);
  const answer = await fetch(`http://127.0.0.1:${port}/slow/500`, { method: 'POST', body: '{}', headers: jsonHeaders });
  t.is(answer.status, 200);
  await app.close();
});

test('more connections than the limit are not taken', async t => {
  const { app } = makeApp({ limits: { connections: 2 } });
  const port = await listen(app);
  const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(held.map(socket => new Promise(resolve => socket.once('connect', resolve))));
  await sleep(50);
  t.is((await talk(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n', 1_000)).text, '');
  for (const socket of held) socket.destroy();
  await app.close();
});

test('requests over the rate are refused by key or address, health never', async t => {
  const { app } = makeApp({ rateLimit: 3 });
  for (let at = 0; at < 3; at++) t.is((await app.inject('/v2')).statusCode, 200);
  const over = await app.inject('/v2');
  t.is(over.statusCode, 429);
  t.is(over.json<{ code: string }>().code, 'RATE_LIMITED');
  const wait = Number(over.headers['retry-after']);
  t.true(wait >= 1 && wait <= 30, String(wait));
  t.is((await app.inject({ url: '/v2', remoteAddress: '10.0.0.9' })).statusCode, 200);
  for (let at = 0; at < 5; at++) t.is((await app.inject('/v2/health/live')).statusCode, 200);
});

test('the port that is taken is refused by the system, not swallowed', async t => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => other.once('listening', resolve));
  const { app } = makeApp();
  const address = other.address();
  await t.throwsAsync(() => app.listen({ host: '127.0.0.1', port: typeof address === 'object' ? address!.port : 0 }), { code: 'EADDRINUSE' }); // prettier-ignore
  other.close();
  await app.close();
});
