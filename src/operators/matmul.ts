// Products of matrices.

import type { Dim, Value } from '../graph/index.js';
import { float, int, operator } from './define.js';
import { broadcast, sizeOf, perItem } from './dims.js';
import { errors } from './errors.js';
import { Mul } from './elementwise.js';
import { Reshape, Squeeze, Transpose, Unsqueeze } from './layout.js';
import { ReduceSum } from './reduction.js';

/** Y = alpha · op(A) · op(B) + beta · C, op transposes where asked; A [M,K], B [K,N] */
export const Gemm = operator('Gemm', {
  inputs: ['A', 'B', 'C?'],
  outputs: ['Y'],
  attributes: { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) },
  shape: ({ A, B, transA, transB }) => ({ Y: gemmShape('Gemm', A.shape, B.shape, transA, transB) }),
  macs: ({ A, Y, transA }) => sizeOf(Y.shape) * perItem(A.shape[1 - transA]!),
  gradient: {
    A: ({ dY, B, alpha, transA, transB }): Value =>
      transA ? Gemm(B, dY, { alpha, transA: transB, transB: 1 }) : Gemm(dY, B, { alpha, transB: 1 - transB }),
    B: ({ dY, A, alpha, transA, transB }): Value =>
      transB ? Gemm(dY, A, { alpha, transA: 1, transB: transA }) : Gemm(A, dY, { alpha, transA: 1 - transA }),
    C: ({ dY, beta }) => (beta === 1 ? dY : Mul(dY, beta)),
  },
  upgrades: {
    7: node => {
      const attributes = new Map(node.attributes);
      attributes.delete('broadcast');
      return { ...node, attributes };
    },
  },
});

const swapped = (value: Value): Value => {
  const rank = value.shape.length;
  const perm = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return Transpose(value, { perm });
};

/** NumPy's matmul: the last two axes multiply, the others broadcast; vectors are rows or columns. */
export const MatMul = operator('MatMul', {
  inputs: ['A', 'B'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ A, B }) => ({ Y: matmulShape('MatMul', A.shape, B.shape) }),
  macs: ({ A, Y }) => sizeOf(Y.shape) * perItem(A.shape.at(-1)!),
  gradient: {
    A: ({ A, B, dY }): Value => {
      if (A.shape.length === 1) return B.shape.length === 1 ? Mul(dY, B) : Squeeze(MatMul(B, columnOf(dY)), [-1]);
      if (B.shape.length === 1) return MatMul(columnOf(dY), rowOf(B));
      return MatMul(dY, swapped(B));
    },
    B: ({ A, B, dY }): Value => {
      if (B.shape.length === 1) {
        if (A.shape.length === 1) return Mul(dY, A);
        const weighted = Mul(A, columnOf(dY)); // [..., M, K]
        return ReduceSum(weighted, [-2], { keepdims: 0 });
      }
      if (A.shape.length === 1) return MatMul(columnOf(A), rowOf(dY));
      // a matrix that all of a batch meets: its rows are one after the other, so that nothing is summed afterwards
      const [inner, columns] = B.shape;
      if (B.shape.length === 2 && A.shape.length > 2 && typeof inner === 'number' && typeof columns === 'number')
        return MatMul(swapped(Reshape(A, [-1, inner])), Reshape(dY, [-1, columns]));
      return MatMul(swapped(A), dY);
    },
  },
});
const rowOf = (value: Value): Value => Unsqueeze(value, [-2]);
const columnOf = (value: Value): Value => Unsqueeze(value, [-1]);

/** The shape of a product of two matrices, transposed where asked. */
export function gemmShape(
  operator: string,
  a: readonly Dim[],
  b: readonly Dim[],
  transA: number,
  transB: number,
): readonly Dim[] {
  const [inner, other] = [a[1 - transA]!, b[transB]!];
  if (typeof inner === 'number' && typeof other === 'number' && inner !== other)
    throw errors.SHAPE({ operator, found: [a, b], wanted: 'the same inner dimension' });
  return [a[transA]!, b[1 - transB]!];
}

/** The shape of a matrix product with broadcasting batches. */
export function matmulShape(operator: string, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const [inner, other] = [a.at(-1)!, b.length === 1 ? b[0]! : b.at(-2)!];
  if (typeof inner === 'number' && typeof other === 'number' && inner !== other)
    throw errors.SHAPE({ operator, found: [a, b], wanted: 'the same inner dimension' });
  const batch = broadcast(operator, a.slice(0, -2), b.slice(0, -2));
  return [...batch, ...(a.length > 1 ? [a.at(-2)!] : []), ...(b.length > 1 ? [b.at(-1)!] : [])];
}
