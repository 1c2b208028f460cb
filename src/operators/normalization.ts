// Normalizations, and Dropout, which is nothing when a network predicts.

import { elements } from '../base/index.js';
import type { Attribute, Node, Value } from '../graph/index.js';
import { float, int, once, operator, optionalInt, type UpgradeContext } from './define.js';
import { axesOf, axisOf } from './dims.js';
import { Add, CastLike, Div, Equal, Mul, Pow, Reciprocal, Sign, Sqrt, Sub, Where, mask } from './elementwise.js';
import { errors } from './errors.js';
import { Reshape, Shape } from './layout.js';
import { AveragePool } from './pooling.js';
import { ReduceL1, ReduceL2, ReduceMean, ReduceSum } from './reduction.js';

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
const overChannels = (value: Value): Value => ReduceSum(value, allButChannels(value), { keepdims: 0 });

/** What is left of a map when its mean over some axes is taken away, and one over its deviation there. */
interface Normal {
  /** (X − mean) · inverse, of the shape of X. */
  readonly normal: Value;
  /** 1 / √(variance + epsilon), the axes as ones. */
  readonly inverse: Value;
}

function normalize(X: Value, axes: readonly number[], epsilon: number): Normal {
  const centred = Sub(X, ReduceMean(X, axes));
  const inverse = Reciprocal(Sqrt(Add(ReduceMean(Mul(centred, centred), axes), epsilon)));
  return { normal: Mul(centred, inverse), inverse };
}

/** dX = inverse · (d − mean(d) − normal · mean(d · normal)) where d is the gradient by what was normalized */
const denormalize = ({ normal, inverse }: Normal, d: Value, axes: readonly number[]): Value =>
  Mul(inverse, Sub(Sub(d, ReduceMean(d, axes)), Mul(normal, ReduceMean(Mul(d, normal), axes))));

interface BatchAt {
  readonly X: Value;
  readonly input_mean: Value;
  readonly input_var: Value;
  readonly epsilon: number;
  readonly training_mode: number;
}
/** By the batch's own statistics, or by the stored ones, which are constants. */
const batchNormal = once(({ X, input_mean, input_var, epsilon, training_mode }: BatchAt): Normal => {
  if (training_mode) return normalize(X, allButChannels(X), epsilon);
  const inverse = perChannel(Reciprocal(Sqrt(Add(input_var, epsilon))), X);
  return { normal: Mul(Sub(X, perChannel(input_mean, X)), inverse), inverse };
});

export const BatchNormalization = operator('BatchNormalization', {
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  outputs: ['Y', 'running_mean?', 'running_var?'],
  attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
  shape: ({ X, scale }) => ({ Y: X.shape, running_mean: scale.shape, running_var: scale.shape }),
  gradient: {
    // with frozen statistics an affine map per channel
    X: at => {
      const { X, scale, input_var, epsilon, training_mode, dY } = at;
      return training_mode
        ? denormalize(batchNormal(at), Mul(dY, perChannel(scale, X)), allButChannels(X))
        : Mul(dY, perChannel(Div(scale, Sqrt(Add(input_var, epsilon))), X));
    },
    scale: at => overChannels(Mul(at.dY, batchNormal(at).normal)),
    B: ({ dY }) => overChannels(dY),
    input_mean: 'none',
    input_var: 'none',
  },
  detached: ['running_mean', 'running_var'],
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

const spatialAxes = ({ shape }: Value): number[] => shape.slice(2).map((_, i) => i + 2);
const instanceNormal = once(({ input, epsilon }: { input: Value; epsilon: number }) =>
  normalize(input, spatialAxes(input), epsilon),
);
/** Each channel of each picture by its own mean and variance. */
export const InstanceNormalization = operator('InstanceNormalization', {
  inputs: ['input', 'scale', 'B'],
  outputs: ['output'],
  attributes: { epsilon: float(1e-5) },
  shape: ({ input }) => ({ output: input.shape }),
  gradient: {
    input: at => {
      const { input, scale, doutput } = at;
      return denormalize(instanceNormal(at), Mul(doutput, perChannel(scale, input)), spatialAxes(input));
    },
    scale: at => overChannels(Mul(at.doutput, instanceNormal(at).normal)),
    B: ({ doutput }) => overChannels(doutput),
  },
});

interface LayerAt {
  readonly X: Value;
  readonly axis: number;
  readonly epsilon: number;
  readonly Mean?: Value;
  readonly InvStdDev?: Value;
}
const fromAxis = ({ X, axis }: LayerAt): number[] => axesOf(undefined, X.shape.length).slice(axisOf(axis, X.shape.length)); // prettier-ignore
/** By the statistics that the node gives; they are float32 whatever the type of X. */
const layerNormal = once((at: LayerAt): Normal => {
  const { X, epsilon, Mean, InvStdDev } = at;
  if (!Mean || !InvStdDev) return normalize(X, fromAxis(at), epsilon);
  const [mean, inverse] = [Mean, InvStdDev].map(value => (value.type === X.type ? value : CastLike(value, X))) as [Value, Value]; // prettier-ignore
  return { normal: Mul(Sub(X, mean), inverse), inverse };
});
/** Every axis from `axis` on by one mean and variance; Scale and B have the shape of these axes. */
export const LayerNormalization = operator('LayerNormalization', {
  inputs: ['X', 'Scale', 'B?'],
  outputs: ['Y', 'Mean?', 'InvStdDev?'],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape: ({ X, axis }) => {
    const at = axisOf(axis, X.shape.length);
    const kept = X.shape.map((dim, i) => (i < at ? dim : 1));
    return { Y: X.shape, Mean: kept, InvStdDev: kept };
  },
  types: () => ({ Mean: 'float32', InvStdDev: 'float32' }),
  keeps: () => ['Mean', 'InvStdDev'],
  gradient: {
    X: (at): Value => {
      const { X, Scale, dY, dMean, dInvStdDev } = at;
      const { normal, inverse } = layerNormal(at);
      const axes = fromAxis(at);
      let dX = denormalize({ normal, inverse }, Mul(dY, Scale), axes);
      if (!dMean && !dInvStdDev) return dX;
      const count = axes.map(axis => X.shape[axis]!);
      if (count.some(dim => typeof dim !== 'number'))
        throw errors.SHAPE({
          operator: 'LayerNormalization',
          found: [X.shape],
          wanted: 'known sizes from its axis on',
        });
      const share = 1 / (count as number[]).reduce((a, b) => a * b, 1);
      // the mean moves by 1 / n; 1 / √(v + ε) by −normal · inverse² / n
      if (dMean) dX = Add(dX, Mul(CastLike(dMean, X), share));
      if (dInvStdDev) dX = Sub(dX, Mul(Mul(normal, Mul(inverse, inverse)), Mul(CastLike(dInvStdDev, X), share)));
      return dX;
    },
    Scale: at => Mul(at.dY, layerNormal(at).normal),
    B: ({ dY }) => dY,
  },
});
/** Groups of channels by their own mean and variance; scale and bias are per group, as before opset 21. */
export const GroupNormalization = operator('GroupNormalization', {
  inputs: ['X', 'scale', 'bias'],
  outputs: ['Y'],
  attributes: { epsilon: float(1e-5), num_groups: optionalInt },
  shape: ({ X }) => ({ Y: X.shape }),
  // a group is a channel of [batch, groups, …]
  lower: ({ X, scale, bias, epsilon, num_groups }) =>
    Reshape(InstanceNormalization(Reshape(X, [0, num_groups ?? 1, -1]), scale, bias, { epsilon }), Shape(X)),
});

interface ResponseAt {
  readonly X: Value;
  readonly alpha: number;
  readonly bias: number;
  readonly size: number | undefined;
}
/** Means over `size` neighbouring channels, zeros beyond; windows reach further to the end, or to the begin in reverse. */
function overNeighbours(value: Value, size: number, reversed: boolean): Value {
  const [less, more] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const pads = reversed ? [more, 0, less, 0] : [less, 0, more, 0];
  const channels = value.shape[1];
  if (typeof channels !== 'number')
    throw errors.SHAPE({ operator: 'LRN', found: [value.shape], wanted: 'a known number of channels' });
  const rows = Reshape(value, [0, 1, channels, -1]);
  return Reshape(AveragePool(rows, { kernel_shape: [size, 1], pads, count_include_pad: 1 }), Shape(value));
}
const response = once(({ X, alpha, bias, size }: ResponseAt) =>
  Add(Mul(overNeighbours(Mul(X, X), size ?? 1, false), alpha), bias),
);
/** Y = X / D^beta with D = bias + alpha · the mean of X² over `size` neighbouring channels */
export const LRN = operator('LRN', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { alpha: float(0.0001), beta: float(0.75), bias: float(1), size: optionalInt },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: {
    // dX = dY / D^beta − 2 · alpha · beta · X · the mean of dY · Y / D over the windows that X lies in
    X: at => {
      const { X, Y, dY, alpha, beta, size } = at;
      const D = response(at);
      const shared = overNeighbours(Div(Mul(dY, Y), D), size ?? 1, true);
      return Sub(Mul(dY, Pow(D, -beta)), Mul(Mul(X, 2 * alpha * beta), shared));
    },
  },
});
/** Y = X / ‖X‖ along the axis, by the first or second norm; 0 where that is 0. */
export const LpNormalization = operator('LpNormalization', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { axis: int(-1), p: int(2) },
  shape: ({ input }) => ({ output: input.shape }),
  gradient: {
    // dX = (dY − ‖X‖′ · Σ dY · Y) / ‖X‖ where the norm's own gradient is Y or the sign of X
    input: ({ input, output, doutput, axis, p }) => {
      const norm = p === 1 ? ReduceL1(input, [axis]) : ReduceL2(input, [axis]);
      const slope = p === 1 ? Sign(input) : output;
      const along = ReduceSum(Mul(doutput, output), [axis]);
      return Div(Sub(doutput, Mul(slope, along)), Add(norm, mask(Equal(norm, 0), norm)));
    },
  },
});
/** Y = (X − mean) / (√variance + 1e-9) over the axes */
export const MeanVarianceNormalization = operator('MeanVarianceNormalization', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axes: { kind: 'ints', default: [0, 2, 3] as readonly number[] } },
  shape: ({ X }) => ({ Y: X.shape }),
  lower: ({ X, axes }) => {
    const centred = Sub(X, ReduceMean(X, axes));
    return Div(centred, Add(Sqrt(ReduceMean(Mul(centred, centred), axes)), 1e-9));
  },
});

/** Whether a condition is known to hold, or not to; undefined where the graph decides. */
const decided = (condition: Value | undefined): boolean | undefined =>
  condition === undefined ? false : condition.data && elements(condition.data)[0] === 1;
export const Dropout = operator('Dropout', {
  inputs: ['data', 'ratio?', 'training_mode?'],
  outputs: ['output', 'mask?'],
  attributes: { seed: optionalInt },
  shape: ({ data }) => ({ output: data.shape, mask: data.shape }),
  types: () => ({ mask: 'bool' }),
  keeps: ({ training_mode }) => (decided(training_mode) === false ? [] : ['mask']),
  gradient: {
    data: ({ doutput, mask: kept, ratio, training_mode }) => {
      const trains = decided(training_mode);
      if (trains === false || !kept || !training_mode) return doutput;
      const like = ratio && ratio.type !== doutput.type ? CastLike(ratio, doutput) : ratio;
      const share = like ? Reciprocal(Sub(1, like)) : doutput.builder.constant(2, doutput.type as 'float32');
      return Mul(doutput, Mul(mask(kept, doutput), trains ? share : Where(training_mode, share, 1)));
    },
    ratio: 'none',
    training_mode: 'none',
  },
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
