// Tensors made from a shape alone, or from another tensor's shape: random numbers and the identity matrix.
// Chance is read, never emitted: it enters our graphs as fed values, so that a seed gives the same run everywhere.

import type { DataType } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { float, int, ints, operator, optionalFloat, optionalInt, type AttributeSpec } from './define.js';
import { typeNumbers } from './elementwise.js';

const typeOf = (dtype: number | undefined, otherwise: DataType): DataType => typeNumbers[dtype ?? 0] ?? otherwise;
type Bounds = Readonly<Record<string, AttributeSpec<number>>>;

const ofShape = <B extends Bounds>(name: string, bounds: B) =>
  operator(name, {
    inputs: [],
    outputs: ['output'],
    attributes: { ...bounds, dtype: int(1), seed: optionalFloat, shape: ints },
    shape: ({ shape }: { shape?: readonly number[] }) => ({ output: shape ?? [] }),
    types: ({ dtype }: { dtype: number }) => ({ output: typeOf(dtype, 'float32') }),
  });
const like = <B extends Bounds>(name: string, bounds: B) =>
  operator(name, {
    inputs: ['input'],
    outputs: ['output'],
    attributes: { ...bounds, dtype: optionalInt, seed: optionalFloat },
    shape: ({ input }: { input: Value }) => ({ output: input.shape }),
    types: ({ input, dtype }: { input: Value; dtype?: number }) => ({ output: typeOf(dtype, input.type) }),
    gradient: { input: 'none' },
  });
const normal = { mean: float(0), scale: float(1) };
const uniform = { high: float(1), low: float(0) };
export const RandomNormal = ofShape('RandomNormal', normal);
export const RandomUniform = ofShape('RandomUniform', uniform);
export const RandomNormalLike = like('RandomNormalLike', normal);
export const RandomUniformLike = like('RandomUniformLike', uniform);

export const Bernoulli = operator('Bernoulli', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { dtype: optionalInt, seed: optionalFloat },
  shape: ({ input }) => ({ output: input.shape }),
  types: ({ input, dtype }) => ({ output: typeOf(dtype, input.type) }),
  gradient: { input: 'none' },
});
/** input [batch, classes]: output [batch, sample_size], indices of classes */
export const Multinomial = operator('Multinomial', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { dtype: int(6), sample_size: int(1), seed: optionalFloat },
  shape: ({ input, sample_size }) => ({ output: [input.shape[0]!, sample_size] }),
  types: ({ dtype }) => ({ output: typeOf(dtype, 'int32') }),
  gradient: { input: 'none' },
});
export const EyeLike = operator('EyeLike', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { dtype: optionalInt, k: int(0) },
  shape: ({ input }) => ({ output: input.shape }),
  types: ({ input, dtype }) => ({ output: typeOf(dtype, input.type) }),
  gradient: { input: 'none' },
});
