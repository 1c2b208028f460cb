// Reductions over axes. Since 18 the axes are an input; a missing one means all axes (or none, by attribute).

import type { Dim, Node, Value } from '../graph/index.js';
import { int, operator, type Operator, type UpgradeContext } from './define.js';
import { axesOf, axisOf } from './dims.js';
import { Add, Cast, Div, Equal, Exp, Mul, Sign, Sub, mask, numberOf } from './elementwise.js';
import { Expand, Shape, Unsqueeze } from './layout.js';

interface At {
  readonly data: Value;
  readonly reduced: Value;
  readonly dreduced: Value;
  readonly axes?: Value;
  readonly keepdims: number;
  readonly noop_with_empty_axes: number;
}
const attributes = { keepdims: int(1), noop_with_empty_axes: int(0) };

/** The axes that a reduction takes away: all where none are named. */
function reducedAxes(data: Value, axes: Value | undefined, noop: number): number[] | undefined {
  const known = axes?.known;
  if (axes && !known) return undefined;
  if (!known?.length) return noop ? [] : axesOf(undefined, data.shape.length);
  return axesOf(known as number[], data.shape.length);
}

function reduce(data: Value, axes: Value | undefined, keepdims: number, noop: number): readonly Dim[] {
  const away = reducedAxes(data, axes, noop);
  if (!away)
    return keepdims
      ? data.shape.map(() => '')
      : Array.from({ length: Math.max(0, data.shape.length - Number(axes?.shape[0] ?? 0)) }, () => '');
  return data.shape.flatMap((dim, i) => (away.includes(i) ? (keepdims ? [1] : []) : [dim]));
}

/** The axes attribute became an input: at 13 for ReduceSum, at 18 for the others. */
const axesToInput = (node: Node, at: UpgradeContext): Node => {
  const axes = node.attributes.get('axes');
  const rest = new Map(node.attributes);
  rest.delete('axes');
  return axes?.kind === 'ints'
    ? { ...node, inputs: [node.inputs[0]!, at.constant(axes.value)], attributes: rest }
    : { ...node, attributes: rest };
};

/** A reduced value or gradient with its axes back as ones, so that it broadcasts against the data. */
function kept(value: Value, { axes, keepdims, data, noop_with_empty_axes }: At): Value {
  if (keepdims) return value;
  const away = reducedAxes(data, axes, noop_with_empty_axes);
  if (!away) return Unsqueeze(value, axes);
  return away.length > 0 ? Unsqueeze(value, away) : value;
}

/** How many elements fall into one; a node where the batch is among them. */
function countOf(at: At): Value | number {
  const away = reducedAxes(at.data, at.axes, at.noop_with_empty_axes);
  const dims = away?.map(axis => at.data.shape[axis]!) ?? [''];
  if (dims.every(dim => typeof dim === 'number')) return dims.reduce((a, b) => a * b, 1);
  const type = { to: numberOf(at.data.type) };
  const all = Cast(Shape(at.data), type);
  const one = Cast(Shape(kept(at.reduced, at)), type);
  return ReduceProd(Div(all, one), undefined, { keepdims: 0 });
}

const reduction = (name: string, data: (at: At) => Value, axesAt: number): Operator<typeof attributes> =>
  operator(name, {
    inputs: ['data', 'axes?'],
    outputs: ['reduced'],
    attributes,
    shape: ({ data, axes, keepdims, noop_with_empty_axes }) => ({
      reduced: reduce(data, axes, keepdims, noop_with_empty_axes),
    }),
    gradient: { data, axes: 'none' },
    upgrades: { [axesAt]: axesToInput },
  });

export const ReduceSum = reduction('ReduceSum', at => spread(kept(at.dreduced, at), at.data), 13);
export const ReduceMean = reduction(
  'ReduceMean',
  at => {
    const count = countOf(at);
    const dY = kept(at.dreduced, at);
    return spread(typeof count === 'number' ? Mul(dY, 1 / count) : Div(dY, count), at.data);
  },
  18,
);
/** The same axes as the node's own reduction, which stay as ones. */
const alike = (reduce: Operator<typeof attributes>, value: Value, { axes, noop_with_empty_axes }: At): Value =>
  reduce(value, axes, { noop_with_empty_axes });
/** Equal extremes share the gradient. */
const extreme = (name: string) =>
  reduction(
    name,
    at => {
      const hits = mask(Equal(at.data, kept(at.reduced, at)), at.data);
      return Mul(hits, Div(kept(at.dreduced, at), alike(ReduceSum, hits, at)));
    },
    18,
  );
export const ReduceMax = extreme('ReduceMax');
export const ReduceMin = extreme('ReduceMin');
export const ReduceL1 = reduction('ReduceL1', at => Mul(Sign(at.data), kept(at.dreduced, at)), 18);
/** 0 where all elements are 0. */
export const ReduceL2 = reduction(
  'ReduceL2',
  at => {
    const [Y, dY] = [kept(at.reduced, at), kept(at.dreduced, at)];
    return Mul(at.data, Div(dY, Add(Y, mask(Equal(Y, 0), Y))));
  },
  18,
);
export const ReduceSumSquare = reduction('ReduceSumSquare', at => Mul(at.data, Mul(kept(at.dreduced, at), 2)), 18);
/** The product of the other elements, also where some are 0: zeros are counted and left out of the product. */
export const ReduceProd = reduction(
  'ReduceProd',
  at => {
    const isZero = mask(Equal(at.data, 0), at.data);
    const zeros = alike(ReduceSum, isZero, at);
    const others = Add(at.data, isZero);
    const product = Mul(alike(ReduceProd, others, at), kept(at.dreduced, at));
    const [none, one] = [mask(Equal(zeros, 0), zeros), mask(Equal(zeros, 1), zeros)];
    return Mul(Div(product, others), Add(Mul(isZero, one), none));
  },
  18,
);
export const ReduceLogSumExp = reduction(
  'ReduceLogSumExp',
  at => Mul(Exp(Sub(at.data, kept(at.reduced, at))), kept(at.dreduced, at)),
  18,
);
export const ReduceLogSum = reduction(
  'ReduceLogSum',
  at => spread(Div(kept(at.dreduced, at), Exp(kept(at.reduced, at))), at.data),
  18,
);

/** Repeats a gradient over the axes that were summed away. */
const spread = (dY: Value, X: Value): Value =>
  Expand(dY, X.shape.every(d => typeof d === 'number') ? X.shape : Shape(X));

const winner = (name: 'ArgMax' | 'ArgMin') =>
  operator(name, {
    inputs: ['data'],
    outputs: ['reduced'],
    attributes: { axis: int(0), keepdims: int(1), select_last_index: int(0) },
    shape: ({ data, axis, keepdims }) => ({
      reduced: data.shape.flatMap((dim, i) => (i === axisOf(axis, data.shape.length) ? (keepdims ? [1] : []) : [dim])),
    }),
    types: () => ({ reduced: 'int64' }),
    gradient: { data: 'none' },
  });
export const ArgMax = winner('ArgMax');
export const ArgMin = winner('ArgMin');
