// Batching with real networks: the same answers as alone, one end for each request, neighbours that do not suffer.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { GraftError, Random, tensor } from '../../../src/base/index.js';
import { Builder, modelOf, type Model } from '../../../src/graph/index.js';
import { Gather, Reshape } from '../../../src/operators/index.js';
import { errors } from '../../../src/server/errors.js';
import type { WireTensor } from '../../../src/server/tensors.js';
import { addNetwork, identityNetwork, loopNetwork, pictureNetwork, sumNetwork } from '../networks.js';
import { bytesElements, elementsOf, floats, numbers, realModel, turns } from './real-network.js';

/** x INT64 [N, 1] → y = table[x]; an index past 3 fails. */
function tableNetwork(): Model {
  const builder = new Builder('table');
  const table = builder.parameter('table', tensor('float32', [4], Float32Array.of(10, 20, 30, 40)));
  builder.output(Gather(table, builder.input('x', 'int64', ['N', 1])), 'y');
  return modelOf(builder.finish());
}
const at = (...indices: number[]): ReadonlyMap<string, WireTensor> =>
  new Map([['x', { datatype: 'INT64', shape: [indices.length, 1], data: new Uint8Array(BigInt64Array.from(indices.map(BigInt)).buffer) }]]); // prettier-ignore
const four = (...values: number[]) => ({ inputs: new Map([['x', floats([values.length / 4, 4], values)]]) });
/** The code of an error of ours; of others what they say. */
const codeOf = (error: unknown): string => (error instanceof GraftError ? error.code : error instanceof Error ? error.message : String(error)); // prettier-ignore
const yOf = ({ outputs }: { outputs: ReadonlyMap<string, WireTensor> }) => numbers(outputs.get('y')!);

test('who comes while all processes are busy is one run with the others', async t => {
  const { served, runs, busy } = await realModel(loopNetwork(1, 'N'), { maxBatch: 4 });
  const free = busy();
  const asked = [1, 2, 3, 4, 5, 6].map(i => served.run(four(i, i, i, i)));
  t.is(served.waiting, 6);
  free();
  const answers = await Promise.all(asked);
  answers.forEach((answer, i) => {
    t.deepEqual(yOf(answer), [i + 1, i + 1, i + 1, i + 1]);
    t.deepEqual(answer.outputs.get('y')!.shape, [1, 4]);
  });
  t.deepEqual(runs.map(({ rows }) => rows), [4, 2]); // prettier-ignore
  t.is(answers[0]!.outputs.get('y')!.data.buffer, answers[3]!.outputs.get('y')!.data.buffer, 'views, no copies');
  await served.close();
});

test('a request alone is passed as it is, with the time limit', async t => {
  const { served, runs } = await realModel(loopNetwork(1, 'N'), { limits: { runTime: 777 } });
  const request = four(1, 2, 3, 4);
  await served.run(request);
  t.is(runs[0]!.inputs, request.inputs);
  t.is(runs[0]!.timeLimit, 777);
  await served.close();
});

test('requests are not split, not passed by, and never more than fit', async t => {
  const { served, runs, busy } = await realModel(loopNetwork(1, 'N'), { maxBatch: 4 });
  const rows = (count: number) => served.run(four(...Array.from({ length: 4 * count }, () => count)));
  const free = busy();
  const asked = [3, 2, 1, 9, 1, 0, 1].map(rows);
  free();
  const answers = await Promise.all(asked);
  t.deepEqual(answers.map(({ outputs }) => outputs.get('y')!.shape[0]), [3, 2, 1, 9, 1, 0, 1]); // prettier-ignore
  t.deepEqual(runs.map(run => run.rows), [3, 3, 9, 1, 0, 1]); // prettier-ignore
  await served.close();
});

test('other outputs, other dimensions and more bytes than a request may have are other runs', async t => {
  const { served, runs, busy } = await realModel(identityNetwork('float32', ['N', 'M']), { limits: { tensors: 40 } });
  const run = (shape: readonly number[], outputs?: readonly string[]) => served.run({ inputs: new Map([['INPUT0', floats(shape, Array.from({ length: shape[0]! * shape[1]! }, (_, i) => i))]]), ...(outputs ? { outputs } : {}) }); // prettier-ignore
  const free = busy();
  const asked = [run([1, 2]), run([2, 2]), run([1, 3]), run([1, 3], ['OUTPUT0']), run([1, 5]), run([1, 5]), run([1, 5])]; // prettier-ignore
  free();
  const answers = await Promise.all(asked);
  t.deepEqual(answers.map(({ outputs }) => outputs.get('OUTPUT0')!.shape), [[1, 2], [2, 2], [1, 3], [1, 3], [1, 5], [1, 5], [1, 5]]); // prettier-ignore
  t.deepEqual(runs.map(({ rows }) => rows), [3, 1, 1, 2, 1]); // prettier-ignore
  await served.close();
});

test('a network of a fixed batch runs each request alone', async t => {
  const { served, runs, busy } = await realModel(addNetwork());
  const free = busy();
  const asked = [0, 1, 2].map(i => served.run(four(i, i, i, i)));
  free();
  t.deepEqual((await Promise.all(asked)).map(yOf), [0, 1, 2].map(i => [i, i + 1, i + 2, i + 3])); // prettier-ignore
  t.is(runs.length, 3);
  t.is(served.facts.maxBatch, 0);
  await served.close();
});

test('a network whose rows do not come out as they went in is not asked for several again', async t => {
  const builder = new Builder('flat');
  builder.output(Reshape(builder.input('x', 'float32', ['N', 4]), [-1]), 'y');
  const { served, runs, busy, told } = await realModel(modelOf(builder.finish()));
  for (const expected of [
    [3, 1, 1, 1],
    [1, 1, 1],
  ]) {
    runs.length = 0;
    const free = busy();
    const asked = [1, 2, 3].map(i => served.run(four(i, i, i, i)));
    free();
    t.deepEqual((await Promise.all(asked)).map(yOf), [1, 2, 3].map(i => [i, i, i, i])); // prettier-ignore
    t.deepEqual(runs.map(({ rows }) => rows), expected); // prettier-ignore
  }
  t.is(told.queued, 6, 'each waited once');
  await served.close();
});

test('inputs with different numbers of rows are a run of their own', async t => {
  const { served, runs, busy } = await realModel(sumNetwork('N'), {}, { canBatch: true });
  const ints = (rows: number) => ({ datatype: 'INT32', shape: [rows, 16], data: new Uint8Array(Int32Array.from({ length: 16 * rows }, (_, i) => i).buffer) }) as const; // prettier-ignore
  const free = busy();
  const asked = ([[1, 1], [1, 1], [3, 1], [2, 2]] as const).map(([a, b]) => served.run({ inputs: new Map([['INPUT0', ints(a)], ['INPUT1', ints(b)]]) })); // prettier-ignore
  free();
  const answers = await Promise.all(asked);
  t.deepEqual(answers.map(({ outputs }) => outputs.get('OUTPUT0')!.shape[0]), [1, 1, 3, 2]); // prettier-ignore
  t.deepEqual(runs.map(({ rows }) => rows), [2, 3, 2]); // prettier-ignore
  await served.close();
});

test('only who is at fault fails: the others of its run are run once more', async t => {
  const { served, runs, busy, told } = await realModel(tableNetwork());
  const free = busy();
  const asked = [at(0), at(1, 2), at(99), at(3)].map(inputs => served.run({ inputs }));
  free();
  const settled = await Promise.allSettled(asked);
  t.deepEqual(settled.map(one => (one.status === 'fulfilled' ? yOf(one.value) : codeOf(one.reason))), [[10], [20, 30], 'RUN_FAILED', [40]]); // prettier-ignore
  t.deepEqual(runs.map(({ rows }) => rows), [5, 1, 2, 1, 1]); // prettier-ignore
  t.deepEqual(Object.fromEntries(told.outcomes), { ok: 3, error: 1 });
  await t.throwsAsync(served.run({ inputs: at(99) }), { code: 'RUN_FAILED' });
  t.is(runs.length, 6, 'alone it is not run again');
  await served.close();
});

test('a process that is lost takes exactly its run along', async t => {
  const { served, busy, failNext } = await realModel(loopNetwork(1, 'N'), { maxBatch: 2 });
  const free = busy();
  const asked = [1, 2, 3, 4].map(i => served.run(four(i, i, i, i)));
  failNext(errors.WORKER_LOST({ reason: 'its process ended' }));
  free();
  const settled = await Promise.allSettled(asked);
  t.deepEqual(settled.map(one => (one.status === 'fulfilled' ? 'ok' : codeOf(one.reason))), ['WORKER_LOST', 'WORKER_LOST', 'ok', 'ok']); // prettier-ignore
  await served.close();
});

test('a run is held back for who was announced, no longer than the delay, and never when it is full', async t => {
  const { served, runs } = await realModel(loopNetwork(1, 'N'), { maxBatch: 3, batchDelay: 10_000 });
  const here = served.announce();
  const first = served.run(four(1, 1, 1, 1));
  await turns(5);
  t.is(runs.length, 0, 'held');
  here();
  here();
  const second = served.run(four(2, 2, 2, 2));
  t.deepEqual([...yOf(await first), ...yOf(await second)], [1, 1, 1, 1, 2, 2, 2, 2]);
  t.deepEqual(runs.map(({ rows }) => rows), [2]); // prettier-ignore
  const other = served.announce();
  await Promise.all([1, 2, 3].map(i => served.run(four(i, i, i, i))));
  t.is(runs[1]!.rows, 3, 'full');
  other();
  await served.run(four(1, 1, 1, 1));
  await served.close();

  const brief = await realModel(loopNetwork(1, 'N'), { batchDelay: 5 });
  brief.served.announce();
  t.deepEqual(yOf(await brief.served.run(four(1, 2, 3, 4))), [1, 2, 3, 4], 'the other one never came');
  await brief.served.close();
});

test('priorities go first, and who has gone is not run', async t => {
  const { served, runs, busy } = await realModel(loopNetwork(1, 'N'), { maxBatch: 1 });
  const free = busy();
  const gone = new AbortController();
  const asked = ([[1, 0], [2, 3], [3, 1], [4, 0], [5, 1]] as const).map(([i, priority]) => served.run({ ...four(i, i, i, i), priority })); // prettier-ignore
  const left = served.run({ ...four(6, 6, 6, 6), signal: gone.signal });
  gone.abort(new Error('left'));
  await t.throwsAsync(left, { message: 'left' });
  free();
  await Promise.all(asked);
  t.deepEqual(runs.map(({ inputs }) => numbers(inputs.get('x') as WireTensor)[0]), [3, 5, 2, 1, 4]); // prettier-ignore
  await served.close();
});

const rungs = [
  { members: ['a', 'b'], weights: [1, 1], milliseconds: 1000 },
  { members: ['b'], weights: [1], milliseconds: 100 },
];

test('a deadline that the whole model misses is met by fewer members, and the answer says so', async t => {
  const { served, runs, busy, told } = await realModel(loopNetwork(1, 'N'), { cacheBytes: 1e6 }, { rungs });
  const whole = await served.run({ ...four(1, 1, 1, 1), deadline: 60_000 });
  t.is(whole.degraded, undefined);
  t.is(runs[0]!.rung, undefined);
  const free = busy();
  // 1 ms was measured, so the whole model is fast enough unless the time is over already
  const [late, patient] = [served.run({ ...four(2, 2, 2, 2), deadline: 0 }), served.run(four(3, 3, 3, 3))];
  free();
  t.deepEqual((await late).degraded, { reason: 'deadline', missing: ['a'] });
  t.is((await patient).degraded, undefined);
  t.deepEqual(runs.slice(1).map(({ rung, rows }) => [rung, rows]), [[1, 1], [undefined, 1]]); // prettier-ignore
  t.is(told.degraded, 1);
  const again = await served.run(four(2, 2, 2, 2));
  t.falsy(again.isCached, 'what was degraded is not kept');
  t.true((await served.run({ ...four(1, 1, 1, 1), deadline: 0 })).isCached, 'what is there is whole');
  await served.close();
});

test('a run grows no longer than its deadlines', async t => {
  // 10 s a row by the warm-up: two rows are done within 25 s on the whole model, three are not
  const slow = [{ ...rungs[0]!, milliseconds: 10_000 }, { ...rungs[1]!, milliseconds: 1 }]; // prettier-ignore
  const { served, runs, busy } = await realModel(loopNetwork(1, 'N'), { deadlineDefault: 25_000 }, { rungs: slow });
  const free = busy();
  const asked = [1, 2, 3].map(i => served.run(four(i, i, i, i)));
  free();
  const answers = await Promise.all(asked);
  t.is(runs[0]!.rows, 2);
  t.true(answers.every(({ degraded }) => degraded === undefined));
  await served.close();
});

test('heat maps wait for a free process as requests do', async t => {
  const { served, busy } = await realModel(loopNetwork(1, 'N'));
  const free = busy();
  const heat = served.explain!(new Uint8Array(3), 4);
  const gone = AbortSignal.abort(new Error('left'));
  await t.throwsAsync(served.explain!(new Uint8Array(3), 4, gone), { message: 'left' });
  t.is(served.waiting, 1);
  free();
  t.deepEqual([...(await heat).values], [4]);
  await served.close();
  await t.throwsAsync(served.explain!(new Uint8Array(3), 4), { code: 'MODEL_NOT_READY' });
});

test('what is closed takes nothing more, and finishes what it took', async t => {
  const model = await realModel(loopNetwork(1, 'N'), { maxBatch: 1 });
  const { served, busy } = model;
  const free = busy();
  const asked = [1, 2, 3].map(i => served.run(four(i, i, i, i)));
  const closing = served.close();
  t.is(served.close(), closing);
  await t.throwsAsync(served.run(four(1, 1, 1, 1)), { code: 'MODEL_NOT_READY' });
  t.false(served.state.isReady);
  await turns();
  t.false(model.isClosed());
  free();
  t.is((await Promise.all(asked)).length, 3);
  await closing;
  t.true(model.isClosed());
});

// float32 sums of another order differ in the last place: 1e-6 of a number near 1
const near = (a: WireTensor, b: WireTensor): boolean => {
  if (String(a.shape) !== String(b.shape) || a.datatype !== b.datatype) return false;
  if (a.datatype !== 'FP32') return Buffer.compare(a.data, b.data) === 0;
  const [x, y] = [numbers(a), numbers(b)];
  return x.every((value, i) => Math.abs(value - y[i]!) <= 1e-6 * Math.max(1, Math.abs(y[i]!)));
};

test('32 clients of mixed models, rows, outputs and types: each is answered as it would be alone', async t => {
  const random = new Random('clients');
  const below = (count: number) => random.integer(count);
  const texts = (count: number) =>
    bytesElements(Array.from({ length: count }, () => Buffer.from('é'.repeat(below(6)))));
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => below(256));
  const ints = (count: number) => new Uint8Array(Int32Array.from({ length: count }, () => below(2000) - 1000).buffer);
  const draws: { made: Awaited<ReturnType<typeof realModel>>; inputs: (rows: number) => Map<string, WireTensor>; outputs: readonly string[] }[] = [
    { made: await realModel(pictureNetwork(), {}, { processes: 2 }), outputs: ['logits', 'probabilities'], inputs: rows => new Map([['pictures', { datatype: 'UINT8', shape: [rows, 8, 8, 3], data: bytes(rows * 192) }]]) },
    { made: await realModel(identityNetwork('string', ['N', 2])), outputs: ['OUTPUT0'], inputs: rows => new Map([['INPUT0', { datatype: 'BYTES', shape: [rows, 2], data: texts(rows * 2) }]]) },
    { made: await realModel(sumNetwork('N')), outputs: ['OUTPUT0', 'OUTPUT1'], inputs: rows => new Map(['INPUT1', 'INPUT0'].map(name => [name, { datatype: 'INT32', shape: [rows, 16], data: ints(rows * 16) }])) },
    { made: await realModel(identityNetwork('float32', ['N', 'M'])), outputs: ['OUTPUT0'], inputs: rows => { const width = 1 + below(2); return new Map([['INPUT0', floats([rows, width], Array.from({ length: rows * width }, () => random.normal()))]]); } },
  ]; // prettier-ignore
  let wrong = 0;
  const client = async (): Promise<void> => {
    for (let i = 0; i < 12; i++) {
      const { made, inputs, outputs } = draws[below(draws.length)]!;
      const given = inputs(1 + below(5));
      const wanted = below(2) === 0 ? [...outputs] : [outputs[below(outputs.length)]!];
      const isDone = made.served.announce();
      if (below(3) === 0) await turns(1);
      const asked = made.served.run({ inputs: given, outputs: wanted, priority: below(3) });
      isDone();
      const answer = await asked;
      const alone = await made.alone(given, wanted);
      if (answer.outputs.size !== wanted.length) wrong++;
      for (const [name, tensor] of alone) if (!near(answer.outputs.get(name)!, tensor)) wrong++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  t.is(wrong, 0);
  const runs = draws.reduce((sum, { made }) => sum + made.runs.length, 0);
  t.true(runs < 32 * 12, `${runs} runs of ${32 * 12} requests`);
  for (const { made } of draws) {
    const { inference_count: inferences, execution_count: executions, batch_stats: batches, inference_stats: stats } = made.served.statistics; // prettier-ignore
    t.is(batches.reduce((sum, one) => sum + one.compute_infer.count, 0), executions); // prettier-ignore
    t.is(batches.reduce((sum, one) => sum + one.batch_size * one.compute_infer.count, 0), inferences); // prettier-ignore
    t.is(inferences, made.told.rows);
    t.is(stats.success.count, made.told.outcomes.get('ok') ?? 0);
    await made.served.close();
  }
});

test('texts come back to whom they belong', async t => {
  const { served, busy } = await realModel(identityNetwork('string', ['N']));
  const lists = [['a', ''], ['longer text'], ['', '', 'x'.repeat(300)]];
  const free = busy();
  const asked = lists.map(list => served.run({ inputs: new Map([['INPUT0', { datatype: 'BYTES', shape: [list.length], data: bytesElements(list.map(one => Buffer.from(one))) }]]) })); // prettier-ignore
  free();
  const answers = await Promise.all(asked);
  t.deepEqual(answers.map(({ outputs }) => elementsOf(outputs.get('OUTPUT0')!.data).map(one => Buffer.from(one).toString())), lists); // prettier-ignore
  await served.close();
});

const request = fc.record({
  rows: fc.integer({ min: 1, max: 3 }),
  priority: fc.nat({ max: 2 }),
  wait: fc.nat({ max: 3 }),
  leaves: fc.option(fc.nat({ max: 4 })),
  queueLimit: fc.option(fc.integer({ min: 1, max: 30 })),
  index: fc.integer({ min: 0, max: 4 }),
  isAnnounced: fc.boolean(),
});

testProp(
  'whatever happens, each request ends once and counts add up',
  [fc.array(request, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), fc.boolean()],
  async (t, requests, queue, maxBatch, isCaching) => {
    const { served, told, busy, runs } = await realModel(tableNetwork(), { limits: { queue }, maxBatch, cacheBytes: isCaching ? 2000 : 0 });
    const free = busy();
    const ends: string[] = [];
    const clients = requests.map(async ({ rows, priority, wait, leaves, queueLimit, index, isAnnounced }) => {
      const here = isAnnounced ? served.announce() : undefined;
      await turns(wait);
      const leaving = new AbortController();
      const asked = served.run({ inputs: at(...Array.from({ length: rows }, () => index)), priority, signal: leaving.signal, ...(queueLimit === null ? {} : { queueLimit }) });
      here?.();
      if (leaves !== null) void turns(leaves).then(() => { leaving.abort(new Error('left')); });
      await asked.then(
        answer => {
          ends.push('ok');
          t.deepEqual(yOf(answer), Array.from({ length: rows }, () => 10 * (index + 1)));
        },
        (error: unknown) => {
          ends.push(codeOf(error));
          if (codeOf(error) === 'RUN_FAILED') t.is(index, 4, 'nobody fails for another');
        },
      );
    });
    await turns(2);
    free();
    await Promise.all(clients);
    const count = (...codes: string[]) => ends.filter(end => codes.includes(end)).length;
    t.is(ends.length, requests.length);
    t.is(count('ok', 'RUN_FAILED', 'QUEUE_FULL', 'QUEUE_TIMEOUT', 'left'), requests.length);
    const outcomes = Object.fromEntries(told.outcomes);
    t.deepEqual(
      [outcomes.ok ?? 0, outcomes.error ?? 0, outcomes.rejected ?? 0, outcomes.timeout ?? 0, outcomes.cancelled ?? 0],
      [count('ok'), count('RUN_FAILED'), count('QUEUE_FULL'), count('QUEUE_TIMEOUT'), count('left')],
    );
    await served.close();
    const { inference_stats: { success, fail }, execution_count: executions, inference_count: inferences, batch_stats: batches } = served.statistics;
    t.is(success.count + fail.count, requests.length - count('left'));
    t.is(served.waiting, 0);
    t.true(executions <= runs.length);
    t.is(batches.reduce((sum, one) => sum + one.batch_size * one.compute_infer.count, 0), inferences);
    t.true(runs.every(run => run.rows <= Math.max(3, maxBatch)));
  },
  { numRuns: 60 },
); // prettier-ignore
