import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { tensor } from '../../../src/base/index.js';
import { Builder, modelOf } from '../../../src/graph/index.js';
import { Add, Gather, Identity, MatMul, ReduceSum, Softmax } from '../../../src/operators/index.js';
import { datatypeOf, type WireTensor } from '../../../src/server/tensors.js';
import { codeOf } from '../../code-of.js';
import { addNetwork, identityNetwork, loopNetwork, pictureBundle, sumNetwork, temporary } from '../networks.js';
import { fileOf, floats, numbersOf, opened, wire } from './telling.js';

test('a network answers: whole, or the outputs that are asked for', async t => {
  const { network } = await opened(sumNetwork('N'));
  const row = (value: number) => wire('INT32', [1, 16], new Int32Array(16).fill(value));
  const inputs = new Map([['INPUT0', row(5)], ['INPUT1', row(3)]]); // prettier-ignore
  const answer = await network.run(inputs, undefined, { timeLimit: 60_000 });
  t.deepEqual([...answer.outputs.keys()], ['OUTPUT0', 'OUTPUT1']);
  t.deepEqual(answer.outputs.get('OUTPUT1'), row(2));
  t.true(answer.inferNs > 0 && answer.inferNs < 6e10 && answer.inputNs >= 0 && answer.outputNs >= 0);
  const { outputs } = await network.run(inputs, ['OUTPUT0'], { timeLimit: 60_000 });
  t.deepEqual([...outputs], [['OUTPUT0', row(8)]]);
  t.like(network.facts, { canBatch: true, explains: false });
  t.deepEqual(network.facts.inputs[0], { name: 'INPUT0', datatype: 'INT32', shape: [-1, 16] });
  t.regex(network.facts.sha256, /^[0-9a-f]{64}$/);
  t.true(network.memory > 2 ** 20 && network.pids.length === 1);
  t.deepEqual([network.idle, network.isReady, network.reason], [1, true, '']);
  const [pid] = network.pids;
  await network.close();
  t.deepEqual([network.idle, network.isReady, network.reason], [0, false, 'unloaded']);
  t.throws(() => process.kill(pid!, 0), { message: /ESRCH/ });
});

test('elements of every type go there and back as they are, whatever byte they begin at', async t => {
  const types = { bool: 1, uint8: 1, uint16: 2, uint32: 4, uint64: 8, int8: 1, int16: 2, int32: 4, int64: 8, float16: 2, float32: 4, float64: 8 } as const; // prettier-ignore
  const builder = new Builder('every');
  for (const type of Object.keys(types) as (keyof typeof types)[])
    builder.output(Identity(builder.input(type, type, ['N', 2])), `${type} out`);
  const { network } = await opened(modelOf(builder.finish()));
  const inputs = new Map<string, WireTensor>();
  for (const [type, bytes] of Object.entries(types)) {
    const all = Uint8Array.from({ length: 1 + 2 * bytes }, (_, i) => (type === 'bool' ? i % 2 : 17 * i));
    inputs.set(type, { datatype: datatypeOf(type)!, shape: [1, 2], data: all.subarray(1) });
  }
  const { outputs } = await network.run(inputs, undefined, { timeLimit: 60_000 });
  t.is(outputs.size, 12);
  for (const [type, { datatype, data }] of inputs)
    t.deepEqual(outputs.get(`${type} out`), { datatype, shape: [1, 2], data: data.slice() });
  t.true(network.facts.canBatch);
  await network.close();
});

test('texts are given whole; what is none is refused', async t => {
  const { network } = await opened(identityNetwork('string', ['N', 2]));
  const packed = (...texts: Uint8Array[]): WireTensor => {
    const parts = texts.map(text => Buffer.concat([Uint8Array.of(text.length, 0, 0, 0), text]));
    return { datatype: 'BYTES', shape: [1, 2], data: new Uint8Array(Buffer.concat(parts)) };
  };
  const given = packed(Buffer.from('\ufeffé😀'), Buffer.from(''));
  const { outputs } = await network.run(new Map([['INPUT0', given]]), undefined, { timeLimit: 60_000 });
  t.deepEqual(outputs.get('OUTPUT0'), given);
  t.true(network.facts.canBatch);
  for (const bad of [packed(Buffer.from('a\0b'), Buffer.from('c')), packed(Buffer.from('a'), Uint8Array.of(0xff))])
    t.is(await codeOf(network.run(new Map([['INPUT0', bad]]), undefined, { timeLimit: 60_000 })), 'BAD_DATA');
  await network.close();
});

test('no rows are answered by no rows', async t => {
  const { network } = await opened(identityNetwork('float32', ['N', 3]));
  const none = { datatype: 'FP32', shape: [0, 3], data: new Uint8Array(0) } as const;
  const { outputs } = await network.run(new Map([['INPUT0', none]]), undefined, { timeLimit: 60_000 });
  t.deepEqual(outputs.get('OUTPUT0'), none);
  await network.close();
});

/** x FP32 [N, 4] → y, by a body. */
function network4(body: (x: ReturnType<Builder['input']>, builder: Builder) => Parameters<Builder['output']>[0]) {
  const builder = new Builder('made');
  builder.output(body(builder.input('x', 'float32', ['N', 4]), builder), 'y');
  return modelOf(builder.finish());
}

test('rows are joined only where two together say what each says alone', async t => {
  const weight = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
  const apart = network4((x, builder) => Softmax(MatMul(x, builder.parameter('w', tensor('float32', [4, 4], weight)))));
  // each row has the sum of all rows added
  const mixed = network4((x, builder) => Add(x, ReduceSum(x, builder.parameter('axes', tensor('int64', [1], [0])), { keepdims: 1 }))); // prettier-ignore
  for (const [model, canBatch] of [
    [apart, true],
    [mixed, false],
    [addNetwork(), false],
    [loopNetwork(10, 'N'), true],
  ] as const) {
    // prettier-ignore
    const { network } = await opened(model);
    t.is(network.facts.canBatch, canBatch);
    await network.close();
  }
});

test('a run that fails says why, without paths; the log has all of it on one line; the process lives on', async t => {
  const table = tensor('float32', [2, 1], [10, 20]);
  const builder = new Builder('lookup');
  builder.output(Gather(builder.parameter('table', table), builder.input('i', 'int64', ['N']), { axis: 0 }), 'y');
  const graph = builder.finish();
  const nodes = graph.nodes.map(node => (node.op === 'Gather' ? { ...node, name: '\u001b[31m/head/red' } : node));
  const { network, told } = await opened(modelOf({ ...graph, nodes }));
  const [pid] = network.pids;
  const ask = (i: bigint) => network.run(new Map([['i', wire('INT64', [1], BigInt64Array.of(i))]]), undefined, { timeLimit: 60_000 }); // prettier-ignore
  const error = await t.throwsAsync(ask(7n), { code: 'RUN_FAILED', message: /indices element out of data bounds/ });
  t.notRegex(error.message, /onnxruntime_src|\.cc|\/core\//);
  t.regex(error.message, /head.red/);
  const line = told.lines.find(({ text }) => text.includes('out of data bounds'))!;
  t.true(line.text.includes('\\u001b[31m/head/red') && line.facts['pid'] === pid);
  t.deepEqual(numbersOf((await ask(1n)).outputs, 'y'), [20]);
  t.deepEqual(network.pids, [pid]);
  await network.close();
});

test('bundles give their manifest', async t => {
  const folder = join(temporary(), 'bundle');
  await pictureBundle(folder);
  const { network } = await opened(folder);
  t.is(network.facts.manifest?.labels.length, 10);
  t.like(network.facts, { canBatch: true, explains: true });
  t.is(network.facts.rungs, undefined);
  await network.close();
});

test('several processes are free together, and each is given one run', async t => {
  const { network } = await opened(loopNetwork(200_000), { instances: 2 });
  t.is(network.idle, 2);
  const runs = [1, 2].map(value => network.run(floats(value, 0, 0, 0), undefined, { timeLimit: 60_000 }));
  t.is(network.idle, 0);
  t.is(await codeOf(network.run(floats(3, 0, 0, 0), undefined, { timeLimit: 1000 })), 'MODEL_NOT_READY');
  let told = 0;
  network.onFree(() => told++);
  // closing waits for what runs
  const closed = network.close();
  t.deepEqual(
    (await Promise.all(runs)).map(({ outputs }) => numbersOf(outputs, 'y')[0]),
    [1, 2],
  );
  await closed;
  t.true(told >= 2);
});

test('a load that fails says what the file is refused for', async t => {
  const folder = temporary();
  const broken = join(folder, 'broken.onnx');
  writeFileSync(broken, 'version https://git-lfs.github.com/spec/v1\n');
  t.is(await codeOf(opened(broken)), 'ONNX_NOT_ONNX');
  t.is(await codeOf(opened(join(folder, 'nothing'))), 'SERVE_NOTHING');
  const bundle = join(folder, 'bundle');
  await pictureBundle(bundle);
  writeFileSync(join(bundle, 'model.onnx'), 'changed');
  t.is(await codeOf(opened(bundle)), 'STATE_CORRUPT');
});

test('a load that takes too long, or too much memory, is ended', async t => {
  const path = fileOf(addNetwork());
  await t.throwsAsync(opened(path, { loadTime: 20 }), { code: 'MODEL_INVALID', message: /within 20 ms/ });
  await t.throwsAsync(opened(path, { memoryLimit: 8 * 2 ** 20 }), { code: 'MODEL_INVALID', message: /memory limit/ });
});
