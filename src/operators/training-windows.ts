// Training-only operators of onnxruntime, second family: gradients of convolutions and pools. Those of convolutions and
// of average pools are the rules that Conv, ConvTranspose and AveragePool state themselves. The pools' gradients do not
// see what was pooled: `sizes` holds its channels and spatial sizes, written by whoever lowers them from the graph.
// Source: onnxruntime, orttraining/training_ops/cpu/nn (conv_grad.cc, pool_gradient_op.cc).

import type { Dim, Value } from '../graph/index.js';
import { int, ints, operator, type AnyOperator } from './define.js';
import { Conv, ConvTranspose } from './convolution.js';
import { Mul } from './elementwise.js';
import { errors } from './errors.js';
import { Concat } from './indexing.js';
import { Expand, Reshape, Shape } from './layout.js';
import { AveragePool } from './pooling.js';
import { ConstantOfShape, ScatterElements } from './scattering.js';
import { windowAttributes } from './windows.js';

const domain = 'com.microsoft';

/** The rule that an operator states for one of its inputs, asked with everything that it may look at. */
function ruleOf({ operatorName, spec }: AnyOperator, input: string): (at: Readonly<Record<string, unknown>>) => Value {
  const rules = spec.gradient as Readonly<Record<string, unknown>> | undefined;
  const rule = rules?.[input];
  if (typeof rule !== 'function')
    throw errors.SHAPE({ operator: operatorName, found: [], wanted: `a gradient by ${input}` });
  return rule as (at: Readonly<Record<string, unknown>>) => Value;
}

/** dX, dW, dB of a convolution, from dY, X and W. */
const convolutionGrad = (of: AnyOperator, at: object): Value[] => {
  const seen = { ...at, outputCount: 1 };
  return ['X', 'W', 'B'].map(input => ruleOf(of, input)(seen));
};

export const ConvGrad = operator(
  'ConvGrad',
  {
    inputs: ['dY', 'X', 'W'],
    outputs: ['dX?', 'dW?', 'dB?'],
    attributes: { ...windowAttributes, group: int(1) },
    shape: ({ X, W }) => ({ dX: X.shape, dW: W.shape, dB: [W.shape[0]!] }),
    lower: at => convolutionGrad(Conv, at),
  },
  domain,
);

export const ConvTransposeGrad = operator(
  'ConvTransposeGrad',
  {
    inputs: ['dY', 'X', 'W'],
    outputs: ['dX?', 'dW?', 'dB?'],
    attributes: { ...windowAttributes, group: int(1), output_padding: ints, output_shape: ints },
    shape: ({ dY, X, W }) => ({ dX: X.shape, dW: W.shape, dB: [dY.shape[1]!] }),
    lower: at => convolutionGrad(ConvTranspose, at),
  },
  domain,
);

/** What was pooled: the batch of dY, the channels and sizes that `sizes` tells. */
const pooled = (dY: Value, sizes: readonly number[] | undefined): Dim[] => [
  dY.shape[0]!,
  ...(sizes ?? dY.shape.slice(1).map((): Dim => '')),
];

/** dY added into zeros at the places that MaxPool kept; Indices count through the whole tensor. */
export const MaxPoolGrad = operator('MaxPoolGrad', {
  inputs: ['dY', 'Indices'],
  outputs: ['dX'],
  attributes: { ...windowAttributes, ceil_mode: int(0), storage_order: int(0), sizes: ints },
  shape: ({ dY, sizes }) => ({ dX: pooled(dY, sizes) }),
  lower: ({ dY, Indices, storage_order, sizes }) => {
    if (!sizes || storage_order !== 0)
      throw errors.SHAPE({
        operator: 'MaxPoolGrad',
        found: [dY.shape],
        wanted: 'the sizes of what was pooled, rows first',
      });
    const [batch] = dY.shape;
    const each = sizes.reduce((a, b) => a * b, 1);
    const count =
      typeof batch === 'number'
        ? dY.builder.constant([batch * each])
        : Mul(Shape(dY, { end: 1 }), dY.builder.constant([each]));
    const flat = ScatterElements(ConstantOfShape(count), Reshape(Indices, [-1]), Reshape(dY, [-1]), {
      reduction: 'add',
    });
    return Reshape(flat, [-1, ...sizes]);
  },
});

export const AveragePoolGrad = operator('AveragePoolGrad', {
  inputs: ['dY'],
  outputs: ['dX'],
  attributes: { ...windowAttributes, ceil_mode: int(0), count_include_pad: int(0), sizes: ints },
  shape: ({ dY, sizes }) => ({ dX: pooled(dY, sizes) }),
  lower: at => {
    const { dY, sizes } = at;
    if (!sizes)
      throw errors.SHAPE({
        operator: 'AveragePoolGrad',
        found: [dY.shape],
        wanted: 'the sizes of what was pooled',
      });
    // The rule looks at X for its shape alone; this one is cut away with everything that no output needs.
    const { builder } = dY;
    const X = Expand(builder.constant(0), Concat(Shape(dY, { end: 1 }), builder.constant(sizes), { axis: 0 }));
    return ruleOf(AveragePool, 'X')({ ...at, X, outputCount: 1 });
  },
});
