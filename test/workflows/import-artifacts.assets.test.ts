// Artifacts that Microsoft's tool made, trained on a plain onnxruntime, go the way that onnxruntime's own training
// session goes: 12 steps, losses within 1e-5, by the optimizer graph and the checkpoint that were read.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { readModel } from '../../src/codec/node.js';
import { encodeModel } from '../../src/codec/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { exportInference } from '../../src/workflows/export-inference.js';
import { importArtifacts } from '../../src/workflows/import-artifacts.js';
import { assets } from '../assets.js';
import { freshFolder, furthest, ran, realTraining, trainedPlain, type Batch } from './imported.js';

const root = assets && join(assets, 'ort-training');

const normal = (random: Random, shape: readonly number[]): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, () => random.normal()),
  );
};
const batchesOf = (input: string, shape: readonly number[], type: 'int32' | 'int64', classes: number): Batch[] =>
  Array.from({ length: 12 }, (_, i) => {
    const random = new Random('import').at(i);
    const labels = Array.from({ length: shape[0]! }, () => random.integer(classes));
    return new Map([
      [input, normal(random, shape)],
      ['labels', tensor(type, [shape[0]!], labels)],
    ]);
  });
const sets = {
  mnist: { batches: batchesOf('input-0', [16, 784], 'int32', 10), optimizer: 'adamw.onnx', checkpoint: 'checkpoint.ckpt' },
  seizureguard: { batches: batchesOf('input', [4, 18, 1024], 'int64', 2), optimizer: 'optimizer_model.onnx', checkpoint: 'checkpoint' },
} as const; // prettier-ignore

for (const [name, { batches, optimizer, checkpoint }] of Object.entries(sets))
  test.serial(`12 steps of ${name}`, async t => {
    if (!root) return t.pass('the assets are not here');
    const dir = join(root, name);
    const out = freshFolder();
    const { parameters, files } = await importArtifacts(dir, { out, force: true });
    t.log({ parameters, files });
    const files_ = new Map([
      ['checkpoint', readFileSync(join(dir, checkpoint))],
      ['training_model.onnx', readFileSync(join(dir, 'training_model.onnx'))],
      ['eval_model.onnx', readFileSync(join(dir, 'eval_model.onnx'))],
      ['optimizer_model.onnx', readFileSync(join(dir, optimizer))],
    ]);
    const real = await realTraining();
    const theirs = await real.train(files_, batches.map(batch => [batch])); // prettier-ignore
    const ours = await trainedPlain(out, batches);
    const scale = Math.max(1, ...theirs.losses.map(Math.abs));
    const [loss, weights] = [
      furthest(ours.losses, theirs.losses) / scale,
      furthest(ours.parameters, theirs.parameters),
    ];
    t.log({ loss, weights, scale, losses: ours.losses.slice(0, 3) });
    t.true(loss <= 1e-5, `losses are ${loss} apart`);
    t.true(weights <= 1e-5, `weights are ${weights} apart`);
  });

test.serial('an inference model as the runtime exported it', async t => {
  if (!root) return t.pass('the assets are not here');
  const dir = join(root, 'seizureguard');
  const out = join(freshFolder(), 'inference.onnx');
  const { inputs, outputs, parameters } = await exportInference(dir, out);
  const theirs = readModel(join(dir, 'inference.onnx')).model;
  t.deepEqual(inputs, theirs.graph.inputs.map(({ name }) => name)); // prettier-ignore
  t.deepEqual(outputs, theirs.graph.outputs.map(({ name }) => name)); // prettier-ignore
  const weights = [...theirs.graph.initializers].filter(([, { type }]) => type === 'float32');
  t.is(parameters, weights.length);
  // their weights in our graph: the file was exported after training
  const ours = readModel(out).model;
  const initializers = new Map([...ours.graph.initializers, ...weights]);
  const runtime = nodeRuntime();
  const x = normal(new Random('x'), [3, 18, 1024]);
  const results: Float32Array[] = [];
  for (const model of [{ ...ours, graph: { ...ours.graph, initializers } }, theirs]) {
    const session = await runtime.open(encodeModel(model));
    results.push(floats((await ran(session, new Map([['input', x]]))).get('output')!));
    await session.close();
  }
  t.true(furthest(results[0]!, results[1]!) <= 1e-5 * Math.max(...results[1]!.map(Math.abs)));
});
