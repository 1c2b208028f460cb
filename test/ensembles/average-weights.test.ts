// Means of weights: numbers by hand, the laws (equal weights give those weights, order does not matter), what is no
// weight, and every reason for a refusal.

import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { elements, floats, GraftError, tensor, type Tensor } from '../../src/base/index.js';
import {
  averageModels,
  averageWeights,
  line,
  mixModels,
  whyNotAveraged,
  type WeightSet,
} from '../../src/ensembles/index.js';
import type { Model } from '../../src/graph/index.js';
import { constantsToInitializers } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { encodeModel } from '../../src/codec/index.js';
import { runOnce } from '../../src/workflows/compare.js';
import { body, float, graphOf, held, networkOf, whole, type NodeText } from '../passes/networks.js';
import { smallNetwork } from '../small-network.js';

const row = (...values: readonly number[]): Tensor => tensor('float32', [values.length], values);
const setOf = (all: Readonly<Record<string, Tensor>>): WeightSet => new Map(Object.entries(all));
const refused = (t: ExecutionContext, run: () => unknown) => t.throws(run, { instanceOf: GraftError });

test('1, 3, 5, 7 average to 4, not to 3.4', t => {
  // torch-uncertainty's SWA counts the first model twice
  const { weights, averaged, taken } = averageWeights([1, 3, 5, 7].map(v => setOf({ w: row(v) })));
  t.deepEqual([...floats(weights.get('w')!)], [4]);
  t.deepEqual(averaged, ['w']);
  t.deepEqual(taken, []);
});

test('shares weigh, whatever their sum', t => {
  const sets = [setOf({ w: row(0, 8) }), setOf({ w: row(4, 0) })];
  t.deepEqual([...floats(averageWeights(sets, { shares: [1, 3] }).weights.get('w')!)], [3, 2]);
  t.deepEqual([...floats(averageWeights(sets, { shares: [0, 5] }).weights.get('w')!)], [4, 0]);
  for (const shares of [[1], [1, -1], [0, 0], [NaN, 1]])
    t.is(refused(t, () => averageWeights(sets, { shares })).code, 'ENSEMBLE_SHARES');
  t.is(refused(t, () => averageWeights([])).code, 'ENSEMBLE_SHARES');
});

test('sums are float64: what float32 would lose is kept', t => {
  // in float32, 2^24 + 1 is 2^24
  const sets = [2 ** 24, 1, 1, 2].map(v => setOf({ w: row(v) }));
  t.is(floats(averageWeights(sets).weights.get('w')!)[0], 2 ** 22 + 1);
});

test('float16, bfloat16 and float64 are averaged as what they are', t => {
  const half = (...v: readonly number[]) => tensor('float16', [v.length], v);
  const brain = (...v: readonly number[]) =>
    tensor(
      'bfloat16',
      [v.length],
      Uint16Array.from(new Uint32Array(Float32Array.from(v).buffer), x => x >>> 16),
    );
  const double = (...v: readonly number[]) => tensor('float64', [v.length], v);
  const { weights } = averageWeights([
    setOf({ h: half(1, 65504), b: brain(1, -2), d: double(1, 1 + 2 ** -52) }),
    setOf({ h: half(2, 65504), b: brain(2, 4), d: double(1, 1 + 2 ** -51) }),
    setOf({ h: half(3, 65504), b: brain(3, 4), d: double(1, 1 + 2 ** -51 + 2 ** -52) }),
  ]);
  t.deepEqual([...weights].map(([name, { type }]) => [name, type]), [['h', 'float16'], ['b', 'bfloat16'], ['d', 'float64']]); // prettier-ignore
  t.deepEqual([...floats(weights.get('h')!)], [2, 65504]);
  t.deepEqual([...floats(weights.get('b')!)], [2, 2]);
  t.deepEqual([...(elements(weights.get('d')!) as Float64Array)], [1, 1 + 2 ** -51]);
});

const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 });

testProp('averaging equal weights gives those weights', [values, fc.integer({ min: 1, max: 7 })], (t, v, count) => {
  const sets = Array.from({ length: count }, () => setOf({ w: row(...v) }));
  t.deepEqual(averageWeights(sets).weights.get('w'), row(...v));
});

testProp(
  'the order of the sets does not matter',
  [fc.array(fc.tuple(...Array.from({ length: 4 }, () => fc.float({ noNaN: true, noDefaultInfinity: true }))), { minLength: 2, maxLength: 6 }), fc.integer()], // prettier-ignore
  (t, rows, turn) => {
    const sets = rows.map(v => setOf({ w: row(...v) }));
    const at = ((turn % sets.length) + sets.length) % sets.length;
    const turned = [...sets.slice(at), ...sets.slice(0, at)].reverse();
    t.deepEqual(averageWeights(sets).weights, averageWeights(turned).weights);
  },
);

test('counters are not averaged: the furthest counts, in any order', t => {
  // timm's avg_checkpoints averages num_batches_tracked as a float
  const at = (count: number) => setOf({ w: row(count), 'bn.num_batches_tracked': tensor('int64', [], [count]) });
  for (const sets of [
    [at(10), at(30)],
    [at(30), at(10)],
  ]) {
    const { weights, taken } = averageWeights(sets);
    t.deepEqual(weights.get('bn.num_batches_tracked'), tensor('int64', [], [30]));
    t.deepEqual(taken.map(({ name }) => name), ['bn.num_batches_tracked']); // prettier-ignore
  }
});

test('tensors that only some have are refused, by name, whichever lacks them', t => {
  // timm's avg_checkpoints averages them over those that have them
  const [more, less] = [setOf({ w: row(1), extra: row(2) }), setOf({ w: row(1) })];
  for (const sets of [
    [more, less],
    [less, more],
    [less, less, more],
  ]) {
    const error = refused(t, () => averageWeights(sets));
    t.is(error.code, 'ENSEMBLE_WEIGHTS');
    t.is(error.details['name'], 'extra');
  }
});

test('types, shapes, integers, booleans, texts and what is not finite are refused by name', t => {
  const pairs: readonly (readonly [Tensor, Tensor, RegExp])[] = [
    [row(1, 2), tensor('float32', [2, 1], [1, 2]), /float32\[2\] in one and float32\[2,1\]/],
    [row(1), tensor('float16', [1], [1]), /float32\[1\] in one and float16\[1\]/],
    [whole(1, 2), whole(1, 3), /int64/],
    [tensor('bool', [1], [0]), tensor('bool', [1], [1]), /bool/],
    [tensor('int8', [1], [0]), tensor('int8', [1], [1]), /quantised/],
    [row(1), row(NaN), /not finite/],
    [row(Infinity), row(1), /not finite/],
  ];
  for (const [one, other, reason] of pairs) {
    const error = refused(t, () => averageWeights([setOf({ w: one }), setOf({ w: other })]));
    t.is(error.details['name'], 'w');
    t.regex(error.message, reason);
  }
  // equal, whatever they are, is fine
  const same = setOf({ mask: row(-Infinity, NaN), order: whole(3, 1, 2) });
  t.deepEqual(averageWeights([same, setOf({ mask: row(-Infinity, NaN), order: whole(3, 1, 2) })]).weights, same);
});

const seeded = (seed: string) => smallNetwork({ seed });

test('networks: weights are averaged, moved statistics are told by layer', async t => {
  const [a, b] = [seeded('a'), seeded('b')];
  t.is(whyNotAveraged([a, b]), undefined);
  const { model, statistics, averaged } = averageModels([a, b]);
  t.is(statistics.length, 4);
  t.true(averaged.includes('stage1.weight') && averaged.includes('stage4.norm.var'));
  for (const [name, found] of model.graph.initializers) {
    const [x, y] = [a, b].map(({ graph }) => floats(graph.initializers.get(name)!));
    t.deepEqual(
      [...floats(found)],
      [...x!].map((v, i) => Math.fround((v + y![i]!) / 2)),
      name,
    );
  }
  const feeds = new Map([['picture', tensor('float32', [1, 3, 32, 32], new Float32Array(3072).fill(0.5))]]);
  const logits = (await runOnce(nodeRuntime(), encodeModel(model), feeds)).get('logits')!;
  t.true(floats(logits).every(Number.isFinite));
});

test('statistics that none moved are frozen ones: nothing to estimate anew', t => {
  const a = seeded('a');
  const head = tensor(
    'float32',
    [10],
    Float32Array.from({ length: 10 }, (_, i) => i),
  );
  const b: Model = { ...a, graph: { ...a.graph, initializers: new Map([...a.graph.initializers, ['fc.bias', head]]) } };
  const { statistics, averaged } = averageModels([a, b]);
  t.deepEqual([statistics, averaged], [[], ['fc.bias']]);
  t.deepEqual(averageModels([seeded('a'), smallNetwork({ seed: 'a' })]).averaged, []);
});

test('the ends of a line are its networks, bit for bit; a point beyond keeps variances at 0 or more', t => {
  const [a, b] = [seeded('a'), seeded('b')];
  t.deepEqual(line(a, b, 0).model.graph.initializers, a.graph.initializers);
  t.deepEqual(line(a, b, 1).model.graph.initializers, b.graph.initializers);
  const beyond = line(a, b, 30).model.graph.initializers.get('stage1.norm.var')!;
  t.true(floats(beyond).every(v => v >= 0));
  t.true(floats(beyond).includes(0));
  const third = seeded('c');
  const weight = (model: Model) => floats(model.graph.initializers.get('fc.weight')!);
  const plane = weight(mixModels([a, b, third], [0.5, 0.75, -0.25]).model);
  const [x, y, z] = [weight(a), weight(b), weight(third)];
  plane.forEach((v, i) => t.true(Math.abs(v - (0.5 * x[i]! + 0.75 * y[i]! - 0.25 * z[i]!)) < 1e-6));
  t.is(refused(t, () => mixModels([a, b], [0.5, 0.6])).code, 'ENSEMBLE_SHARES');
});

const dense = (nodes: readonly NodeText[], more: Readonly<Record<string, Tensor>> = {}, opset = 20): Model =>
  networkOf({
    inputs: { x: [['N', 2]] },
    outputs: { y: [['N', 2]] },
    weights: { w: tensor('float32', [2, 2], [1, 2, 3, 4]), v: tensor('float32', [2, 2], [5, 6, 7, 8]), ...more },
    nodes,
    opset,
  });
const layers = (b = 'h', weights = ['w', 'v']): NodeText[] => [
  ['MatMul', `x ${weights[0]}`, b],
  ['Relu', b, 'r'],
  ['MatMul', `r ${weights[1]}`, 'y'],
];

test('names of inner values, of the graph, and the order of nodes do not count', t => {
  const one = dense([...layers('h'), ['Add', 'x x', 'unused']]);
  const other = dense(layers('hidden'));
  const renamed = { ...other, graph: { ...other.graph, name: 'other' } };
  t.is(whyNotAveraged([one, renamed]), undefined);
});

test('another operator, attribute, wiring, weight, input, output or opset is named', t => {
  const base = dense(layers());
  const half = dense([
    ['MatMul', 'x w', 'h'],
    ['LeakyRelu', 'h', 'r', { alpha: float(0.1) }],
    ['MatMul', 'r v', 'y'],
  ]);
  const leaky = dense([
    ['MatMul', 'x w', 'h'],
    ['LeakyRelu', 'h', 'r', { alpha: float(0.2) }],
    ['MatMul', 'r v', 'y'],
  ]);
  const skips = dense([
    ['MatMul', 'x w', 'h'],
    ['Relu', 'x', 'r'],
    ['MatMul', 'r v', 'y'],
  ]);
  const wider = networkOf({ inputs: { x: [['N', 2]] }, outputs: { z: [['N', 2]] }, nodes: [['Relu', 'x', 'z']] });
  const cases: readonly (readonly [Model, Model, string, RegExp])[] = [
    [base, half, 'Relu_1', /is Relu in one and LeakyRelu/],
    [half, leaky, 'LeakyRelu_1', /alpha/],
    [base, skips, 'Relu_1', /MatMul in one and input/],
    [base, dense(layers('h', ['v', 'w'])), 'w', /called v/],
    [base, wider, 'y', /not an output of both/],
    [base, dense(layers(), {}, 19), 'ai.onnx', /opset 20 in one and 19/],
    [base, dense(layers(), { v: tensor('float32', [2, 2, 1], [5, 6, 7, 8]) }), 'v', /float32\[2,2\] in one/],
  ];
  for (const [one, other, name, reason] of cases) {
    const fault = whyNotAveraged([one, one, other]);
    t.is(fault?.member, 2, String(reason));
    t.is(fault?.name, name);
    t.regex(fault!.reason, reason);
    t.is(refused(t, () => averageModels([one, other])).code, 'ENSEMBLE_WEIGHTS');
  }
});

test('constants that are no weights and differ are refused, unless they are named or behind other outputs', t => {
  const scaled = (factor: number) =>
    networkOf({
      inputs: { x: [['N', 2]] },
      outputs: { logits: [['N', 2]], probabilities: [['N', 2]] },
      weights: { w: tensor('float32', [2, 2], [1, factor, 3, 4]), cooled: tensor('float32', [], [factor]) },
      nodes: [
        ['MatMul', 'x w', 'logits'],
        ['Mul', 'logits cooled', 'scaled'],
        ['Softmax', 'scaled', 'probabilities'],
      ],
    });
  const models = [scaled(1), scaled(3)];
  t.is(whyNotAveraged(models)?.name, 'cooled');
  const { model } = averageModels(models, { outputs: ['logits'] });
  t.deepEqual([...floats(model.graph.initializers.get('w')!)], [1, 2, 3, 4]);
  t.deepEqual([...floats(model.graph.initializers.get('cooled')!)], [3], 'that of the last');
  const also = averageModels(models, { also: ['cooled'] }).model;
  t.deepEqual([...floats(also.graph.initializers.get('cooled')!)], [2]);
});

test('weights in Constant nodes are averaged; constants in branches must be equal', t => {
  const constant = (v: number) => {
    const model = dense([['Constant', '', 'k', { value: held(tensor('float32', [2, 2], [v, 0, 0, v])) }], ['MatMul', 'x k', 'y']]); // prettier-ignore
    return model;
  };
  const { model } = averageModels([constant(1), constant(2)]);
  t.deepEqual([...floats(constantsToInitializers(model).graph.initializers.get('k')!)], [1.5, 0, 0, 1.5]);
  const branch = (name: string, v: number) =>
    body(
      graphOf({
        outputs: { [name]: [['N', 2]] },
        weights: { [`${name}.k`]: row(v, v) },
        nodes: [['Add', `x ${name}.k`, name]],
      }),
    );
  const branched = (v: number, names: readonly [string, string]) =>
    dense([['If', 'c', 'y', { then_branch: branch(names[0], v), else_branch: branch(names[1], 0) }]], {
      c: tensor('bool', [], [1]),
    });
  t.is(whyNotAveraged([branched(1, ['p', 'q']), branched(1, ['r', 's'])]), undefined);
  t.regex(whyNotAveraged([branched(1, ['p', 'q']), branched(2, ['p', 'q'])])!.reason, /branch or loop/);
});
