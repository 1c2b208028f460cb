// Normalizations, and Dropout, which is nothing when a network predicts.

import type { Attribute, Node, Value } from '../graph/index.js';
import { float, int, operator, optionalInt, type UpgradeContext } from './define.js';
import { Div, Mul, Sqrt, Add, Sub } from './elementwise.js';
import { errors } from './errors.js';
import { Reshape } from './layout.js';
import { ReduceSum } from './reduction.js';

/** A node without some attributes. */
const without =
  (...keys: readonly string[]) =>
  (node: Node): Node => {
    const attributes = new Map(node.attributes);
    for (const key of keys) attributes.delete(key);
    return { ...node, attributes };
  };

/** Per-channel values [C] as [1, C, 1, …], to meet a map. */
const perChannel = (value: Value, like: Value): Value => Reshape(value, [1, -1, ...like.shape.slice(2).map(() => 1)]);
const allButChannels = (value: Value): number[] => value.shape.flatMap((_, i) => (i === 1 ? [] : [i]));

export const BatchNormalization = operator('BatchNormalization', {
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  outputs: ['Y', 'running_mean?', 'running_var?'],
  attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
  shape: ({ X, scale }) => ({ Y: X.shape, running_mean: scale.shape, running_var: scale.shape }),
  gradient: {
    // with frozen statistics an affine map per channel
    X: ({ X, scale, input_var, epsilon, dY }) => Mul(dY, perChannel(Div(scale, Sqrt(Add(input_var, epsilon))), X)),
    scale: ({ X, input_mean, input_var, epsilon, dY }) => {
      const normal = Div(Sub(X, perChannel(input_mean, X)), perChannel(Sqrt(Add(input_var, epsilon)), X));
      return ReduceSum(Mul(dY, normal), allButChannels(X), { keepdims: 0 });
    },
    B: ({ X, dY }) => ReduceSum(dY, allButChannels(X), { keepdims: 0 }),
    input_mean: 'none',
    input_var: 'none',
  },
  upgrades: {
    9: node => {
      const spatial = node.attributes.get('spatial');
      if (spatial?.kind === 'int' && spatial.value === 0)
        throw errors.SHAPE({
          operator: 'BatchNormalization',
          found: [],
          wanted: 'statistics per channel (spatial = 1)',
        });
      return without('spatial')(node);
    },
    14: node => ({ ...node, outputs: node.outputs.slice(0, 1) }),
  },
});
export const InstanceNormalization = operator('InstanceNormalization', {
  inputs: ['input', 'scale', 'B'],
  outputs: ['output'],
  attributes: { epsilon: float(1e-5) },
  shape: ({ input }) => ({ output: input.shape }),
});
export const LayerNormalization = operator('LayerNormalization', {
  inputs: ['X', 'Scale', 'B?'],
  outputs: ['Y', 'Mean?', 'InvStdDev?'],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape: ({ X, axis }) => {
    const at = axis < 0 ? axis + X.shape.length : axis;
    const kept = X.shape.map((dim, i) => (i < at ? dim : 1));
    return { Y: X.shape, Mean: kept, InvStdDev: kept };
  },
});
export const GroupNormalization = operator('GroupNormalization', {
  inputs: ['X', 'scale', 'bias'],
  outputs: ['Y'],
  attributes: { epsilon: float(1e-5), num_groups: optionalInt },
  shape: ({ X }) => ({ Y: X.shape }),
});
export const LRN = operator('LRN', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { alpha: float(0.0001), beta: float(0.75), bias: float(1), size: optionalInt },
  shape: ({ X }) => ({ Y: X.shape }),
});
export const LpNormalization = operator('LpNormalization', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { axis: int(-1), p: int(2) },
  shape: ({ input }) => ({ output: input.shape }),
});
export const MeanVarianceNormalization = operator('MeanVarianceNormalization', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axes: { kind: 'ints', default: [0, 2, 3] as readonly number[] } },
  shape: ({ X }) => ({ Y: X.shape }),
});

export const Dropout = operator('Dropout', {
  inputs: ['data', 'ratio?', 'training_mode?'],
  outputs: ['output', 'mask?'],
  attributes: { seed: optionalInt },
  shape: ({ data }) => ({ output: data.shape, mask: data.shape }),
  types: () => ({ mask: 'bool' }),
  gradient: { data: ({ doutput }) => doutput, ratio: 'none', training_mode: 'none' },
  upgrades: {
    // Before 10 the mask had the type of the data.
    10: (node: Node, at: UpgradeContext): Node | Node[] => {
      const mask = node.outputs[1];
      if (!mask) return node;
      const bool = at.fresh(`${mask}_bool`);
      const cast: Node = {
        op: 'CastLike',
        domain: '',
        name: at.fresh(`${node.name}_mask`),
        inputs: [bool, node.inputs[0]!],
        outputs: [mask],
        attributes: new Map(),
      };
      return [{ ...node, outputs: [node.outputs[0]!, bool] }, cast];
    },
    12: (node: Node, at: UpgradeContext): Node => {
      const ratio: Attribute | undefined = node.attributes.get('ratio');
      const value = ratio?.kind === 'float' ? ratio.value : 0.5;
      return { ...without('ratio')(node), inputs: [node.inputs[0]!, at.constant(value, 'float32')] };
    },
  },
});
