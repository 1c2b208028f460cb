// The end of a server: ready goes first, answers under way are given, new connections are refused, then it is over.
// Row 5.11 of safety.md.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { drainable, type Drain } from '../../../src/server/http/index.js';
import { listen, makeApp, parseAnswer, talk } from './talk.js';

async function serve(limits: { drainAccept: number; drainFinish: number }) {
  let drained = 0;
  let drain: Drain | undefined;
  const made = makeApp({}, app => {
    drain = drainable(app, { limits, onDrain: () => drained++ });
    app.get('/draining', async () => ({ draining: drain?.isDraining() }));
  });
  return { ...made, port: await listen(made.app), drain: drain!, drains: () => drained };
}
const post = (port: number, time: number) => fetch(`http://127.0.0.1:${port}/slow/${time}`, { method: 'POST' });

test('requests under way and those that still come are answered; then nothing listens', async t => {
  const { port, drain, drains } = await serve({ drainAccept: 400, drainFinish: 10_000 });
  t.false(drain.isDraining());
  const slow = Array.from({ length: 8 }, () => post(port, 1_500));
  await sleep(100);
  const ended = drain.begin();
  t.true(drain.isDraining());
  t.is(drains(), 1);
  // a connection that would be kept otherwise ends with its answer
  const late = parseAnswer((await talk(port, 'GET /draining HTTP/1.1\r\nHost: a\r\n\r\n')).text);
  t.is(late.status, 200);
  t.is(late.body, '{"draining":true}');
  t.is(late.headers.get('connection'), 'close');
  await sleep(600);
  t.is((await talk(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n')).text, '');
  for (const answer of await Promise.all(slow)) t.is(answer.status, 200);
  t.is(await ended, 0);
});

test('kept connections without a request do not hold the end up', async t => {
  const { port, drain } = await serve({ drainAccept: 50, drainFinish: 20_000 });
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  const kept = connect(port, '127.0.0.1').on('error', () => undefined);
  kept.write('GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise(resolve => kept.once('data', resolve));
  const from = performance.now();
  t.is(await drain.begin(), 0);
  t.true(performance.now() - from < 15_000);
  silent.destroy();
  kept.destroy();
});

test('what does not finish in time is cut, and the end is still in order', async t => {
  const { port, drain } = await serve({ drainAccept: 50, drainFinish: 200 });
  const slow = t.throwsAsync(post(port, 60_000));
  await sleep(100);
  t.is(await drain.begin(), 0);
  await slow;
});

test('a second signal ends all at once, with status 1', async t => {
  const { port, drain } = await serve({ drainAccept: 60_000, drainFinish: 60_000 });
  const slow = t.throwsAsync(post(port, 60_000));
  await sleep(100);
  const first = drain.begin();
  t.is(await drain.begin(), 1);
  t.is(await first, 1);
  t.is(await drain.finished, 1);
  await slow;
});

test('a request on a kept connection after the last were taken is told that the server ends', async t => {
  const { port, drain } = await serve({ drainAccept: 0, drainFinish: 10_000 });
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', chunk => (text += chunk.toString()));
  const head = (time: number) => `POST /slow/${time} HTTP/1.1\r\nHost: a\r\n\r\n`;
  socket.write(head(800));
  await sleep(100);
  const ended = drain.begin();
  await sleep(100);
  socket.write(head(0));
  await new Promise(resolve => socket.once('close', resolve));
  t.regex(text, /^HTTP\/1\.1 200 /);
  t.false(text.includes('HTTP/1.1 200', 5));
  t.is(await ended, 0);
});
