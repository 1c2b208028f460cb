// A LayerNormalization whose input needs no gradient, in front of linear layers, becomes part of their weights:
//   (x̂ · g + b) · Wᵀ + c  =  x̂ · (W · g)ᵀ + (c + W · b)
// so that nobody asks for the gradient of the rows, a third of the work of those layers; those of g and b follow from
// that of the weight. Rows may be picked, turned and reshaped on the way, as long as the last axis stays.

import { tensor } from '../base/index.js';
import type { Graph, Node, Value } from '../graph/index.js';
import { Add, Gemm, LayerNormalization, MatMul, Mul, Reshape, attributesOf } from '../operators/index.js';
import { pass, type Pass } from './pass.js';
import { intsOf, lookAt, rewriteGraph, type Before, type Rewrite } from './rewrite.js';
import { sizesOf } from './values-of.js';

/** What {@link foldLayerNormalization} must know. */
export interface FoldLayerOptions {
  /** Inputs of the graph that are trained. */
  readonly parameters: ReadonlySet<string>;
}

/** Folds trained LayerNormalizations of frozen rows into the Gemms that read them. */
export const foldLayerNormalization = ({ parameters }: FoldLayerOptions): Pass =>
  pass('fold-layer-normalization', (model, tell) => {
    const { graph } = model;
    const before = lookAt(graph);
    const fed = dependents(graph, parameters);
    const normalizations = graph.nodes.filter(
      node => isFrozen(node, fed, parameters) && sizesOf(graph, node.outputs[0]!),
    );
    const folded = new Map<string, Node>();
    const unscaled = new Set<Node>();
    for (const node of normalizations) {
      const readers = linearReaders(before, node.outputs[0]!, widthOf(graph, node));
      if (!readers?.length) continue;
      unscaled.add(node);
      for (const reader of readers) folded.set(reader.outputs[0]!, node);
    }
    if (unscaled.size === 0) return model;
    tell(`made ${unscaled.size} LayerNormalization part of ${folded.size} linear layers`);
    return { ...model, graph: rewriteGraph(graph, [unscale(unscaled), intoWeights(folded)]) };
  });

const widthOf = (graph: Graph, node: Node) => sizesOf(graph, node.outputs[0]!)!.at(-1)!;

/** Everything that depends on a parameter. */
function dependents(graph: Graph, parameters: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set(parameters);
  for (const node of graph.nodes)
    if (node.inputs.some(name => found.has(name))) for (const name of node.outputs) found.add(name);
  return found;
}

/** Over the last axis, of an input that needs no gradient, with a scale that does. */
function isFrozen(node: Node, fed: ReadonlySet<string>, parameters: ReadonlySet<string>): boolean {
  if (node.op !== 'LayerNormalization' || node.domain !== '' || node.outputs.length !== 1) return false;
  const axis = node.attributes.get('axis');
  const [x, scale, bias] = node.inputs as [string, string, string?];
  return (axis?.kind !== 'int' || axis.value === -1) && !fed.has(x) && parameters.has(scale) && (!bias || parameters.has(bias)); // prettier-ignore
}

/** The Gemms that read a value as their rows, all of them; undefined where anything else reads it. */
function linearReaders(before: Before, name: string, width: number): Node[] | undefined {
  if (before.outputs.has(name)) return undefined;
  const found: Node[] = [];
  for (const reader of before.readers.get(name) ?? []) {
    if (isGemm(reader, name)) {
      found.push(reader);
      continue;
    }
    if (!keepsLast(before.graph, reader, name, width)) return undefined;
    const further = linearReaders(before, reader.outputs[0]!, width);
    if (!further) return undefined;
    found.push(...further);
  }
  return found;
}

function isGemm(node: Node, rows: string): boolean {
  const transA = node.attributes.get('transA');
  const isOnce = node.inputs.filter(name => name === rows).length === 1;
  const isTurned = transA?.kind === 'int' && transA.value !== 0;
  return node.op === 'Gemm' && node.domain === '' && node.inputs[0] === rows && isOnce && !isTurned;
}

/** Whether a node only moves rows: what is one row before is one row after. */
function keepsLast({ initializers, ...graph }: Graph, node: Node, name: string, width: number): boolean {
  if (node.domain !== '' || node.inputs[0] !== name || node.outputs.length !== 1) return false;
  const whole = { initializers, ...graph };
  const [from, to] = [sizesOf(whole, name), sizesOf(whole, node.outputs[0]!)];
  if (!from || to?.at(-1) !== width) return false;
  if (node.op === 'Reshape') return true;
  if (node.op === 'Transpose') return intsOf(node, 'perm')?.at(-1) === from.length - 1;
  const axis = node.attributes.get('axis');
  const at = axis?.kind === 'int' ? axis.value : 0;
  if (node.op === 'Gather') return (at < 0 ? at + from.length : at) < from.length - 1;
  // A Slice that leaves the last axis as long as it was may still turn it around.
  return node.op === 'Slice' && isForward(whole, node);
}
const isForward = ({ initializers }: Graph, node: Node): boolean => {
  const steps = node.inputs[4] ? initializers.get(node.inputs[4]) : undefined;
  return !node.inputs[4] || (steps?.type === 'int64' && new BigInt64Array(new Uint8Array(steps.bytes).buffer).every(step => step > 0n)); // prettier-ignore
};

const unscale =
  (nodes: ReadonlySet<Node>): Rewrite =>
  ({ node, inputs, builder }) => {
    if (!nodes.has(node)) return undefined;
    const [x] = inputs as [Value];
    const width = x.shape.at(-1) as number;
    const ones = builder.constant(tensor('float32', [width], new Float32Array(width).fill(1)), undefined, 'ones');
    const { epsilon } = attributesOf(LayerNormalization, node.attributes);
    return LayerNormalization(x, ones, undefined, { epsilon });
  };

const intoWeights =
  (folded: ReadonlyMap<string, Node>): Rewrite =>
  ({ node, inputs, now }) => {
    const normalization = folded.get(node.outputs[0]!);
    if (!normalization) return undefined;
    const [x, weight, c] = inputs as [Value, Value, Value?];
    const at = attributesOf(Gemm, node.attributes);
    const scale = now(normalization.inputs[1]!)!;
    const shift = normalization.inputs[2] ? now(normalization.inputs[2]) : undefined;
    const width = scale.shape[0] as number;
    const scaled = Mul(weight, at.transB ? scale : Reshape(scale, [width, 1]));
    const attributes = { alpha: at.alpha, transB: at.transB };
    if (!shift) return Gemm(x, scaled, c, { ...attributes, beta: at.beta });
    // W · b, [N] on the scale of the sum
    const moved = at.transB ? Reshape(MatMul(weight, Reshape(shift, [width, 1])), [-1]) : Reshape(MatMul(Reshape(shift, [1, width]), weight), [-1]); // prettier-ignore
    const of = at.alpha === 1 ? moved : Mul(moved, at.alpha);
    return Gemm(x, scaled, c ? Add(at.beta === 1 ? c : Mul(c, at.beta), of) : of, attributes);
  };
