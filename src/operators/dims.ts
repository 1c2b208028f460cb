// Arithmetic on dimensions: numbers, names and '' (unknown). A product of a number and names is kept as a canonical
// name such as `4*batch`, so that Reshape(Shape(x)) chains bring the batch back under its own name.

import type { Dim } from '../graph/index.js';
import { errors } from './errors.js';

interface Monomial {
  readonly factor: number;
  readonly names: readonly string[];
}
const parse = (dim: Dim): Monomial => {
  if (typeof dim === 'number') return { factor: dim, names: [] };
  const parts = dim.split('*');
  const lead = parts.length > 1 && /^-?\d+$/.test(parts[0]!) ? Number(parts.shift()) : 1;
  return { factor: lead, names: parts };
};
const format = ({ factor, names }: Monomial): Dim =>
  names.length === 0 ? factor : `${factor === 1 ? '' : `${factor}*`}${[...names].sort().join('*')}`;
/** A name that is a sum or a quotient is opaque: it must not be taken apart at '*'. */
const opaque = (dim: Dim) => typeof dim === 'string' && /[+\-/(]/.test(dim);

/** a · b */
export function times(a: Dim, b: Dim): Dim {
  if (a === 0 || b === 0) return 0;
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === '' || b === '' || opaque(a) || opaque(b)) return '';
  const x = parse(a);
  const y = parse(b);
  return format({ factor: x.factor * y.factor, names: [...x.names, ...y.names] });
}

/** a / b where b divides a, rounded towards zero for numbers; '' where that is not known. */
export function over(a: Dim, b: Dim): Dim {
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number') return b === 0 ? '' : Math.trunc(a / b);
  if (a === '' || b === '' || opaque(a) || opaque(b)) return a !== '' && a === b ? 1 : '';
  const x = parse(a);
  const y = parse(b);
  const names = [...x.names];
  for (const name of y.names) {
    const i = names.indexOf(name);
    if (i < 0) return '';
    names.splice(i, 1);
  }
  return x.factor % y.factor ? '' : format({ factor: x.factor / y.factor, names });
}

/** a + b; a name plus a number is a new name. */
export function plus(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return '';
}

/** Product of a list. */
export const product = (dims: readonly Dim[]): Dim => dims.reduce<Dim>(times, 1);

/** The dimension as a number, names counted as 1: sizes per picture, so that `64*batch` windows are 64. */
export const perItem = (dim: Dim): number => (typeof dim === 'number' ? dim : opaque(dim) ? 1 : parse(dim).factor);

/** Elements per picture: the product with names counted as 1. */
export const sizeOf = (shape: readonly Dim[]): number => shape.reduce<number>((n, dim) => n * perItem(dim), 1);

/** Two dimensions that must be equal, joined: the number wins over a name, a name over nothing. */
export const unify = (a: Dim, b: Dim): Dim => (typeof a === 'number' ? a : typeof b === 'number' ? b : a || b);

/** NumPy's broadcasting, with names. */
export function broadcast(operator: string, ...shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map(shape => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let dim: Dim = 1;
    for (const shape of shapes) {
      const next = shape[i - rank + shape.length] ?? 1;
      if (next === 1) continue;
      if (dim === 1) dim = next;
      else if (typeof dim === 'number' && typeof next === 'number') {
        if (dim !== next) throw errors.SHAPE({ operator, found: shapes, wanted: 'shapes that broadcast' });
      } else if (dim !== next) dim = typeof dim === 'number' ? dim : typeof next === 'number' ? next : '';
    }
    return dim;
  });
}

/** A possibly negative axis as an index. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Several axes, counted from the front; all of them where none are given. */
export const axesOf = (axes: readonly number[] | undefined, rank: number): number[] =>
  axes ? axes.map(axis => axisOf(axis, rank)) : Array.from({ length: rank }, (_, i) => i);
