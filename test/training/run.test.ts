// Training runs on both runtimes: an epoch at once and step by step give the same bits, and so do a run and one that
// was broken off and resumed.

import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { adam, adamw, crossEntropy, linear, mlp, sgd, sigmoidCrossEntropy } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import type { Runtime } from '../../src/runtime/index.js';
import {
  constant,
  cosine,
  decodeCheckpoint,
  encodeCheckpoint,
  finish,
  stepByStepRun,
  trainingRun,
  untilFlat,
  warmUp,
  type CheckpointEvent,
  type EpochEvent,
  type TrainingEvent,
} from '../../src/training/index.js';
import { artifactsOf, bitsOf, blobs, severalLabels, walked } from './heads.js';

const runtimes: readonly Runtime[] = [nodeRuntime(), webRuntime()];
const train = blobs(70, 6, 3, 1);
const validation = blobs(30, 6, 3, 2);
const head = (at: Partial<Parameters<typeof artifactsOf>[0]> = {}) =>
  artifactsOf({ features: 6, classes: 3, head: linear, loss: crossEntropy(), optimizer: adam(), ...at });
const small = mlp({ hidden: [8, 5], dropout: 0.3 });
const epochsOf = (events: readonly TrainingEvent[]) => events.filter((at): at is EpochEvent => at.kind === 'epoch');
const checkpointsOf = (events: readonly TrainingEvent[]) =>
  events.filter((at): at is CheckpointEvent => at.kind === 'checkpoint').map(({ checkpoint }) => checkpoint);
const joined = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));

const heads = {
  'linear, Adam': head(),
  'linear, SGD with momentum': head({ optimizer: sgd({ momentum: 0.9 }) }),
  'perceptron with dropout, AdamW, smoothed and weighted': head({
    head: small,
    optimizer: adamw({ weightDecay: 0.05 }),
    loss: crossEntropy({ labelSmoothing: 0.1, classWeights: [1, 2, 0.5] }),
  }),
  'perceptron, Nesterov, no average': head({
    head: small,
    optimizer: sgd({ nesterov: true, weightDecay: 1e-3 }),
    averaging: false,
  }),
};

// One after the other: onnxruntime-web does not bear two calls at once.
for (const runtime of runtimes) {
  for (const [name, made] of Object.entries(heads))
    test.serial(`${runtime.name}: ${name}: step by step is epoch at once, bit for bit`, async t => {
      const options = { runtime, ...made, train, validation, epochs: 3, batch: 16, rate: 0.05, seed: 3 };
      const atOnce = await walked(trainingRun(options));
      const stepped = await walked(stepByStepRun(options));
      t.deepEqual(bitsOf(stepped.result.last.state), bitsOf(atOnce.result.last.state));
      t.deepEqual(bitsOf(stepped.result.trained), bitsOf(atOnce.result.trained));
      t.deepEqual(epochsOf(stepped.events), epochsOf(atOnce.events));
      // Every part of the state moved: nothing was left out of the comparison by being constant.
      for (const [part, before] of made.initialState)
        t.notDeepEqual(atOnce.result.last.state.get(part)!.bytes, before.bytes, part);
    });

  test.serial(`${runtime.name}: several labels: step by step is epoch at once, bit for bit`, async t => {
    const made = head({ classes: 4, loss: sigmoidCrossEntropy(), head: small });
    const [several, held] = [severalLabels(train, 3), severalLabels(validation, 3)];
    const options = { runtime, ...made, train: several, validation: held, epochs: 2, batch: 16, rate: 0.05 };
    const atOnce = await walked(trainingRun(options));
    const stepped = await walked(stepByStepRun(options));
    t.deepEqual(bitsOf(stepped.result.last.state), bitsOf(atOnce.result.last.state));
    t.deepEqual(epochsOf(stepped.events), epochsOf(atOnce.events));
  });

  test.serial(
    `${runtime.name}: a run that is resumed from any of its checkpoints gives the bytes of an unbroken one`,
    async t => {
      const made = head({ head: small });
      const options = { runtime, ...made, train, validation, epochs: 5, batch: 16, rate: 0.05, patience: 2, seed: 1 };
      const whole = await walked(trainingRun(options));
      const end = joined(encodeCheckpoint(whole.result.last));
      for (const checkpoint of checkpointsOf(whole.events)) {
        const resumeFrom = decodeCheckpoint(joined(encodeCheckpoint(checkpoint)));
        const rest = await walked(trainingRun({ ...options, resumeFrom }));
        t.deepEqual(joined(encodeCheckpoint(rest.result.last)), end);
        t.deepEqual(bitsOf(rest.result.trained), bitsOf(whole.result.trained));
        t.is(rest.result.reason, whole.result.reason);
        const told = epochsOf(whole.events).filter(({ epoch }) => epoch > checkpoint.epoch);
        t.deepEqual(epochsOf(rest.events), told);
        t.is(rest.events[0]?.kind, 'resumed');
      }
    },
  );
}

const node = runtimes[0]!;
const linearHead = head();
const base = { runtime: node, ...linearHead, train, validation, epochs: 4, batch: 16, rate: 0.05 };

test('what an epoch tells is what its graphs say', async t => {
  // One epoch of one step at a constant rate: the loss before the step is that of equal classes, ln 3.
  const { events, result } = await walked(
    trainingRun({ ...base, batch: 100, epochs: 1, rate: 0.1, schedule: constant(), halfLife: 1 }),
  );
  const [epoch] = epochsOf(events);
  t.is(epoch!.trainLoss.toFixed(6), Math.log(3).toFixed(6));
  t.is(epoch!.rate, 0.1);
  t.is(epoch!.step, 1);
  // The first average is the weights themselves.
  t.deepEqual(epoch!.validation, epoch!.validationOfLast);
  const { state } = result.last;
  t.deepEqual(state.get('head.weight.average')!.bytes, state.get('head.weight')!.bytes);
  // Adam's first step moves every weight by the rate, in PyTorch's and any other convention.
  for (const weight of floats(state.get('head.weight')!)) t.true(Math.abs(Math.abs(weight) - 0.1) < 1e-5);
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['epoch', 'best', 'checkpoint'],
  );
});

test('a head learns, and the best epoch is given whatever stopped the run', async t => {
  const options = { ...base, epochs: 40, rate: 0.3, schedule: warmUp(cosine(), 5), patience: 3 };
  const { events, result } = await walked(trainingRun(options));
  const epochs = epochsOf(events);
  const losses = epochs.map(({ validation: at }) => at!.loss);
  const best = losses.indexOf(Math.min(...losses));
  t.true(losses[0]! > losses[best]!);
  t.is(result.epoch, epochs[best]!.epoch);
  t.deepEqual(result.validation, epochs[best]!.validation);
  t.is(result.reason, 'flat');
  t.is(epochs.length, best + 1 + 3);
  t.deepEqual(events.at(-1), { kind: 'stopped', epoch: epochs.length, reason: 'flat' });
  const saved = checkpointsOf(events).find(({ epoch }) => epoch === result.epoch)!;
  t.deepEqual(result.trained.get('head.weight')!.bytes, saved.state.get('head.weight.average')!.bytes);
});

test('without patience all epochs are run, and the best is given', async t => {
  const options = { ...base, epochs: 12, rate: 1 };
  const [patient, whole] = [await walked(trainingRun({ ...options, patience: 1 })), await walked(trainingRun(options))];
  t.is(patient.result.reason, 'flat');
  const { result, events } = await walked(trainingRun({ ...options, patience: 0 }));
  t.is(result.reason, 'finished');
  t.is(epochsOf(events).length, 12);
  t.deepEqual(bitsOf(result.trained), bitsOf(whole.result.trained));
});

test('without validation the last epoch is given', async t => {
  const { validation: _, ...rest } = base;
  const { events, result } = await walked(trainingRun({ ...rest, checkpointEvery: 3 }));
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['epoch', 'epoch', 'epoch', 'checkpoint', 'epoch', 'checkpoint'],
  );
  t.is(result.epoch, 4);
  t.is(result.validation, undefined);
  t.deepEqual(result.trained.get('head.bias')!.bytes, result.last.state.get('head.bias.average')!.bytes);
});

test('a signal ends the run after the epoch in hand, with a checkpoint to resume from', async t => {
  const whole = await walked(trainingRun(base));
  const stopping = new AbortController();
  let saved: CheckpointEvent | undefined;
  const result = await finish(trainingRun({ ...base, checkpointEvery: 100, signal: stopping.signal }), event => {
    if (event.kind === 'epoch' && event.epoch === 2) stopping.abort();
    if (event.kind === 'checkpoint') saved = event;
  });
  t.is(result.reason, 'asked');
  t.is(saved!.epoch, 2);
  const rest = await walked(trainingRun({ ...base, resumeFrom: saved!.checkpoint }));
  t.deepEqual(bitsOf(rest.result.last.state), bitsOf(whole.result.last.state));

  const none = await walked(trainingRun({ ...base, signal: AbortSignal.abort() }));
  t.deepEqual(none.events, [{ kind: 'stopped', epoch: 0, reason: 'asked' }]);
  t.deepEqual(bitsOf(none.result.last.state), bitsOf(linearHead.initialState));
});

test('a run that nobody walks on closes its sessions', async t => {
  let open = 0;
  const counting: Runtime = {
    ...node,
    async open(model, options) {
      const session = await node.open(model, options);
      open++;
      return {
        ...session,
        close: async () => {
          open--;
          await session.close();
        },
      };
    },
  };
  const options = { ...base, runtime: counting };
  for await (const event of trainingRun({ ...options, patience: 2 })) {
    t.is(open, 2);
    if (event.kind === 'epoch') break;
  }
  t.is(open, 0);
  await t.throwsAsync(
    finish(stepByStepRun(options), () => {
      throw new Error('the reader fails');
    }),
    { message: 'the reader fails' },
  );
  t.is(open, 0);
});

test('what cannot be trained is refused before anything runs', async t => {
  const refuse = (code: string, change: object, message = /./) =>
    t.throws(() => trainingRun({ ...base, ...change }), { code, message });
  refuse('TRAINING_OPTION', { epochs: 0 }, /epochs is 0/);
  refuse('TRAINING_OPTION', { batch: 1.5 }, /batch/);
  refuse('TRAINING_OPTION', { rate: NaN }, /rate/);
  refuse('TRAINING_OPTION', { halfLife: 0 }, /halfLife/);
  refuse('TRAINING_DATA', { train: { ...train, count: 69 } }, /420 features/);
  refuse(
    'TRAINING_DATA',
    { validation: { ...train, labels: tensor('float32', [70], new Float32Array(70)) } },
    /labels/,
  );
  refuse('TRAINING_DATA', { train: { ...train, count: 0 } }, /no picture/);
  refuse('TRAINING_STATE', { initialState: new Map() }, /head\.weight of the state is missing/);
  refuse('TRAINING_OPTION', { patience: -1 }, /patience/);
  refuse('TRAINING_OPTION', { patience: 1.5 }, /patience/);
  await t.throwsAsync(finish(untilFlat(0, trainingRun(base))), { code: 'TRAINING_OPTION' });

  const { result } = await walked(trainingRun({ ...base, epochs: 1 }));
  const resumeFrom = result.last;
  refuse('TRAINING_OTHER_RUN', { resumeFrom }, /its epochs is 1, wanted 4/);
  refuse('TRAINING_OTHER_RUN', { epochs: 1, seed: 5, resumeFrom }, /seed/);
  refuse('TRAINING_OTHER_RUN', { epochs: 1, schedule: constant(), resumeFrom }, /rates/);
});

test('a loss that is not finite ends the run with the epoch', async t => {
  const features = train.features.slice();
  features[17] = NaN;
  await t.throwsAsync(finish(trainingRun({ ...base, train: { ...train, features } })), {
    code: 'TRAINING_DIVERGED',
    message: /loss of epoch 1 is NaN/,
  });
});
