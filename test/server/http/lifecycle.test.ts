// The end of a server: ready goes first, answers under way are given, new connections are refused, then it is over.
// Row 5.11 of safety.md.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { drainable, type Drain } from '../../../src/server/http/index.js';
import { until } from '../../until.js';
import { listen, makeApp, parseAnswer, talk } from './talk.js';

async function serve(limits: { drainAccept: number; drainFinish: number }) {
  let [drained, inFlight] = [0, 0];
  let drain: Drain | undefined;
  let release = (): void => undefined;
  const isReleased = new Promise<void>(resolve => (release = resolve));
  const made = makeApp({ onInFlight: delta => (inFlight += delta) }, app => {
    drain = drainable(app, { limits, onDrain: () => drained++ });
    app.get('/draining', async () => ({ draining: drain?.isDraining() }));
    app.post('/held', async () => isReleased.then(() => ({ held: true })));
  });
  /** Waits until so many requests are being answered. */
  const busy = (count: number) => until(() => inFlight === count);
  return { ...made, port: await listen(made.app), drain: drain!, drains: () => drained, busy, release };
}
const held = (port: number) => fetch(`http://127.0.0.1:${port}/held`, { method: 'POST' });

test('requests under way and those that still come are answered; then nothing listens', async t => {
  const { port, drain, drains, busy, release } = await serve({ drainAccept: 1_500, drainFinish: 60_000 });
  t.false(drain.isDraining());
  const slow = Array.from({ length: 8 }, () => held(port));
  await busy(8);
  const ended = drain.begin();
  t.true(drain.isDraining());
  t.is(drains(), 1);
  // a connection that would be kept otherwise ends with its answer
  const late = parseAnswer((await talk(port, 'GET /draining HTTP/1.1\r\nHost: a\r\n\r\n')).text);
  t.is(late.status, 200);
  t.is(late.body, '{"draining":true}');
  t.is(late.headers.get('connection'), 'close');
  await until(async () => (await talk(port, 'GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n')).text === '');
  release();
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
  t.true(performance.now() - from < 19_000);
  silent.destroy();
  kept.destroy();
});

test('what does not finish in time is cut, and the end is still in order', async t => {
  const { port, drain, busy } = await serve({ drainAccept: 50, drainFinish: 200 });
  const slow = t.throwsAsync(held(port));
  await busy(1);
  t.is(await drain.begin(), 0);
  await slow;
});

test('a second signal ends all at once, with status 1', async t => {
  const { port, drain, busy } = await serve({ drainAccept: 60_000, drainFinish: 60_000 });
  const slow = t.throwsAsync(held(port));
  await busy(1);
  const first = drain.begin();
  t.is(await drain.begin(), 1);
  t.is(await first, 1);
  t.is(await drain.finished, 1);
  await slow;
});

test('a request on a kept connection after the last were taken is told that the server ends', async t => {
  const { port, drain, busy, release } = await serve({ drainAccept: 0, drainFinish: 60_000 });
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', chunk => (text += chunk.toString()));
  const head = 'POST /held HTTP/1.1\r\nHost: a\r\n\r\n';
  socket.write(head);
  await busy(1);
  const ended = drain.begin();
  await sleep(100);
  socket.write(head);
  await sleep(50);
  release();
  await new Promise(resolve => socket.once('close', resolve));
  t.regex(text, /^HTTP\/1\.1 200 /);
  t.false(text.includes('HTTP/1.1 200', 5));
  t.is(await ended, 0);
});
