// Shape arithmetic whose result is known becomes constants: what Shape → Gather → Concat chains compute from sizes
// that are numbers, and the targets of Reshape in which only dimensions are names that the input has at the same place
// (0) or that are the only ones (-1). Only integers are followed: through floats a half would be lost.

import { tensor, type Tensor } from '../base/index.js';
import { houseOpset, subgraphsOf, type Dim, type Graph, type Initializer, type Node } from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { pass } from './pass.js';
import { freshNames, mapModel } from './walk.js';

/** Longer ones are data, not shapes. */
const longest = 1024;

/** Folds shape arithmetic into initializers; nodes that nothing needs then are left to drop-unused. */
export const foldShapes = pass('fold-shapes', (model, tell) => {
  const { facts } = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset });
  const { exact, once } = integerValues(model.graph, name => facts.get(name)?.type);
  const fresh = freshNames(model.graph);
  let folded = 0;
  let targets = 0;
  const next = mapModel(model, graph => {
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    const initializers = new Map<string, Initializer>(graph.initializers);
    const nodes: Node[] = [];
    for (const node of graph.nodes) {
      const name = node.outputs[0]!;
      const isInner = node.outputs.length === 1 && once.has(name) && exact.has(name) && !outputs.has(name);
      const held = isInner ? constantFrom(facts.get(name) ?? {}) : undefined;
      if (held) {
        initializers.set(name, held);
        folded++;
        continue;
      }
      const target = node.op === 'Reshape' && node.domain === '' ? node.inputs[1] : undefined;
      if (target && exact.has(target) && once.has(target) && !initializers.has(target)) {
        const numbers = targetFrom(facts.get(target)?.known, facts.get(node.inputs[0]!)?.shape, node);
        if (numbers) {
          const own = fresh(`${node.outputs[0]}/target`);
          initializers.set(own, tensor('int64', [numbers.length], numbers));
          nodes.push({ ...node, inputs: [node.inputs[0]!, own] });
          targets++;
          continue;
        }
      }
      nodes.push(node);
    }
    if (nodes.length === graph.nodes.length && nodes.every((node, i) => node === graph.nodes[i])) return graph;
    const values = new Map([...graph.values].filter(([name]) => !initializers.has(name)));
    return { ...graph, nodes, initializers, values };
  });
  const parts = [
    folded > 0 ? `computed ${folded} ${folded === 1 ? 'node' : 'nodes'} of shape arithmetic` : '',
    targets > 0 ? `wrote the targets of ${targets} Reshape as numbers` : '',
  ].filter(Boolean);
  if (parts.length > 0) tell(parts.join(' and '));
  return next;
});

interface Facts {
  readonly type?: string;
  readonly shape?: readonly Dim[];
  readonly known?: readonly Dim[];
}

/** The constant of a value that is fully known. */
function constantFrom({ type, shape, known }: Facts): Tensor | undefined {
  if ((type !== 'int64' && type !== 'int32') || !shape || !known || known.length > longest) return undefined;
  if (!shape.every(dim => typeof dim === 'number') || !known.every(dim => typeof dim === 'number')) return undefined;
  const sizes = shape;
  const count = sizes.reduce((a, b) => a * b, 1);
  const isFit = count === known.length && known.every(dim => Number.isSafeInteger(dim));
  return isFit ? tensor(type, sizes, known) : undefined;
}

/** The target of a Reshape in which names are written as 0 or -1. */
function targetFrom(known: readonly Dim[] | undefined, from: readonly Dim[] | undefined, node: Node) {
  const allowZero = node.attributes.get('allowzero');
  if (!known || (allowZero?.kind === 'int' && allowZero.value !== 0)) return undefined;
  const numbers: number[] = [];
  let isOpen = known.includes(-1);
  for (const [i, dim] of known.entries()) {
    if (dim === '' || (typeof dim === 'number' && !Number.isSafeInteger(dim))) return undefined;
    if (typeof dim === 'number') numbers.push(dim);
    else if (from?.[i] === dim) numbers.push(0);
    else if (isOpen) return undefined;
    else {
      numbers.push(-1);
      isOpen = true;
    }
  }
  return numbers;
}

/** Values that whole numbers alone lead to, and names that stand for one value in all sub-graphs. */
function integerValues(graph: Graph, typeOf: (name: string) => string | undefined) {
  const exact = new Set<string>();
  const once = new Set<string>();
  const twice = new Set<string>();
  const seen = (name: string) => (once.has(name) ? twice : once).add(name);
  const isWhole = (name: string) => !name || (exact.has(name) && /^(u?int|bool)/.test(typeOf(name) ?? ''));
  const walk = (one: Graph): void => {
    for (const name of one.initializers.keys()) {
      seen(name);
      exact.add(name);
    }
    for (const node of one.nodes) {
      for (const inner of subgraphsOf(node)) walk(inner);
      const isMeasure = node.domain === '' && (node.op === 'Shape' || node.op === 'Size');
      const isExact = isMeasure || (node.domain === '' && node.inputs.every(isWhole) && subgraphsOf(node).length === 0);
      for (const name of node.outputs) {
        if (!name) continue;
        seen(name);
        if (isExact) exact.add(name);
      }
    }
  };
  walk(graph);
  for (const name of twice) once.delete(name);
  return { exact, once };
}
