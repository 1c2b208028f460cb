// A value whose axes may be stored in any order. An order lists the logical axes as they lie in memory: a map [N, C, H, W]
// stored as columns [C, H, W, N] has the order [1, 2, 3, 0]. A Transpose of the network is then only another naming of
// the axes; elements move where an operator asks for an order in which the value does not exist yet, once for each.

import { elementCount, tensor, type Tensor, type TypedArray, elements, type ArrayType } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { Reshape, Transpose } from '../operators/index.js';

/** Logical axes in the order in which they are stored. */
export type Order = readonly number[];

/** A value in one order or several. */
export interface Arranged {
  /** Sizes along the logical axes. */
  readonly shape: readonly number[];
  /** The order in which it came into being. */
  readonly order: Order;
  /** Whether it exists in an order. */
  has(order: Order): boolean;
  /** The value in an order; emits what is needed the first time. */
  in(order: Order): Value;
}

/** The order in which ONNX itself stores. */
export const plainOrder = (rank: number): Order => Array.from({ length: rank }, (_, i) => i);

export const isSameOrder = (a: Order, b: Order): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Places of the axes `to` in the order `from`: the perm of the Transpose that leads from one to the other. */
const permBetween = (from: Order, to: Order): number[] => to.map(axis => from.indexOf(axis));

/**
 * A value as it was made.
 *
 * @param remake makes it in another order without moving elements, where that can be done
 */
export function arranged(
  value: Value,
  order: Order = plainOrder(value.shape.length),
  remake?: (order: Order) => Value | undefined,
): Arranged {
  const shape: number[] = [];
  order.forEach((axis, i) => (shape[axis] = value.shape[i] as number));
  const forms = [{ order, value }];
  const find = (wanted: Order) => forms.find(form => isSameOrder(form.order, wanted));
  return {
    shape,
    order,
    has: wanted => find(wanted) !== undefined,
    in: wanted => {
      const found = find(wanted);
      if (found) return found.value;
      const made = remake?.(wanted) ?? permuted(value, permBetween(order, wanted));
      forms.push({ order: wanted, value: made });
      return made;
    },
  };
}

/** The same elements under other names of the axes: axis i of the result is axis `perm[i]`. */
export function renamed(source: Arranged, perm: readonly number[]): Arranged {
  const inner = (order: Order) => order.map(axis => perm[axis]!);
  return {
    shape: perm.map(axis => source.shape[axis]!),
    order: source.order.map(axis => perm.indexOf(axis)),
    has: order => source.has(inner(order)),
    in: order => source.in(inner(order)),
  };
}

/** With axes of one in front, as broadcasting counts them. */
export function ofRank(source: Arranged, rank: number): Arranged {
  const lead = rank - source.shape.length;
  if (lead <= 0) return source;
  const shape = [...Array.from({ length: lead }, () => 1), ...source.shape];
  const inner = (order: Order) => order.filter(axis => axis >= lead).map(axis => axis - lead);
  return {
    shape,
    order: [...plainOrder(lead), ...source.order.map(axis => axis + lead)],
    has: order => source.has(inner(order)),
    in: order => reshaped(source.in(inner(order)), sizesIn(shape, order)),
  };
}

/** A logical shape as it is stored. */
export const sizesIn = (shape: readonly number[], order: Order): number[] => order.map(axis => shape[axis]!);

/** A Reshape, or the constant itself in another shape. */
export function reshaped(value: Value, shape: readonly number[]): Value {
  if (shape.length === value.shape.length && shape.every((dim, i) => dim === value.shape[i])) return value;
  if (value.data) return value.builder.constant({ ...bare(value.data), shape });
  return Reshape(value, shape);
}

/** A Transpose; where only axes of one move a Reshape, and a constant is transposed here. */
function permuted(value: Value, perm: readonly number[]): Value {
  const sizes = value.shape as readonly number[];
  const moving = perm.filter(axis => sizes[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!))
    return reshaped(
      value,
      perm.map(axis => sizes[axis]!),
    );
  if (value.data && value.data.type !== 'string' && !value.data.strings)
    return value.builder.constant(transposed(value.data, perm));
  return Transpose(value, { perm: [...perm] });
}

const bare = ({ type, shape, bytes }: Tensor): Tensor => ({ type, shape, bytes });

/** A constant with its axes in another order. */
function transposed(data: Tensor, perm: readonly number[]): Tensor {
  const from = elements(data);
  const shape = perm.map(axis => data.shape[axis]!);
  const strides = perm.map(axis => elementCount(data.shape.slice(axis + 1)));
  const to = new (from.constructor as new (length: number) => TypedArray)(from.length);
  const at = shape.map(() => 0);
  let offset = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[offset]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return tensor(data.type as ArrayType, shape, to);
}
