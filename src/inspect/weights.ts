// Which constants of a network are weights that training would change. A constant is one by where it enters the data's
// way: not stored statistics, bounds, exponents, sizes or scales of quantization; not single numbers in arithmetic;
// not attention masks; not what prepares the pixels before the first layer.

import { elementCount, floats, type Tensor } from '../base/index.js';
import type { Node } from '../graph/index.js';
import { bare, coreOperators } from '../operators/index.js';
import { weightsOf } from './roles.js';
import type { Wiring } from './wiring.js';

/** A weight and where it acts. */
export interface TrainableWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** The nodes where it meets the data. */
  readonly nodes: readonly Node[];
}

// Operator to the inputs that are weights of their own, even where they are single numbers.
const slots = new Map<string, readonly number[]>([
  ['Conv', [1, 2]],
  ['ConvTranspose', [1, 2]],
  ['Gemm', [0, 1, 2]],
  ['MatMul', [0, 1]],
  ['Einsum', [0, 1, 2]],
  ['BatchNormalization', [1, 2]],
  ['InstanceNormalization', [1, 2]],
  ['GroupNormalization', [1, 2]],
  ['LayerNormalization', [1, 2]],
  ['RMSNormalization', [1]],
  ['PRelu', [1]],
  ['LSTM', [1, 2, 3]],
  ['GRU', [1, 2, 3]],
  ['RNN', [1, 2, 3]],
]);
// Arithmetic and arrangement in which constants of more than one number are weights: biases, scales of layers,
// position embeddings, class tokens.
const arithmetic = new Map<string, readonly number[]>([
  ['Add', [0, 1]],
  ['Sub', [0, 1]],
  ['Mul', [0, 1]],
  ['Div', [0, 1]],
  ['Sum', [0, 1, 2, 3]],
  ['Concat', [0, 1, 2, 3, 4, 5, 6, 7]],
  ['Expand', [0]],
  ['Tile', [0]],
  ['Gather', [0]],
  ['Where', [1, 2]],
]);

/**
 * The float weights of a graph that training would change, in the order in which the network reads them.
 *
 * @param after count only weights that meet the data behind this value
 */
export function trainableWeights(wiring: Wiring, after?: string): TrainableWeight[] {
  const { graph } = wiring;
  const behind = after === undefined ? undefined : descendants(wiring, after);
  const deep = weightedBefore(wiring);
  const order = new Map(graph.nodes.map((node, i) => [node, i]));
  const found: { readonly weight: TrainableWeight; readonly at: number }[] = [];
  for (const [name, tensor] of graph.initializers) {
    if (tensor.type !== 'float32' && tensor.type !== 'float64' && tensor.type !== 'float16') continue;
    const meets = meetingPoints(wiring, name);
    const isOne = elementCount(tensor.shape) === 1;
    const acts = meets.filter(({ node, input }) => {
      if (slots.get(node.op)?.includes(input)) return true;
      if (isOne || !arithmetic.get(node.op)?.includes(input)) return false;
      return isJoining(node) || node.inputs.some(of => deep.has(of));
    });
    if (acts.length === 0 || acts.length < meets.length || isMask(tensor)) continue;
    const nodes = [...new Set(acts.map(({ node }) => node))];
    if (behind && !nodes.every(node => node.outputs.some(of => behind.has(of)))) continue;
    found.push({
      weight: { name, shape: tensor.shape, nodes },
      at: Math.min(...nodes.map(node => order.get(node)!)),
    });
  }
  return found.sort((a, b) => a.at - b.at).map(({ weight }) => weight);
}

/** Class tokens and tables come to the data by these, not by arithmetic with it. */
const isJoining = ({ op }: Node) => op === 'Concat' || op === 'Gather' || op === 'Expand' || op === 'Tile';

/** Where a constant, or what is computed from constants alone, is read beside data. */
function meetingPoints(wiring: Wiring, name: string): { readonly node: Node; readonly input: number }[] {
  const meets: { node: Node; input: number }[] = [];
  const seen = new Set([name]);
  const pending = [name];
  for (let at = pending.pop(); at !== undefined; at = pending.pop())
    for (const node of wiring.readers(at)) {
      if (node.outputs.some(of => wiring.isData(of)) && !isTable(wiring, node)) {
        node.inputs.forEach((of, input) => {
          if (of === at) meets.push({ node, input });
        });
        continue;
      }
      if (!isSmooth(node, at)) continue;
      for (const of of node.outputs)
        if (!seen.has(of)) {
          seen.add(of);
          pending.push(of);
        }
    }
  return meets;
}

/**
 * Whether what a node gives moves with a value that it reads: not where it compares it, counts by it or chooses by it.
 * Numbers of regions that are written into an empty map, from which a mask of attention comes, are no weights; a bias of
 * which a part is overwritten is one.
 */
function isSmooth({ domain, op, inputs }: Node, name: string): boolean {
  if (op === 'ScatterND' || op === 'ScatterElements') return inputs[0] === name;
  const spec = coreOperators.get(domain, op)?.spec;
  const rules = spec?.gradient as Readonly<Record<string, unknown>> | undefined;
  if (!rules) return true;
  const declared = spec!.inputs as readonly string[];
  return inputs.some((of, i) => of === name && rules[bare(declared[i] ?? declared.at(-1)!)] !== 'none');
}

/** A constant that is only repeated for each picture is still one: its size is data, not its content. */
const isTable = (wiring: Wiring, { op, inputs }: Node) =>
  (op === 'Expand' || op === 'Tile') && !wiring.isData(inputs[0]!);

/** Values with a layer of weights between them and the pictures, or that weights alone made. */
function weightedBefore(wiring: Wiring): ReadonlySet<string> {
  const deep = new Set<string>();
  for (const node of wiring.graph.nodes) {
    const isLayer = weightsOf(wiring, node) !== undefined || slots.has(node.op);
    if (isLayer || node.inputs.some(name => deep.has(name))) for (const name of node.outputs) deep.add(name);
  }
  return deep;
}

/** Everything that descends from a value, without it. */
function descendants({ graph }: Wiring, from: string): ReadonlySet<string> {
  const names = new Set([from]);
  for (const node of graph.nodes)
    if (node.inputs.some(name => names.has(name))) for (const name of node.outputs) names.add(name);
  names.delete(from);
  return names;
}

/** Masks of attention hold two numbers, one of which forbids. */
function isMask(tensor: Tensor): boolean {
  if (tensor.type !== 'float32' || elementCount(tensor.shape) < 4) return false;
  const values = floats(tensor);
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= -50 && high === 0 && values.every(value => value === low || value === high);
}
