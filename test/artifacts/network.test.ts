// Any network: the gradients of its training graph are the numbers that the steps in one run walk by, bit for bit, and
// both are those of the formulas of the optimizer, computed here in float64.

import test from 'ava';
import { floats, Random, tensor, type GraftError, type Tensor } from '../../src/base/index.js';
import {
  adamw,
  crossEntropy,
  meanAbsoluteError,
  meanSquaredError,
  networkEvaluationModel,
  networkStepsModel,
  networkTrainingModel,
  optimizerModel,
  sgd,
  sigmoidCrossEntropy,
  trainableNetwork,
  type Loss,
  type Optimizer,
  type StepOptions,
  type TrainableNetwork,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, verify, type Model } from '../../src/graph/index.js';
import { Conv, Flatten, Gemm, GlobalAveragePool, Relu, Softmax } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

const runtime = nodeRuntime();
const random = new Random('network');
const several = (shape: readonly number[], scale = 1) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
  );

/** Conv, Relu, pool, Gemm, Softmax; the first Conv stays frozen unless named. */
function small(): Model {
  const builder = new Builder('small');
  const x = builder.input('picture', 'float32', ['N', 2, 6, 6]);
  const weight = (name: string, shape: readonly number[]) => builder.parameter(name, several(shape, 0.5));
  const first = Relu(Conv(x, weight('first.weight', [4, 2, 3, 3]), weight('first.bias', [4]), { pads: [1, 1, 1, 1] }));
  const second = Relu(
    Conv(first, weight('second.weight', [5, 4, 3, 3]), weight('second.bias', [5]), { strides: [2, 2] }),
  );
  const pooled = Flatten(GlobalAveragePool(second));
  const logits = Gemm(pooled, weight('fc.weight', [3, 5]), weight('fc.bias', [3]), { transB: 1 });
  builder.output(Softmax(logits), 'probabilities');
  return modelOf(builder.finish());
}
const model = small();
const trainable = ['second.weight', 'second.bias', 'fc.weight', 'fc.bias'];
const network = trainableNetwork(model, { trainable });
const pictures = several([8, 2, 6, 6]);
const labels = tensor('int64', [8], BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n, 1n, 1n]));

async function run(of: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const session = await runtime.open(encodeModel(verify(of)));
  try {
    const given = session.inputs.map(name => [name, runtime.tensor(feeds.get(name)!)] as const);
    const results = await session.run(new Map(given));
    const read = new Map<string, Tensor>();
    for (const [name, value] of results) read.set(name, await value.read());
    return read;
  } finally {
    await session.close();
  }
}

const rowsOf = ({ type, shape, bytes }: Tensor, rows: readonly number[]): Tensor => {
  const size = bytes.length / shape[0]!;
  const chosen = new Uint8Array(rows.length * size);
  rows.forEach((row, i) => chosen.set(bytes.subarray(row * size, (row + 1) * size), i * size));
  return { type, shape: [rows.length, ...shape.slice(1)], bytes: chosen };
};

/** The state before the first step: the weights, their averages, zero moments. */
function stateOf({ parameters }: TrainableNetwork, optimizer: Optimizer): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  for (const { name, shape, initial } of parameters) {
    state.set(name, initial).set(`${name}.average`, initial);
    const zeros = tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    for (const slot of optimizer.slots) state.set(`${name}.${slot}`, zeros);
  }
  return state;
}

const order = [
  [0, 1, 2, 3],
  [4, 5, 6, 7],
  [7, 2, 5, 0],
];
const rates = [0.1, 0.05, 0.02];
const averaging = [1, 0.5, 0.25];

/** Three steps in one run. */
async function together(of: TrainableNetwork, options: Omit<StepOptions, 'batch'>): Promise<Map<string, Tensor>> {
  const series = (values: readonly number[]) => tensor('float32', [3], values);
  const feeds = new Map([
    ...stateOf(of, options.optimizer),
    ['picture', pictures],
    ['labels', labels],
    ['order', tensor('int64', [3, 4], order.flat())],
    ['rate', series(rates)],
    ['step', series([1, 2, 3])],
    ['averaging', series(averaging)],
  ]);
  return run(networkStepsModel(of, { ...options, batch: 4 }), feeds);
}

/** Three steps by the training and the optimizer graph in turn. */
async function inTurn(of: TrainableNetwork, loss: Loss, optimizer: Optimizer) {
  const training = networkTrainingModel(of, loss);
  const update = optimizerModel({ optimizer }, of.parameters, [...optimizer.slots, 'average']);
  let state = stateOf(of, optimizer);
  const losses: number[] = [];
  for (const [i, rows] of order.entries()) {
    const batch = new Map([
      ['picture', rowsOf(pictures, rows)],
      ['labels', rowsOf(labels, rows)],
    ]);
    const gradients = await run(training, new Map([...state, ...batch]));
    losses.push(floats(gradients.get('loss')!)[0]!);
    const scalar = (value: number) => tensor('float32', [], [value]);
    const scalars = new Map([
      ['rate', scalar(rates[i]!)],
      ['step', scalar(i + 1)],
      ['averaging', scalar(averaging[i]!)],
    ]);
    const next = await run(update, new Map([...state, ...gradients, ...scalars]));
    state = new Map([...next].map(([name, value]) => [name.slice('next.'.length), value]));
  }
  return { state, losses };
}

for (const [name, optimizer] of [
  ['SGD', sgd()],
  ['AdamW', adamw()],
  ['AdamW that shrinks everything', adamw({ weightDecay: 0.1, decayed: 'all' })],
] as const)
  test(`steps in one run are steps in turn, bit for bit: ${name}`, async t => {
    const all = await together(network, { loss: crossEntropy(), optimizer });
    const { state, losses } = await inTurn(network, crossEntropy(), optimizer);
    t.deepEqual([...floats(all.get('losses')!)], losses);
    t.deepEqual([...all.keys()].sort(), [...[...state.keys()].map(key => `next.${key}`), 'losses'].sort());
    for (const [key, value] of state) t.deepEqual(floats(all.get(`next.${key}`)!), floats(value), key);
    t.true(losses[2]! < losses[0]! + 1 && losses.every(Number.isFinite));
  });

test('a Softmax at the end is part of the loss, and the outputs stay the network’s own', async t => {
  t.not(network.logits, 'probabilities');
  const evaluation = networkEvaluationModel(network, crossEntropy());
  t.deepEqual(
    evaluation.graph.outputs.map(({ name }) => name),
    ['loss', 'probabilities'],
  );
  const found = await run(evaluation, new Map([...stateOf(network, sgd()), ['picture', pictures], ['labels', labels]]));
  const probabilities = floats(found.get('probabilities')!);
  const terms = [0, 1, 2, 0, 1, 2, 1, 1].map((label, i) => -Math.log(probabilities[3 * i + label]!));
  const wanted = terms.reduce((sum, term) => sum + term, 0) / 8;
  t.true(Math.abs(floats(found.get('loss')!)[0]! - wanted) < 1e-6);
});

test('a share of the rate holds for its weights only', async t => {
  const slow = trainableNetwork(model, { trainable, factors: new Map([['second.weight', 0.25]]) });
  const optimizer = sgd({ momentum: 0 });
  const plain = await together(network, { loss: crossEntropy(), optimizer });
  const first = await together(slow, { loss: crossEntropy(), optimizer });
  t.deepEqual(floats(plain.get('losses')!)[0], floats(first.get('losses')!)[0]);
  // one step at a quarter of the rate moves a quarter as far
  const one = async (of: TrainableNetwork) => {
    const feeds = new Map([
      ...stateOf(of, optimizer),
      ['picture', pictures],
      ['labels', labels],
      ['order', tensor('int64', [1, 4], order[0]!)],
      ...['rate', 'step', 'averaging'].map(name => [name, tensor('float32', [1], [1])] as const),
    ]);
    const next = await run(networkStepsModel(of, { loss: crossEntropy(), optimizer, batch: 4 }), feeds);
    return (name: string) => {
      const before = floats(of.parameters.find(it => it.name === name)!.initial);
      return floats(next.get(`next.${name}`)!).map((value, i) => value - before[i]!);
    };
  };
  const [whole, quarter] = [await one(network), await one(slow)];
  for (const [i, move] of quarter('second.weight').entries())
    t.true(Math.abs(move - whole('second.weight')[i]! / 4) < 1e-6);
  t.deepEqual(quarter('fc.weight'), whole('fc.weight'));
});

test('clipping scales all gradients to one norm together', async t => {
  const optimizer = sgd({ momentum: 0 });
  const gradients = await run(
    networkTrainingModel(network, crossEntropy()),
    new Map([
      ...stateOf(network, optimizer),
      ['picture', rowsOf(pictures, order[0]!)],
      ['labels', rowsOf(labels, order[0]!)],
    ]),
  );
  const norm = Math.sqrt(
    trainable.flatMap(name => [...floats(gradients.get(`${name}_grad`)!)]).reduce((sum, g) => sum + g * g, 0),
  );
  const most = norm / 10;
  const feeds = new Map([
    ...stateOf(network, optimizer),
    ['picture', pictures],
    ['labels', labels],
    ['order', tensor('int64', [1, 4], order[0]!)],
    ...['rate', 'step', 'averaging'].map(name => [name, tensor('float32', [1], [1])] as const),
  ]);
  const next = await run(networkStepsModel(network, { loss: crossEntropy(), optimizer, batch: 4, clip: most }), feeds);
  for (const { name, initial } of network.parameters) {
    const [before, after, g] = [
      floats(initial),
      floats(next.get(`next.${name}`)!),
      floats(gradients.get(`${name}_grad`)!),
    ];
    after.forEach((value, i) => t.true(Math.abs(value - (before[i]! - g[i]! / 10)) < 1e-6));
  }
});

test('a batch in parts gives the gradients of the whole', async t => {
  const optimizer = sgd({ momentum: 0 });
  const whole = await together(network, { loss: crossEntropy(), optimizer });
  const parts = await together(network, { loss: crossEntropy(), optimizer, accumulate: 2 });
  t.true(
    networkStepsModel(network, { loss: crossEntropy(), optimizer, batch: 4, accumulate: 3 }).graph.nodes.length > 0,
  );
  for (const [name, value] of whole) {
    const found = floats(parts.get(name)!);
    floats(value).forEach((wanted, i) => t.true(Math.abs(found[i]! - wanted) < 1e-5, name));
  }
});

/** By PyTorch's definitions, in float64. */
const definitions: readonly (readonly [string, Loss, (z: number, t: number) => number])[] = [
  ['mse', meanSquaredError(), (z, t) => (z - t) ** 2],
  ['l1', meanAbsoluteError(), (z, t) => Math.abs(z - t)],
  ['bce-with-logits', sigmoidCrossEntropy({ over: 'mean' }), (z, t) => Math.log1p(Math.exp(z)) - t * z],
];
for (const [name, loss, term] of definitions)
  test(`${name} is a mean over all elements, and so is its gradient`, async t => {
    const builder = new Builder('linear');
    const x = builder.input('x', 'float32', ['N', 3]);
    builder.output(
      Gemm(x, builder.parameter('w', several([2, 3])), builder.parameter('b', several([2])), { transB: 1 }),
      'y',
    );
    const linear = trainableNetwork(modelOf(builder.finish()), { trainable: ['w', 'b'] });
    const [fed, targets] = [several([5, 3]), tensor('float32', [5, 2], [0, 1, 1, 0, 1, 1, 0, 0, 1, 0])];
    const at = (b: readonly number[]) => {
      const w = floats(linear.parameters[0]!.initial);
      let sum = 0;
      for (let n = 0; n < 5; n++)
        for (let k = 0; k < 2; k++) {
          const z = [0, 1, 2].reduce((s, i) => s + floats(fed)[3 * n + i]! * w[3 * k + i]!, b[k]!);
          sum += term(z, floats(targets)[2 * n + k]!);
        }
      return sum / 10;
    };
    const state = new Map(linear.parameters.map(({ name: of, initial }) => [of, initial] as const));
    const found = await run(networkTrainingModel(linear, loss), new Map([...state, ['x', fed], ['labels', targets]]));
    const b = [...floats(state.get('b')!)];
    t.true(Math.abs(floats(found.get('loss')!)[0]! - at(b)) < 1e-6);
    const h = 1e-4;
    for (const k of [0, 1]) {
      const moved = (by: number) => at(b.map((value, i) => (i === k ? value + by : value)));
      t.true(Math.abs(floats(found.get('b_grad')!)[k]! - (moved(h) - moved(-h)) / (2 * h)) < 1e-4);
    }
  });

test('what cannot train is refused by name', t => {
  const codeOf = (fails: () => unknown) => t.throws<GraftError>(fails).code;
  t.is(
    codeOf(() => trainableNetwork(model, { trainable: ['third.weight'] })),
    'ARTIFACTS_NO_WEIGHT',
  );
  const builder = new Builder('taken');
  const x = builder.input('labels', 'float32', ['N', 3]);
  const unused = Gemm(x, builder.parameter('u', several([3, 3])));
  builder.output(Gemm(x, builder.parameter('w', several([3, 2]))), 'y');
  builder.output(unused, 'other');
  const taken = trainableNetwork(modelOf(builder.finish()), { trainable: ['w'] });
  t.is(
    codeOf(() => networkTrainingModel(taken, crossEntropy())),
    'ARTIFACTS_NAME_TAKEN',
  );
  const maps = new Builder('maps');
  const y = Conv(maps.input('x', 'float32', ['N', 2, 4, 4]), maps.parameter('w', several([3, 2, 1, 1])));
  maps.output(y, 'y');
  t.is(
    codeOf(() => networkTrainingModel(trainableNetwork(modelOf(maps.finish()), { trainable: ['w'] }), crossEntropy())),
    'ARTIFACTS_LOGITS',
  );
  const apart = new Builder('apart');
  const z = apart.input('x', 'float32', ['N', 3]);
  apart.output(Gemm(z, apart.parameter('w', several([3, 2]))), 'y');
  apart.output(Gemm(z, apart.parameter('u', several([3, 2]))), 'other');
  const two = trainableNetwork(modelOf(apart.finish()), { trainable: ['w', 'u'] });
  t.is(
    codeOf(() => networkTrainingModel(two, crossEntropy())),
    'ARTIFACTS_NO_PATH',
  );
});
