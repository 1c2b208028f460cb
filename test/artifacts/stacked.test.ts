// Several heads in one graph: each of them steps as it would alone, whatever the others do. The reference is the epoch
// graph of a single head, fed with the part of weights and masks that is the member's.

import test from 'ava';
import { elementCount, floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import {
  adamw,
  crossEntropy,
  linear,
  membersLoss,
  mlp,
  sgd,
  sigmoidCrossEntropy,
  stacked,
  trainHead,
  type HeadArtifacts,
  type StatedLoss,
  type TrainHeadOptions,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { Model } from '../../src/graph/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

const runtime = nodeRuntime();
const [members, width, classes, pictures, steps, batch] = [3, 6, 4, 20, 5, 4];
const random = new Random('stacked');
const normals = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => random.normal()),
  );
const features = normals([pictures, width]);
const single = tensor(
  'int64',
  [pictures],
  BigInt64Array.from({ length: pictures }, (_, i) => BigInt(i % classes)),
);
const several = tensor(
  'float32',
  [pictures, classes],
  Float32Array.from({ length: pictures * classes }, () => random.integer(2)),
);

async function run(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Float32Array>> {
  const session = await runtime.open(encodeModel(model));
  try {
    const results = await session.run(new Map([...feeds].map(([name, value]) => [name, runtime.tensor(value)])));
    const read = new Map<string, Float32Array>();
    for (const [name, value] of results) read.set(name, Float32Array.from(floats(await value.read())));
    return read;
  } finally {
    await session.close();
  }
}

/** The part of a member of what stands end to end along an axis. */
function partOf({ shape, bytes }: Tensor, axis: number, member: number): Tensor {
  const size = shape[axis]! / members;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 4);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const part = new Uint8Array(outer * size * inner);
  for (let i = 0; i < outer; i++) {
    const from = (i * members + member) * size * inner;
    part.set(bytes.subarray(from, from + size * inner), i * size * inner);
  }
  return { type: 'float32', shape: shape.map((dim, i) => (i === axis ? size : dim)), bytes: part };
}

/** State, series and masks of an epoch of all members. */
function feedsOf(artifacts: HeadArtifacts, labels: Tensor) {
  const series = (value: (step: number) => number) =>
    tensor(
      'float32',
      [steps],
      Float32Array.from({ length: steps }, (_, i) => value(i + 1)),
    );
  const state = artifacts.initialState(random);
  const masks = artifacts.dropouts.map(({ name, width: all }): [string, Tensor] => [
    name,
    tensor(
      'float32',
      [steps, batch, all],
      Float32Array.from({ length: steps * batch * all }, () => 2 * random.integer(2)),
    ),
  ]);
  const common = new Map([
    ['features', features],
    ['labels', labels],
    ['rate', series(() => 0.05)],
    ['step', series(step => step)],
    ['averaging', series(step => Math.max(1 / step, 0.3))],
    ['order', tensor('int64', [steps, batch], BigInt64Array.from(random.permutation(pictures), BigInt))],
  ]);
  return { state, masks, common };
}

const kinds: readonly (Pick<TrainHeadOptions, 'optimizer'> & {
  readonly loss: StatedLoss;
  readonly name: string;
  readonly hidden: readonly number[];
  readonly labels: Tensor;
})[] = [
  { name: 'linear heads, AdamW', hidden: [], loss: crossEntropy(), optimizer: adamw(), labels: single },
  {
    name: 'one hidden layer, SGD, smoothed labels',
    hidden: [5],
    loss: crossEntropy({ labelSmoothing: 0.1 }),
    optimizer: sgd({ weightDecay: 0.01 }),
    labels: single,
  },
  {
    name: 'two hidden layers, several labels',
    hidden: [5, 7],
    loss: sigmoidCrossEntropy(),
    optimizer: adamw(),
    labels: several,
  },
];

for (const { name, hidden, loss, optimizer, labels } of kinds)
  test(`each of several heads is the head that it would be alone: ${name}`, async t => {
    const together = trainHead({
      features: width,
      classes,
      head: stacked({ members, hidden }),
      loss: membersLoss(loss, members),
      optimizer,
    });
    const alone = trainHead({
      features: width,
      classes,
      head: hidden.length ? mlp({ hidden }) : linear,
      loss,
      optimizer,
    });
    t.deepEqual(
      together.parameters.map(({ name: at }) => at),
      alone.parameters.map(({ name: at }) => at),
    );
    const { state, masks, common } = feedsOf(together, labels);
    const ones = tensor('float32', [pictures, members], new Float32Array(pictures * members).fill(1));
    const joint = await run(together.epoch, new Map([...state, ...masks, ...common, ['weights', ones]]));
    for (let member = 0; member < members; member++) {
      const own = new Map([
        ...[...state].map(([at, value]): [string, Tensor] => [at, partOf(value, 0, member)]),
        ...masks.map(([at, value]): [string, Tensor] => [at, partOf(value, 2, member)]),
        ...common,
      ]);
      const found = await run(alone.epoch, own);
      for (const [at, values] of found) {
        const all = joint.get(at)!;
        const part =
          at === 'losses'
            ? values.map((_, step) => all[step * members + member]!)
            : all.subarray(member * values.length, (member + 1) * values.length);
        t.true(
          values.every((value, i) => Math.abs(value - part[i]!) <= 1e-5),
          `${at} of member ${member}`,
        );
      }
    }
    const first = [0, 1].map(member => floats(partOf(state.get(together.parameters[0]!.name)!, 0, member)).join());
    t.is(first[0] !== first[1], hidden.length > 0, 'hidden layers begin apart');
  });

test('a picture of weight 0 is not seen, one of weight 2 is seen twice, a batch of nothing moves nothing', async t => {
  const together = trainHead({
    features: width,
    classes,
    head: stacked({ members, hidden: [] }),
    loss: membersLoss(crossEntropy(), members),
    optimizer: sgd({ momentum: 0, weightDecay: 0 }),
    averaging: false,
  });
  const alone = trainHead({ features: width, classes, head: linear, loss: crossEntropy(), optimizer: sgd() });
  const parameters = new Map([
    ['head.weight', normals([members * classes, width])],
    ['head.bias', normals([members * classes])],
  ]);
  const drawn = [
    [0, 1, 3, 4], // without picture 2
    [0, 0, 1, 2, 3, 4], // picture 0 twice
    [], // nothing at all
  ];
  const weights = new Float32Array(pictures * members);
  drawn.forEach((rows, member) => rows.forEach(row => weights[row * members + member]!++));
  const seen = 5;
  const joint = await run(
    together.training,
    new Map([
      ...parameters,
      ['features', rowsOf(features, [...Array(seen).keys()])],
      ['labels', rowsOf(single, [...Array(seen).keys()])],
      ['weights', tensor('float32', [seen, members], weights.slice(0, seen * members))],
    ]),
  );
  for (const [member, rows] of drawn.entries()) {
    const own = new Map([...parameters].map(([at, value]) => [at, partOf(value, 0, member)]));
    const batched = new Map([
      ['features', rowsOf(features, rows)],
      ['labels', rowsOf(single, rows)],
    ]);
    const found = rows.length ? await run(alone.training, new Map([...own, ...batched])) : undefined;
    const loss = joint.get('loss')![member]!;
    t.true(Math.abs(loss - (found?.get('loss')![0] ?? 0)) <= 1e-6, `loss of member ${member}`);
    for (const at of ['head.weight_grad', 'head.bias_grad']) {
      const size = joint.get(at)!.length / members;
      const part = joint.get(at)!.subarray(member * size, (member + 1) * size);
      t.true(
        part.every((value, i) => Math.abs(value - (found?.get(at)![i] ?? 0)) <= 1e-6),
        `${at} of member ${member}`,
      );
    }
  }
});

function rowsOf({ type, shape, bytes }: Tensor, rows: readonly number[]): Tensor {
  const size = bytes.length / shape[0]!;
  const chosen = new Uint8Array(rows.length * size);
  rows.forEach((from, to) => chosen.set(bytes.subarray(from * size, (from + 1) * size), to * size));
  return { type, shape: [rows.length, ...shape.slice(1)], bytes: chosen };
}
