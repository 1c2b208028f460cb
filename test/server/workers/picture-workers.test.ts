// Decoding in processes: what is refused before one is asked, a bounded queue, one that is killed, clients that leave.

import test from 'ava';
import sharp from 'sharp';
import { childrenOf } from '../../../tools/soak/processes.js';
import type { Preprocessing } from '../../../src/index.js';
import { openPictureWorkers } from '../../../src/server/workers/index.js';
import { codeOf } from '../../code-of.js';
import { until } from '../../until.js';
import { telling } from './telling.js';

const recipe: Preprocessing = { width: 8, height: 8, resize: 'shorter-side', cropFraction: 1, filter: 'bilinear', background: [255, 255, 255] }; // prettier-ignore
const picture = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: { r: 10, g: 20, b: 30 } } }).png().toBuffer(); // prettier-ignore
const limits = { queue: 2, picture: 1_000_000, memoryLimit: 2 ** 31 };

async function opened(processes: number, more: { stallTime?: number } = {}) {
  const told = telling();
  const before = new Set(childrenOf(process.pid).map(({ pid }) => pid));
  const workers = await openPictureWorkers({ processes, ...limits, ...more, log: told.log, telemetry: told.telemetry });
  const pids = childrenOf(process.pid).flatMap(({ pid, program }) => (program === 'picture-child' && !before.has(pid) ? [pid] : [])); // prettier-ignore
  return { workers, told, pids };
}

test.serial('pixels of the recipe’s size, the picture’s own size, and what is refused', async t => {
  const { workers, told } = await opened(1);
  t.is(workers.milliseconds, 0);
  const { pixels, width, height } = await workers.prepare(await picture(40, 30), recipe);
  t.deepEqual([width, height, pixels.length], [40, 30, 192]);
  t.deepEqual([...pixels.subarray(0, 3)], [10, 20, 30]);
  t.true(workers.milliseconds > 0);
  const large = await sharp({ create: { width: 8000, height: 7000, channels: 3, background: 'red' } }).png().toBuffer(); // prettier-ignore
  const png = await picture(40, 30);
  const refused: readonly (readonly [code: string, bytes: Uint8Array])[] = [
    ['IMAGE_TOO_LARGE', new Uint8Array(1_000_001)],
    ['IMAGE_UNSUPPORTED', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['IMAGE_UNSUPPORTED', new Uint8Array(0)],
    ['IMAGE_TOO_LARGE', large],
    ['IMAGE_CORRUPT', png.subarray(0, png.length - 30)],
  ];
  for (const [code, bytes] of refused) t.is(await codeOf(workers.prepare(bytes, recipe)), code);
  t.deepEqual(told.refused, refused.map(([code]) => code)); // prettier-ignore
  t.is((await workers.prepare(png, recipe)).width, 40);
  await workers.close();
});

test.serial('more than may wait are refused; who leaves makes room', async t => {
  const { workers } = await opened(1);
  const slow = await sharp({ create: { width: 6000, height: 5000, channels: 3, background: 'red' } }).png().toBuffer(); // prettier-ignore
  const running = workers.prepare(slow, recipe);
  const gone = new AbortController();
  const waiting = workers.prepare(await picture(9, 9), recipe, gone.signal);
  const second = workers.prepare(await picture(10, 10), recipe);
  t.is(await codeOf(workers.prepare(await picture(11, 11), recipe)), 'QUEUE_FULL');
  gone.abort(new Error('left'));
  await t.throwsAsync(waiting, { message: 'left' });
  const third = workers.prepare(await picture(12, 12), recipe);
  t.deepEqual((await Promise.all([running, second, third])).map(({ width }) => width), [6000, 10, 12]); // prettier-ignore
  await t.throwsAsync(workers.prepare(slow, recipe, AbortSignal.abort(new Error('gone before'))), { message: 'gone before' }); // prettier-ignore
  await workers.close();
});

test.serial('where no process becomes free, those who wait are refused, and what comes later is prepared', async t => {
  const { workers, pids } = await opened(1, { stallTime: 100 });
  if (pids.length === 0) return t.pass('this system has no /proc');
  process.kill(pids[0]!, 'SIGSTOP');
  const running = codeOf(workers.prepare(await picture(40, 30), recipe));
  const waiting = [9, 10].map(async side => codeOf(workers.prepare(await picture(side, side), recipe)));
  t.deepEqual(await Promise.all(waiting), ['QUEUE_TIMEOUT', 'QUEUE_TIMEOUT']);
  process.kill(pids[0]!, 'SIGKILL');
  t.is(await running, 'WORKER_LOST');
  // the next process is up in a while
  const last = await picture(12, 12);
  await until(async () => (await workers.prepare(last, recipe).catch(() => ({ width: 0 }))).width === 12);
  await workers.close();
});

test.serial('one that is killed loses its own picture and is replaced; all end when they are closed', async t => {
  const { workers, told, pids } = await opened(1);
  if (pids.length === 0) return t.pass('this system has no /proc');
  const slow = await sharp({ create: { width: 6000, height: 5000, channels: 3, background: 'red' } }).png().toBuffer(); // prettier-ignore
  const running = codeOf(workers.prepare(slow, recipe));
  process.kill(pids[0]!, 'SIGKILL');
  t.is(await running, 'WORKER_LOST');
  t.is((await workers.prepare(await picture(40, 30), recipe)).width, 40);
  t.deepEqual(told.restarts, ['SIGKILL']);
  await workers.close();
  const left = childrenOf(process.pid).filter(({ program }) => program === 'picture-child');
  t.deepEqual(left, []);
});
