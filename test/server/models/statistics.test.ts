// Row 60 of the protocol's cases, beneath HTTP: what is counted is what was done.

import test from 'ava';
import { errors } from '../../../src/server/errors.js';
import { ModelCounts } from '../../../src/server/models/statistics.js';
import { loopNetwork } from '../networks.js';
import { floats, realModel } from './real-network.js';

const times = (ns: number) => ({ inputNs: ns, inferNs: 10 * ns, outputNs: 0.6 });

test('counts add up as Triton’s do', t => {
  const counts = new ModelCounts(() => 1234.5);
  t.is(counts.statistics(0).last_inference, 0);
  for (let i = 0; i < 3; i++) counts.ran(1, 8, times(2));
  counts.ran(8, 8, times(1));
  counts.ran(1, 1, times(5));
  counts.waited(7);
  counts.succeeded(100);
  counts.succeeded(50);
  counts.failed(9);
  const { inference_count: inferences, execution_count: executions, last_inference: last, inference_stats: stats, batch_stats: batches, memory_usage: memory } = counts.statistics(77); // prettier-ignore
  t.deepEqual([last, inferences, executions], [1235, 33, 5]);
  t.deepEqual(stats, {
    success: { count: 2, ns: 150 },
    fail: { count: 1, ns: 9 },
    queue: { count: 1, ns: 7 },
    compute_input: { count: 12, ns: 3 * 2 + 8 + 5 },
    compute_infer: { count: 12, ns: 60 + 80 + 50 },
    compute_output: { count: 12, ns: 12 },
  });
  t.deepEqual(batches.map(({ batch_size: size, compute_infer: { count, ns } }) => [size, count, ns]), [[1, 1, 50], [8, 4, 70]]); // prettier-ignore
  t.is(batches.reduce((sum, { batch_size: size, compute_infer: { count } }) => sum + size * count, 0), inferences); // prettier-ignore
  t.deepEqual(memory, [{ type: 'CPU', id: 0, byte_size: 77 }]);
});

test('3 requests of 8 rows one by one, then 8 of one row at once', async t => {
  const { served, told } = await realModel(loopNetwork(1, 'N'));
  const rows = (count: number) => ({ inputs: new Map([['x', floats([count, 4], Array.from({ length: 4 * count }, () => 1))]]) }); // prettier-ignore
  for (let i = 0; i < 3; i++) await served.run(rows(8));
  t.deepEqual([served.statistics.inference_count, served.statistics.execution_count], [24, 3]);
  await Promise.all(Array.from({ length: 8 }, () => served.run(rows(1))));
  served.refused();
  const { statistics } = served;
  t.deepEqual([statistics.inference_count, statistics.execution_count], [32, 4]);
  t.deepEqual(statistics.batch_stats.map(({ batch_size: size, compute_infer: { count } }) => [size, count]), [[8, 4]]); // prettier-ignore
  t.is(statistics.last_inference, 1_700_000_000_000);
  const { success, fail, queue, compute_infer: infer } = statistics.inference_stats;
  t.deepEqual([success.count, fail.count, queue.count], [11, 1, 11]);
  t.deepEqual(infer, { count: 11, ns: 1100 });
  t.true(success.ns >= queue.ns);
  t.deepEqual([told.queued, told.rows, told.ran], [11, 32, [8, 8, 8, 8]]);
  t.deepEqual([...told.outcomes], [['ok', 11], ['bad_request', 1]]); // prettier-ignore
  await served.close();
});

test('each end has its outcome', async t => {
  const { served, told, busy, failNext, ready } = await realModel(loopNetwork(1, 'N'), { limits: { queue: 2 } });
  const request = { inputs: new Map([['x', floats([1, 4], [1, 2, 3, 4])]]) };
  for (const [make, code] of [[errors.RUN_FAILED, 'RUN_FAILED'], [errors.WORKER_LOST, 'WORKER_LOST'], [errors.RUN_TIMEOUT, 'RUN_TIMEOUT']] as const) {
    failNext(make({ reason: 'x' }));
    await t.throwsAsync(served.run(request), { code });
  } // prettier-ignore
  const free = busy();
  const gone = new AbortController();
  const waiting = served.run({ ...request, signal: gone.signal });
  await t.throwsAsync(served.run({ ...request, queueLimit: 5 }), { code: 'QUEUE_TIMEOUT', message: /model m: no process was free within \d+ ms/ }); // prettier-ignore
  const other = served.run(request);
  await t.throwsAsync(served.run(request), { code: 'QUEUE_FULL', message: 'model m: 2 requests wait already' });
  gone.abort(new Error('left'));
  await t.throwsAsync(waiting, { message: 'left' });
  await t.throwsAsync(served.run({ ...request, signal: gone.signal }), { message: 'left' });
  ready(false);
  t.deepEqual(served.state, { isReady: false, reason: 'its process is being replaced' });
  await t.throwsAsync(served.run(request), { code: 'MODEL_NOT_READY' });
  ready(true);
  free();
  await other;
  t.deepEqual(Object.fromEntries(told.outcomes), { error: 2, timeout: 2, rejected: 2, cancelled: 2, ok: 1 });
  const { success, fail } = served.statistics.inference_stats;
  t.deepEqual([success.count, fail.count], [1, 6], 'who has gone was not answered');
  await served.close();
});
