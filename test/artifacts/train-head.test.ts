// The graphs of a run: names and shapes as the formats say, and numbers as the formulas of the optimizers say, computed
// here in float64. That the steps of an epoch are those of the other graphs bit for bit is test/training/run.test.ts.

import test from 'ava';
import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import {
  adam,
  adamw,
  crossEntropy,
  linear,
  mlp,
  sgd,
  sigmoidCrossEntropy,
  trainHead,
  type Loss,
  type TrainHeadOptions,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { Graph, Model, ValueInfo } from '../../src/graph/index.js';
import { Mul, ReduceMean, ReduceSum, Sub } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

const runtime = nodeRuntime();
const made = (at: Partial<TrainHeadOptions> = {}) =>
  trainHead({ features: 4, classes: 3, head: linear, loss: crossEntropy(), optimizer: adam(), ...at });
const told = (values: readonly ValueInfo[]) =>
  values.map(({ name, type, shape }) => `${name}: ${type} [${shape?.join(', ')}]`);
const bodyOf = ({ graph }: Model): Graph => {
  const body = graph.nodes.find(({ op }) => op === 'Scan')!.attributes.get('body')!;
  if (body.kind !== 'graph') throw new Error('a Scan without a body');
  return body.value;
};
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

const random = new Random('batch');
const several = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
const features = several([6, 4]);
const labels = tensor('int64', [6], BigInt64Array.from([0n, 1n, 2n, 2n, 0n, 1n]));
const start = new Map([
  ['head.weight', several([3, 4])],
  ['head.bias', several([3])],
]);
const epochFeeds = (artifacts: ReturnType<typeof made>, rate: number, steps = 2) =>
  new Map<string, Tensor>([
    ...artifacts.initialState(new Random(0)),
    ...start,
    ['features', features],
    ['labels', labels],
    ['rate', tensor('float32', [steps], new Float32Array(steps).fill(rate))],
    [
      'step',
      tensor(
        'float32',
        [steps],
        Float32Array.from({ length: steps }, (_, i) => i + 1),
      ),
    ],
    ...(artifacts.slots.includes('average')
      ? [['averaging', tensor('float32', [steps], new Float32Array(steps).fill(0.25))] as const]
      : []),
    [
      'order',
      tensor(
        'int64',
        [steps, 3],
        BigInt64Array.from({ length: 3 * steps }, (_, i) => BigInt((5 * i) % 6)),
      ),
    ],
  ]);

test('inputs and outputs are those of the formats', t => {
  const { training, evaluation, optimizer, epoch } = made();
  const parts = ['head.weight', 'head.bias'].flatMap(name => {
    const shape = name === 'head.weight' ? '[3, 4]' : '[3]';
    return ['', '.m', '.v', '.average'].map(slot => `${name}${slot}: float32 ${shape}`);
  });
  const next = parts.map(part => `next.${part}`);
  const parameters = ['head.weight: float32 [3, 4]', 'head.bias: float32 [3]'];
  const batch = ['features: float32 [batch, 4]', 'labels: int64 [batch]'];
  const results = ['loss: float32 []', 'logits: float32 [batch, 3]'];
  t.deepEqual(told(training.graph.inputs), [...batch, ...parameters]);
  t.deepEqual(told(training.graph.outputs), [
    ...results,
    'head.weight_grad: float32 [3, 4]',
    'head.bias_grad: float32 [3]',
  ]);
  t.deepEqual(told(evaluation.graph.inputs), [...batch, ...parameters]);
  t.deepEqual(told(evaluation.graph.outputs), results);
  t.deepEqual(
    told(optimizer.graph.inputs)
      .filter(input => !input.includes('_grad'))
      .sort(),
    [...parts, 'rate: float32 []', 'step: float32 []', 'averaging: float32 []'].sort(),
  );
  t.deepEqual(told(optimizer.graph.outputs), next);
  t.deepEqual(told(epoch.graph.inputs), [
    ...parts,
    'features: float32 [pictures, 4]',
    'labels: int64 [pictures]',
    'rate: float32 [steps]',
    'step: float32 [steps]',
    'averaging: float32 [steps]',
    'order: int64 [steps, batch]',
  ]);
  t.deepEqual(told(epoch.graph.outputs), [...next, 'losses: float32 [steps]']);
});

test('the graphs are of plain ONNX, and a step of few nodes whatever the number of parameters', t => {
  for (const [head, nodes] of [
    [linear, 23],
    [mlp({ hidden: [8] }), 36],
  ] as const) {
    const artifacts = made({ head });
    const graphs = [artifacts.training, artifacts.evaluation, artifacts.optimizer, artifacts.epoch];
    for (const { graph } of graphs) for (const { domain } of graph.nodes) t.is(domain, '');
    const body = bodyOf(artifacts.epoch);
    for (const { domain } of body.nodes) t.is(domain, '');
    t.true(body.nodes.length <= nodes, `${body.nodes.length} nodes`);
    t.is(body.nodes.filter(({ op }) => op === 'Sqrt').length, 1);
  }
  // Decay parts matrices from biases, and what is large is updated where it lies.
  const roots = (at: Partial<TrainHeadOptions>) =>
    bodyOf(made(at).epoch).nodes.filter(({ op }) => op === 'Sqrt').length;
  t.is(roots({ optimizer: adamw(), head: mlp({ hidden: [8] }) }), 2);
  t.is(roots({ features: 512, head: mlp({ hidden: [256] }) }), 2);
});

test('an epoch is its steps, by the formulas in float64', async t => {
  const rate = 0.1;
  const [beta1, beta2, epsilon, decay] = [0.9, 0.999, 1e-8, 0.3];
  type Update = (name: string, w: number, g: number, slots: number[], step: number) => number;
  const l2 = (name: string, w: number, g: number) => (name === 'head.weight' ? g + decay * w : g);
  const adamStep: Update = (_, w, g, slots, step) => {
    slots[0] = beta1 * (slots[0] ?? 0) + g;
    slots[1] = beta2 * (slots[1] ?? 0) + g * g;
    const m = (slots[0] * (1 - beta1)) / (1 - beta1 ** step);
    const v = (slots[1] * (1 - beta2)) / (1 - beta2 ** step);
    return w - (rate * m) / (Math.sqrt(v) + epsilon);
  };
  const sgdStep =
    (momentum: number, nesterov: boolean): Update =>
    (name, w, g, slots) => {
      const decayed = l2(name, w, g);
      if (!momentum) return w - rate * decayed;
      slots[0] = momentum * (slots[0] ?? 0) + decayed;
      return w - rate * (nesterov ? decayed + momentum * slots[0] : slots[0]);
    };
  const cases: readonly [TrainHeadOptions['optimizer'], Update][] = [
    [adam(), adamStep],
    [adam({ weightDecay: decay }), (name, w, g, ...rest) => adamStep(name, w, l2(name, w, g), ...rest)],
    [
      adamw({ weightDecay: decay }),
      (name, w, ...rest) => adamStep(name, name === 'head.weight' ? w * (1 - rate * decay) : w, ...rest),
    ],
    [sgd({ momentum: 0, weightDecay: decay }), sgdStep(0, false)],
    [sgd({ momentum: 0.8, weightDecay: decay }), sgdStep(0.8, false)],
    [sgd({ momentum: 0.8, nesterov: true, weightDecay: decay }), sgdStep(0.8, true)],
  ];
  for (const [optimizer, update] of cases) {
    const artifacts = made({ optimizer });
    const feeds = epochFeeds(artifacts, rate);
    const order = Array.from(new BigInt64Array(feeds.get('order')!.bytes.slice().buffer), Number);
    const results = await run(artifacts.epoch, feeds);
    const now = new Map([...start].map(([name, value]) => [name, Array.from(floats(value))]));
    const averages = new Map([...now].map(([name, value]) => [name, value.map(() => 0)]));
    const slots = new Map([...now].map(([name, value]) => [name, value.map((): number[] => [])]));
    for (let step = 1; step <= 2; step++) {
      const { loss, gradients } = stepOf(now, order.slice(3 * (step - 1), 3 * step));
      t.true(Math.abs(results.get('losses')![step - 1]! - loss) < 1e-5, optimizer.name);
      for (const [name, value] of now)
        value.forEach((w, i) => {
          const next = update(name, w, gradients.get(name)![i]!, slots.get(name)![i]!, step);
          value[i] = next;
          const average = averages.get(name)!;
          average[i]! += 0.25 * (next - average[i]!);
        });
    }
    for (const [name, value] of now) {
      close(results.get(`next.${name}`)!, value);
      close(results.get(`next.${name}.average`)!, averages.get(name)!);
      const names = [...artifacts.slots].filter(slot => slot !== 'average');
      for (const [k, slot] of names.entries())
        close(
          results.get(`next.${name}.${slot}`)!,
          slots.get(name)!.map(of => of[k]!),
        );
    }

    function close(found: Float32Array, wanted: readonly number[]) {
      t.is(found.length, wanted.length);
      wanted.forEach((value, i) => t.true(Math.abs(found[i]! - value) < 1e-5, `${optimizer.name}: ${found[i]}, ${value}`)); // prettier-ignore
    }
  }
});

/** Loss and gradients of softmax cross-entropy over rows of the batch, in float64. */
function stepOf(now: ReadonlyMap<string, readonly number[]>, rows: readonly number[]) {
  const [x, weight, bias] = [floats(features), now.get('head.weight')!, now.get('head.bias')!];
  const gradients = new Map([...now].map(([name, value]) => [name, value.map(() => 0)]));
  let loss = 0;
  for (const row of rows) {
    const truth = Number(new BigInt64Array(labels.bytes.slice().buffer)[row]);
    const logits = bias.map((b, k) => {
      let sum = b;
      for (let j = 0; j < 4; j++) sum += weight[4 * k + j]! * x[4 * row + j]!;
      return sum;
    });
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    loss -= (logits[truth]! - Math.log(total)) / rows.length;
    for (const [k, z] of logits.entries()) {
      const d = (Math.exp(z) / total - Number(k === truth)) / rows.length;
      gradients.get('head.bias')![k]! += d;
      for (let j = 0; j < 4; j++) gradients.get('head.weight')![4 * k + j]! += d * x[4 * row + j]!;
    }
  }
  return { loss, gradients };
}

test('a loss that states no gradient is differentiated', async t => {
  const squares = (stated: boolean): Loss => ({
    name: 'squares',
    labels: classes => sigmoidCrossEntropy().labels(classes),
    targets: given => given,
    value: (logits, targets) => {
      const off = Sub(logits, targets);
      return ReduceMean(ReduceSum(Mul(off, off), [2], { keepdims: 0 }), [1], { keepdims: 0 });
    },
    ...(stated ? { gradient: (logits, targets, share) => Mul(Mul(Sub(logits, targets), share), 2) } : {}),
  });
  const feeds = (artifacts: ReturnType<typeof made>) =>
    new Map([...epochFeeds(artifacts, 0.1), ['labels', tensor('float32', [6, 3], new Float32Array(18).fill(0.5))]]);
  const [derived, stated] = [made({ loss: squares(false) }), made({ loss: squares(true) })];
  const [found, wanted] = [await run(derived.epoch, feeds(derived)), await run(stated.epoch, feeds(stated))];
  t.true(found.get('losses')!.every(loss => loss > 0.1));
  for (const [name, value] of wanted)
    value.forEach((element, i) => t.true(Math.abs(found.get(name)![i]! - element) < 1e-6, name));
});
