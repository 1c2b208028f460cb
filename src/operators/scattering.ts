// Tensors made from indices and sizes: scattering, filling, counting.

import { floats, integers } from '../base/index.js';
import type { Dim, Value } from '../graph/index.js';
import { int, operator, optionalTensor, string } from './define.js';
import { axisOf } from './dims.js';
import { errors } from './errors.js';
import { GatherElements, GatherND } from './indexing.js';

/** Only sums of scattered values have a gradient that is a gather. */
const onlyAdd = (operator: string, reduction: string): void => {
  if (reduction !== 'add') throw errors.SHAPE({ operator, found: [], wanted: "reduction 'add' to differentiate" });
};

export const ScatterElements = operator('ScatterElements', {
  inputs: ['data', 'indices', 'updates'],
  outputs: ['output'],
  attributes: { axis: int(0), reduction: string('none') },
  shape: ({ data }) => ({ output: data.shape }),
  gradient: {
    data: ({ doutput, reduction }) => {
      onlyAdd('ScatterElements', reduction);
      return doutput;
    },
    indices: 'none',
    updates: ({ doutput, indices, axis }): Value => GatherElements(doutput, indices, { axis }),
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
    data: ({ doutput, reduction }) => {
      onlyAdd('ScatterND', reduction);
      return doutput;
    },
    indices: 'none',
    updates: ({ doutput, indices }): Value => GatherND(doutput, indices),
  },
});

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
});
