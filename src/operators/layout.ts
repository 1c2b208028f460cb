// The same elements in another arrangement: reshaping, permuting, repeating.

import { elementCount } from '../base/index.js';
import type { Dim, Node, Value } from '../graph/index.js';
import { int, ints, operator, type UpgradeContext } from './define.js';
import { axesOf, axisOf, broadcast, over, product, times } from './dims.js';
import { errors } from './errors.js';
import { ReduceSum } from './reduction.js';

/** An attribute that became an input. */
const toInput =
  (key: string) =>
  (node: Node, at: UpgradeContext): Node => {
    const attribute = node.attributes.get(key);
    if (attribute?.kind !== 'ints') return node;
    const attributes = new Map(node.attributes);
    attributes.delete(key);
    return { ...node, inputs: [node.inputs[0]!, at.constant(attribute.value)], attributes };
  };

/** A value's shape for a Reshape: numbers, -1 for a dimension that is a name, or a Shape node where there are several. */
export const reshapeTo = (value: Value): Value | readonly number[] =>
  value.shape.filter(dim => typeof dim !== 'number').length <= 1
    ? value.shape.map(dim => (typeof dim === 'number' ? dim : -1))
    : Shape(value);

export const Shape = operator('Shape', {
  inputs: ['data'],
  outputs: ['shape'],
  attributes: { start: int(0), end: { kind: 'int', default: undefined as number | undefined } },
  shape: ({ data, start, end }) => ({ shape: [data.shape.slice(start, end).length] }),
  types: () => ({ shape: 'int64' }),
  known: ({ data, start, end }) => data.shape.slice(start, end),
  gradient: { data: 'none' },
});
export const Size = operator('Size', {
  inputs: ['data'],
  outputs: ['size'],
  attributes: {},
  shape: () => ({ size: [] }),
  types: () => ({ size: 'int64' }),
  known: ({ data }) => [product(data.shape)],
  gradient: { data: 'none' },
});

export const Reshape = operator('Reshape', {
  inputs: ['data', 'shape'],
  outputs: ['reshaped'],
  attributes: { allowzero: int(0) },
  shape: ({ data, shape, allowzero }) => {
    const known = shape.known;
    if (!known) {
      const rank = shape.shape[0];
      return { reshaped: typeof rank === 'number' ? Array.from({ length: rank }, () => '') : [] };
    }
    const dims = known.map((dim, i) => (dim === 0 && !allowzero ? (data.shape[i] ?? '') : dim));
    const open = dims.indexOf(-1);
    if (open >= 0) {
      const rest = product(dims.filter((_, i) => i !== open));
      const whole = product(data.shape);
      if (typeof rest === 'number' && typeof whole === 'number' && rest > 0 && whole % rest)
        throw errors.SHAPE({ operator: 'Reshape', found: [data.shape, dims], wanted: 'sizes that divide' });
      dims[open] = over(whole, rest);
    } else {
      const [wanted, found] = [product(dims), product(data.shape)];
      if (typeof wanted === 'number' && typeof found === 'number' && wanted !== found)
        throw errors.SHAPE({ operator: 'Reshape', found: [data.shape, dims], wanted: 'the same number of elements' });
      // One name that is nowhere else: what the rest leaves over.
      const unknown = dims.flatMap((dim, i) => (dim === '' ? [i] : []));
      if (unknown.length === 1) dims[unknown[0]!] = over(found, product(dims.filter((_, i) => i !== unknown[0])));
    }
    return { reshaped: dims };
  },
  known: ({ data }) => data.known,
  gradient: { data: ({ data, dreshaped }): Value => Reshape(dreshaped, reshapeTo(data)), shape: 'none' },
  upgrades: { 5: toInput('shape') },
});
export const Flatten = operator('Flatten', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axis: int(1) },
  shape: ({ X, axis }) => {
    const at = axisOf(axis, X.shape.length);
    return { Y: [product(X.shape.slice(0, at)), product(X.shape.slice(at))] };
  },
  gradient: { X: ({ X, dY }) => Reshape(dY, reshapeTo(X)) },
});
export const Squeeze = operator('Squeeze', {
  inputs: ['data', 'axes?'],
  outputs: ['squeezed'],
  attributes: {},
  shape: ({ data, axes }) => {
    const away = axes ? axesOf((axes.known ?? []) as number[], data.shape.length) : undefined;
    return { squeezed: data.shape.filter((dim, i) => (away ? !away.includes(i) : dim !== 1)) };
  },
  known: ({ data }) => data.known,
  gradient: { data: ({ data, dsqueezed }) => Reshape(dsqueezed, reshapeTo(data)), axes: 'none' },
  upgrades: { 13: toInput('axes') },
});
export const Unsqueeze = operator('Unsqueeze', {
  inputs: ['data', 'axes'],
  outputs: ['expanded'],
  attributes: {},
  shape: ({ data, axes }) => {
    const count = (axes.known?.length ?? Number(axes.shape[0] ?? 1)) + data.shape.length;
    const added = axesOf((axes.known ?? []) as number[], count);
    const rest = [...data.shape];
    return { expanded: Array.from({ length: count }, (_, i) => (added.includes(i) ? 1 : (rest.shift() ?? 1))) };
  },
  known: ({ data }) => data.known,
  gradient: { data: ({ data, dexpanded }) => Reshape(dexpanded, reshapeTo(data)), axes: 'none' },
  upgrades: { 13: toInput('axes') },
});
/** The contents of a tensor in the order of its transpose; undefined where there are none or a size is no number. */
function permuted(known: readonly Dim[], shape: readonly Dim[], perm: readonly number[]): Dim[] | undefined {
  const sizes = shape.map(Number);
  if (elementCount(sizes) !== known.length || known.length === 0) return undefined;
  const strides = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((a, b) => a * b, 1));
  let offsets = [0];
  for (const axis of perm)
    offsets = offsets.flatMap(offset =>
      Array.from({ length: sizes[axis] ?? 0 }, (_, i) => offset + i * strides[axis]!),
    );
  return offsets.map(offset => known[offset] ?? '');
}
export const Transpose = operator('Transpose', {
  inputs: ['data'],
  outputs: ['transposed'],
  attributes: { perm: ints },
  shape: ({ data, perm }) => ({ transposed: perm ? perm.map(i => data.shape[i]!) : [...data.shape].reverse() }),
  known: ({ data, perm }) =>
    data.known && permuted(data.known, data.shape, perm ?? data.shape.map((_, i) => i).reverse()),
  gradient: {
    data: ({ dtransposed, perm }): Value =>
      perm ? Transpose(dtransposed, { perm: perm.map((_, i) => perm.indexOf(i)) }) : Transpose(dtransposed),
  },
});
export const Expand = operator('Expand', {
  inputs: ['X', 'shape'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X, shape }) => ({
    Y: shape.known
      ? broadcast('Expand', X.shape, shape.known)
      : Array.from({ length: Math.max(X.shape.length, Number(shape.shape[0]) || 0) }, () => ''),
  }),
  known: ({ X, shape }) =>
    X.known?.length === 1 && shape.known?.length === 1 && typeof shape.known[0] === 'number' && shape.known[0] <= 64
      ? Array.from({ length: shape.known[0] }, () => X.known![0]!)
      : undefined,
  gradient: { X: ({ dY }) => dY, shape: 'none' },
});
export const Tile = operator('Tile', {
  inputs: ['X', 'repeats'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X, repeats }) => ({ Y: X.shape.map((dim, i) => times(dim, repeats.known?.[i] ?? '')) }),
  gradient: {
    // dY seen as [r0, d0, r1, d1, …] and summed over the repeats
    X: ({ X, repeats, dY }) => {
      const known = repeats.known;
      const open = X.shape.filter(dim => typeof dim !== 'number').length;
      if (open > 1 || !known?.every(times => typeof times === 'number'))
        throw errors.SHAPE({ operator: 'Tile', found: [X.shape], wanted: 'known repeats and sizes to differentiate' });
      const pairs = X.shape.flatMap((dim, i) => [known[i]!, typeof dim === 'number' ? dim : -1]);
      return ReduceSum(
        Reshape(dY, pairs),
        X.shape.map((_, i) => 2 * i),
        { keepdims: 0 },
      );
    },
    repeats: 'none',
  },
});
const blocks = (name: 'DepthToSpace' | 'SpaceToDepth') =>
  name === 'DepthToSpace'
    ? (dims: readonly Dim[], b: number): Dim[] => [
        dims[0]!,
        over(dims[1]!, b * b),
        times(dims[2]!, b),
        times(dims[3]!, b),
      ]
    : (dims: readonly Dim[], b: number): Dim[] => [
        dims[0]!,
        times(dims[1]!, b * b),
        over(dims[2]!, b),
        over(dims[3]!, b),
      ];
export const DepthToSpace = operator('DepthToSpace', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { blocksize: int(2), mode: { kind: 'string', default: 'DCR' } },
  shape: ({ X, blocksize }) => ({ Y: blocks('DepthToSpace')(X.shape, blocksize) }),
  gradient: {
    X: ({ X, dY, blocksize: b, mode }): Value => {
      if (mode === 'DCR') return SpaceToDepth(dY, { blocksize: b });
      const [d, h, w] = dY.shape.slice(1) as [number, number, number];
      const split = Reshape(dY, [-1, d, h / b, b, w / b, b]);
      return Reshape(Transpose(split, { perm: [0, 1, 3, 5, 2, 4] }), reshapeTo(X));
    },
  },
});
export const SpaceToDepth = operator('SpaceToDepth', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { blocksize: int(2) },
  shape: ({ X, blocksize }) => ({ Y: blocks('SpaceToDepth')(X.shape, blocksize) }),
  gradient: { X: ({ dY, blocksize }): Value => DepthToSpace(dY, { blocksize }) },
});
