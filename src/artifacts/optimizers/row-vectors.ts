// Sums of row vectors as one node. In the body of an epoch a node costs as much as a pass over a thousand numbers, and
// no element-wise operator of ONNX multiplies and adds.

import { tensor } from '../../base/index.js';
import type { Value } from '../../graph/index.js';
import { Gemm } from '../../operators/index.js';

/**
 * y + scale · x, element by element, as a Gemm whose inner dimension is 1.
 *
 * @param y row vector [1, n]
 * @param scale a number, or a value [1, 1]
 * @param x row vector [1, n]
 */
export const addScaled = (y: Value, scale: Value | number, x: Value): Value =>
  Gemm(
    typeof scale === 'number' ? x.builder.constant(tensor('float32', [1, 1], [scale]), undefined, 'factor') : scale,
    x,
    y,
  );
