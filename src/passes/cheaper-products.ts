// Products of a training step in the forms that a CPU multiplies fastest (performance.md B2, B9, A rule 1):
//   Aᵀ · B, both long     the smaller of the two is turned and stands left: Aᵀ · B = T(A) · B = T(T(B) · A)
//   A · B, A large        rows of A in pieces of about four hundred
//   Gelu(x)               x · Φ(x), where Φ(x) is made for the gradient anyhow
// T is written as Reshape, Transpose of three axes, Reshape: a plain Transpose in front of a product would be taken back
// into it by onnxruntime.

import type { Value } from '../graph/index.js';
import { Concat, Gemm, Mul, Reshape, Split, Transpose, attributesOf, gaussian } from '../operators/index.js';
import { rewriting, type Rewrite } from './rewrite.js';
import { scaleOf } from './values-of.js';

/** Operands of fewer elements than this are turned by the product itself. */
const small = 1 << 15;
/** A product with so many rows and so large a left operand is cut, where it is long enough to pay for the copies. */
const [manyRows, large, piece, wide] = [900, 2.4e6, 400, 128];

const sizesOf = (value: Value): readonly number[] | undefined =>
  value.shape.every(dim => typeof dim === 'number') ? value.shape : undefined;
const count = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** [a, b] → [b, a] */
function turned(value: Value): Value {
  const [a, b] = value.shape as readonly [number, number];
  return Reshape(Transpose(Reshape(value, [1, a, b]), { perm: [2, 0, 1] }), [b, a]);
}

const leftTurned: Rewrite = ({ node, inputs }) => {
  if (node.op !== 'Gemm' || node.domain !== '') return undefined;
  const [A, B, C] = inputs as [Value, Value, Value?];
  const { alpha, beta, transA, transB } = attributesOf(Gemm, node.attributes);
  const [a, b] = [sizesOf(A), sizesOf(B)];
  if (!transA || transB || !a || !b || count(a) < small) return undefined;
  // Left operands are read again and again: the smaller one stands there, at the price of turning the result.
  if (C || 1.5 * count(b) > count(a)) return Gemm(turned(A), B, C, { alpha, beta });
  return turned(Gemm(turned(B), A, undefined, { alpha }));
};

const inPieces: Rewrite = ({ node, inputs }) => {
  if (node.op !== 'Gemm' || node.domain !== '') return undefined;
  const [A, B, C] = inputs as [Value, Value, Value?];
  const { alpha, beta, transA, transB } = attributesOf(Gemm, node.attributes);
  const a = sizesOf(A);
  const width = B.shape[1 - transB];
  if (transA || !a || a[0]! <= manyRows || count(a) <= large || !(Number(width) >= wide)) return undefined;
  // A C with a row for each row would have to be cut too.
  if (C && C.shape.length === 2 && C.shape[0] !== 1) return undefined;
  const pieces = Math.ceil(a[0]! / piece);
  const sizes = Array.from({ length: pieces }, (_, i) => Math.floor(a[0]! / pieces) + Number(i < a[0]! % pieces));
  const parts = Split.all(pieces, A, sizes, { axis: 0 });
  return Concat(...parts.map(part => Gemm(part, B, C, { alpha, beta, transB })), { axis: 0 });
};

const sharedGelu: Rewrite = ({ node, inputs, before }) => {
  const approximate = node.attributes.get('approximate');
  if (node.op !== 'Gelu' || node.domain !== '' || (approximate?.kind === 'string' && approximate.value !== 'none'))
    return undefined;
  const isDifferentiated = before.readers
    .get(node.inputs[0]!)
    ?.some(reader => reader !== node && Math.abs((scaleOf(before.graph, reader)?.by ?? 0) - Math.SQRT1_2) < 1e-6);
  return isDifferentiated ? Mul(inputs[0], gaussian(inputs[0]!).cdf) : undefined;
};

/** Long operands turned and cut, activations shared with their gradients. */
export const cheaperProducts = rewriting('cheaper-products', [leftTurned, inPieces, sharedGelu]);
