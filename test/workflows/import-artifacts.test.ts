// Imported artifacts train as onnxruntime's own training session trains them: a convolutional network and a transformer
// in training-only operators, every optimizer, moments that were there; and what a folder may lack.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ortTrainingArtifacts, type OrtOptimizer } from '../../src/artifacts/index.js';
import { Random, floats, tensor } from '../../src/base/index.js';
import { encodeModel, encodeOrtCheckpoint } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import * as ops from '../../src/operators/index.js';
import { ConcatTraining } from '../../src/operators/training-layout.js';
import { BatchNormInternal } from '../../src/operators/training-normalization.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { exportInference } from '../../src/workflows/export-inference.js';
import { importArtifacts } from '../../src/workflows/import-artifacts.js';
import { ortCheckpointOf, ortTrainingFiles } from '../../src/workflows/ort-state.js';
import { codeOf } from '../code-of.js';
import { freshFolder, furthest, ran, realTraining, trainedPlain, type Batch } from './imported.js';
import { kernelGraphs, type Making } from './kernel-gradients.js';

const steps = 12;
// The bias of attention's keys has no gradient but noise, which a smaller ε would make steps of.
const torch: OrtOptimizer = { name: 'adamw', weightDecay: 0.1, epsilon: 1e-6 };
const transformers: OrtOptimizer = { name: 'adamw', form: 'transformers', weightDecay: 0.05, epsilon: 1e-6 };
const sgd: OrtOptimizer = { name: 'sgd' };

const batchesOf = (shape: readonly number[], classes: number, type: 'int32' | 'int64' = 'int64'): Batch[] =>
  Array.from({ length: steps }, (_, i) => {
    const random = new Random('import').at(i);
    const count = shape.reduce((a, b) => a * b, 1);
    const labels = Array.from({ length: shape[0]! }, () => random.integer(classes));
    return new Map([
      [
        'x',
        tensor(
          'float32',
          shape,
          Float32Array.from({ length: count }, () => random.normal()),
        ),
      ],
      ['labels', tensor(type, [shape[0]!], labels)],
    ]);
  });

/** Strides, groups, pads, both pools, batch normalization that trains, joined branches. */
const convolutional = ({ x, weight }: Making): Value => {
  const stem = ops.Conv(x, weight('stem', [6, 3, 3, 3]), {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    group: 1,
  });
  const { builder } = x;
  const fixed = (value: number) => builder.parameter(builder.fresh('statistic'), tensor('float32', [6], Array.from({ length: 6 }, () => value))); // prettier-ignore
  const [normal] = BatchNormInternal.all(5, stem, weight('scale', [6], 1), weight('shift', [6]), fixed(0), fixed(1), {
    training_mode: 1,
  }) as [Value];
  const [pooled] = ops.MaxPool.all(2, ops.Relu(normal), { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1] };
  const grouped = ops.Conv(pooled, weight('grouped', [6, 3, 3, 3]), weight('grouped.bias', [6]), { ...window, group: 2 }); // prettier-ignore
  const averaged = ops.AveragePool(pooled, { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
  const [joined] = ConcatTraining.all(2, ops.LeakyRelu(grouped, { alpha: 0.1 }), averaged, { axis: 1 }) as [Value];
  const features = ops.ReduceMean(joined, [2, 3]);
  return ops.Gemm(ops.Reshape(features, [4, 12]), weight('fc', [4, 12]), weight('fc.bias', [4]), { transB: 1 });
};

/** One block: layer normalization, attention by parts of one projection, both Gelus; the first token decides. */
const transformer = ({ x, weight }: Making): Value => {
  const normal = (value: Value, name: string) =>
    ops.LayerNormalization.all(3, value, weight(name, [8], 1), weight(`${name}.bias`, [8]), { axis: -1 })[0]!;
  const fused = ops.Add(ops.MatMul(normal(x, 'ln'), weight('qkv', [8, 24])), weight('qkv.bias', [24]));
  const [q, k, v] = [0, 8, 16].map(at => ops.Slice(fused, [at], [at + 8], [2])) as [Value, Value, Value];
  const scores = ops.Mul(ops.MatMul(q, ops.Transpose(k, { perm: [0, 2, 1] })), 1 / Math.sqrt(8));
  const mixed = ops.Add(x, ops.MatMul(ops.MatMul(ops.Softmax(scores, { axis: -1 }), v), weight('out', [8, 8])));
  const wide = ops.microsoft.Gelu(ops.MatMul(normal(mixed, 'ln2'), weight('up', [8, 16])));
  const block = ops.Add(mixed, ops.MatMul(ops.microsoft.FastGelu(wide), weight('down', [16, 8])));
  const first = ops.Gather(block, x.builder.constant(0, 'int64'), { axis: 1 });
  return ops.Gemm(ops.Tanh(first), weight('head', [3, 8]), ops.Sigmoid(weight('head.bias', [3])), { transB: 1 });
};

const networks = {
  convolutional: { shape: [4, 3, 11, 12], classes: 4, network: convolutional },
  transformer: { shape: [4, 5, 8], classes: 3, network: transformer },
} as const;

/** Writes a folder as generate_artifacts does. */
function artifactsOf(name: keyof typeof networks, optimizer: OrtOptimizer, options: { clip?: number; type?: 'int32' } = {}) {
  const { shape, network } = networks[name];
  const { training, evaluation, parameters } = kernelGraphs(shape, network, options.type);
  const { clip } = options;
  return ortTrainingArtifacts({ training, evaluation, parameters, optimizer, ...(clip ? { clip } : {}) });
} // prettier-ignore

function written(files: ReadonlyMap<string, Uint8Array>, prefix = ''): string {
  const folder = freshFolder();
  for (const [file, bytes] of files) writeFileSync(join(folder, prefix + file), bytes);
  return folder;
}

const runs = [
  ['convolutional', transformers, {}],
  ['convolutional', sgd, { type: 'int32' }],
  ['transformer', torch, {}],
  ['transformer', transformers, { clip: 0.5 }],
] as const;
for (const [name, optimizer, options] of runs)
  test.serial(`${steps} steps: ${name}, ${optimizer.name} ${JSON.stringify({ ...optimizer, ...options })}`, async t => {
    const files = ortTrainingFiles(artifactsOf(name, optimizer, options));
    const { shape, classes } = networks[name];
    const batches = batchesOf(shape, classes, 'type' in options ? options.type : 'int64');
    const theirs = await (
      await realTraining()
    ).train(
      files,
      batches.map(batch => [batch]),
    );
    const out = freshFolder();
    await importArtifacts(written(files, 'some_'), { out, force: true });
    const ours = await trainedPlain(out, batches);
    const [loss, weights] = [furthest(ours.losses, theirs.losses), furthest(ours.parameters, theirs.parameters)];
    t.log({ loss, weights, first: ours.losses[0], last: ours.losses.at(-1) });
    t.true(loss <= 1e-5, `losses are ${loss} apart`);
    t.true(weights <= 1e-5, `weights are ${weights} apart`);
    const operators = readModel(join(out, 'training_model.onnx')).model.graph.nodes.filter(({ domain }) => domain);
    t.deepEqual(operators, [], 'only operators of ONNX');
  });

test.serial('training goes on from the moments of a checkpoint', async t => {
  const made = artifactsOf('transformer', transformers);
  const { shape, classes } = networks.transformer;
  const batches = batchesOf(shape, classes);
  const first = freshFolder();
  await importArtifacts(written(ortTrainingFiles(made)), { out: first, force: true });
  const half = await trainedPlain(first, batches.slice(0, 6));
  const checkpoint = ortCheckpointOf(made, { state: half.state, step: 6, optimizer: transformers });
  const files = ortTrainingFiles(made, checkpoint);
  const second = freshFolder();
  const { step } = await importArtifacts(written(files), { out: second, force: true });
  t.is(step, 6);
  const rest = batches.slice(6);
  const theirs = await (
    await realTraining()
  ).train(
    files,
    rest.map(batch => [batch]),
  );
  const ours = await trainedPlain(second, rest);
  t.true(furthest(ours.losses, theirs.losses) <= 1e-5);
  t.true(furthest(ours.parameters, theirs.parameters) <= 1e-5);
});

test('an inference model of either folder gives what the evaluation model computes', async t => {
  const files = ortTrainingFiles(artifactsOf('transformer', torch));
  const dir = written(files);
  const plain = freshFolder();
  await importArtifacts(dir, { out: plain, force: true });
  const batch = batchesOf(networks.transformer.shape, 3)[0]!;
  const runtime = nodeRuntime();
  const found: Float32Array[] = [];
  for (const folder of [dir, plain]) {
    const file = join(freshFolder(), 'inference.onnx');
    const { inputs, outputs } = await exportInference(folder, file);
    t.deepEqual([inputs, outputs], [['x'], ['scores']]);
    const session = await runtime.open(encodeModel(readModel(file).model));
    found.push(floats((await ran(session, batch)).get('scores')!));
    await session.close();
    await t.throwsAsync(exportInference(folder, file), { code: 'DISK_EXISTS' });
    await exportInference(folder, file, { force: true, outputs: ['scores'] });
  }
  t.true(furthest(found[0]!, found[1]!) <= 1e-6);
  t.is(await codeOf(exportInference(dir, join(freshFolder(), 'x.onnx'), { outputs: ['nothing'] })), 'IMPORT_OUTPUTS');
});

test('folders that cannot be read', async t => {
  const made = artifactsOf('transformer', torch);
  const files = ortTrainingFiles(made);
  const imported = (change: (files: Map<string, Uint8Array>) => void) => {
    const changed = new Map(files);
    change(changed);
    return codeOf(importArtifacts(written(changed), { out: freshFolder(), force: true }));
  };
  t.is(await imported(() => undefined), 'done');
  t.is(await imported(all => all.delete('eval_model.onnx')), 'IMPORT_MISSING');
  t.is(await imported(all => all.delete('checkpoint')), 'IMPORT_MISSING');
  t.is(
    await imported(all => all.set('other_training_model.onnx', all.get('training_model.onnx')!)),
    'IMPORT_AMBIGUOUS',
  );
  t.is(
    await imported(all => {
      all.delete('training_model.onnx');
      all.set('training_model.ort', new Uint8Array(8));
    }),
    'IMPORT_ORT_FORMAT',
  );
  const checkpoint = ortCheckpointOf(made);
  const nominal = encodeOrtCheckpoint({ ...checkpoint, isNominal: true });
  t.is(await imported(all => all.set('checkpoint', nominal)), 'IMPORT_NOMINAL');
  t.is(await imported(all => all.set('nominal_checkpoint', nominal)), 'done');
  const larger = new Map([...checkpoint.trainable, ['more', tensor('float32', [1], [0])]]);
  const another = encodeOrtCheckpoint({ ...checkpoint, trainable: larger });
  t.is(await imported(all => all.set('checkpoint', another)), 'IMPORT_PARAMETER');
  t.is(await imported(all => all.set('training_model.onnx', all.get('eval_model.onnx')!)), 'IMPORT_NO_GRADIENTS');
  const two = { ...made.optimizer, graph: { ...made.optimizer.graph, nodes: [...made.optimizer.graph.nodes, ...made.optimizer.graph.nodes.map(node => ({ ...node, outputs: ['again'] }))] } }; // prettier-ignore
  t.is(await imported(all => all.set('optimizer_model.onnx', encodeModel(two))), 'ORT_TRAINING_OPTIMIZER_GRAPH');
  mkdirSync(join(freshFolder(), 'empty'));
  t.is(await codeOf(importArtifacts(join(freshFolder(), 'nowhere'), { out: freshFolder() })), 'IMPORT_MISSING');
});

test.serial('running statistics move as the runtime moves them', async t => {
  const network = ({ x, weight }: Making): Value => {
    const fixed = (name: string, value: number) => x.builder.parameter(name, tensor('float32', [2], [value, value]));
    const [normal] = BatchNormInternal.all(5, x, weight('scale', [2], 1), weight('shift', [2]), fixed('mean', 0), fixed('var', 1), { training_mode: 1, momentum: 0.8 }) as [Value]; // prettier-ignore
    return ops.Gemm(ops.Reshape(normal, [4, 6]), weight('fc', [2, 6]), weight('fc.bias', [2]), { transB: 1 });
  };
  const { training, evaluation: eval_, parameters } = kernelGraphs([4, 2, 3], network);
  const nodes = eval_.graph.nodes.map(node =>
    node.op === 'BatchNormInternal' ? { ...node, attributes: new Map(), op: 'BatchNormalization', domain: '', outputs: node.outputs.slice(0, 1) } : node,
  ); // prettier-ignore
  const evaluation = { ...eval_, graph: { ...eval_.graph, nodes } };
  const made = ortTrainingArtifacts({ training, evaluation, parameters, optimizer: sgd, frozen: ['mean', 'var'] });
  const files = ortTrainingFiles(made);
  const out = freshFolder();
  const { statistics } = await importArtifacts(written(files), { out, force: true });
  t.deepEqual(statistics, ['mean', 'var']);
  const batches = batchesOf([4, 2, 3], 2).slice(0, 3);
  const ours = await trainedPlain(out, batches);
  const theirs = await (
    await realTraining()
  ).train(
    files,
    batches.map(batch => [batch]),
  );
  t.true(furthest(ours.parameters, theirs.parameters) <= 1e-6);
  // momentum 0.8 over three batches, by hand
  let mean = 0;
  for (const batch of batches) {
    const x = floats(batch.get('x')!);
    const first = [0, 1, 2, 3].flatMap(n => [0, 1, 2].map(i => x[n * 6 + i]!));
    mean = 0.8 * mean + (0.2 * first.reduce((a, b) => a + b)) / 12;
  }
  t.true(Math.abs(floats(ours.state.get('mean')!)[0]! - mean) <= 1e-6);
});

test('an optimizer under another name, a rate that is multiplied', async t => {
  const made = artifactsOf('transformer', sgd);
  const { graph } = made.optimizer;
  const nodes = [
    { op: 'Mul', domain: '', name: 'faster', inputs: ['learning_rate', 'three'], outputs: ['rate'], attributes: new Map() },
    ...graph.nodes.map(node => ({ ...node, inputs: node.inputs.map(name => (name === 'learning_rate' ? 'rate' : name)) })),
  ]; // prettier-ignore
  const initializers = new Map([['three', tensor('float32', [1], [3])]]);
  const files = ortTrainingFiles({
    ...made,
    optimizer: { ...made.optimizer, graph: { ...graph, nodes, initializers } },
  });
  const batches = batchesOf(networks.transformer.shape, 3).slice(0, 3);
  const theirs = await (
    await realTraining()
  ).train(
    files,
    batches.map(batch => [batch]),
  );
  files.set('anything.onnx', files.get('optimizer_model.onnx')!);
  files.delete('optimizer_model.onnx');
  const out = freshFolder();
  await importArtifacts(written(files), { out, force: true });
  const ours = await trainedPlain(out, batches);
  t.true(furthest(ours.parameters, theirs.parameters) <= 1e-6);
});
test('a name is told where an operator cannot be said', async t => {
  const builder = new Builder('network');
  const x = builder.input('x', 'float32', [2]);
  builder.output(ops.ReduceSum(ops.microsoft.Gelu(x), undefined, { keepdims: 0 }), 'loss');
  const { graph } = modelOf(builder.finish());
  const nodes = graph.nodes.map(node => (node.op === 'Gelu' ? { ...node, op: 'LSTMTraining', name: 'cell' } : node));
  const made = artifactsOf('transformer', sgd);
  const evaluation = encodeModel({ ...made.evaluation, graph: { ...graph, nodes } });
  const files = new Map([...ortTrainingFiles(made), ['eval_model.onnx', evaluation]]);
  const error = await t.throwsAsync(importArtifacts(written(files), { out: freshFolder(), force: true }));
  t.like(error, { code: 'IMPORT_OPERATOR', details: { operator: 'LSTMTraining', node: 'cell' } });
});
