// Runs over networks: the loss falls, stopping and resuming change nothing, and what cannot be walked is refused first.

import test from 'ava';
import { floats, Random, tensor, type GraftError, type Tensor } from '../../src/base/index.js';
import {
  crossEntropy,
  networkEvaluationModel,
  networkStepsModel,
  sgd,
  trainableNetwork,
  withWeights,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import {
  figuresOf,
  finish,
  networkRun,
  type NetworkArtifacts,
  type NetworkRunOptions,
  type PictureRows,
  type TrainingEvent,
} from '../../src/training/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { smallNetwork } from '../small-network.js';

const runtime = nodeRuntime();
const random = new Random('rows');
const model = smallNetwork();
const trainable = ['stage4.weight', 'stage4.bias', 'fc.weight', 'fc.bias'];
const network = trainableNetwork(model, { trainable });
const loss = crossEntropy();
const evaluation = networkEvaluationModel(network, loss);
const optimizer = sgd();
const artifacts: NetworkArtifacts = {
  classes: 10,
  parameters: network.parameters,
  slots: [...optimizer.slots, 'average'],
  dropouts: [],
  input: 'picture',
  steps: batch => encodeModel(networkStepsModel(network, { loss, optimizer, batch })),
  evaluation: weights => encodeModel(withWeights(evaluation, weights)),
};
const initialState = new Map<string, Tensor>();
for (const { name, shape, initial } of network.parameters)
  initialState
    .set(name, initial)
    .set(`${name}.average`, initial)
    .set(`${name}.v`, tensor('float32', shape, new Float32Array(floats(initial).length)));

/** Pictures whose class is how bright they are. */
function rowsOf(count: number): PictureRows {
  const pixels = Float32Array.from(
    { length: count * 3072 },
    (_, i) => (Math.floor(i / 3072) % 3) + 0.2 * random.normal(),
  );
  const labels = tensor(
    'int64',
    [count],
    Array.from({ length: count }, (_, i) => i % 3),
  );
  const read = (rows: readonly number[]) => {
    const chosen = new Float32Array(rows.length * 3072);
    rows.forEach((from, to) => chosen.set(pixels.subarray(from * 3072, (from + 1) * 3072), to * 3072));
    return Promise.resolve(tensor('float32', [rows.length, 3, 32, 32], chosen));
  };
  return { count, shape: [3, 32, 32], labels, read };
}
const train = rowsOf(21);
const validation = rowsOf(9);
const options: NetworkRunOptions = {
  runtime,
  artifacts,
  initialState,
  train,
  validation,
  epochs: 3,
  batch: 6,
  rate: 0.01,
  stepsAtOnce: 2,
};

test('steps are told, epochs judged, and the loss falls', async t => {
  const events: TrainingEvent[] = [];
  const { trained, reason, epoch } = await finish(networkRun(options), event => void events.push(event));
  t.is(reason, 'finished');
  t.true(epoch >= 1);
  t.deepEqual([...trained.keys()], trainable);
  // 21 pictures by at most 6: one step of 6 and three of 5, two at once
  const steps = events.filter(event => event.kind === 'steps');
  t.deepEqual(
    steps.map(({ step }) => step),
    [1, 3, 4, 5, 7, 8, 9, 11, 12],
  );
  t.true(steps.every(({ of }) => of === 12));
  const epochs = events.filter(event => event.kind === 'epoch');
  t.is(epochs.length, 3);
  t.true(epochs[2]!.trainLoss < epochs[0]!.trainLoss);
  t.true(epochs.every(event => event.validation !== undefined));
});

test('where no epoch is better than the weights it began with, those are given; or else the best epoch', async t => {
  const events: TrainingEvent[] = [];
  const initial = { loss: 1e-9, accuracy: 1, calibrated: 1e-9 };
  const kept = await finish(networkRun({ ...options, initial }), event => void events.push(event));
  t.is(kept.epoch, 0);
  t.deepEqual(kept.validation, initial);
  t.deepEqual(events[0], { kind: 'initial', epoch: 0, validation: initial });
  for (const [name, value] of kept.trained) t.deepEqual(floats(value), floats(initialState.get(name)!), name);
  t.false(events.some(({ kind }) => kind === 'best'));
  t.true(events.every(event => event.kind !== 'epoch' || event.best?.epoch === 0));
  // resumed, it still knows; patience counts from it
  t.is(kept.last.best?.epoch, 0);
  t.is((await finish(networkRun({ ...options, resumeFrom: kept.last, initial }))).epoch, 0);
  const flat = await finish(networkRun({ ...options, initial, patience: 1 }));
  t.deepEqual([flat.reason, flat.epoch, flat.last.epoch], ['flat', 0, 1]);
  const beaten = await finish(networkRun({ ...options, initial: { loss: 1e9, accuracy: 0 } }));
  t.true(beaten.epoch >= 1);
});

test('an epoch is worth the loss of its logits at their best temperature', async t => {
  const seen: Float32Array[] = [];
  const events: TrainingEvent[] = [];
  await finish(networkRun({ ...options, onJudged: logits => seen.push(logits) }), event => void events.push(event));
  const epochs = events.filter(event => event.kind === 'epoch');
  t.is(seen.length, epochs.length);
  let least = Infinity;
  for (const [i, { validation: figures, best }] of epochs.entries()) {
    t.deepEqual(figuresOf(seen[i]!, validation.labels, figures!.loss), figures);
    t.true(figures!.calibrated! <= figures!.loss + 1e-6);
    least = Math.min(least, figures!.calibrated!);
    t.is(best!.loss, least);
  }
});

test('stopped between windows and resumed, it ends with the weights of an unbroken run', async t => {
  const whole = await finish(networkRun(options));
  const stop = new AbortController();
  const broken = await finish(networkRun({ ...options, signal: stop.signal }), event => {
    if (event.kind === 'steps' && event.step === 7) stop.abort();
  });
  t.is(broken.reason, 'asked');
  t.is(broken.last.epoch, 1);
  const resumed = await finish(networkRun({ ...options, resumeFrom: broken.last }));
  for (const [name, value] of whole.trained) t.deepEqual(floats(resumed.trained.get(name)!), floats(value), name);
  const other = t.throws<GraftError>(() => networkRun({ ...options, epochs: 4, resumeFrom: broken.last }));
  t.is(other.code, 'TRAINING_OTHER_RUN');
});

test('a loss that is not finite ends it with what the diagnosis says', async t => {
  const diagnose = (weights: ReadonlyMap<string, Tensor>, rows: Tensor) =>
    Promise.resolve(`${weights.has('fc.weight')} ${rows.shape.join(' ')}`);
  const error = await t.throwsAsync<GraftError>(
    finish(networkRun({ ...options, rate: 1e30, schedule: () => 1, diagnose })),
  );
  t.is(error.code, 'TRAINING_NOT_FINITE');
  t.regex(error.message, /true \d+ 3 32 32/);
});

test('what cannot be walked is refused before anything runs', t => {
  const codeOf = (change: Partial<NetworkRunOptions>) =>
    t.throws<GraftError>(() => networkRun({ ...options, ...change })).code;
  for (const option of ['epochs', 'batch', 'stepsAtOnce'] as const) t.is(codeOf({ [option]: 0 }), 'TRAINING_OPTION');
  t.is(codeOf({ rate: NaN }), 'TRAINING_OPTION');
  t.is(codeOf({ train: { ...train, count: 0 } }), 'TRAINING_DATA');
  t.is(codeOf({ validation: { ...validation, count: 4 } }), 'TRAINING_DATA');
  t.is(codeOf({ initialState: new Map() }), 'TRAINING_STATE');
});
