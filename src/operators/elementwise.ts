// One element in, one element out: arithmetic, comparison and logic, with NumPy's broadcasting.
// Gradients are stated without broadcasting: the driver sums them back to each input's shape.

import type { DataType } from '../base/index.js';
import type { Dim, Node, Value } from '../graph/index.js';
import { operator, type Operator, type UpgradeContext } from './define.js';
import { broadcast, over, plus, times } from './dims.js';
import { steep } from './activation.js';

type None = Record<never, never>;
type UnaryRule = ((at: { X: Value; Y: Value; dY: Value }) => Value) | 'none';
type BinaryRule = ((at: { A: Value; B: Value; C: Value; dC: Value }) => Value) | 'none';

/** Y = f(X) */
const unary = (name: string, X: UnaryRule, types?: DataType): Operator<None> =>
  operator(name, {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ X }) => ({ Y: X.shape }),
    types: () => (types ? { Y: types } : {}),
    gradient: { X },
  });

/** How contents go through a binary operator, where they do. */
type Arithmetic = (a: Dim, b: Dim, isFloat: boolean) => Dim;

/** C = f(A, B), broadcast */
const binary = (
  name: string,
  A: BinaryRule,
  B: BinaryRule,
  arithmetic?: Arithmetic,
  types?: DataType,
): Operator<None> =>
  operator(name, {
    inputs: ['A', 'B'],
    outputs: ['C'],
    attributes: {},
    shape: ({ A, B }) => ({ C: broadcast(name, A.shape, B.shape) }),
    types: () => (types ? { C: types } : {}),
    known: ({ A, B }) => arithmetic && elementwise(arithmetic, contents(A), contents(B))?.known,
    gradient: { A, B },
    upgrades: { 7: withoutLegacyBroadcast },
  });

/** What is known inside a value, and its type. */
interface Contents {
  readonly known: readonly Dim[];
  readonly type: DataType;
}
const contents = ({ known, type }: Value): Contents | undefined => known && { known, type };

function elementwise(f: Arithmetic, a: Contents | undefined, b: Contents | undefined): Contents | undefined {
  if (!a || !b) return undefined;
  const [x, y] = [a.known, b.known];
  if (x.length !== y.length && x.length !== 1 && y.length !== 1) return undefined;
  const known = Array.from({ length: Math.max(x.length, y.length) }, (_, i) =>
    held(f, x[x.length === 1 ? 0 : i]!, y[y.length === 1 ? 0 : i]!, a.type),
  );
  return { known, type: a.type };
}

/** One element of a result. Names are whole, so a fraction of one is unknown; numbers are as the type holds them. */
function held(f: Arithmetic, a: Dim, b: Dim, type: DataType): Dim {
  const isFraction = [a, b].some(dim => typeof dim === 'number' && !Number.isInteger(dim));
  if (isFraction && (typeof a === 'string' || typeof b === 'string')) return '';
  return asHeld(f(a, b, type.includes('float')), type);
}
const asHeld = (dim: Dim, type: DataType): Dim => {
  if (typeof dim !== 'number' || type === 'float64' || !type.includes('float')) return dim;
  if (type === 'float32') return Math.fround(dim);
  // every integer up to 2^8 is held by the shortest of the other floats that shapes are met in
  return Number.isInteger(dim) && Math.abs(dim) <= 256 ? dim : '';
};

/** A unary operator that whole numbers and names pass unchanged. */
const rounding = (name: string, round: (value: number) => number): Operator<None> =>
  operator(name, {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ X }) => ({ Y: X.shape }),
    known: ({ X }) => X.known?.map(dim => (typeof dim === 'number' ? round(dim) : dim)),
    gradient: { X: 'none' },
  });

/** Before 7, `broadcast` and `axis` said how B meets A. Without an axis the meaning is today's. */
function withoutLegacyBroadcast(node: Node, at: UpgradeContext): Node | readonly Node[] {
  const attributes = new Map(node.attributes);
  attributes.delete('broadcast');
  const axis = attributes.get('axis');
  attributes.delete('axis');
  const a = at.shape(node.inputs[0]!);
  const b = at.shape(node.inputs[1]!);
  if (axis?.kind !== 'int' || !a || !b) return { ...node, attributes };
  const start = axis.value < 0 ? axis.value + a.length : axis.value;
  const trailing = a.length - start - b.length;
  if (trailing <= 0) return { ...node, attributes };
  const reshaped = at.fresh('broadcast');
  const axes = at.constant(Array.from({ length: trailing }, (_, i) => b.length + i));
  return [
    {
      op: 'Unsqueeze',
      domain: '',
      name: reshaped,
      inputs: [node.inputs[1]!, axes],
      outputs: [reshaped],
      attributes: new Map(),
    },
    { ...node, attributes, inputs: [node.inputs[0]!, reshaped] },
  ];
}

/** f over any number of inputs, broadcast */
const variadic = (
  name: string,
  inputs: (at: { inputs: readonly Value[]; Y: Value; dY: Value }) => readonly Value[],
  choose?: (...numbers: readonly number[]) => number,
): Operator<None> =>
  operator(name, {
    inputs: ['...inputs'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ inputs }) => ({ Y: broadcast(name, ...inputs.map(input => input.shape)) }),
    known: ({ inputs }) => {
      const [first, ...rest] = inputs;
      if (!choose || !first) return undefined;
      const both: Arithmetic = (a, b) => (typeof a === 'number' && typeof b === 'number' ? choose(a, b) : '');
      return rest.reduce((found, next) => elementwise(both, found, contents(next)), contents(first))?.known;
    },
    gradient: { inputs },
  });

const numbers =
  (f: (a: number, b: number) => number): Arithmetic =>
  (a, b) =>
    typeof a === 'number' && typeof b === 'number' && b !== 0 ? f(a, b) : '';

/** a / b, truncated where both are integers. */
const quotient: Arithmetic = (a, b, isFloat) =>
  isFloat && typeof a === 'number' && typeof b === 'number' ? a / b : over(a, b);

export const Add = binary('Add', ({ dC }) => dC, ({ dC }) => dC, plus); // prettier-ignore
export const Sub = binary('Sub', ({ dC }) => dC, ({ dC }) => Neg(dC), (a, b) => typeof b === 'number' ? plus(a, -b) : a === b && a !== '' ? 0 : ''); // prettier-ignore
export const Mul = binary('Mul', ({ dC, B }) => Mul(dC, B), ({ dC, A }) => Mul(dC, A), times); // prettier-ignore
export const Div = binary('Div', ({ dC, B }) => Div(dC, B), ({ dC, B, C }) => Neg(Div(Mul(dC, C), B)), quotient); // prettier-ignore
/** The number that a constant holds everywhere, if it is one. */
const scalarOf = ({ known }: Value): number | undefined =>
  known?.length === 1 && typeof known[0] === 'number' ? known[0] : undefined;

/** C = A^B; the exponent's gradient is that of positive bases, and 0 elsewhere. */
export const Pow = binary(
  'Pow',
  ({ dC, A, B, C }) => {
    const exponent = scalarOf(B);
    if (exponent === 0.5) return Div(Mul(dC, 0.5), C);
    if (exponent === 2) return Mul(dC, Mul(A, 2));
    if (exponent !== undefined && exponent !== 0) return Mul(dC, Mul(Pow(A, exponent - 1), exponent));
    const b = B.type === A.type ? B : Cast(B, { to: numberOf(A.type) });
    // A⁰ is 1 everywhere, also where A⁻¹ is not finite
    return Mul(dC, Where(Equal(b, 0), 0, Mul(b, Pow(A, Sub(b, 1)))));
  },
  ({ dC, A, C }) => Mul(dC, Where(Greater(A, 0), Mul(C, Log(A)), 0)),
);
/** A less the multiple of B below it, or nearest to zero below it where `fmod` says so, as it must for floats. */
export const Mod = operator('Mod', {
  inputs: ['A', 'B'],
  outputs: ['C'],
  attributes: { fmod: { kind: 'int', default: 0 } },
  shape: ({ A, B }) => ({ C: broadcast('Mod', A.shape, B.shape) }),
  known: ({ A, B }) =>
    elementwise(
      numbers((a, b) => a - b * Math.floor(a / b)),
      contents(A),
      contents(B),
    )?.known,
  gradient: { A: ({ dC }) => dC, B: ({ A, B, C, dC }) => Mul(dC, Neg(Div(Sub(A, C), B))) },
});

export const Neg: Operator<None> = operator('Neg', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  known: ({ X }) => X.known?.map(dim => (typeof dim === 'number' ? -dim : '')),
  gradient: { X: ({ dY }) => Neg(dY) },
});
export const Abs = unary('Abs', ({ X, dY }) => Mul(dY, Sign(X)));
export const Exp = unary('Exp', ({ Y, dY }) => Mul(dY, Y));
export const Log = unary('Log', ({ X, dY }) => Div(dY, X));
export const Sqrt = unary('Sqrt', ({ Y, dY }) => Div(Mul(dY, 0.5), Y));
export const Reciprocal = unary('Reciprocal', ({ Y, dY }) => Neg(Mul(dY, Mul(Y, Y))));
export const Erf = unary('Erf', ({ X, dY }) => Mul(dY, Exp(Sub(Math.log(2 / Math.sqrt(Math.PI)), Mul(X, X)))));
export const Sin = unary('Sin', ({ X, dY }) => Mul(dY, Cos(X)));
export const Cos = unary('Cos', ({ X, dY }) => Neg(Mul(dY, Sin(X))));
export const Tan = unary('Tan', ({ Y, dY }) => Mul(dY, Add(Mul(Y, Y), 1)));
export const Sinh = unary('Sinh', ({ X, dY }) => Mul(dY, Cosh(X)));
export const Cosh = unary('Cosh', ({ X, dY }) => Mul(dY, Sinh(X)));
export const Asin = unary('Asin', ({ X, dY }) => Div(dY, Sqrt(Mul(Sub(1, X), Add(X, 1)))));
export const Acos = unary('Acos', ({ X, dY }) => Neg(Div(dY, Sqrt(Mul(Sub(1, X), Add(X, 1))))));
export const Atan = unary('Atan', ({ X, dY }) => Div(dY, Add(Mul(X, X), 1)));
export const Asinh = unary('Asinh', ({ X, dY }) => Div(dY, Sqrt(Add(Mul(X, X), 1))));
export const Acosh = unary('Acosh', ({ X, dY }) => Div(dY, Sqrt(Mul(Sub(X, 1), Add(X, 1)))));
export const Atanh = unary('Atanh', ({ X, dY }) => Div(dY, Mul(Sub(1, X), Add(X, 1))));
export const Sign = unary('Sign', 'none');
export const Floor = rounding('Floor', Math.floor);
export const Ceil = rounding('Ceil', Math.ceil);
/** Halves go to the even neighbour. */
export const Round = rounding('Round', value => {
  const up = Math.round(value);
  return Math.abs(value % 1) === 0.5 && up % 2 !== 0 ? up - 1 : up;
});
export const Not = unary('Not', 'none');
export const BitwiseNot = unary('BitwiseNot', 'none');
export const IsNaN = unary('IsNaN', 'none', 'bool');
export const IsInf = operator('IsInf', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { detect_negative: { kind: 'int', default: 1 }, detect_positive: { kind: 'int', default: 1 } },
  shape: ({ X }) => ({ Y: X.shape }),
  types: () => ({ Y: 'bool' }),
  gradient: { X: 'none' },
});

const compare = (name: string) => binary(name, 'none', 'none', undefined, 'bool');
/** A named dimension equals itself and is never negative; what else it equals is open. */
const equalDims: Arithmetic = (a, b) => {
  if (typeof a === typeof b) return a === b && a !== '' ? 1 : typeof a === 'number' ? 0 : '';
  const [number, name] = typeof a === 'number' ? [a, b] : [b as number, a];
  return name !== '' && number < 0 ? 0 : '';
};
export const Equal = binary('Equal', 'none', 'none', equalDims, 'bool');
export const Greater = compare('Greater');
export const GreaterOrEqual = compare('GreaterOrEqual');
export const Less = compare('Less');
export const LessOrEqual = compare('LessOrEqual');
export const And = compare('And');
export const Or = compare('Or');
export const Xor = compare('Xor');
export const BitwiseAnd = binary('BitwiseAnd', 'none', 'none');
export const BitwiseOr = binary('BitwiseOr', 'none', 'none');
export const BitwiseXor = binary('BitwiseXor', 'none', 'none');

export const Sum = variadic('Sum', ({ inputs, dY }) => inputs.map(() => dY));
export const Mean = variadic('Mean', ({ inputs, dY }) => inputs.map(() => Mul(dY, 1 / inputs.length)));
/** Ties: every input that holds the extreme value gets the whole gradient's equal share. */
const extreme = (name: 'Max' | 'Min') =>
  variadic(
    name,
    ({ inputs, Y, dY }) => {
      const hits = inputs.map(input => mask(Equal(input, Y), Y));
      const share =
        hits.length === 1
          ? dY
          : Div(
              dY,
              hits.slice(1).reduce((a, b) => Add(a, b), hits[0]!),
            );
      return hits.map(hit => Mul(share, hit));
    },
    Math[name === 'Max' ? 'max' : 'min'],
  );
export const Max = extreme('Max');
export const Min = extreme('Min');

/** 1 where a condition holds and 0 elsewhere, in the type of a value. */
export const mask = (condition: Value, like: Value): Value => Cast(condition, { to: numberOf(like.type) });

/** ONNX's numbers of element types, as `to` of Cast and `dtype` of others hold them. */
export const typeNumbers: Readonly<Record<number, DataType>> = {
  1: 'float32', 2: 'uint8', 3: 'int8', 4: 'uint16', 5: 'int16', 6: 'int32', 7: 'int64', 8: 'string', 9: 'bool',
  10: 'float16', 11: 'float64', 12: 'uint32', 13: 'uint64', 14: 'complex64', 15: 'complex128', 16: 'bfloat16',
  17: 'float8e4m3fn', 18: 'float8e4m3fnuz', 19: 'float8e5m2', 20: 'float8e5m2fnuz', 21: 'uint4', 22: 'int4',
  23: 'float4e2m1', 24: 'float8e8m0', 25: 'uint2', 26: 'int2',
}; // prettier-ignore
export const numberOf = (type: DataType) =>
  Number(Object.keys(typeNumbers).find(key => typeNumbers[Number(key)] === type));

/** The contents in another type: integers lose the fraction. Names are at least one, so they are true. */
const cast = ({ known }: Value, to: DataType): Dim[] | undefined =>
  known?.map(dim => {
    if (to === 'bool') return dim === '' ? '' : dim === 0 ? 0 : 1;
    return typeof dim === 'number' && to.includes('int') ? Math.trunc(dim) : asHeld(dim, to);
  });

export const Cast = operator('Cast', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { to: { kind: 'int', default: 1 }, saturate: { kind: 'int', default: 1 } },
  shape: ({ X }) => ({ Y: X.shape }),
  types: ({ to }) => ({ Y: typeNumbers[to] ?? 'float32' }),
  known: ({ X, to }) => cast(X, typeNumbers[to] ?? 'float32'),
  gradient: { X: ({ X, dY }): Value => Cast(dY, { to: numberOf(X.type) }) },
});
export const CastLike = operator('CastLike', {
  inputs: ['X', 'like'],
  outputs: ['Y'],
  attributes: { saturate: { kind: 'int', default: 1 } },
  shape: ({ X }) => ({ Y: X.shape }),
  types: ({ like }) => ({ Y: like.type }),
  known: ({ X, like }) => cast(X, like.type),
  gradient: { X: ({ X, dY }): Value => Cast(dY, { to: numberOf(X.type) }), like: 'none' },
});
export const Where = operator('Where', {
  inputs: ['condition', 'X', 'Y'],
  outputs: ['Z'],
  attributes: {},
  shape: ({ condition, X, Y }) => ({ Z: broadcast('Where', condition.shape, X.shape, Y.shape) }),
  types: ({ X }) => ({ Z: X.type }),
  known: ({ condition, X, Y }) => {
    const { known } = condition;
    if (!known || !X.known || !Y.known) return undefined;
    const length = Math.max(known.length, X.known.length, Y.known.length);
    const item = (list: readonly Dim[], i: number) => list[list.length === 1 ? 0 : i]!;
    return Array.from({ length }, (_, i) => {
      const c = item(known, i);
      return c === '' ? '' : c ? item(X.known!, i) : item(Y.known!, i);
    });
  },
  gradient: {
    condition: 'none',
    X: ({ condition, dZ }): Value => Where(condition, dZ, 0),
    Y: ({ condition, dZ }): Value => Where(condition, 0, dZ),
  },
});
/** The type of a node's first input, for constants that must match it. */
export const floatLike = (node: Node, at: UpgradeContext): 'float32' | 'float16' | 'float64' => {
  const type = at.type(node.inputs[0]!);
  return type === 'float16' || type === 'float64' ? type : 'float32';
};

/** Y = min(max(X, min), max); the gradient passes where X lies inside or on the border. */
export const Clip = operator('Clip', {
  inputs: ['X', 'min?', 'max?'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  known: ({ X, min, max }) => {
    const [low, high] = [min, max].map(bound => (bound ? bound.known : []));
    if (!X.known || !low || !high || [...X.known, ...low, ...high].some(dim => typeof dim !== 'number'))
      return undefined;
    return (X.known as readonly number[]).map(value => Math.min(Math.max(value, ...(low as number[])), ...(high as number[]))); // prettier-ignore
  },
  gradient: {
    X: ({ X, Y, dY }): Value => Mul(dY, mask(Equal(X, Y), X)),
    min: ({ X, min, dY }) => Mul(dY, mask(Less(X, min), X)),
    max: ({ X, max, dY }) => Mul(dY, mask(Greater(X, max), X)),
  },
  upgrades: {
    11: (node, at) => {
      const bound = (key: string) => {
        const attribute = node.attributes.get(key);
        return attribute?.kind === 'float' ? at.constant(attribute.value, floatLike(node, at)) : '';
      };
      return { ...node, inputs: [node.inputs[0]!, bound('min'), bound('max')], attributes: new Map() };
    },
  },
});
/** Y = max(X, 0) */
export const Relu = unary('Relu', ({ Y, dY }) => Mul(dY, steep(Y)));
export const Identity = operator('Identity', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  known: ({ X }) => X.known,
  gradient: { X: ({ dY }) => dY },
});
