// Names that a person would use for cuts: `features`, `logits`, `block1` … `blockK` after the stages of the network,
// and its authors' own names for its parts. Stages are runs of one resolution; where the resolution never changes
// (transformers), they are the repetitions of one pattern of nodes.

import { mainInputsOf, type Dim, type Node } from '../graph/index.js';
import type { Network } from './classifier.js';
import type { Cut } from './cuts.js';
import { pathOf } from './paths.js';
import { isBlank, isGlobalPool, weightsOf } from './roles.js';
import type { Wiring } from './wiring.js';

/** What `stageNames` needs to know of a network. */
export interface StageOptions {
  readonly wiring: Wiring;
  /** The needed nodes in order; depths of cuts count them. */
  readonly nodes: readonly Node[];
  /** What each of them makes of the pictures: nothing where it only tells shapes. */
  readonly makes: readonly (readonly string[])[];
  readonly network: Network;
  isActivated(value: string): boolean;
}

/** Friendly names to the single values that they stand for, each a cut of its own. */
export function stageNames(cuts: readonly Cut[], options: StageOptions): Map<string, string> {
  const { network } = options;
  const single = cuts.filter(({ values }) => values.length === 1);
  const isCut = new Set(single.map(({ values }) => values[0]!));
  const names = new Map<string, string>();
  const end = network.kind === 'classifier' || network.kind === 'headless' ? network.features.value : undefined;
  const endDepth = single.find(({ values }) => values[0] === end)?.depth ?? Infinity;
  const body = single.filter(({ depth }) => depth <= endDepth);
  blocksOf(body, options).forEach((value, i) => names.set(`block${i + 1}`, value));
  for (const [name, value] of partsOf(body, options)) if (!isCut.has(name) && !names.has(name)) names.set(name, value);
  if (end !== undefined) names.set('features', end);
  if (network.kind === 'classifier') names.set('logits', network.logits);
  return names;
}

function blocksOf(cuts: readonly Cut[], options: StageOptions): string[] {
  const isOneAnswer = options.network.kind === 'classifier' || options.network.kind === 'headless';
  const runs: { area: number; cuts: Cut[] }[] = [];
  for (const cut of cuts) {
    const area = mapArea(options.wiring, cut.values[0]!);
    // A padded map is on its way into the next layer, and no stage of its own.
    const isPadded = options.wiring.producer(cut.values[0]!)?.op === 'Pad';
    if (area === undefined || area <= 1 || isPadded) continue;
    const last = runs.at(-1);
    // On the way to one answer resolution only falls: what seems larger is a map in another arrangement.
    if (last && area > last.area && isOneAnswer) continue;
    if (last?.area === area) last.cuts.push(cut);
    else runs.push({ area, cuts: [cut] });
  }
  if (runs.length > 1) return runs.map(run => bestOf(run.cuts, options));
  return repetitionsOf(cuts, options);
}

/** The last cut of a stage that lies after its activation, or else the last. */
const bestOf = (cuts: readonly Cut[], { isActivated }: StageOptions): string =>
  (cuts.findLast(({ values }) => isActivated(values[0]!)) ?? cuts.at(-1)!).values[0]!;

/** The area of a map of a picture; undefined for windows of one: more of them than pictures, or of another form. */
function mapArea({ graph, shape }: Wiring, value: string): number | undefined {
  const found = shape(value);
  const [picture] = mainInputsOf(graph);
  if (found?.length !== 4 || picture?.shape?.length !== 4) return areaOf(found);
  const isSquare = ([, a, b, c]: readonly Dim[]) => b === c || a === b;
  const isWindows = found[0] !== picture.shape[0] || (isSquare(picture.shape) && !isSquare(found));
  return isWindows ? undefined : areaOf(found);
}

/** Height times width of a map [N, C, H, W] or, where the middle two are alike, [N, H, W, C]. */
export function areaOf(shape: readonly Dim[] | undefined): number | undefined {
  if (shape?.length !== 4) return undefined;
  const [, a, b, c] = shape;
  if (typeof b !== 'number') return undefined;
  if (a === b && b !== c) return a * b;
  return typeof c === 'number' ? b * c : undefined;
}

/** Cuts of one block at most. */
const longestPeriod = 256;

/** The ends of the repetitions of one pattern of nodes: the longest stretch that is one pattern over and over. */
function repetitionsOf(cuts: readonly Cut[], options: StageOptions): string[] {
  const signs = cuts.map((cut, i) => {
    const from = cuts[i - 1]?.depth ?? 0;
    // Shape arithmetic is shared: the first block that asks for a size has it, the others do not.
    const nodes = options.nodes.slice(from, cut.depth).filter((_, at) => options.makes[from + at]!.length > 0);
    return nodes.map(node => [node.op, ...weightShapes(options.wiring, node)].join(':')).join(' ');
  });
  let best: { start: number; period: number; count: number } | undefined;
  // Linear for each period: how long has every part equalled the one a period before?
  for (let period = 1; period <= Math.min(longestPeriod, signs.length / 2); period++) {
    let run = 0;
    for (let at = period; at <= signs.length; at++) {
      if (at < signs.length && signs[at] === signs[at - period]) {
        run++;
        continue;
      }
      const count = Math.floor((run + period) / period);
      if (count >= 2 && count * period > (best ? best.count * best.period : 1))
        best = { start: at - run - period, period, count };
      run = 0;
    }
  }
  if (!best) return [];
  const { start, period, count } = best;
  return Array.from({ length: count }, (_, i) => cuts[start + (i + 1) * period - 1]!.values[0]!);
}

const weightShapes = (wiring: Wiring, node: Node): string[] =>
  node.inputs.filter(name => name && !wiring.isData(name)).map(name => wiring.shape(name)?.join('x') ?? '');

/** The authors' names, each with the last cut before the next part begins or the resolution changes. */
function partsOf(cuts: readonly Cut[], { wiring, nodes }: StageOptions): [string, string][] {
  const paths = nodes.map(node => pathOf(wiring, node));
  const weighted = nodes.map(node => weightsOf(wiring, node) !== undefined);
  const last = new Map<string, number>();
  const count = new Map<string, number>();
  paths.forEach((path, at) => {
    for (const name of path) {
      last.set(name, at);
      if (weighted[at]) count.set(name, (count.get(name) ?? 0) + 1);
    }
  });
  const found: [string, string][] = [];
  for (const [name, at] of last) {
    // A part of a network: several layers and a number in its name. Single layers have their values' own names.
    if ((count.get(name) ?? 0) < 2 || !/\d/.test(name)) continue;
    let end = at;
    while (end + 1 < nodes.length && !weighted[end + 1] && !leaves(wiring, nodes[end + 1]!, paths[end + 1]!, name))
      end++;
    const cut = cuts.findLast(({ depth }) => depth > 0 && depth - 1 <= end && depth - 1 >= at);
    if (cut) found.push([name, cut.values[0]!]);
  }
  return found;
}

/** Whether a node begins something else than the part `name`: it is named otherwise, pools, or flattens. */
function leaves(wiring: Wiring, node: Node, path: readonly string[], name: string): boolean {
  if (path.length > 0) return !path.includes(name);
  return node.op.endsWith('Pool') || isGlobalPool(wiring, node) || (isBlank(node) && !node.op.includes('Linear'));
}
