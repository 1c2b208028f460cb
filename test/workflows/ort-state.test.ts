// States of runs as checkpoints of ONNX Runtime's training and back. That the runtime goes on from them as we do is shown
// in test/artifacts/ort-training.test.ts.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { floats, tensor, type Tensor } from '../../src/base/index.js';
import type { OrtOptimizer, OrtTrainingArtifacts } from '../../src/artifacts/index.js';
import { decodeOrtCheckpoint } from '../../src/codec/index.js';
import { Builder, modelOf } from '../../src/graph/index.js';
import { Mul } from '../../src/operators/index.js';
import {
  ortCheckpointOf,
  stateOfOrtCheckpoint,
  withOrtWeights,
  writeOrtArtifacts,
} from '../../src/workflows/ort-state.js';

const b = new Builder();
b.output(Mul(b.input('x', 'float32', [1]), 2), 'loss');
const model = modelOf(b.finish());
const artifacts: OrtTrainingArtifacts = {
  training: model,
  evaluation: model,
  optimizer: model,
  trainable: new Map([['w', tensor('float32', [2], [1, 2])]]),
  frozen: new Map([['c', tensor('float32', [1], [5])]]),
  checkpointVersion: 2,
};
const optimizer: OrtOptimizer = { name: 'adamw', beta1: 0.5, beta2: 0.75 };
const state = new Map<string, Tensor>([
  ['w', tensor('float32', [2], [3, 4])],
  ['w.m', tensor('float32', [2], [2, -4])],
  ['w.v', tensor('float32', [2], [8, 16])],
]);
const listed = (tensors: ReadonlyMap<string, Tensor>) =>
  Object.fromEntries([...tensors].map(([name, at]) => [name, [...floats(at)]]));

test('moments are scaled by what our graphs leave out, and back', t => {
  const checkpoint = ortCheckpointOf(artifacts, { state, step: 9, optimizer, rate: 0.25 });
  const [group] = checkpoint.groups;
  t.is(group!.name, 'group0');
  t.is(group!.step, 9);
  t.is(group!.initialLearningRate, 0.25);
  // m = (1 − β₁) · sum, v = (1 − β₂) · sum
  t.deepEqual(listed(group!.states.get('w')!), { momentum0: [1, -2], momentum1: [2, 4] });
  t.deepEqual(listed(checkpoint.trainable), { w: [3, 4] });
  const back = stateOfOrtCheckpoint(checkpoint, optimizer);
  t.is(back.step, 9);
  t.deepEqual(listed(back.state), { w: [3, 4], 'w.m': [2, -4], 'w.v': [8, 16] });
});

test('a checkpoint without moments is a beginning', t => {
  const { state: begun, step } = stateOfOrtCheckpoint(ortCheckpointOf(artifacts), optimizer);
  t.is(step, 0);
  t.deepEqual(listed(begun), { w: [1, 2], 'w.m': [0, 0], 'w.v': [0, 0] });
  t.deepEqual([...stateOfOrtCheckpoint(ortCheckpointOf(artifacts), { name: 'sgd' }).state.keys()], ['w']);
});

test('weights are replaced by name, the rest stays', t => {
  const checkpoint = ortCheckpointOf(artifacts, { state, step: 9, optimizer });
  const changed = withOrtWeights(checkpoint, new Map([['c', tensor('float32', [1], [7])]]));
  t.deepEqual(listed(changed.frozen), { c: [7] });
  t.deepEqual(listed(changed.trainable), { w: [3, 4] });
  t.is(changed.groups, checkpoint.groups);
  t.deepEqual(listed(checkpoint.frozen), { c: [5] });
});

test('weights of another network are refused', t => {
  const checkpoint = ortCheckpointOf(artifacts);
  const one = tensor('float32', [1], [1]);
  const refused = (run: () => unknown, message: RegExp) => t.throws(run, { code: 'ORT_STATE_WEIGHT', message });
  refused(() => withOrtWeights(checkpoint, new Map([['other', one]])), /other should be a parameter/);
  refused(() => withOrtWeights(checkpoint, new Map([['w', one]])), /w should be float32 \[2\], found float32 \[1\]/);
  const lacking = new Map([...state].filter(([name]) => name !== 'w.v'));
  refused(() => ortCheckpointOf(artifacts, { state: lacking, step: 1, optimizer }), /w\.v .*found nothing/);
});

test('a folder is written whole, and not over another', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-ort-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const checkpoint = ortCheckpointOf(artifacts, { state, step: 9, optimizer });
  const names = await writeOrtArtifacts(folder, artifacts, { checkpoint });
  t.deepEqual(names, ['training_model.onnx', 'eval_model.onnx', 'optimizer_model.onnx', 'checkpoint']);
  t.deepEqual(readdirSync(folder).sort(), [...names].sort());
  t.is(decodeOrtCheckpoint(readFileSync(join(folder, 'checkpoint'))).groups[0]!.step, 9);
  await t.throwsAsync(writeOrtArtifacts(folder, artifacts), { code: 'DISK_EXISTS' });
  await writeOrtArtifacts(folder, artifacts, { force: true });
  t.is(decodeOrtCheckpoint(readFileSync(join(folder, 'checkpoint'))).groups.length, 0);
});
