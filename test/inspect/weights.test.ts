// Which constants are weights: those that a trainer would hand to its optimizer, whatever an exporter made of them.

import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { Builder, type Graph } from '../../src/graph/index.js';
import { trainableWeights, wiringOf } from '../../src/inspect/index.js';
import {
  Add,
  BatchNormalization,
  Clip,
  Concat,
  ConstantOfShape,
  Conv,
  Div,
  Expand,
  Flatten,
  Greater,
  MatMul,
  Mul,
  PRelu,
  Reshape,
  ScatterND,
  Sub,
  Transpose,
  Where,
} from '../../src/operators/index.js';

const random = new Random('weights');
const several = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
const namesOf = (graph: Graph, after?: string) => trainableWeights(wiringOf(graph), after).map(({ name }) => name);

function network(): Graph {
  const builder = new Builder();
  const weight = (name: string, shape: readonly number[]) => builder.parameter(name, several(shape));
  const x = builder.input('x', 'float32', ['N', 3, 4, 4]);
  // pixels are prepared by constants that no one trains
  const prepared = Div(Sub(x, weight('mean', [1, 3, 1, 1])), weight('deviation', [1, 3, 1, 1]));
  const first = Conv(prepared, weight('conv.weight', [4, 3, 1, 1]), weight('conv.bias', [4]));
  const stored = ['gamma', 'beta', 'running_mean', 'running_var'].map(name => weight(name, [4]));
  const normal = BatchNormalization(first, ...stored);
  const bounded = Clip(PRelu(normal, weight('slope', [1, 1, 1])), weight('low', []), weight('high', []));
  const scaled = Mul(Div(bounded, weight('temperature', [1])), weight('layer.scale', [4, 1, 1]));
  const tokens = Transpose(Reshape(scaled, [0, 4, 16]), { perm: [0, 2, 1] }); // [N, 16, 4]
  const token = Expand(weight('class.token', [1, 1, 4]), [2, 1, 4]);
  const placed = Add(Concat(tokens, token, { axis: 1 }), weight('position', [1, 17, 4]));
  const mask = tensor(
    'float32',
    [17, 17],
    Float32Array.from({ length: 289 }, (_, i) => (i % 3 ? 0 : -100)),
  );
  const scores = Add(MatMul(placed, Transpose(placed, { perm: [0, 2, 1] })), builder.parameter('mask', mask));
  const wide = MatMul(Flatten(scores), Transpose(weight('fc.weight', [5, 289]), { perm: [1, 0] }));
  builder.output(Add(wide, weight('fc.bias', [5])), 'logits');
  return builder.finish();
}

test('weights are told from statistics, bounds, single numbers, masks and the preparation of pixels', t => {
  t.deepEqual(namesOf(network()), [
    'conv.weight',
    'conv.bias',
    'gamma',
    'beta',
    'slope',
    'layer.scale',
    'class.token',
    'position',
    'fc.weight',
    'fc.bias',
  ]);
});

test('what a mask is computed from is no weight: numbers of regions, what is compared', t => {
  const builder = new Builder();
  const x = MatMul(builder.input('x', 'float32', ['N', 4, 4]), builder.parameter('w', several([4, 4])));
  const place = builder.parameter('place', tensor('int64', [1, 1], [1]));
  const empty = ConstantOfShape(builder.parameter('size', tensor('int64', [2], [4, 4])));
  const regions = ScatterND(empty, place, builder.parameter('region', several([1, 4])));
  const overwritten = ScatterND(builder.parameter('qkv.bias', several([4, 4])), place, builder.parameter('zero', several([1, 4]))); // prettier-ignore
  const chosen = Where(Greater(builder.parameter('compared', several([4, 4])), 0), builder.parameter('bias', several([4, 4])), 0); // prettier-ignore
  builder.output(Add(Add(Add(x, regions), chosen), overwritten), 'y');
  t.deepEqual(namesOf(builder.finish()), ['w', 'bias', 'qkv.bias']);
});

test('behind a value lie the weights that meet the data after it', t => {
  const graph = network();
  const scores = graph.nodes.find(({ op }) => op === 'MatMul')!.outputs[0]!;
  t.deepEqual(namesOf(graph, scores), ['fc.weight', 'fc.bias']);
  t.deepEqual(namesOf(graph, 'logits'), []);
});

test('a weight that also acts before the value does not lie behind it', t => {
  const builder = new Builder();
  const shared = builder.parameter('shared', several([4, 4]));
  const first = MatMul(builder.input('x', 'float32', ['N', 4]), shared);
  builder.output(MatMul(first, shared), 'y');
  const graph = builder.finish();
  t.deepEqual(namesOf(graph), ['shared']);
  t.deepEqual(namesOf(graph, first.name), []);
});
