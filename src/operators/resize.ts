// Other samples of the same map: resizing, grids of coordinates, regions of interest, centred crops.

import { floats as floatsOf } from '../base/index.js';
import type { Dim, Node, Value } from '../graph/index.js';
import { float, int, ints, operator, string, type UpgradeContext } from './define.js';
import { axesOf } from './dims.js';
import { errors } from './errors.js';

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
  upgrades: { 11: fromScalesOnly, 13: withoutEmptyInputs },
});

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
});
