// In which arrangement the Convs of a network work: as planes (ONNX's own order, the runtime's Conv), columns or rows
// (arrange-convolution), or tiles of columns (arrange-tiles). Maps that hang together are stored alike, as their Convs cost
// least together, forward and both gradients, estimated in nanoseconds at one thread (performance.md: A2 and B6 the
// products, B5 the copies, B3 the products by channel; docs/performance.md the tiles).

import type { Graph, Node } from '../graph/index.js';
import { tileSizes } from './tile-bases.js';

/** Maps are stored [N, C, H, W] as planes, [C, H, W, N] as columns and tiles, [H, W, N, C] as rows. */
export type Arrangement = 'planes' | 'columns' | 'rows' | 'tiles';

/** What the estimate sees of a Conv. */
export interface ConvolutionSizes {
  /** Inputs that a tile may have along an axis. @default as many as tiles have */
  readonly longest?: number;
  readonly node: Node;
  /** [N, C, …] */
  readonly x: readonly number[];
  /** [M, C / group, …] */
  readonly weight: readonly number[];
  /** [N, M, …] */
  readonly out: readonly number[];
  readonly group: number;
  readonly window: {
    readonly kernel: readonly number[];
    readonly strides: readonly number[];
    readonly dilations: readonly number[];
    /** Begins of all axes, then ends. */
    readonly pads: readonly number[];
  };
}

/** Multiply-adds in one nanosecond: of a large product, of batches of small ones. */
const [product, smallProduct] = [40, 20];
/** Both ways over a patch matrix, ns an element: Slice and Concat, Split, Pad and Sum; twice that beyond the cache. */
const [patches, cached] = [2.3, 4e6];
/** A Transpose, ns an element. */
const transpose = 0.47;
/** The runtime's Conv and its gradients beside the same work as one product: on maps of many pixels, on small ones. */
const [large, small, many] = [1.12, 1.35, 400];
/** The same for groups, whose gradients the runtime does not know as products. */
const grouped = 2;
/** A Conv by channel and its gradients without products, ns an element. */
const byChannel = 40;
/** Making T, its transpose and reading its gradient, ns an element of T. */
const matrices = 1.3;
/** Reading weights of a product with few columns, ns an element. */
const read = 0.5;
/** Into the bases of tiles and back, ns an element in the basis, both ways: of the map, the result and the weights. */
const bases = { map: 2.2, result: 1.6, weights: 1.8 };

/** By channel, a product takes the whole map up to so many pixels: beyond, products and T cost more than copies. */
export const wholeMap = 64;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Forward and both gradients of one Conv in each arrangement, ns; infinite where it has no such form. */
export function costs(one: ConvolutionSizes): Readonly<Record<Arrangement, number>> {
  const { x, weight, out, group, window } = one;
  const kernel = size(window.kernel);
  const inner = size(weight.slice(1));
  const flat = (3 * size(out) * inner) / product;
  const planes = flat * (group > 1 ? grouped : size(out.slice(2)) >= many ? large : small);
  if (weight[1] === 1 && group === x[1]) {
    const isWhole = size(x.slice(2)) <= wholeMap;
    const besides = isWhole ? 1 : size(window.kernel.slice(1));
    const inputs = isWhole ? size(x.slice(2)) : x[2]! * besides;
    const t = out[1]! * (isWhole ? size(out.slice(2)) : out[2]!) * inputs;
    const beside = besides > 1 ? patches * besides * size(x) : 0;
    const columns = (3 * size(out) * inputs) / smallProduct + matrices * t + beside;
    return { planes: byChannel * size(out), columns, rows: columns + 4 * transpose * size(x), tiles: Infinity };
  }
  const isPatched = kernel > 1 || window.strides.some(stride => stride > 1);
  const copies = isPatched ? copied((size(out) / out[1]!) * inner * group) : 0;
  return {
    planes,
    columns: flat + copies + transpose * size(weight),
    rows: group > 1 ? Infinity : flat + copies + transpose * size(out),
    tiles: cheapestTiles(one)?.cost ?? Infinity,
  };
}

/** A patch matrix made and its gradient laid back. */
const copied = (elements: number) => elements * patches * (elements > cached ? 2 : 1);

/** The tiles by which a Conv costs least; undefined where it has strides, dilations, groups, or no kernel of use. */
export function cheapestTiles(
  one: ConvolutionSizes,
): { readonly sizes: readonly number[]; readonly cost: number } | undefined {
  const { group, window } = one;
  if (group !== 1 || [...window.strides, ...window.dilations].some(step => step !== 1)) return undefined;
  if (size(window.kernel) === 1) return undefined;
  const choices = window.kernel.reduce<number[][]>(
    (found, k) => found.flatMap(sizes => tileSizes(k, one.longest).map(m => [...sizes, m])),
    [[]],
  );
  return choices
    .map(sizes => ({ sizes, cost: inTiles(one, sizes) }))
    .reduce<{ sizes: number[]; cost: number } | undefined>((a, b) => (a && a.cost <= b.cost ? a : b), undefined);
}

function inTiles({ x, weight, out, window }: ConvolutionSizes, sizes: readonly number[]): number {
  const [made, channels] = [weight[0]!, weight[1]!];
  const tiles = out[0]! * size(sizes.map((m, i) => Math.ceil(out[i + 2]! / m)));
  const n = size(sizes.map((m, i) => m + window.kernel[i]! - 1));
  const [map, result, weights] = [n * x[1]! * tiles, n * made * tiles, n * made * channels];
  const products = Math.max((3 * map * made) / product, 3 * read * weights);
  const moved =
    bases.map * map + bases.result * result + bases.weights * weights + 2 * transpose * made * tiles * size(sizes);
  return products + copied(map) + moved;
}

/** The arrangement of every Conv, by node. */
export function chooseArrangements(
  graph: Graph,
  convolutions: readonly ConvolutionSizes[],
  fed: ReadonlySet<string>,
  sizeOf: (name: string) => number | undefined,
): ReadonlyMap<Node, Arrangement> {
  const regions = regionsOf(graph, new Map(convolutions.map(one => [one.node, one])), fed, sizeOf);
  const found = convolutions.map(one => ({ node: one.node, region: regions(one.node.outputs[0]!), cost: costs(one) }));
  const sums = new Map<string, { planes: number; columns: number; rows: number }>();
  for (const { region, cost } of found) {
    const { planes, columns, rows } = sums.get(region) ?? { planes: 0, columns: 0, rows: 0 };
    const least = Math.min(cost.columns, cost.tiles);
    sums.set(region, { planes: planes + cost.planes, columns: columns + least, rows: rows + cost.rows });
  }
  return new Map(
    found.map(({ node, region, cost }) => {
      const sum = sums.get(region)!;
      const best = (['columns', 'rows', 'planes'] as const).reduce((a, b) => (sum[b] < sum[a] ? b : a));
      return [node, best === 'columns' && cost.tiles < cost.columns ? 'tiles' : best];
    }),
  );
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
