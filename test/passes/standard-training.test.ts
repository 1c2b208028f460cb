// Training graphs of onnxruntime as plain ones: what falls away, what keeps its name, what is refused by name.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Model, type Node, type Value } from '../../src/graph/index.js';
import { AveragePool, MaxPool, Mul, Neg, Pad, Relu, ReduceSum } from '../../src/operators/index.js';
import { ConvGrad, AveragePoolGrad, MaxPoolGrad } from '../../src/operators/training-windows.js';
import { ReluGrad } from '../../src/operators/training-activations.js';
import { BroadcastGradientArgs, ReduceSumTraining } from '../../src/operators/training-layout.js';
import { BatchNormInternal } from '../../src/operators/training-normalization.js';
import { Conv } from '../../src/operators/convolution.js';
import { Reshape, Shape } from '../../src/operators/layout.js';
import { movingStatistics, standardEvaluation, standardTraining } from '../../src/passes/index.js';

/** A graph with accumulators around gradients, as the runtime has it. */
function accumulated(shape: readonly (number | string)[], build: (x: Value, w: Value) => { loss: Value; gradient: Value }): Model {
  const builder = new Builder('training');
  const x = builder.input('x', 'float32', shape);
  const w = builder.input('w', 'float32', [2, 3, 3, 3]);
  const buffer = builder.input('w_grad.accumulation.buffer', 'float32', w.shape);
  const flag = builder.input('lazy_reset_grad', 'bool', [1]);
  const { loss, gradient } = build(x, w);
  builder.output(loss, 'onnx::loss');
  accumulate(buffer, gradient, flag);
  const model = modelOf(builder.finish());
  return { ...model, opsets: new Map([...model.opsets, ['com.microsoft', 1]]) };
} // prettier-ignore

function accumulate(buffer: Value, gradient: Value, flag: Value): void {
  const names = [buffer.name.replace('buffer', 'out')];
  const { builder } = buffer;
  const [done] = builder.append({ op: 'InPlaceAccumulatorV2', domain: 'com.microsoft', inputs: [buffer, gradient, flag], outputs: [{ type: 'bool', shape: [1] }], names }) as [Value]; // prettier-ignore
  builder.output(done);
}

const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const total = (value: Value) => ReduceSum(value, undefined, { keepdims: 0 });
const told = ({ graph }: Model) => ({
  inputs: graph.inputs.map(({ name }) => name),
  outputs: graph.outputs.map(({ name, shape }) => `${name} [${shape?.join() ?? '?'}]`),
  domains: [...new Set(graph.nodes.map(({ domain }) => domain))],
});

test('accumulators fall away, gradients become outputs under the names of their weights', t => {
  const made = standardTraining(
    accumulated(['batch', 3, 6, 6], (x, w) => {
      const y = Relu(Conv(x, w, window));
      const dY = ReluGrad(Mul(y, 2), y);
      return { loss: total(y), gradient: ConvGrad.all(2, dY, x, w, window)[1]! };
    }),
  );
  t.deepEqual(told(made), { inputs: ['x', 'w'], outputs: ['loss []', 'w_grad [2,3,3,3]'], domains: [''] });
  t.deepEqual([...made.opsets], [['', 20]]);
});

test('what was pooled is looked up: behind the indices, or by the name of the gradient', t => {
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const made = standardTraining(
    accumulated(['batch', 3, 9, 8], (x, w) => {
      const maps = Conv(x, w, window);
      const [largest, places] = MaxPool.all(2, maps, pool) as [Value, Value];
      const mean = AveragePool(largest, pool);
      const [dMean] = mean.builder.append({ op: 'AveragePoolGrad', inputs: [mean], outputs: [{ type: 'float32', shape: [] }], names: [`${largest.name}_grad`], attributes: new Map([['kernel_shape', { kind: 'ints', value: [2, 2] }], ['strides', { kind: 'ints', value: [2, 2] }]]) }) as [Value]; // prettier-ignore
      const dMaps = MaxPoolGrad(dMean, places, pool);
      return { loss: total(mean), gradient: ConvGrad.all(2, dMaps, x, w, window)[1]! };
    }),
  );
  t.deepEqual(told(made).outputs, ['loss []', 'w_grad [2,3,3,3]']);
});

test('axes that only sizes tell, and pads that are taken back', t => {
  const made = standardTraining(
    accumulated([4, 3, 6, 6], (x, w) => {
      const { builder } = x;
      const pads = builder.constant([0, 0, 1, 1, 0, 0, 1, 1]);
      const maps = Conv(Pad(x, pads), w, { kernel_shape: [3, 3] });
      const back = Pad(Pad(maps, pads), Neg(pads));
      const [axes] = BroadcastGradientArgs.all(2, Shape(builder.constant(tensor('float32', [2, 1, 1], [1, 2]))), Shape(back)); // prettier-ignore
      const sums = Reshape(ReduceSumTraining(back, axes, { noop_with_empty_axes: 1 }), [2, 1, 1]);
      const dW = ConvGrad.all(2, Mul(back, sums), Pad(x, pads), w, { kernel_shape: [3, 3] })[1]!;
      return { loss: total(maps), gradient: dW };
    }),
  );
  t.deepEqual(told(made).outputs, ['loss []', 'w_grad [2,3,3,3]']);
  t.false(made.graph.nodes.some(({ op }) => op === 'NonZero' || op === 'Shape'));
});

test('statistics that training moves are told and become outputs', t => {
  const builder = new Builder('training');
  const x = builder.input('x', 'float32', ['batch', 2]);
  const [scale, mean, variance] = ['scale', 'mean', 'var'].map(name => builder.input(name, 'float32', [2]));
  const buffer = builder.input('scale_grad.accumulation.buffer', 'float32', [2]);
  const flag = builder.input('lazy_reset_grad', 'bool', [1]);
  const [y] = BatchNormInternal.all(5, x, scale, scale, mean, variance) as [Value];
  builder.output(total(y), 'loss');
  accumulate(buffer, ReduceSum(y, [0], { keepdims: 0 }), flag);
  const model = modelOf(builder.finish());
  t.deepEqual([...movingStatistics(model.graph)], ['mean', 'var']);
  t.deepEqual(told(standardTraining(model)).outputs, ['loss []', 'scale_grad [2]', 'next.mean [2]', 'next.var [2]']);
});

const graphOf = (change: (nodes: readonly Node[]) => Node[]): Model => {
  const model = accumulated([4, 3, 6, 6], (x, w) => {
    const maps = Conv(x, w, window);
    return { loss: total(maps), gradient: ConvGrad.all(2, maps, x, w, window)[1]! };
  });
  return { ...model, graph: { ...model.graph, nodes: change(model.graph.nodes) } };
};
test('what is refused, and in which words', t => {
  const renamed = (from: string, op: string) =>
    graphOf(nodes => nodes.map(node => (node.op === from ? { ...node, op, name: 'here' } : node)));
  t.throws(() => standardTraining(renamed('ConvGrad', 'ConvGradient')), { code: 'IMPORT_OPERATOR', message: /ConvGradient \(node here\)/ }); // prettier-ignore
  t.throws(() => standardTraining(renamed('Conv', 'NoSuch')), { code: 'IMPORT_OPERATOR', message: /ai\.onnx::NoSuch/ });
  t.throws(() => standardTraining(graphOf(nodes => nodes.slice(0, -1))), { code: 'IMPORT_NO_GRADIENTS' });
  const open = accumulated(['batch', 3, 'height', 'width'], (x, w) => {
    const maps = Conv(x, w, window);
    return { loss: total(maps), gradient: ConvGrad.all(2, maps, x, w, window)[1]! };
  });
  t.throws(() => standardTraining(open), { code: 'IMPORT_LOWERING', message: /ConvGrad/ });
  const pooled = accumulated([4, 3, 6, 6], (x, w) => {
    const y = AveragePoolGrad(x, { kernel_shape: [2, 2] });
    return { loss: total(y), gradient: w };
  });
  t.throws(() => standardTraining(pooled), { code: 'IMPORT_LOWERING', message: /AveragePoolGrad/ });
});
test('a value of the graph that is called loss keeps its name, and is in the way', t => {
  const builder = new Builder('evaluation');
  const x = builder.input('loss', 'float32', [2]);
  builder.output(total(x), 'onnx::loss');
  t.throws(() => standardEvaluation(modelOf(builder.finish())), { code: 'IMPORT_NAME_TAKEN' });
});
