// In which arrangement the Convs of a network work: as planes (ONNX's own order, the runtime's Conv), columns or rows
// (arrange-convolution). Maps that hang together keep one arrangement, the one whose Convs cost least together, forward
// and both gradients, estimated in nanoseconds at one thread (performance.md: A2 and B6 the products, B5 the copies,
// B3 the products by channel).

import type { Graph, Node } from '../graph/index.js';

/** How maps are stored: [N, C, H, W], [C, H, W, N] or [H, W, N, C]. */
export type Arrangement = 'planes' | 'columns' | 'rows';

/** What the estimate sees of a Conv. */
export interface ConvolutionSizes {
  readonly node: Node;
  /** [N, C, …] */
  readonly x: readonly number[];
  /** [M, C / group, …] */
  readonly weight: readonly number[];
  /** [N, M, …] */
  readonly out: readonly number[];
  readonly group: number;
  readonly strides: readonly number[];
}

/** Multiply-adds in one nanosecond: of a large product, of batches of small ones. */
const [product, smallProduct] = [40, 20];
/** Both ways over a patch matrix, ns an element: Slice and Concat, Split, Pad and Sum; twice that beyond the cache. */
const [patches, cached] = [2.3, 4e6];
/** A Transpose, ns an element. */
const transpose = 0.47;
/** The runtime's Conv and its gradients beside the same work as one product: on maps of many pixels, on small ones. */
const [large, small, many] = [1.12, 1.35, 400];
/** A Conv by channel and its gradients without products, ns an element. */
const byChannel = 40;
/** Making T, its transpose and reading its gradient, ns an element of T. */
const matrices = 1.3;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Forward and both gradients of one Conv in each arrangement, ns. */
export function costs({ x, weight, out, group, strides }: ConvolutionSizes): Readonly<Record<Arrangement, number>> {
  const pixels = size(out) / out[1]!;
  const kernel = size(weight.slice(2));
  const inner = size(weight.slice(1));
  const flat = (3 * size(out) * inner) / product;
  const planes = flat * (size(out.slice(2)) >= many ? large : small);
  if (weight[1] === 1 && group === x[1]) {
    const map = size(x.slice(2));
    const reach = Math.min(map, x[2]! * weight.at(-1)!);
    const t = (size(out) / out[0]! / size(out.slice(2))) * size(out.slice(2)) * Math.min(map, 64);
    const columns =
      (3 * size(out) * reach) / smallProduct + matrices * t + (map > 64 ? 2.2 * weight.at(-1)! * size(x) : 0);
    return { planes: byChannel * size(out), columns, rows: columns + 4 * transpose * size(x) };
  }
  const copied = kernel > 1 || strides.some(stride => stride > 1) ? pixels * inner * group : 0;
  const copies = copied * patches * (copied > cached ? 2 : 1);
  return {
    planes,
    columns: flat + copies + transpose * size(weight),
    rows: group > 1 ? Infinity : flat + copies + transpose * size(out),
  };
}

/** The arrangement of every Conv, by node. */
export function chooseArrangements(
  graph: Graph,
  convolutions: readonly ConvolutionSizes[],
  fed: ReadonlySet<string>,
  sizeOf: (name: string) => number | undefined,
): ReadonlyMap<Node, Arrangement> {
  const regions = regionsOf(graph, new Map(convolutions.map(one => [one.node, one])), fed, sizeOf);
  const sums = new Map<string, Record<Arrangement, number>>();
  for (const one of convolutions) {
    const region = regions(one.node.outputs[0]!);
    const sum = sums.get(region) ?? { planes: 0, columns: 0, rows: 0 };
    const own = costs(one);
    sums.set(region, {
      planes: sum.planes + own.planes,
      columns: sum.columns + own.columns,
      rows: sum.rows + own.rows,
    });
  }
  const cheapest = (region: string): Arrangement => {
    const sum = sums.get(region)!;
    return (['columns', 'rows', 'planes'] as const).reduce((best, next) => (sum[next] < sum[best] ? next : best));
  };
  return new Map(convolutions.map(({ node }) => [node, cheapest(regions(node.outputs[0]!))]));
}

/** Maps that hang together: elementwise, by names of axes, or by Convs that keep the number of pixels. */
function regionsOf(
  graph: Graph,
  convolutions: ReadonlyMap<Node, ConvolutionSizes>,
  fed: ReadonlySet<string>,
  sizeOf: (name: string) => number | undefined,
): (name: string) => string {
  const parents = new Map<string, string>();
  const rootOf = (name: string): string => {
    let at = name;
    for (let next = parents.get(at); next !== undefined; next = parents.get(at)) at = next;
    return at;
  };
  const join = (a: string, b: string) => {
    const [x, y] = [rootOf(a), rootOf(b)];
    if (x !== y) parents.set(x, y);
  };
  for (const node of graph.nodes) {
    const made = node.outputs[0];
    if (!made || !fed.has(made)) continue;
    const convolution = convolutions.get(node);
    for (const name of node.inputs) {
      if (!fed.has(name)) continue;
      const keeps = convolution
        ? size(convolution.x.slice(2)) === size(convolution.out.slice(2))
        : node.op === 'Concat' || node.op === 'Split' || (sizeOf(name) !== undefined && sizeOf(name) === sizeOf(made));
      if (keeps) for (const output of node.outputs) if (output) join(name, output);
    }
  }
  return rootOf;
}
