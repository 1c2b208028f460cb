// Parts of tensors: picking, joining, cutting, padding, scattering. In shape arithmetic the contents of small integer
// vectors are followed, so that Shape → Gather → Concat → Reshape keeps the batch a name.

import { elementCount } from '../base/index.js';
import type { Attribute, Dim, Node, Value } from '../graph/index.js';
import { int, operator, optionalInt, string, type UpgradeContext } from './define.js';
import { axisOf, plus } from './dims.js';
import { errors } from './errors.js';
import { ReduceSum } from './reduction.js';
import { Expand, Reshape, Shape, Squeeze, Unsqueeze } from './layout.js';
import { floatLike, Neg, Sub, Sum } from './elementwise.js';
import { laidBack, runIn, runsOf, scattered, type Cut } from './places.js';
import { Range, ScatterElements, ScatterND, zerosLike } from './scattering.js';

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
    data: ({ data, indices, axis, doutput }): Value => {
      const at = axisOf(axis, data.shape.length);
      const run = runIn(numbersOf(indices), data.shape[at]!);
      if (run && indices.shape.length < 2)
        return laidBack(indices.shape.length === 0 ? Unsqueeze(doutput, [at]) : doutput, [{ axis: at, ...run }]);
      return scattered(doutput, data, at, indices);
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
      ScatterElements(zerosLike(data), indices, doutput, { axis, reduction: 'add' }),
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
  gradient: {
    data: ({ data, indices, batch_dims, doutput }): Value =>
      ScatterND(zerosLike(data), withBatch(data, indices, batch_dims), doutput, { reduction: 'add' }),
    indices: 'none',
  },
});

/** Indices [b0, …, rest, depth] with their batch coordinates in front, for an operator that knows no batch. */
function withBatch(data: Value, indices: Value, count: number): Value {
  if (count === 0) return indices;
  const rank = indices.shape.length;
  const last = indices.builder.constant([1]);
  const shape = Concat(Shape(indices, { end: -1 }), last, { axis: 0 });
  const coordinates = Array.from({ length: count }, (_, axis) => {
    const inner = Array.from({ length: rank - 1 - axis }, (_, i) => i + 1);
    return Expand(Unsqueeze(counted(data, axis), inner), shape);
  });
  return Concat(...coordinates, indices, { axis: -1 });
}
/** 0, 1, … along an axis. */
function counted(data: Value, axis: number): Value {
  const size = data.shape[axis];
  const { builder } = data;
  const limit =
    typeof size === 'number'
      ? builder.constant(size, 'int64')
      : Squeeze(Shape(data, { start: axis, end: axis + 1 }), [0]);
  return Range(builder.constant(0, 'int64'), limit, builder.constant(1, 'int64'));
}

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
      if (inputs.length === 1) return [dconcat_result];
      const sizes = inputs.map(input => input.shape[axisOf(axis, input.shape.length)]!);
      const known = sizes.every(size => typeof size === 'number');
      return Split.all(inputs.length, dconcat_result, known ? sizes : sizesAlong(inputs, axis), { axis });
    },
  },
});
/** The sizes of values along an axis, as they turn out. */
function sizesAlong(values: readonly Value[], axis: number): Value {
  const parts = values.map(value => {
    const start = axisOf(axis, value.shape.length);
    return Shape(value, { start, end: start + 1 });
  });
  return Concat(...parts, { axis: 0 });
}
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
      Concat(...outputs.map((output, i) => doutputs[i] ?? zerosLike(output)), {
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
    data: ({ data, starts, ends, axes, steps, doutput }): Value => {
      const count = starts.known?.length ?? starts.shape[0];
      const along = axes ? numbersOf(axes) : Array.from({ length: Number(count) || 0 }, (_, i) => i);
      if (!along?.length) throw errors.NOT_DIFFERENTIABLE({ operator: 'Slice', why: 'along axes that are computed' });
      const cuts = along.flatMap((axis, i): Cut[] | [undefined] => {
        const at = axisOf(axis, data.shape.length);
        const bounds = [starts, ends].map(bound => numbersOf(bound)?.[i]);
        const step = steps ? numbersOf(steps)?.[i] : 1;
        return cutOf(data.shape[at]!, at, bounds[0], bounds[1], step);
      });
      if (cuts.every(cut => cut !== undefined)) return laidBack(doutput, cuts);
      // bounds that are computed, or of an axis that is a name: what was taken is found by taking it from 0, 1, …
      return along.reduceRight((part, axis, i) => {
        const at = axisOf(axis, data.shape.length);
        const bound = (from: Value) => Slice(from, [i], [i + 1]);
        const by = steps ? bound(steps) : undefined;
        const places = Slice(counted(data, at), bound(starts), bound(ends), [0], by);
        return scattered(part, data, at, places);
      }, doutput);
    },
    starts: 'none',
    ends: 'none',
    axes: 'none',
    steps: 'none',
  },
  upgrades: { 10: toInputs('starts', 'ends', 'axes') },
});

/** What Slice takes along one axis: nothing where it takes all in order, undefined where that is not known. */
function cutOf(dim: Dim, axis: number, start?: number, end?: number, step?: number): Cut[] | [undefined] {
  if (start === undefined || end === undefined || step === undefined) return [undefined];
  if (typeof dim !== 'number') {
    const isAll = sliced(dim, start, end, step) === dim;
    return isAll ? [] : [undefined];
  }
  const from = start < 0 ? Math.max(0, start + dim) : Math.min(start, dim - (step < 0 ? 1 : 0));
  const count = sliced(dim, start, end, step) as number;
  return from === 0 && step === 1 && count === dim ? [] : [{ axis, size: dim, start: from, step, count }];
}

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
    data: ({ data, pads, axes, mode, doutput }): Value =>
      mode === 'constant' ? unpadded(data, pads, axes, doutput) : foldedBack(data, pads, axes, mode, doutput),
    pads: 'none',
    // what lies outside of the data
    constant_value: ({ data, pads, axes, doutput }) =>
      Sub(
        ReduceSum(doutput, undefined, { keepdims: 0 }),
        ReduceSum(unpadded(data, pads, axes, doutput), undefined, { keepdims: 0 }),
      ),
    axes: 'none',
  },
  upgrades: { 11: toInputs('pads', 'value') },
});

/** The part of a padded gradient that belongs to the data: padded by less than nothing, zeros where it was cut. */
function unpadded(data: Value, pads: Value, axes: Value | undefined, padded: Value): Value {
  const inside = withoutPads(pads, axes, padded);
  // widths that are computed, or of an axis that is a name, leave the shape open: it is stated
  return inside.shape.every((dim, i) => dim === data.shape[i]) ? inside : Reshape(inside, Shape(data));
}
function withoutPads(pads: Value, axes: Value | undefined, padded: Value): Value {
  const widths = numbersOf(pads);
  const along = axes ? numbersOf(axes) : widths && Array.from({ length: widths.length / 2 }, (_, i) => i);
  if (!widths || !along) return Pad(padded, Neg(pads), undefined, axes);
  const less = widths.map(width => 0 - width);
  if (less.some(width => width > 0)) return Pad(padded, less, undefined, axes);
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

/** Which element of the data each element of an axis padded with data is. */
function sourcesOf(size: number, before: number, after: number, mode: string): number[] {
  // below zero, elements are cut off first and what is left is padded
  const low = Math.max(0, -before);
  const left = size - low - Math.max(0, -after);
  const inside = (place: number): number => {
    if (mode === 'edge') return Math.min(left - 1, Math.max(0, place));
    if (mode === 'wrap') return ((place % left) + left) % left;
    const period = Math.max(1, 2 * (left - 1));
    const within = ((place % period) + period) % period;
    return Math.min(within, period - within);
  };
  const [front, back] = [Math.max(0, before), Math.max(0, after)];
  return Array.from({ length: front + left + back }, (_, i) => low + inside(i - front));
}

/** Modes that pad with the data's own elements: each axis cut into runs, every run added to where it came from. */
function foldedBack(data: Value, pads: Value, axes: Value | undefined, mode: string, padded: Value): Value {
  const widths = numbersOf(pads);
  const along = axes ? numbersOf(axes) : data.shape.map((_, i) => i);
  if (!widths || !along)
    throw errors.NOT_DIFFERENTIABLE({ operator: 'Pad', why: `by ${mode} over widths that are computed` });
  return along.reduce((whole, at, i) => {
    const axis = axisOf(at, data.shape.length);
    const [size, before, after] = [data.shape[axis], widths[i]!, widths[i + along.length]!];
    if (before === 0 && after === 0) return whole;
    if (typeof size !== 'number')
      throw errors.SHAPE({ operator: 'Pad', found: [data.shape], wanted: 'known sizes to differentiate' });
    const parts = runsOf(sourcesOf(size, before, after, mode)).map(({ from, start, step, count }) => {
      const part = Slice(whole, [from], [from + count], [axis]);
      const isRepeated = step === 0 && count > 1;
      const cut = isRepeated ? { start, step: 1, count: 1 } : { start, step: step || 1, count };
      return laidBack(isRepeated ? ReduceSum(part, [axis]) : part, [{ axis, size, ...cut }]);
    });
    return parts.length === 1 ? parts[0]! : Sum(...parts);
  }, padded);
}
