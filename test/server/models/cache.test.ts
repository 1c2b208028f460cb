// The cache of answers: what finds what, what goes, and who shares whose fate.

import test from 'ava';
import { ResponseCache } from '../../../src/server/models/cache.js';
import type { RunAnswer } from '../../../src/server/served.js';
import { loopNetwork } from '../networks.js';
import { floats, numbers, realModel, turns } from './real-network.js';

const answerOf = (...values: number[]): RunAnswer => ({ outputs: new Map([['y', floats([values.length], values)]]) });

test('answers are found by all that makes them', t => {
  const names = ['a', 'b'];
  const cache = new ResponseCache(1e6, 'sha');
  const request = { inputs: new Map([['a', floats([2], [1, 2])], ['b', floats([1], [3])]]) }; // prettier-ignore
  const key = cache.keyOf(request, names)!;
  t.is(cache.keyOf({ inputs: new Map([...request.inputs].reverse()), priority: 3, deadline: 9 }, names), key);
  const others = [
    new ResponseCache(1e6, 'other').keyOf(request, names),
    cache.keyOf({ ...request, outputs: ['y'] }, names),
    cache.keyOf({ ...request, members: true }, names),
    cache.keyOf({ inputs: new Map([...request.inputs, ['a', floats([1, 2], [1, 2])]]) }, names),
    cache.keyOf({ inputs: new Map([...request.inputs, ['a', { ...floats([2], [1, 2]), datatype: 'INT32' as const }]]) }, names), // prettier-ignore
    cache.keyOf({ inputs: new Map([...request.inputs, ['a', floats([2], [1, 2.5])]]) }, names),
    cache.keyOf({ inputs: new Map([['a', floats([1], [1])], ['b', floats([2], [2, 3])]]) }, names), // prettier-ignore
  ];
  t.is(new Set([key, ...others]).size, 8);
  t.is(cache.keyOf({ inputs: new Map([['a', floats([1_100_000], Array.from({ length: 1_100_000 }, () => 0))]]) }, ['a']), undefined); // prettier-ignore
});

test('the longest unused go first; what is too large or degraded is not kept', t => {
  const size = 512 + 8;
  const cache = new ResponseCache(3 * size, 'sha');
  for (const name of ['a', 'b', 'c']) cache.set(name, answerOf(1, 2));
  t.is(cache.bytes, 3 * size);
  t.true(cache.get('a')?.isCached);
  cache.set('d', answerOf(3, 4));
  t.deepEqual(['a', 'b', 'c', 'd'].map(name => cache.get(name) !== undefined), [true, false, true, true]); // prettier-ignore
  cache.set('e', answerOf(...Array.from({ length: 400 }, () => 1)));
  cache.set('a', { ...answerOf(1), degraded: { reason: 'deadline', missing: [] } });
  t.deepEqual(['a', 'c', 'd', 'e'].map(name => cache.get(name) !== undefined), [true, true, true, false]); // prettier-ignore
  t.is(cache.bytes, 3 * size);
  const row = new Uint8Array(800).subarray(8, 16);
  cache.set('view', { outputs: new Map([['y', { datatype: 'FP32', shape: [2], data: row }]]) });
  t.is(cache.get('view')!.outputs.get('y')!.data.buffer.byteLength, 8, 'not the buffer that it was a part of');
});

test('the same is run once: at once, and after', async t => {
  const { served, runs, told } = await realModel(loopNetwork(1, 'N'), { cacheBytes: 1e6 });
  const request = () => ({ inputs: new Map([['x', floats([1, 4], [1, 2, 3, 4])]]) });
  const answers = await Promise.all([1, 2, 3].map(() => served.run(request())));
  t.deepEqual(answers.map(({ isCached }) => isCached ?? false), [false, true, true]); // prettier-ignore
  const after = await served.run(request());
  t.true(after.isCached);
  for (const { outputs } of [...answers, after]) t.deepEqual(numbers(outputs.get('y')!), [1, 2, 3, 4]);
  t.is(runs.length, 1);
  t.falsy((await served.run({ inputs: new Map([['x', floats([1, 4], [1, 2, 3, 5])]]) })).isCached);
  const { inference_count: inferences, inference_stats: stats } = served.statistics;
  t.deepEqual([inferences, stats.success.count, stats.queue.count, stats.compute_infer.count], [2, 5, 5, 2]);
  t.is(told.outcomes.get('ok'), 5);
  await served.close();
});

test('who leaves takes nobody along; when all have left nothing is run', async t => {
  const { served, runs, busy, told } = await realModel(loopNetwork(1, 'N'), { cacheBytes: 1e6 });
  const [first, second] = [new AbortController(), new AbortController()];
  const request = (signal?: AbortSignal) => served.run({ inputs: new Map([['x', floats([1, 4], [9, 2, 3, 4])]]), ...(signal ? { signal } : {}) }); // prettier-ignore
  const free = busy();
  const leader = request(first.signal);
  const follower = request();
  first.abort(new Error('left'));
  await t.throwsAsync(leader, { message: 'left' });
  free();
  t.deepEqual(numbers((await follower).outputs.get('y')!), [9, 2, 3, 4]);
  t.is(runs.length, 1);

  const freeAgain = busy();
  const both = [first, second].map(() => new AbortController());
  const asked = both.map(({ signal }) =>
    served.run({ inputs: new Map([['x', floats([1, 4], [8, 8, 8, 8])]]), signal }),
  );
  t.is(served.waiting, 1);
  for (const one of both) one.abort(new Error('left'));
  for (const one of asked) await t.throwsAsync(one, { message: 'left' });
  await turns();
  t.is(served.waiting, 0);
  freeAgain();
  await turns();
  t.is(runs.length, 1);
  t.is(told.outcomes.get('cancelled'), 3);
  await served.close();
});
