// What training artifacts must do in ONNX Runtime's own training: the same steps as our graphs on the plain runtime. Each
// case trains both ways from the same weights on the same batches and tells how far apart they are.

import {
  crossEntropy,
  linear,
  mlp,
  networkEvaluationModel,
  networkStepsModel,
  ortNetworkArtifacts,
  ortTrainingArtifacts,
  ownOptimizer,
  trainableNetwork,
  trainHead,
  type Head,
  type OrtOptimizer,
  type OrtRuntime,
  type OrtTrainingArtifacts,
} from '../../src/artifacts/index.js';
import { elementCount, floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model } from '../../src/graph/index.js';
import { Conv, Flatten, Gemm, GlobalAveragePool, HardSwish, MaxPool, Relu } from '../../src/operators/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import {
  ortCheckpointOf,
  ortTrainingFiles,
  stateOfOrtCheckpoint,
  withOrtWeights,
} from '../../src/workflows/ort-state.js';
import type { OrtTraining, Trained } from './runtime.js';

/** The largest differences, and how far the weights went. */
export interface Figures {
  readonly loss: number;
  readonly parameters: number;
  /** The largest change of a weight in our own run. */
  readonly moved: number;
}

/** Where a case runs. */
export interface Bench {
  readonly ort: OrtTraining;
  readonly own: Runtime;
  readonly runtime: OrtRuntime;
}

type Batch = ReadonlyMap<string, Tensor>;
const steps = 20;
/** The rate that ONNX Runtime begins with; its JavaScript cannot change it. */
const rate = 0.001;
const torch: OrtOptimizer = { name: 'adamw', weightDecay: 0.1 };
const transformers: OrtOptimizer = { name: 'adamw', form: 'transformers', weightDecay: 0.1, epsilon: 1e-6 };
const sgd: OrtOptimizer = { name: 'sgd' };

const normal = (random: Random, shape: readonly number[], scale = 1): Tensor => {
  const count = elementCount(shape);
  return tensor('float32', shape, Float32Array.from({ length: count }, () => scale * random.normal())); // prettier-ignore
};
const labels = (random: Random, count: number, classes: number): Tensor =>
  tensor(
    'int64',
    [count],
    Array.from({ length: count }, () => random.integer(classes)),
  );
const batchesOf = (input: string, shape: readonly number[], classes: number, scale = 1): Batch[] =>
  Array.from({ length: steps }, (_, i) => {
    const random = new Random('batch').at(i);
    return new Map([
      [input, normal(random, shape, scale)],
      ['labels', labels(random, shape[0]!, classes)],
    ]);
  });

/** Runs a model of ours once. */
async function once(runtime: Runtime, model: Model, feeds: ReadonlyMap<string, Tensor>) {
  const session = await runtime.open(encodeModel(model));
  try {
    return await ran(runtime, session, feeds);
  } finally {
    await session.close();
  }
}
async function ran(
  runtime: Runtime,
  session: Awaited<ReturnType<Runtime['open']>>,
  feeds: ReadonlyMap<string, Tensor>,
) {
  const known = new Map([...feeds].filter(([name]) => session.inputs.includes(name)));
  const results = await session.run(new Map([...known].map(([name, value]) => [name, runtime.tensor(value)])));
  const read = new Map<string, Tensor>();
  for (const [name, value] of results) {
    const { type, shape, bytes } = await value.read();
    read.set(name, { type, shape, bytes: bytes.slice() });
  }
  return read;
}

interface Plain {
  readonly training: Model;
  readonly optimizer: Model;
}
interface Walked extends Trained {
  readonly state: ReadonlyMap<string, Tensor>;
}

/** Our own steps: gradients of the parts of a batch added up, then one update. */
async function ownSteps(
  runtime: Runtime,
  { training, optimizer }: Plain,
  names: readonly string[],
  initial: ReadonlyMap<string, Tensor>,
  batches: readonly (readonly Batch[])[],
  first = 1,
): Promise<Walked> {
  const [train, update] = [await runtime.open(encodeModel(training)), await runtime.open(encodeModel(optimizer))];
  try {
    let state = new Map(initial);
    const losses: number[] = [];
    for (const [i, parts] of batches.entries()) {
      const sums = new Map<string, Tensor>();
      for (const part of parts) {
        const results = await ran(runtime, train, new Map([...state, ...part]));
        losses.push(floats(results.get('loss')!)[0]!);
        for (const name of names) {
          const gradient = results.get(`${name}_grad`)!;
          const before = sums.get(`${name}_grad`);
          const added = floats(gradient).map((value, k) => value + (before ? floats(before)[k]! : 0));
          sums.set(`${name}_grad`, tensor('float32', gradient.shape, added));
        }
      }
      const scalars = new Map([['rate', tensor('float32', [], [rate])], ['step', tensor('float32', [], [first + i])]]); // prettier-ignore
      const next = await ran(runtime, update, new Map([...state, ...sums, ...scalars]));
      state = new Map([...next].map(([name, value]) => [name.slice('next.'.length), value]));
    }
    return { losses, parameters: flat(names, state), state };
  } finally {
    await train.close();
    await update.close();
  }
}

const flat = (names: readonly string[], state: ReadonlyMap<string, Tensor>): Float32Array =>
  Float32Array.from(names.flatMap(name => Array.from(floats(state.get(name)!))));
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    if (!(apart <= most)) most = apart; // a NaN stays
  }
  return most;
};
const figures = (ours: Trained, theirs: Trained, initial: Float32Array): Figures => ({
  loss: furthest(ours.losses, theirs.losses),
  parameters: furthest(ours.parameters, theirs.parameters),
  moved: furthest(ours.parameters, initial),
});

/**
 * A head both ways: plain graphs and ONNX Runtime's form. All cases have an even number of weights: 1.18.0 writes past the
 * end of its own buffer when it tells an odd number of them.
 */
function headBothWays(head: Head, optimizer: OrtOptimizer, runtime: OrtRuntime) {
  const made = trainHead({
    features: 12,
    classes: 4,
    head,
    loss: crossEntropy({ labelSmoothing: 0.1 }),
    optimizer: ownOptimizer(optimizer),
    averaging: false,
  });
  const initial = made.initialState(new Random('head'));
  const parameters = new Map(made.parameters.map(({ name }) => [name, initial.get(name)!]));
  const artifacts = ortTrainingArtifacts({
    training: made.training,
    evaluation: made.evaluation,
    parameters,
    optimizer,
    runtime,
  });
  return { made, initial, names: [...parameters.keys()], artifacts };
}

async function headCase(
  { ort, own, runtime }: Bench,
  head: Head,
  optimizer: OrtOptimizer,
  scale = 1,
): Promise<Figures> {
  const { made, initial, names, artifacts } = headBothWays(head, optimizer, runtime);
  const batches = batchesOf('features', [16, 12], 4, scale);
  // all steps in one run of epoch_model
  const rows = (name: string) => batches.map(batch => batch.get(name)!);
  const stacked = (name: string): Tensor => {
    const [first] = rows(name);
    const bytes = new Uint8Array(Buffer.concat(rows(name).map(at => at.bytes)));
    return { type: first!.type, shape: [first!.shape[0]! * steps, ...first!.shape.slice(1)], bytes };
  };
  const results = await once(
    own,
    made.epoch,
    new Map<string, Tensor>([
      ...initial,
      ['features', stacked('features')],
      ['labels', stacked('labels')],
      ['rate', tensor('float32', [steps], new Float32Array(steps).fill(rate))],
      ['step', tensor('float32', [steps], Float32Array.from({ length: steps }, (_, i) => i + 1))], // prettier-ignore
      ['order', tensor('int64', [steps, 16], Array.from({ length: 16 * steps }, (_, i) => i))], // prettier-ignore
    ]),
  );
  const state = new Map(names.map(name => [name, results.get(`next.${name}`)!]));
  const ours = { losses: Array.from(floats(results.get('losses')!)), parameters: flat(names, state) };
  const theirs = await ort.train(ortTrainingFiles(artifacts), batches.map(batch => [batch])); // prettier-ignore
  return figures(ours, theirs, flat(names, initial));
}

/** A small network: convolutions (one of them depthwise), pools, a head. */
export function smallNetwork(): Model {
  const random = new Random('network');
  const b = new Builder('small');
  const weight = (name: string, shape: readonly number[], scale: number) =>
    b.parameter(name, normal(random.at(name), shape, scale));
  let x = b.input('pictures', 'float32', ['batch', 3, 12, 12]);
  x = Relu(Conv(x, weight('conv1.weight', [8, 3, 3, 3], 0.3), weight('conv1.bias', [8], 0.1), { pads: [1, 1, 1, 1] }));
  x = MaxPool(x, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  x = HardSwish(Conv(x, weight('conv2.weight', [8, 1, 3, 3], 0.3), undefined, { pads: [1, 1, 1, 1], group: 8 }));
  x = Relu(Conv(x, weight('conv3.weight', [12, 8, 1, 1], 0.3), weight('conv3.bias', [12], 0.1)));
  x = Flatten(GlobalAveragePool(x));
  b.output(Gemm(x, weight('fc.weight', [4, 12], 0.3), weight('fc.bias', [4], 0.1), { transB: 1 }), 'logits');
  return modelOf(b.finish());
}
const all = ['conv1.weight', 'conv1.bias', 'conv2.weight', 'conv3.weight', 'conv3.bias', 'fc.weight', 'fc.bias'];

interface NetworkOptions {
  readonly optimizer: OrtOptimizer;
  readonly trainable?: readonly string[];
  readonly frozen?: readonly string[];
  readonly clip?: number;
}

async function networkCase({ ort, own, runtime }: Bench, options: NetworkOptions): Promise<Figures> {
  const { optimizer, trainable = all, frozen = [], clip } = options;
  const network = trainableNetwork(smallNetwork(), { trainable });
  const loss = crossEntropy();
  const clipped = clip === undefined ? {} : { clip };
  const artifacts = ortNetworkArtifacts(network, { loss, optimizer, runtime, frozen, ...clipped });
  const batches = batchesOf('pictures', [8, 3, 12, 12], 4);
  const mine = ownOptimizer(optimizer);
  const stepsModel = networkStepsModel(network, { loss, optimizer: mine, batch: 8, averaging: false, ...clipped });
  const pictures = new Uint8Array(Buffer.concat(batches.map(batch => batch.get('pictures')!.bytes)));
  const labelled = new Uint8Array(Buffer.concat(batches.map(batch => batch.get('labels')!.bytes)));
  const initial = new Map(network.parameters.map(it => [it.name, it.initial]));
  const zeros = network.parameters.flatMap(({ name, shape }) =>
    mine.slots.map(slot => [`${name}.${slot}`, normal(new Random(0), shape, 0)] as const),
  );
  const results = await once(
    own,
    stepsModel,
    new Map<string, Tensor>([
      ...initial,
      ...zeros,
      ['pictures', { type: 'float32', shape: [8 * steps, 3, 12, 12], bytes: pictures }],
      ['labels', { type: 'int64', shape: [8 * steps], bytes: labelled }],
      ['rate', tensor('float32', [steps], new Float32Array(steps).fill(rate))],
      ['step', tensor('float32', [steps], Float32Array.from({ length: steps }, (_, i) => i + 1))], // prettier-ignore
      ['order', tensor('int64', [steps, 8], Array.from({ length: 8 * steps }, (_, i) => i))], // prettier-ignore
    ]),
  );
  const state = new Map(trainable.map(name => [name, results.get(`next.${name}`)!]));
  const ours = { losses: Array.from(floats(results.get('losses')!)), parameters: flat(trainable, state) };
  const theirs = await ort.train(ortTrainingFiles(artifacts), batches.map(batch => [batch])); // prettier-ignore
  return figures(ours, theirs, flat(trainable, initial));
}

/** Two half batches, whose gradients add up, are one step. */
async function accumulationCase({ ort, own, runtime }: Bench): Promise<Figures> {
  const { made, initial, names, artifacts } = headBothWays(mlp({ hidden: [10], dropout: 0 }), torch, runtime);
  const halves = batchesOf('features', [8, 12], 4).map((batch, i, every) => [batch, every[(i + 7) % steps]!]);
  const ours = await ownSteps(own, made, names, initial, halves);
  const theirs = await ort.train(ortTrainingFiles(artifacts), halves);
  return figures(ours, theirs, flat(names, initial));
}

/** Ten steps of ours, the rest by either from a checkpoint with moments and step; the checkpoint read back is the state. */
async function resumeCase({ ort, own, runtime }: Bench): Promise<Figures> {
  const { made, initial, names, artifacts } = headBothWays(linear, transformers, runtime);
  const batches = batchesOf('features', [16, 12], 4).map(batch => [batch]);
  const begun = await ownSteps(own, made, names, initial, batches.slice(0, 10));
  const checkpoint = ortCheckpointOf(artifacts, { state: begun.state, step: 10, optimizer: transformers });
  const back = stateOfOrtCheckpoint(checkpoint, transformers);
  const ours = await ownSteps(own, made, names, back.state, batches.slice(10), back.step + 1);
  const theirs = await ort.train(ortTrainingFiles(artifacts, checkpoint), batches.slice(10));
  return figures(ours, theirs, flat(names, initial));
}

/** An average of weights as a checkpoint: the runtime holds those very weights and evaluates with them. */
async function averageCase({ ort, own, runtime }: Bench): Promise<Figures> {
  const network = trainableNetwork(smallNetwork(), { trainable: all });
  const loss = crossEntropy();
  const artifacts: OrtTrainingArtifacts = ortNetworkArtifacts(network, { loss, optimizer: torch, runtime });
  const averages = new Map(
    network.parameters.map(({ name, shape }) => [name, normal(new Random('average').at(name), shape, 0.2)]),
  );
  const files = ortTrainingFiles(artifacts, withOrtWeights(ortCheckpointOf(artifacts), averages));
  const [batch] = batchesOf('pictures', [8, 3, 12, 12], 4);
  const found = await once(own, networkEvaluationModel(network, loss), new Map([...averages, ...batch!]));
  const evaluated = await ort.evaluate(files, batch!);
  const held = await ort.train(files, []);
  const initial = flat(all, new Map(network.parameters.map(it => [it.name, it.initial])));
  const parameters = flat(all, averages);
  return figures(
    { losses: [floats(found.get('loss')!)[0]!], parameters },
    { losses: [evaluated], parameters: held.parameters },
    initial,
  );
}

/** Every case by its name. */
export const cases: ReadonlyMap<string, (bench: Bench) => Promise<Figures>> = new Map([
  ['a linear head, AdamW as in torch', (bench: Bench) => headCase(bench, linear, torch)],
  ['two layers, AdamW as in Transformers', bench => headCase(bench, mlp({ hidden: [10], dropout: 0 }), transformers)],
  ['a linear head, Adam without decay', bench => headCase(bench, linear, { name: 'adamw', weightDecay: 0 })],
  ['a linear head, SGD', bench => headCase(bench, linear, sgd, 10)],
  ['gradients of two half batches', accumulationCase],
  ['going on from a checkpoint with moments', resumeCase],
  ['a convolutional network, AdamW', bench => networkCase(bench, { optimizer: torch })],
  ['a convolutional network, SGD', bench => networkCase(bench, { optimizer: sgd })],
  ['gradients clipped by their norm', bench => networkCase(bench, { optimizer: sgd, clip: 0.2 })],
  [
    'frozen parameters in the graphs',
    bench => networkCase(bench, { optimizer: transformers, trainable: ['conv3.weight', 'fc.weight', 'fc.bias'] }),
  ],
  [
    'frozen parameters in the checkpoint',
    bench =>
      networkCase(bench, {
        optimizer: torch,
        trainable: ['conv3.weight', 'fc.weight', 'fc.bias'],
        frozen: ['conv1.weight', 'conv1.bias', 'conv3.bias'],
      }),
  ],
  ['averages written back', averageCase],
]);
