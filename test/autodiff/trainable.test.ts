// What stands in the way of training, and from where on nothing does.

import test from 'ava';
import { differentiate, trainableFrom } from '../../src/autodiff/index.js';
import { tensor, type GraftError } from '../../src/base/index.js';
import { Builder, type Graph, type Value } from '../../src/graph/index.js';
import {
  Add,
  Cast,
  DequantizeLinear,
  Gather,
  Gemm,
  MatMul,
  Mul,
  NonZero,
  QuantizeLinear,
  Relu,
  Round,
  Shape,
} from '../../src/operators/index.js';

const weight = (b: Builder, name: string) => b.parameter(name, tensor('float32', [4, 4], new Float32Array(16)));
const quantised = (x: Value) => {
  const b = x.builder;
  const [scale, zero] = [b.constant(0.5), b.constant(0, 'int8')];
  return DequantizeLinear(QuantizeLinear(x, scale, zero), scale, zero);
};

/** x → Gemm w0 → quantised → Gemm w1 → Relu → MatMul w2, and around that once more what Relu gave */
function network(layer: (x: Value) => Value) {
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['batch', 4]);
  const weights = ['w0', 'w1', 'w2'].map(name => weight(builder, name));
  const first = Gemm(x, weights[0]);
  const second = layer(first);
  const third = Relu(Gemm(second, weights[1]));
  const logits = Add(MatMul(third, weights[2]), third);
  builder.output(logits, 'logits');
  return { builder, graph: builder.finish(), second, third, logits, weights };
}

test('what is rounded to integers blocks what lies before it, and nothing after', t => {
  const { graph, second } = network(quantised);
  const { blockers, after } = trainableFrom(graph);
  t.deepEqual(
    blockers.map(({ operator, input }) => `${operator} ${input}`),
    ['QuantizeLinear x', 'DequantizeLinear x'],
  );
  t.is(after, second.name);
  t.deepEqual(trainableFrom(graph, undefined, { parameters: ['w1', 'w2'] }), { blockers: [] });
});

test('no cut is named after which nothing is left to train', t => {
  const b = new Builder();
  b.output(Relu(quantised(Gemm(b.input('x', 'float32', ['batch', 4]), weight(b, 'w0')))), 'y');
  const { blockers, after } = trainableFrom(b.finish());
  t.is(blockers[0]?.operator, 'QuantizeLinear');
  t.is(after, undefined);
});

test('nothing stands in the way of an ordinary network', t => {
  const { graph } = network(x => Mul(x, 2));
  t.deepEqual(trainableFrom(graph), { blockers: [] });
});

test('a rule that ends the way quietly blocks nothing: whole numbers, roundings, shapes', t => {
  const { graph } = network(x => Add(x, Round(x)));
  t.deepEqual(trainableFrom(graph).blockers, []);
  const sized = network(x => Mul(x, Cast(Gather(Shape(x), [1]), { to: 1 })));
  t.deepEqual(trainableFrom(sized.graph).blockers, []);
});

test('the error says operator, node, input and from where on everything is trainable', t => {
  const { builder, logits, weights, second } = network(quantised);
  const error = t.throws<GraftError>(() => differentiate(builder, new Map([[logits, logits]]), weights));
  t.is(error.code, 'AUTODIFF_NO_GRADIENT');
  t.like(error.details, { operator: 'QuantizeLinear', node: 'quantizelinear', input: 'x', after: second.name });
  t.regex(error.message, new RegExp(`everything after ${second.name} is trainable`));
});

test('an operator that nobody knows blocks', t => {
  const { graph, second } = network(
    x => x.builder.append({ op: 'Mystery', domain: 'some.where', inputs: [x], outputs: [x] })[0]!,
  );
  const { blockers, after } = trainableFrom(graph);
  t.deepEqual(blockers, [{ node: 'mystery', operator: 'Mystery', input: 'gemm', isControlFlow: false }]);
  t.is(after, second.name);
});

test('a value that branches is no cut', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 4]);
  const first = Gemm(x, weight(b, 'w0'));
  // both branches hold something that no gradient passes; they meet at the sum only
  const sum = Add(quantised(Relu(first)), quantised(Mul(first, 2)));
  b.output(Mul(Gemm(sum, weight(b, 'w1')), 1), 'y');
  const { blockers, after } = trainableFrom(b.finish());
  t.is(blockers.length, 4);
  t.is(after, sum.name);
});

test('where the last layer blocks there is no cut to name', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 4]);
  b.output(Cast(NonZero(Gemm(x, weight(b, 'w0'))), { to: 1 }), 'y');
  const { blockers, after } = trainableFrom(b.finish());
  t.is(blockers.length, 0, 'a Cast from whole numbers carries nothing back');
  t.is(after, undefined);
});

/** An If whose branches read a weight from outside. */
function branching(): { builder: Builder; graph: Graph; y: Value; w: Value } {
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['batch', 4]);
  const condition = builder.input('condition', 'bool', []);
  const w = weight(builder, 'w0');
  const branch = (name: string, f: (x: Value, w: Value) => Value): Graph => {
    const inner = new Builder(name, builder);
    inner.output(f(inner.capture(x), inner.capture(w)));
    return inner.finish();
  };
  const attributes = new Map([
    ['then_branch', { kind: 'graph', value: branch('then', (a, b) => MatMul(a, b)) } as const],
    ['else_branch', { kind: 'graph', value: branch('else', (a, b) => Relu(MatMul(a, b))) } as const],
  ]);
  const [y] = builder.append({ op: 'If', inputs: [condition], attributes, outputs: [{ type: 'float32', shape: ['batch', 4] }] }); // prettier-ignore
  const z = Gemm(y, weight(builder, 'w1'));
  builder.output(z, 'z');
  return { builder, graph: builder.finish(), y: y!, w };
}

test('an If that a weight goes into is refused as such, also where only its branches read it', t => {
  const { builder, graph, y, w } = branching();
  t.deepEqual(trainableFrom(graph), {
    blockers: [{ node: 'if', operator: 'If', input: 'w0', isControlFlow: true }],
    after: y.name,
  });
  const error = t.throws<GraftError>(() =>
    differentiate(builder, new Map([[builder.outputs[0]!.value, builder.outputs[0]!.value]]), [w]),
  );
  t.is(error.code, 'AUTODIFF_CONTROL_FLOW');
  t.like(error.details, { operator: 'If', node: 'if', after: y.name });
  t.deepEqual(trainableFrom(graph, undefined, { parameters: ['w1'] }), { blockers: [] });
});
