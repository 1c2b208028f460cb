// Tensors made from indices and sizes: scattering, filling, counting.

import { floats, integers } from '../base/index.js';
import type { Dim, Value } from '../graph/index.js';
import { int, operator, optionalTensor, string } from './define.js';
import { axisOf } from './dims.js';
import { errors } from './errors.js';
import { Mul, Sub } from './elementwise.js';
import { Concat, GatherElements, GatherND } from './indexing.js';
import { Shape, Unsqueeze } from './layout.js';
import { ReduceSum } from './reduction.js';

/** What a scatter leaves of the gradient of its data: all of it under sums, zeros where it wrote over. */
function keptOf(operator: string, reduction: string, doutput: Value, overwritten: () => Value): Value {
  if (reduction === 'add') return doutput;
  if (reduction === 'none') return overwritten();
  throw errors.NOT_DIFFERENTIABLE({ operator, why: `with reduction '${reduction}'; sums and plain writes are` });
}

export const ScatterElements = operator('ScatterElements', {
  inputs: ['data', 'indices', 'updates'],
  outputs: ['output'],
  attributes: { axis: int(0), reduction: string('none') },
  shape: ({ data }) => ({ output: data.shape }),
  gradient: {
    data: ({ doutput, indices, updates, axis, reduction }): Value =>
      keptOf('ScatterElements', reduction, doutput, () =>
        ScatterElements(doutput, indices, zerosLike(updates), { axis }),
      ),
    indices: 'none',
    updates: ({ doutput, indices, axis, reduction }): Value => {
      const taken = GatherElements(doutput, indices, { axis });
      return keptOf('ScatterElements', reduction, taken, () => taken);
    },
  },
});
/** What ScatterElements was called before opset 11. */
export const Scatter = operator('Scatter', {
  inputs: ['data', 'indices', 'updates'],
  outputs: ['output'],
  attributes: { axis: int(0) },
  shape: ({ data }) => ({ output: data.shape }),
  upgrades: { 11: node => ({ ...node, op: 'ScatterElements' }) },
});
export const ScatterND = operator('ScatterND', {
  inputs: ['data', 'indices', 'updates'],
  outputs: ['output'],
  attributes: { reduction: string('none') },
  shape: ({ data }) => ({ output: data.shape }),
  gradient: {
    data: ({ doutput, indices, updates, reduction }): Value =>
      keptOf('ScatterND', reduction, doutput, () => ScatterND(doutput, indices, zerosLike(updates))),
    indices: 'none',
    updates: ({ doutput, indices, reduction }): Value => {
      const taken = GatherND(doutput, indices);
      return keptOf('ScatterND', reduction, taken, () => taken);
    },
  },
});

/** Zeros of a value's shape. */
export const zerosLike = (value: Value): Value =>
  ConstantOfShape(
    value.shape.every(dim => typeof dim === 'number') ? value.builder.constant(value.shape) : Shape(value),
  );

/** A tensor of one value; float32 zeros where no value is given. */
export const ConstantOfShape = operator('ConstantOfShape', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { value: optionalTensor },
  shape: ({ input }) => ({
    output: input.known ?? Array.from({ length: Number(input.shape[0]) || 0 }, () => ''),
  }),
  types: ({ value }) => ({ output: value?.type ?? 'float32' }),
  known: ({ input, value }) => {
    const count = input.known?.length === 1 ? input.known[0] : undefined;
    if (typeof count !== 'number' || !(count >= 0 && count <= 1024) || value?.type !== 'int64') return undefined;
    const [held] = integers(value);
    return Array.from({ length: count }, () => held!);
  },
});
/** The one number inside, integers or floats. */
const scalarOf = (value: Value): Dim | undefined =>
  value.known?.[0] ?? (value.data && value.data.type !== 'string' ? floats(value.data)[0] : undefined);

export const Range = operator('Range', {
  inputs: ['start', 'limit', 'delta'],
  outputs: ['output'],
  attributes: {},
  shape: ({ start, limit, delta }) => {
    const [from, to, by] = [scalarOf(start), scalarOf(limit), scalarOf(delta)];
    if (typeof from === 'number' && typeof to === 'number' && typeof by === 'number')
      return { output: [Math.max(0, Math.ceil((to - from) / by))] };
    return { output: [from === 0 && by === 1 && to ? to : ''] };
  },
  known: ({ start, limit, delta }) => {
    const [from, to, by] = [start.known?.[0], limit.known?.[0], delta.known?.[0]];
    if (typeof from !== 'number' || typeof to !== 'number' || typeof by !== 'number') return undefined;
    const count = Math.max(0, Math.ceil((to - from) / by));
    return count <= 1024 ? Array.from({ length: count }, (_, i) => from + i * by) : undefined;
  },
  gradient: { start: 'none', limit: 'none', delta: 'none' },
});
export const OneHot = operator('OneHot', {
  inputs: ['indices', 'depth', 'values'],
  outputs: ['output'],
  attributes: { axis: int(-1) },
  shape: ({ indices, depth, axis }) => {
    const out = [...indices.shape];
    out.splice(axisOf(axis, out.length + 1), 0, depth.known?.[0] ?? '');
    return { output: out };
  },
  types: ({ values }) => ({ output: values.type }),
  gradient: {
    indices: 'none',
    depth: 'none',
    // values [off, on]
    values: ({ indices, depth, axis, doutput }): Value => {
      const hot = doutput.builder.constant([0, 1], 'float32');
      const all = ReduceSum(doutput, undefined, { keepdims: 0 });
      const on = ReduceSum(Mul(doutput, OneHot(indices, depth, hot, { axis })), undefined, { keepdims: 0 });
      return Concat(Unsqueeze(Sub(all, on), [0]), Unsqueeze(on, [0]), { axis: 0 });
    },
  },
});
export const Trilu = operator('Trilu', {
  inputs: ['input', 'k?'],
  outputs: ['output'],
  attributes: { upper: int(1) },
  shape: ({ input }) => ({ output: input.shape }),
  gradient: { input: ({ doutput, k, upper }): Value => Trilu(doutput, k, { upper }), k: 'none' },
});
export const CumSum = operator('CumSum', {
  inputs: ['x', 'axis'],
  outputs: ['y'],
  attributes: { exclusive: int(0), reverse: int(0) },
  shape: ({ x }) => ({ y: x.shape }),
  gradient: {
    x: ({ dy, axis, exclusive, reverse }): Value => CumSum(dy, axis, { exclusive, reverse: 1 - reverse }),
    axis: 'none',
  },
});
export const NonZero = operator('NonZero', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: [X.shape.length, ''] }),
  types: () => ({ Y: 'int64' }),
  gradient: { X: 'none' },
});
export const Compress = operator('Compress', {
  inputs: ['input', 'condition'],
  outputs: ['output'],
  attributes: { axis: { kind: 'int', default: undefined as number | undefined } },
  shape: ({ input, axis }) => ({
    output:
      axis === undefined ? [''] : input.shape.map((dim, i) => (i === axisOf(axis, input.shape.length) ? '' : dim)),
  }),
});
export const ReverseSequence = operator('ReverseSequence', {
  inputs: ['input', 'sequence_lens'],
  outputs: ['Y'],
  attributes: { batch_axis: int(1), time_axis: int(0) },
  shape: ({ input }) => ({ Y: input.shape }),
  gradient: {
    // reversed once more, everything is where it was
    input: ({ dY, sequence_lens, batch_axis, time_axis }): Value =>
      ReverseSequence(dY, sequence_lens, { batch_axis, time_axis }),
    sequence_lens: 'none',
  },
});
