// Other samples of the same map: resizing, grids of coordinates, regions of interest, centred crops.

import { floats as floatsOf } from '../base/index.js';
import type { Builder, Dim, Node, Value } from '../graph/index.js';
import { float, int, ints, operator, string, type UpgradeContext } from './define.js';
import { axesOf } from './dims.js';
import { Mul } from './elementwise.js';
import { errors } from './errors.js';
import { EyeLike } from './filling.js';
import { Concat, Pad, Slice } from './indexing.js';
import { Reshape } from './layout.js';
import { MatMul } from './matmul.js';
import { AveragePool } from './pooling.js';
import { ReduceSum } from './reduction.js';
import { ConstantOfShape } from './scattering.js';

/** The floats of a constant. */
const scalesOf = (value: Value | undefined): readonly number[] | undefined =>
  value?.data && value.data.type !== 'string' && value.shape[0] !== 0 ? Array.from(floatsOf(value.data)) : undefined;

/** out = floor(in · scale), or the sizes themselves, along `axes`; an aspect policy shrinks or grows them together. */
export const Resize = operator('Resize', {
  inputs: ['X', 'roi?', 'scales?', 'sizes?'],
  outputs: ['Y'],
  attributes: {
    antialias: int(0),
    axes: ints,
    coordinate_transformation_mode: string('half_pixel'),
    cubic_coeff_a: float(-0.75),
    exclude_outside: int(0),
    extrapolation_value: float(0),
    keep_aspect_ratio_policy: string('stretch'),
    mode: string('nearest'),
    nearest_mode: string('round_prefer_floor'),
  },
  shape: ({ X, scales, sizes, axes, keep_aspect_ratio_policy }) => {
    const along = axesOf(axes, X.shape.length);
    const out = [...X.shape];
    const wanted = sizes?.known;
    const factors = scalesOf(scales);
    const given = wanted ?? factors;
    if (given && given.length !== along.length)
      throw errors.SHAPE({ operator: 'Resize', found: [X.shape, wanted ?? []], wanted: 'one size or scale per axis' });
    if (wanted && keep_aspect_ratio_policy !== 'stretch') {
      fitted(
        along.map(at => X.shape[at]!),
        wanted,
        keep_aspect_ratio_policy,
      ).forEach((dim, i) => (out[along[i]!] = dim));
      return { Y: out };
    }
    along.forEach((at, i) => {
      out[at] = wanted ? wanted[i]! : factors ? scaled(X.shape[at]!, factors[i]!) : '';
    });
    return { Y: out };
  },
  gradient: {
    // Along each axis Y = R · X, so dX = Rᵀ · dY. R is what the same Resize makes of the identity matrix.
    X: ({ X, Y, dY, roi, scales, sizes, axes, ...at }): Value => {
      const moved = movedAxes(X, Y, { scales, sizes, axes, ...at });
      const isNearest = at.mode === 'nearest' && moved.every(({ repeats }) => repeats);
      if (isNearest && repeatsInOrder(at)) return sumsOfRepeats(dY, X, moved);
      return moved.reduce((whole, { axis, size, made, scale, position }) => {
        const isLast = axis === X.shape.length - 1;
        const matrix = resizedIdentity(X.builder, { axis: isLast ? 2 : 3, size, made, scale, position, roi }, at);
        if (isLast) return MatMul(whole, matrix);
        const inner = whole.shape.slice(axis + 1);
        if (inner.length === 1) return MatMul(matrix, whole);
        if (whole.shape.slice(1).some(dim => typeof dim !== 'number'))
          throw errors.SHAPE({ operator: 'Resize', found: [X.shape], wanted: 'known sizes to differentiate' });
        const rows = Reshape(whole, [-1, made, (inner as number[]).reduce((a, b) => a * b, 1)]);
        const shape = whole.shape.map((dim, i) => (i === axis ? size : typeof dim === 'number' ? dim : -1));
        return Reshape(MatMul(matrix, rows), shape);
      }, dY);
    },
    roi: 'none',
    scales: 'none',
    sizes: 'none',
  },
  upgrades: { 11: fromScalesOnly, 13: withoutEmptyInputs },
});

interface Moved {
  readonly axis: number;
  /** Its place among the axes that scales and regions speak of, and how many those are. */
  readonly position: readonly [number, number];
  readonly size: number;
  readonly made: number;
  /** The scale where scales are given; otherwise the sizes say it. */
  readonly scale: number | undefined;
  /** Whether it grows a whole number of times. */
  readonly repeats: boolean;
}
interface Sampling {
  readonly antialias: number;
  readonly coordinate_transformation_mode: string;
  readonly cubic_coeff_a: number;
  readonly exclude_outside: number;
  readonly mode: string;
  readonly nearest_mode: string;
}

/** The axes along which Y differs from X. */
function movedAxes(
  X: Value,
  Y: Value,
  at: Sampling & {
    readonly scales: Value | undefined;
    readonly sizes: Value | undefined;
    readonly axes: readonly number[] | undefined;
    readonly keep_aspect_ratio_policy: string;
  },
): Moved[] {
  const along = axesOf(at.axes, X.shape.length);
  const factors = at.sizes ? undefined : scalesOf(at.scales);
  const crops = at.coordinate_transformation_mode === 'tf_crop_and_resize';
  const moved = along.flatMap((axis, i): Moved[] => {
    const [size, made, scale] = [X.shape[axis]!, Y.shape[axis]!, factors?.[i]];
    const isSame = size === made && size !== '' && (scale === undefined || scale === 1);
    if (isSame && (typeof size !== 'number' || !crops)) return [];
    if (typeof size !== 'number' || typeof made !== 'number' || (!factors && !at.sizes))
      throw errors.SHAPE({ operator: 'Resize', found: [X.shape, Y.shape], wanted: 'known sizes to differentiate' });
    const ratio = scale ?? made / size;
    const repeats = Number.isInteger(ratio) && ratio * size === made && !crops;
    return [{ axis, size, made, scale, position: [i, along.length], repeats }];
  });
  const ratios = new Set(moved.map(({ size, made }) => made / size));
  if (at.sizes && at.keep_aspect_ratio_policy !== 'stretch' && ratios.size > 1)
    throw errors.NOT_DIFFERENTIABLE({ operator: 'Resize', why: 'where an aspect ratio is kept by rounding sizes' });
  return moved;
}

/** Whether nearest samples that grow a whole number of times are each element that often, in order. */
const repeatsInOrder = ({ coordinate_transformation_mode: coordinates, nearest_mode }: Sampling): boolean =>
  coordinates === 'asymmetric'
    ? nearest_mode === 'floor'
    : ['half_pixel', 'pytorch_half_pixel', 'half_pixel_symmetric'].includes(coordinates) &&
      nearest_mode.startsWith('round_');

/** The sum of each element's repeats: a mean over windows that do not overlap, or of an axis of their own. */
function sumsOfRepeats(dY: Value, X: Value, moved: readonly Moved[]): Value {
  const times = new Map(moved.map(({ axis, size, made }) => [axis, made / size]));
  const steps = X.shape.map((_, axis) => times.get(axis) ?? 1);
  if (X.shape.length > 2 && steps[0] === 1 && steps[1] === 1) {
    const [strides, count] = [steps.slice(2), steps.reduce((a, b) => a * b, 1)];
    return Mul(AveragePool(dY, { kernel_shape: strides, strides }), count);
  }
  const sizes = X.shape.map(dim => (typeof dim === 'number' ? dim : -1));
  const apart = Reshape(dY, sizes.flatMap((size, axis) => (times.has(axis) ? [size, steps[axis]!] : [size]))); // prettier-ignore
  const axes = moved.map(({ axis }, i) => axis + 1 + i);
  return ReduceSum(apart, axes, { keepdims: 0 });
}

/** The interpolation along one axis as a matrix: [made, size] by axis 2 of an identity [1, 1, size, size], [size, made] by 3. */
function resizedIdentity(
  builder: Builder,
  { axis, size, made, scale, position, roi }: Omit<Moved, 'repeats'> & { readonly roi: Value | undefined },
  at: Sampling,
): Value {
  const identity = Reshape(EyeLike(ConstantOfShape(builder.constant([size, size]))), [1, 1, size, size]);
  const { antialias, coordinate_transformation_mode, cubic_coeff_a, exclude_outside, mode, nearest_mode } = at;
  const along = <T>(value: T, others: readonly T[]) => others.map((other, i) => (i === axis ? value : other));
  const scales = scale === undefined ? undefined : builder.constant(along(scale, [1, 1, 1, 1]), 'float32');
  const sizes = scale === undefined ? builder.constant(along(made, [1, 1, size, size])) : undefined;
  const resized = Resize(identity, regionAlong(axis, position, roi), scales, sizes, {
    antialias,
    coordinate_transformation_mode,
    cubic_coeff_a,
    exclude_outside,
    mode,
    nearest_mode,
  });
  return Reshape(resized, axis === 2 ? [made, size] : [size, made]);
}

/** The region [starts, ends] of one axis among whole ones. */
function regionAlong(axis: number, [i, count]: readonly [number, number], roi: Value | undefined): Value | undefined {
  if (!roi || roi.shape[0] === 0) return undefined;
  const parts = [0, 1].flatMap(end =>
    [0, 1, 2, 3].map(other =>
      other === axis ? Slice(roi, [i + end * count], [i + end * count + 1]) : roi.builder.constant([end], 'float32'),
    ),
  );
  return Concat(...parts, { axis: 0 });
}

/** One size for both: the smallest or largest ratio over all axes, sizes rounded half up. */
function fitted(sizes: readonly Dim[], wanted: readonly Dim[], policy: string): Dim[] {
  const ratios = sizes.map((size, i) => {
    const to = wanted[i];
    return typeof size === 'number' && typeof to === 'number' ? to / size : undefined;
  });
  if (ratios.some(ratio => ratio === undefined)) return sizes.map(() => '');
  const known = ratios as number[];
  const scale = policy === 'not_larger' ? Math.min(...known) : Math.max(...known);
  return sizes.map(size => Math.floor(scale * (size as number) + 0.5));
}

/** A scale of 1 keeps a name. Scales are float32, and so is onnxruntime's product; a region to crop has no say in it. */
const scaled = (dim: Dim, scale: number): Dim =>
  typeof dim === 'number' ? Math.floor(Math.fround(dim * scale)) : scale === 1 ? dim : '';

/**
 * Version 10 knew X and scales and asymmetric coordinates. Nearest meant the sample before where the map grows and,
 * in onnxruntime, the sample after where it shrinks.
 */
function fromScalesOnly(node: Node, at: UpgradeContext): Node {
  const attributes = new Map(node.attributes);
  attributes.set('coordinate_transformation_mode', { kind: 'string', value: 'asymmetric' });
  if ((node.attributes.get('mode')?.value ?? 'nearest') === 'nearest') {
    const [before, after] = [at.shape(node.inputs[0]!), at.shape(node.outputs[0]!)];
    attributes.set('nearest_mode', { kind: 'string', value: before && after ? nearest(before, after) : 'floor' });
  }
  return { ...node, inputs: [node.inputs[0]!, at.constant([], 'float32'), node.inputs[1]!], attributes };
}
function nearest(before: readonly Dim[], after: readonly Dim[]): 'floor' | 'ceil' {
  const moved = before.flatMap((dim, i) => (dim === after[i] && dim !== '' ? [] : [[dim, after[i]!] as const]));
  const shrinks = moved.map(([from, to]) =>
    typeof from === 'number' && typeof to === 'number' ? to < from : undefined,
  );
  if (shrinks.includes(undefined) || new Set(shrinks).size > 1)
    throw errors.SHAPE({
      operator: 'Resize',
      found: [before, after],
      wanted: 'known sizes that all grow or all shrink, to read its version 10',
    });
  return shrinks[0] ? 'ceil' : 'floor';
}

/** Inputs that held nothing became absent; one way of counting half pixels got another name. */
function withoutEmptyInputs(node: Node, at: UpgradeContext): Node {
  const inputs = node.inputs.map((name, i) => (i > 0 && name && at.shape(name)?.[0] === 0 ? '' : name));
  const is = (key: string, wanted: string) => node.attributes.get(key)?.value === wanted;
  // floor((x + ½) / s) = floor(((x + ½) / s − ½) + ½)
  if (!is('coordinate_transformation_mode', 'tf_half_pixel_for_nn') || !is('nearest_mode', 'floor'))
    return { ...node, inputs };
  const attributes = new Map(node.attributes);
  attributes.set('coordinate_transformation_mode', { kind: 'string', value: 'half_pixel' });
  attributes.set('nearest_mode', { kind: 'string', value: 'round_prefer_ceil' });
  return { ...node, inputs, attributes };
}

/** Deprecated since 10: scales were an attribute up to 8. What it did is Resize of version 10. */
export const Upsample = operator('Upsample', {
  inputs: ['X', 'scales'],
  outputs: ['Y'],
  attributes: { mode: string('nearest') },
  shape: ({ X, scales }) => {
    const factors = scalesOf(scales);
    return { Y: X.shape.map((dim, i) => (factors ? scaled(dim, factors[i] ?? 1) : '')) };
  },
  upgrades: {
    9: (node, at) => {
      const scales = node.attributes.get('scales');
      if (scales?.kind !== 'floats') return node;
      const attributes = new Map(node.attributes);
      attributes.delete('scales');
      return { ...node, inputs: [node.inputs[0]!, at.constant(scales.value, 'float32')], attributes };
    },
    10: node => ({ ...node, op: 'Resize' }),
  },
});

/** X [N, C, …] sampled at grid [N, …, rank]: Y [N, C, …] */
export const GridSample = operator('GridSample', {
  inputs: ['X', 'grid'],
  outputs: ['Y'],
  attributes: { align_corners: int(0), mode: string('linear'), padding_mode: string('zeros') },
  shape: ({ X, grid }) => {
    if (X.shape.length !== grid.shape.length)
      throw errors.SHAPE({ operator: 'GridSample', found: [X.shape, grid.shape], wanted: 'the same rank' });
    return { Y: [...X.shape.slice(0, 2), ...grid.shape.slice(1, -1)] };
  },
  upgrades: {
    20: node => {
      const mode = node.attributes.get('mode');
      const now = { bilinear: 'linear', bicubic: 'cubic' }[mode?.kind === 'string' ? mode.value : ''];
      return now
        ? { ...node, attributes: new Map([...node.attributes, ['mode', { kind: 'string', value: now }]]) }
        : node;
    },
  },
});
/** theta [N, 2, 3] or [N, 3, 4], size [N, C, (D,) H, W]: grid [N, (D,) H, W, 2 or 3] */
export const AffineGrid = operator('AffineGrid', {
  inputs: ['theta', 'size'],
  outputs: ['grid'],
  attributes: { align_corners: int(0) },
  shape: ({ theta, size }) => {
    const rank = size.known?.length ?? size.shape[0];
    const dimensions = theta.shape[1]!;
    const spatial = typeof dimensions === 'number' ? dimensions : typeof rank === 'number' ? rank - 2 : 2;
    const sizes = Array.from({ length: spatial }, (_, i): Dim => size.known?.[i + 2] ?? '');
    return { grid: [theta.shape[0]!, ...sizes, dimensions] };
  },
});

/** rois [regions, 4], batch_indices [regions]: Y [regions, C, output_height, output_width] */
export const RoiAlign = operator('RoiAlign', {
  inputs: ['X', 'rois', 'batch_indices'],
  outputs: ['Y'],
  attributes: {
    coordinate_transformation_mode: string('half_pixel'),
    mode: string('avg'),
    output_height: int(1),
    output_width: int(1),
    sampling_ratio: int(0),
    spatial_scale: float(1),
  },
  shape: ({ X, rois, output_height, output_width }) => ({
    Y: [rois.shape[0]!, X.shape[1]!, output_height, output_width],
  }),
  upgrades: {
    16: node => ({
      ...node,
      attributes: new Map([
        ...node.attributes,
        ['coordinate_transformation_mode', { kind: 'string', value: 'output_half_pixel' }],
      ]),
    }),
  },
});
/** rois [regions, 5]: Y [regions, C, …pooled_shape] */
export const MaxRoiPool = operator('MaxRoiPool', {
  inputs: ['X', 'rois'],
  outputs: ['Y'],
  attributes: { pooled_shape: ints, spatial_scale: float(1) },
  shape: ({ X, rois, pooled_shape }) => ({ Y: [rois.shape[0]!, X.shape[1]!, ...(pooled_shape ?? ['', ''])] }),
});
/** The axes named take the sizes given, cut or padded on both sides. */
export const CenterCropPad = operator('CenterCropPad', {
  inputs: ['input_data', 'shape'],
  outputs: ['output_data'],
  attributes: { axes: ints },
  shape: ({ input_data, shape, axes }) => {
    const out = [...input_data.shape];
    axesOf(axes, out.length).forEach((at, i) => (out[at] = shape.known?.[i] ?? ''));
    return { output_data: out };
  },
  gradient: {
    // what was cut is padded with zeros, what was padded is cut
    input_data: ({ input_data, output_data, doutput_data }) => {
      const rank = input_data.shape.length;
      const pads = Array.from({ length: 2 * rank }, () => 0);
      for (const [axis, size] of input_data.shape.entries()) {
        const made = output_data.shape[axis]!;
        if (made === size && size !== '') continue;
        if (typeof size !== 'number' || typeof made !== 'number')
          throw errors.SHAPE({
            operator: 'CenterCropPad',
            found: [input_data.shape, output_data.shape],
            wanted: 'known sizes to differentiate',
          });
        pads[axis] = Math.trunc((size - made) / 2);
        pads[axis + rank] = size - made - pads[axis];
      }
      return Pad(doutput_data, pads);
    },
    shape: 'none',
  },
});
