// Graphs that every provider has to run alike: those of training runs of heads, of a convolutional network in plain and
// in fast form, and the graph of a bundle. Small, random from a seed, each with its feeds.   Usage: imported by parity.ts.

import {
  adamw,
  crossEntropy,
  linear,
  mlp,
  networkEvaluationModel,
  networkStepsModel,
  networkTrainingModel,
  servingModel,
  sgd,
  trainableNetwork,
  trainHead,
  type Head,
  type Optimizer,
} from '../../src/artifacts/index.js';
import { elementCount, Random, tensor, type Tensor } from '../../src/base/index.js';
import { Builder, feedsOf, modelOf, type Model } from '../../src/graph/index.js';
import {
  Add,
  BatchNormalization,
  Conv,
  Flatten,
  Gemm,
  GlobalAveragePool,
  MaxPool,
  Mul,
  Relu,
  Sigmoid,
} from '../../src/operators/index.js';
import { fasterForward, fasterStep } from '../../src/passes/index.js';

/** A graph and what it is fed. */
export interface ParityCase {
  readonly name: string;
  readonly model: Model;
  readonly feeds: ReadonlyMap<string, Tensor>;
}

// batches of six: channels of three and not of four are what kernels in vectors of four have got wrong before
const [classes, batch, steps, pictures, side] = [3, 6, 3, 8, 16];

/** The cases, the same at every call. */
export function parityCases(): ParityCase[] {
  const backbone = convolutional();
  const serving = servingModel({
    backbone: backbone.graph,
    width: side,
    height: side,
    pixels: { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
    head: linear,
    trained: trained(linear),
    classes,
    task: 'single',
    temperature: 1.7,
  });
  return [
    ...headCases('linear head', linear, adamw()),
    ...headCases('hidden layer', mlp({ hidden: [16] }), sgd({ momentum: 0.9 })),
    ...networkCases(backbone, adamw()),
    caseOf('bundle', serving),
  ];
}

function headCases(name: string, head: Head, optimizer: Optimizer): ParityCase[] {
  const {
    training,
    optimizer: update,
    epoch,
  } = trainHead({
    features: 24,
    classes,
    head,
    loss: crossEntropy(),
    optimizer,
  });
  return [
    caseOf(`${name}, training_model`, training),
    caseOf(`${name}, optimizer_model`, update),
    caseOf(`${name}, epoch_model`, epoch),
  ];
}

function networkCases(model: Model, optimizer: Optimizer): ParityCase[] {
  const trainable = [...model.graph.initializers].flatMap(([name, { type }]) =>
    type === 'float32' && name.startsWith('train.') ? [name] : [],
  );
  const network = trainableNetwork(model, { trainable });
  const loss = crossEntropy();
  const lowering = { forward: fasterForward, step: fasterStep() };
  return [
    caseOf('convolutions, training_model', networkTrainingModel(network, loss)),
    caseOf('convolutions, eval_model', networkEvaluationModel(network, loss)),
    caseOf('convolutions, epoch_model', networkStepsModel(network, { loss, optimizer, batch })),
    caseOf('convolutions, epoch_model in fast form', networkStepsModel(network, { loss, optimizer, batch, lowering })),
  ];
}

/**
 * input [N, 3, 16, 16] → Conv → BatchNormalization → SiLU → Conv of 6 channels → AveragePool → depthwise Conv → Relu → residual
 * 1x1 Conv → Relu → average → Gemm → [N, 3]. The first convolution stays frozen.
 */
function convolutional(): Model {
  const random = new Random('convolutional');
  const builder = new Builder('convolutional');
  const weight = (name: string, shape: readonly number[], scale: number, centre = 0) =>
    builder.parameter(name, floatsOf(random.at(name), shape, scale, centre));
  const pads = [1, 1, 1, 1];
  const input = builder.input('input', 'float32', ['N', 3, side, side]);
  const stem = Conv(input, weight('stem.w', [6, 3, 3, 3], 0.3), weight('stem.b', [6], 0.1), { pads, strides: [2, 2] });
  const normal = BatchNormalization(
    stem,
    weight('train.scale', [6], 0.1, 1),
    weight('train.shift', [6], 0.1),
    weight('stem.mean', [6], 0.1),
    builder.parameter('stem.variance', tensor('float32', [6], new Float32Array(6).fill(0.7))),
  );
  const wide = Conv(Mul(normal, Sigmoid(normal)), weight('train.wide', [8, 6, 3, 3], 0.3), undefined, { pads });
  const pooled = MaxPool(wide, { kernel_shape: [2, 2], strides: [2, 2] });
  const depthwise = Conv(pooled, weight('train.depthwise', [8, 1, 3, 3], 0.4), weight('train.depthwise.b', [8], 0.1), {
    pads,
    group: 8,
  });
  const pointwise = Conv(Relu(depthwise), weight('train.pointwise', [8, 8, 1, 1], 0.3));
  const flat = Flatten(GlobalAveragePool(Relu(Add(pooled, pointwise))));
  const [w, b] = [weight('train.fc', [classes, 8], 0.5), weight('train.fc.b', [classes], 0.1)];
  // not 'logits': the graph of a bundle has that name for its own
  builder.output(Gemm(flat, w, b, { transB: 1 }), 'scores');
  return modelOf(builder.finish());
}

/** Parameters that a head would have learnt. */
function trained(head: Head): Map<string, Tensor> {
  const { parameters } = trainHead({ features: classes, classes, head, loss: crossEntropy(), optimizer: sgd() });
  return new Map(parameters.map(({ name, shape }) => [name, floatsOf(new Random('trained').at(name), shape, 0.5)]));
}

/** Feeds by what the names of artifacts mean; everything else is drawn from a normal distribution. */
function caseOf(name: string, model: Model): ParityCase {
  const random = new Random('feeds').at(name);
  const sizes = new Map([
    ['pictures', pictures],
    ['steps', steps],
    ['batch', batch],
    ['N', batch],
  ]);
  const feeds = new Map<string, Tensor>();
  for (const { name: input, shape = [], type } of feedsOf(model.graph)) {
    const dims = shape.map(dim => (typeof dim === 'number' ? dim : sizes.get(dim)!));
    const count = elementCount(dims);
    const from = random.at(input);
    const drawn = (one: (i: number) => number) => Float32Array.from({ length: count }, (_, i) => one(i));
    if (type === 'int64') {
      const below = input === 'order' ? pictures : classes;
      feeds.set(
        input,
        tensor(
          'int64',
          dims,
          BigInt64Array.from({ length: count }, () => BigInt(from.integer(below))),
        ),
      );
    } else if (type === 'uint8')
      feeds.set(
        input,
        tensor(
          'uint8',
          dims,
          Uint8Array.from({ length: count }, () => from.integer(256)),
        ),
      );
    else if (input === 'rate')
      feeds.set(
        input,
        tensor(
          'float32',
          dims,
          drawn(() => 0.01),
        ),
      );
    else if (input === 'averaging')
      feeds.set(
        input,
        tensor(
          'float32',
          dims,
          drawn(() => 0.1),
        ),
      );
    else if (input === 'step')
      feeds.set(
        input,
        tensor(
          'float32',
          dims,
          drawn(i => i + 5),
        ),
      );
    // second moments are sums of squares
    else if (input.endsWith('.v'))
      feeds.set(
        input,
        tensor(
          'float32',
          dims,
          drawn(() => from.normal() ** 2 + 0.1),
        ),
      );
    else feeds.set(input, floatsOf(from, dims, 0.5));
  }
  return { name, model, feeds };
}

function floatsOf(random: Random, shape: readonly number[], scale: number, centre = 0): Tensor {
  const values = Float32Array.from({ length: elementCount(shape) }, () => centre + scale * random.normal());
  return tensor('float32', shape, values);
}
