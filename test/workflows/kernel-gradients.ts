// Training graphs as onnxruntime's gradient builder writes them: the operators that a convolutional network or a
// transformer holds, with gradients that are training-only operators, and the loss as SoftmaxCrossEntropyLoss.
// Source: orttraining/orttraining/core/graph/gradient_builder.cc of ONNX Runtime.

import { tensor, type Tensor } from '../../src/base/index.js';
import { differentiate } from '../../src/autodiff/index.js';
import { Builder, modelOf, type Attribute, type Model, type Value } from '../../src/graph/index.js';
import * as ops from '../../src/operators/index.js';
import { OperatorSet, type AnyOperator, type Operator } from '../../src/operators/index.js';
import * as activations from '../../src/operators/training-activations.js';
import * as indexing from '../../src/operators/training-indexing.js';
import * as layout from '../../src/operators/training-layout.js';
import * as losses from '../../src/operators/training-losses.js';
import * as normalization from '../../src/operators/training-normalization.js';
import * as windows from '../../src/operators/training-windows.js';

type At = Readonly<Record<string, Value>>;
type Rule = ((at: At) => Value | readonly (Value | undefined)[]) | 'none';

/** An operator whose gradients are others. */
const withRules = (of: AnyOperator, gradient: Readonly<Record<string, Rule>>): AnyOperator => ({
  operatorName: of.operatorName,
  domain: of.domain,
  spec: { ...of.spec, gradient: { ...of.spec.gradient, ...gradient } as typeof of.spec.gradient },
});
/** The attributes of the forward node that its gradient declares too. */
const same = (of: AnyOperator, at: At): Readonly<Record<string, never>> => {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(of.spec.attributes as object)) if (at[key] !== undefined) kept[key] = at[key];
  return kept as Readonly<Record<string, never>>;
};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- operators of whatever attributes
type Any = Operator<any>;
const one = (of: Any, at: At, ...inputs: readonly Value[]) => of(...inputs, same(of, at));
const sizesOf = (value: Value) => ({ sizes: value.shape.slice(1) as readonly number[] });

const replaced: readonly AnyOperator[] = [
  withRules(ops.Conv, {
    X: at => convolutionGrad(at)[0]!,
    W: at => convolutionGrad(at)[1]!,
    B: at => convolutionGrad(at)[2]!,
  }),
  withRules(ops.MaxPool, {
    X: at => windows.MaxPoolGrad(at['dY'], at['Indices'], { ...same(windows.MaxPoolGrad, at), ...sizesOf(at['X']!) }),
  }),
  withRules(ops.AveragePool, {
    X: at => windows.AveragePoolGrad(at['dY'], { ...same(windows.AveragePoolGrad, at), ...sizesOf(at['X']!) }),
  }),
  withRules(ops.Relu, { X: at => activations.ReluGrad(at['dY'], at['Y']) }),
  withRules(ops.Sigmoid, { X: at => activations.SigmoidGrad(at['dY'], at['Y']) }),
  withRules(ops.Tanh, { X: at => activations.TanhGrad(at['dY'], at['Y']) }),
  withRules(ops.LeakyRelu, { X: at => one(activations.LeakyReluGrad, at, at['dY']!, at['Y']!) }),
  withRules(ops.microsoft.Gelu, { X: at => activations.GeluGrad(at['dY'], at['X']), bias: 'none' }),
  withRules(ops.microsoft.FastGelu, { X: at => activations.FastGeluGrad(at['dY'], at['X']), bias: 'none' }),
  withRules(ops.Softmax, { input: at => one(activations.SoftmaxGrad_13, at, at['doutput']!, at['output']!) }),
  withRules(ops.LayerNormalization, {
    X: at => layerGrad(at)[0]!,
    Scale: at => layerGrad(at)[1]!,
    B: at => layerGrad(at)[2]!,
  }),
  withRules(normalization.BatchNormInternal, {
    X: at => batchGrad(at)[0]!,
    scale: at => batchGrad(at)[1]!,
    B: at => batchGrad(at)[2]!,
    input_mean: 'none',
    input_var: 'none',
  }),
  withRules(ops.Gather, {
    data: at => one(indexing.GatherGrad, at, ops.Shape(at['data']), at['indices']!, at['doutput']!),
  }),
  withRules(ops.Slice, {
    data: at =>
      indexing.SliceGrad(at['doutput'], ops.Shape(at['data']), at['starts'], at['ends'], at['axes'], at['steps']),
  }),
  withRules(layout.ConcatTraining, {
    inputs: at => {
      const inputs = at['inputs'] as unknown as readonly Value[];
      const attributes = same(layout.SplitTraining, at);
      return layout.SplitTraining.all(inputs.length, at['dconcat_result'], at['per_input_length'], attributes);
    },
  }),
  withRules(ops.ReduceMean, {
    data: at => {
      const { data, reduced, dreduced } = at as { data: Value; reduced: Value; dreduced: Value };
      const many = ops.Div(ops.Size(data), ops.Size(reduced));
      return ops.Expand(activations.Scale(dreduced, many, { scale_down: 1 }), ops.Shape(data));
    },
  }),
];
const convolutionGrad = (at: At) =>
  windows.ConvGrad.all(at['B'] ? 3 : 2, at['dY'], at['X'], at['W'], same(windows.ConvGrad, at));
const layerGrad = (at: At) =>
  normalization.LayerNormalizationGrad.all(3, at['dY'], at['X'], at['Scale'], at['Mean'], at['InvStdDev'], same(normalization.LayerNormalizationGrad, at)); // prettier-ignore
const batchGrad = (at: At) =>
  normalization.BatchNormalizationGrad.all(3, at['dY'], at['X'], at['scale'], at['saved_mean'], at['saved_inv_std'], same(normalization.BatchNormalizationGrad, at)); // prettier-ignore
const operators = new OperatorSet([
  ...[...ops.operatorsWithTraining].filter(
    ({ domain, operatorName }) =>
      !replaced.some(other => other.domain === domain && other.operatorName === operatorName),
  ),
  ...replaced,
]);

/** What a network is made of: weights by name, and what is fed. */
export interface Making {
  readonly x: Value;
  weight(name: string, shape: readonly number[], around?: number): Value;
}

/** Training and evaluation graphs of a network, and its initial weights. */
export function kernelGraphs(
  shape: readonly number[],
  network: (making: Making) => Value,
  labelType: 'int32' | 'int64' = 'int64',
): { training: Model; evaluation: Model; parameters: Map<string, Tensor> } {
  const parameters = new Map<string, Tensor>();
  const graph = (trains: boolean): Model => {
    const builder = new Builder('network');
    const x = builder.input('x', 'float32', shape);
    const labels = builder.input('labels', labelType, [shape[0]!]);
    const weights: Value[] = [];
    const weight = (name: string, size: readonly number[], around = 0): Value => {
      const count = size.reduce((a, b) => a * b, 1);
      const scale = around ? 0.1 : 1 / Math.sqrt(count / size[0]!);
      const data = Float32Array.from({ length: count }, (_, i) => around + scale * Math.sin(2.3 * i + name.length * 7));
      parameters.set(name, tensor('float32', size, data));
      weights.push(builder.input(name, 'float32', size));
      return weights.at(-1)!;
    };
    const scores = network({ x, weight });
    const [loss, logs] = losses.SoftmaxCrossEntropyLoss.all(2, scores, labels) as [Value, Value];
    builder.output(loss, 'loss');
    builder.output(scores, 'scores');
    if (trains) {
      const seed = losses.SoftmaxCrossEntropyLossGrad(builder.constant(1), logs, labels);
      for (const [of, gradient] of differentiate(builder, new Map([[scores, seed]]), weights, operators))
        builder.output(gradient, `${of.name}_grad`);
    }
    const made = modelOf(builder.finish());
    const nodes = made.graph.nodes.map(node => ({ ...node, attributes: withoutSizes(node.attributes) }));
    const opsets = new Map([...made.opsets, ['com.microsoft', 1]]);
    return { ...made, opsets, graph: { ...made.graph, nodes } };
  };
  return { training: graph(true), evaluation: graph(false), parameters };
}

/** The real nodes do not tell what was pooled. */
const withoutSizes = (attributes: ReadonlyMap<string, Attribute>) =>
  new Map([...attributes].filter(([name]) => name !== 'sizes'));
