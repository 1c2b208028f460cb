// Loads and unloads of one model: one after another, the same joined, the last one wins.

import test from 'ava';
import { Lane } from '../../../src/server/models/lane.js';
import { codeOf } from '../../code-of.js';

/** Work that ends when it is told to. */
function held() {
  let end: (error?: Error) => void = () => undefined;
  let begun = 0;
  const done = new Promise<void>((resolve, reject) => (end = error => (error ? reject(error) : resolve())));
  const work = (): Promise<void> => {
    begun++;
    return done;
  };
  return { work, end: (error?: Error) => end(error), begun: () => begun };
}
const turn = () => new Promise(resolve => setImmediate(resolve));

test('what comes while something is done waits, and begins when that has ended', async t => {
  const lane = new Lane();
  const [load, unload] = [held(), held()];
  const first = lane.run('load', load.work);
  t.true(lane.isBusy);
  const second = lane.run('unload', unload.work);
  await turn();
  t.deepEqual([load.begun(), unload.begun()], [1, 0]);
  load.end();
  await first;
  await turn();
  t.is(unload.begun(), 1);
  unload.end();
  await second;
  t.false(lane.isBusy);
});

test('the same is done once for all who ask, running or waiting', async t => {
  const lane = new Lane();
  const [load, unload] = [held(), held()];
  const running = [lane.run('load', load.work), lane.run('load', load.work)];
  const waiting = [lane.run('unload', unload.work), lane.run('unload', unload.work)];
  load.end();
  unload.end();
  await Promise.all([...running, ...waiting]);
  t.deepEqual([load.begun(), unload.begun()], [1, 1]);
});

test('who waits is told when a later one takes the place', async t => {
  const lane = new Lane();
  const [first, second, third] = [held(), held(), held()];
  const running = lane.run('load', first.work);
  const waiting = codeOf(lane.run('unload', second.work));
  const last = lane.run('load', third.work);
  t.is(await waiting, 'LOAD_CONFLICT');
  first.end();
  third.end();
  await Promise.all([running, last]);
  t.deepEqual([second.begun(), third.begun()], [0, 1]);
});

test('a failure is of those who asked for it; what waits goes on', async t => {
  const lane = new Lane();
  const [load, unload] = [held(), held()];
  const first = lane.run('load', load.work);
  const second = lane.run('unload', unload.work);
  load.end(new Error('no'));
  await t.throwsAsync(first, { message: 'no' });
  unload.end();
  await second;
  t.false(lane.isBusy);
});
