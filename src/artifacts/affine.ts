// Whether the outputs of a graph are an affine function of some of its inputs: then the gradient is the same wherever it
// is taken, and value = gradient · input + constant holds exactly.

import { feedsOf, namesRead, subgraphsOf, type Graph } from '../graph/index.js';

/** Affine in all they read. */
const sums = new Set(['Add', 'Sub', 'Sum', 'Mean', 'Concat', 'Neg', 'Identity']);
/** Affine in what they read first, the rest constant. */
const firsts = new Set(
  'Reshape Flatten Squeeze Unsqueeze Transpose Cast Slice Gather Split Expand Pad GlobalAveragePool AveragePool ReduceMean ReduceSum BatchNormalization Conv Div'.split(
    ' ',
  ),
);
/** Affine in each of what they read, the others constant. */
const products = new Set(['Mul', 'MatMul', 'Gemm']);

/** Whether every output is affine in `inputs`, all else constant; a float Cast counts, rounding does not. */
export function isAffine(graph: Graph, inputs: ReadonlySet<string>): boolean {
  const moving = new Set(inputs);
  // other inputs change with the picture: what reads one is not constant
  const open = new Set(feedsOf(graph).flatMap(({ name }) => (inputs.has(name) ? [] : [name])));
  if (open.size > 0) return false;
  for (const node of graph.nodes) {
    const { op, domain, outputs } = node;
    const at = node.inputs.flatMap((name, i) => (moving.has(name) ? [i] : []));
    if (subgraphsOf(node).length > 0 && [...namesRead(node)].some(name => moving.has(name))) return false;
    if (at.length === 0 || (op === 'Shape' && domain === '')) continue;
    const isKept =
      domain === '' &&
      (sums.has(op) || (firsts.has(op) && at.length === 1 && at[0] === 0) || (products.has(op) && at.length === 1));
    if (!isKept) return false;
    for (const name of outputs) if (name) moving.add(name);
  }
  return true;
}
