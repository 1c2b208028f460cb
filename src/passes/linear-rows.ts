// A linear layer over the last axis is one Gemm on rows, whatever stands before that axis:
//   x [..., K] · W [K, N] (+ b [N])  =  Reshape(Gemm(Reshape(x, [M, K]), W, b))
// so that its gradient by W is one product too, and not one of each picture, summed. A weight that is turned first is
// read as it is stored (transB). Sizes must be numbers.

import { Gemm, Reshape } from '../operators/index.js';
import type { Value } from '../graph/index.js';
import { intsOf, rewriting, type Rewrite, type Site } from './rewrite.js';
import { sizesOf } from './values-of.js';

const size = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** A product with a matrix at the right, and the vector that is added to it. */
function linear({ before: { graph, producers }, now }: Site, name: string, bias?: Value): Value | undefined {
  const product = producers.get(name);
  if (product?.op !== 'MatMul' || product.domain !== '') return undefined;
  const [x, weight] = product.inputs as [string, string];
  const [sizes, matrix] = [sizesOf(graph, x), sizesOf(graph, weight)];
  if (!sizes || sizes.length < 2 || matrix?.length !== 2 || matrix[1] === 1) return undefined;
  const rows = size(sizes.slice(0, -1));
  const turned = producers.get(weight);
  const isTurned = turned?.op === 'Transpose' && (intsOf(turned, 'perm') ?? [1, 0])[0] === 1;
  const [from, held] = [now(x), now(isTurned ? turned.inputs[0]! : weight)];
  if (!from || !held) return undefined;
  const flat = sizes.length === 2 ? from : Reshape(from, [rows, matrix[0]!]);
  const made = Gemm(flat, held, bias, { transB: isTurned ? 1 : 0 });
  return sizes.length === 2 ? made : Reshape(made, [...sizes.slice(0, -1), matrix[1]!]);
}

const withBias: Rewrite = site => {
  const { node, before, inputs } = site;
  if (node.op !== 'Add' || node.domain !== '') return undefined;
  for (const [i, name] of node.inputs.entries()) {
    const bias = inputs[1 - i]!;
    const sizes = sizesOf(before.graph, name);
    if (bias.shape.length !== 1 || !sizes || bias.shape[0] !== sizes.at(-1) || !before.isReadOnce(name)) continue;
    const made = linear(site, name, bias);
    if (made) return made;
  }
  return undefined;
};
const withoutBias: Rewrite = site => (site.node.op === 'MatMul' ? linear(site, site.node.outputs[0]!) : undefined);

/** Linear layers as Gemms on rows. */
export const linearRows = rewriting('linear-rows', [withBias, withoutBias]);
