// Parts of tensors: picking, joining, cutting, padding, scattering. In shape arithmetic the contents of small integer
// vectors are followed, so that Shape → Gather → Concat → Reshape keeps the batch a name.

import { elementCount } from '../base/index.js';
import type { Attribute, Dim, Node, Value } from '../graph/index.js';
import { int, operator, optionalInt, string, type UpgradeContext } from './define.js';
import { axisOf, plus } from './dims.js';
import { errors } from './errors.js';
import { ReduceSum } from './reduction.js';
import { Shape, Transpose, Unsqueeze } from './layout.js';
import { floatLike, Sub } from './elementwise.js';
import { ConstantOfShape, ScatterElements, ScatterND } from './scattering.js';

/** Attributes that became inputs, in the order of the inputs; trailing ones that are absent stay absent. */
const toInputs =
  (...keys: readonly string[]) =>
  (node: Node, at: UpgradeContext): Node => {
    const attributes = new Map(node.attributes);
    const added = keys.map(key => {
      const attribute = attributes.get(key);
      attributes.delete(key);
      if (attribute?.kind === 'ints') return at.constant(attribute.value);
      if (attribute?.kind === 'float') return at.constant(attribute.value, floatLike(node, at));
      return '';
    });
    while (added.at(-1) === '') added.pop();
    return added.length > 0 ? { ...node, inputs: [...node.inputs, ...added], attributes } : node;
  };

/** A number of a dimension list, or undefined. */
const numbersOf = (value: Value | undefined): readonly number[] | undefined =>
  value?.known?.every(dim => typeof dim === 'number') ? value.known : undefined;

/** Axes moved to the front, and back again. */
const toFront = (value: Value, axis: number): { moved: Value; back: (value: Value) => Value } => {
  if (axis === 0) return { moved: value, back: other => other };
  const perm = [axis, ...value.shape.flatMap((_, i) => (i === axis ? [] : [i]))];
  return {
    moved: Transpose(value, { perm }),
    back: other => Transpose(other, { perm: perm.map((_, i) => perm.indexOf(i)) }),
  };
};

export const Gather = operator('Gather', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { axis: int(0) },
  shape: ({ data, indices, axis }) => {
    const at = axisOf(axis, data.shape.length);
    return { output: [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)] };
  },
  known: ({ data, indices }) => {
    const picked = numbersOf(indices);
    if (!data.known || !picked || data.shape.length !== 1) return undefined;
    return picked.map(i => data.known![axisOf(i, data.known!.length)] ?? '');
  },
  gradient: {
    // rows of dY added into zeros at their indices
    data: ({ data, indices, axis, doutput }): Value => {
      const at = axisOf(axis, data.shape.length);
      const { moved, back } = toFront(data, at);
      const rank = indices.shape.length;
      const perm = [
        ...indices.shape.map((_, i) => at + i),
        ...doutput.shape.flatMap((_, i) => (i >= at && i < at + rank ? [] : [i])),
      ];
      const updates = at === 0 ? doutput : Transpose(doutput, { perm });
      const places = Unsqueeze(indices, [-1]);
      const zeros = ConstantOfShape(Shape(moved));
      return back(ScatterND(zeros, places, updates, { reduction: 'add' }));
    },
    indices: 'none',
  },
});
export const GatherElements = operator('GatherElements', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { axis: int(0) },
  shape: ({ indices }) => ({ output: indices.shape }),
  gradient: {
    data: ({ data, indices, axis, doutput }): Value =>
      ScatterElements(ConstantOfShape(Shape(data)), indices, doutput, { axis, reduction: 'add' }),
    indices: 'none',
  },
});
export const GatherND = operator('GatherND', {
  inputs: ['data', 'indices'],
  outputs: ['output'],
  attributes: { batch_dims: int(0) },
  shape: ({ data, indices, batch_dims }) => {
    const depth = indices.shape.at(-1);
    if (typeof depth !== 'number') return {};
    return { output: [...indices.shape.slice(0, -1), ...data.shape.slice(batch_dims + depth)] };
  },
});

export const Concat = operator('Concat', {
  inputs: ['...inputs'],
  outputs: ['concat_result'],
  attributes: { axis: int(1) },
  shape: ({ inputs, axis }) => {
    const [first, ...rest] = inputs;
    const at = axisOf(axis, first!.shape.length);
    for (const { shape } of rest)
      if (shape.length !== first!.shape.length)
        throw errors.SHAPE({ operator: 'Concat', found: [first!.shape, shape], wanted: 'the same rank' });
    return {
      concat_result: first!.shape.map((dim, i) => {
        if (i === at) return rest.reduce<Dim>((sum, { shape }) => plus(sum, shape[i]!), dim);
        return rest.reduce<Dim>((found, { shape }) => (typeof found === 'number' ? found : (shape[i] ?? found)), dim);
      }),
    };
  },
  known: ({ inputs }) =>
    inputs.every(input => input.known && input.shape.length === 1) ? inputs.flatMap(input => input.known!) : undefined,
  gradient: {
    inputs: ({ inputs, axis, dconcat_result }): (Value | undefined)[] => {
      const sizes = inputs.map(input => input.shape[axisOf(axis, input.shape.length)]!);
      if (inputs.length === 1) return [dconcat_result];
      if (sizes.every(size => typeof size === 'number'))
        return Split.all(inputs.length, dconcat_result, sizes, { axis });
      throw errors.SHAPE({
        operator: 'Concat',
        found: inputs.map(({ shape }) => shape),
        wanted: 'known sizes to differentiate',
      });
    },
  },
});
export const Split = operator('Split', {
  inputs: ['input', 'split?'],
  outputs: ['...outputs'],
  attributes: { axis: int(0), num_outputs: optionalInt },
  shape: ({ input, split, axis, num_outputs, outputCount }) => {
    const at = axisOf(axis, input.shape.length);
    const dim = input.shape[at]!;
    const count = num_outputs ?? outputCount;
    const sizes = split
      ? (split.known ?? Array.from({ length: outputCount }, () => ''))
      : Array.from({ length: outputCount }, (_, i) => {
          if (typeof dim !== 'number') return '';
          const part = Math.ceil(dim / count);
          return Math.min(part, Math.max(0, dim - i * part));
        });
    return { outputs: sizes.map(size => input.shape.map((d, i) => (i === at ? size : d))) };
  },
  upgrades: {
    13: toInputs('split'),
    18: node =>
      node.inputs[1]
        ? node
        : {
            ...node,
            attributes: new Map([
              ...node.attributes,
              ['num_outputs', { kind: 'int', value: node.outputs.length } satisfies Attribute],
            ]),
          },
  },
  gradient: {
    input: ({ input, axis, outputs, doutputs }): Value =>
      Concat(...outputs.map((output, i) => doutputs[i] ?? ConstantOfShape(Shape(output))), {
        axis: axisOf(axis, input.shape.length),
      }),
    split: 'none',
  },
});

/** start…end of a dimension, as ONNX clamps them; the number of elements taken. */
function sliced(dim: Dim, start: Dim, end: Dim, step: Dim): Dim {
  if (typeof start !== 'number' || typeof step !== 'number') return '';
  const isOpen = typeof end === 'number' && (step > 0 ? end >= 2 ** 31 - 1 : end <= -(2 ** 31) + 1);
  if (typeof dim !== 'number') {
    if (start === 0 && step === 1 && (isOpen || end === dim)) return dim;
    return start === 0 && step === 1 && typeof end === 'string' ? end : '';
  }
  if (typeof end !== 'number') return '';
  const clamp = (at: number, low: number, high: number) => Math.min(high, Math.max(low, at < 0 ? at + dim : at));
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  const from = clamp(start, step > 0 ? 0 : 0, high);
  const to = isOpen && step < 0 ? -1 : clamp(end, low, step > 0 ? dim : dim - 1);
  return Math.max(0, Math.ceil((to - from) / step));
}

/** The contents of a tensor at the given places of each axis, in order. */
function atPlaces(known: readonly Dim[], sizes: readonly number[], taken: readonly (readonly number[])[]): Dim[] {
  let offsets = [0];
  sizes.forEach((size, axis) => {
    offsets = offsets.flatMap(offset => taken[axis]!.map(i => offset * size + i));
  });
  return offsets.map(offset => known[offset] ?? '');
}

export const Slice = operator('Slice', {
  inputs: ['data', 'starts', 'ends', 'axes?', 'steps?'],
  outputs: ['output'],
  attributes: {},
  shape: ({ data, starts, ends, axes, steps }) => {
    const out = [...data.shape];
    const count = starts.known?.length ?? ends.known?.length ?? starts.shape[0];
    const along = axes
      ? numbersOf(axes)
      : typeof count === 'number'
        ? Array.from({ length: count }, (_, i) => i)
        : undefined;
    if (!along) return { output: out.map(() => '') };
    along.forEach((axis, i) => {
      const at = axisOf(axis, out.length);
      out[at] = sliced(
        data.shape[at]!,
        starts.known?.[i] ?? '',
        ends.known?.[i] ?? '',
        steps ? (steps.known?.[i] ?? '') : 1,
      );
    });
    return { output: out };
  },
  known: ({ data, starts, ends, axes, steps }) => {
    const [from, to, by] = [numbersOf(starts), numbersOf(ends), steps ? numbersOf(steps) : starts.known?.map(() => 1)];
    const along = axes ? numbersOf(axes) : from?.map((_, i) => i);
    const sizes = data.shape.every(dim => typeof dim === 'number') ? data.shape : undefined;
    if (!data.known || !from || !to || !by || !along || !sizes) return undefined;
    if (elementCount(sizes) !== data.known.length || data.known.length === 0) return undefined;
    const taken = sizes.map(dim => Array.from({ length: dim }, (_, i) => i));
    for (const [i, axis] of along.entries()) {
      const at = axisOf(axis, sizes.length);
      const [dim, start, step] = [sizes[at] ?? 0, from[i]!, by[i]!];
      const first = start < 0 ? Math.max(0, start + dim) : Math.min(start, dim - (step < 0 ? 1 : 0));
      const count = sliced(dim, start, to[i]!, step);
      if (typeof count !== 'number' || !(count <= dim)) return undefined;
      taken[at] = Array.from({ length: count }, (_, n) => first + n * step);
    }
    return atPlaces(data.known, sizes, taken);
  },
  gradient: {
    // dY laid back between zeros; steps of 1
    data: ({ data, starts, ends, axes, steps, doutput }): Value => {
      const [from, to] = [numbersOf(starts), numbersOf(ends)];
      const along = axes ? numbersOf(axes) : from?.map((_, i) => i);
      if (!from || !to || !along || (steps && numbersOf(steps)?.some(step => step !== 1)))
        throw errors.SHAPE({
          operator: 'Slice',
          found: [data.shape],
          wanted: 'constant bounds and steps of 1 to differentiate',
        });
      const rank = data.shape.length;
      const pads = Array.from({ length: 2 * rank }, () => 0);
      along.forEach((axis, i) => {
        const at = axisOf(axis, rank);
        const dim = data.shape[at];
        if (typeof dim !== 'number') {
          if (from[i] === 0 && to[i]! >= 2 ** 31 - 1) return;
          throw errors.SHAPE({ operator: 'Slice', found: [data.shape], wanted: 'a known size along the sliced axis' });
        }
        const begin = Math.min(dim, Math.max(0, from[i]! < 0 ? from[i]! + dim : from[i]!));
        const size = sliced(dim, from[i]!, to[i]!, 1) as number;
        pads[at] = begin;
        pads[rank + at] = dim - begin - size;
      });
      return Pad(doutput, pads);
    },
    starts: 'none',
    ends: 'none',
    axes: 'none',
    steps: 'none',
  },
  upgrades: { 10: toInputs('starts', 'ends', 'axes') },
});

export const Pad = operator('Pad', {
  inputs: ['data', 'pads', 'constant_value?', 'axes?'],
  outputs: ['output'],
  attributes: { mode: string('constant') },
  shape: ({ data, pads, axes }) => {
    const rank = data.shape.length;
    const along = axes ? numbersOf(axes) : data.shape.map((_, i) => i);
    const out = [...data.shape];
    if (!along) return { output: out.map(() => '') };
    along.forEach((axis, i) => {
      const at = axisOf(axis, rank);
      out[at] = plus(out[at]!, plus(pads.known?.[i] ?? '', pads.known?.[i + along.length] ?? ''));
    });
    return { output: out };
  },
  gradient: {
    data: ({ data, pads, axes, mode, doutput }): Value => unpadded(data, pads, axes, mode, doutput),
    pads: 'none',
    // what lies outside of the data
    constant_value: ({ data, pads, axes, mode, doutput }) =>
      Sub(
        ReduceSum(doutput, undefined, { keepdims: 0 }),
        ReduceSum(unpadded(data, pads, axes, mode, doutput), undefined, { keepdims: 0 }),
      ),
    axes: 'none',
  },
  upgrades: { 11: toInputs('pads', 'value') },
});

/** The part of a padded gradient that belongs to the data. */
function unpadded(data: Value, pads: Value, axes: Value | undefined, mode: string, padded: Value): Value {
  const widths = numbersOf(pads);
  const along = axes ? numbersOf(axes) : data.shape.map((_, i) => i);
  if (mode !== 'constant' || !widths || !along)
    throw errors.SHAPE({
      operator: 'Pad',
      found: [data.shape],
      wanted: 'constant padding of known width to differentiate',
    });
  const cut = along
    .map((axis, i) => ({ axis, before: widths[i]!, after: widths[i + along.length]! }))
    .filter(({ before, after }) => before !== 0 || after !== 0);
  if (cut.length === 0) return padded;
  return Slice(
    padded,
    cut.map(({ before }) => before),
    cut.map(({ after }) => (after === 0 ? 2 ** 31 : -after)),
    cut.map(({ axis }) => axis),
  );
}
