// optimizer_model of ONNX Runtime's training read back: which optimizer, with what numbers, and what stands before it.
// Understood are what generate_artifacts and onnxblock write: AdamWOptimizer or SGDOptimizerV2, once; gradients as they
// come or through InplaceClipGradNorm; the rate as it comes or times constants.

import { floats, type Tensor } from '../../base/index.js';
import type { Graph, Model, Node } from '../../graph/index.js';
import { errors } from './errors.js';
import type { OrtOptimizer } from './optimizer.js';

/** An optimizer graph as data. */
export interface ReadOptimizer {
  readonly optimizer: OrtOptimizer;
  /** What the learning rate is multiplied by before it is used. */
  readonly rateFactor: number;
  /** Largest global L2 norm of the gradients; undefined where they are not clipped. */
  readonly clip: number | undefined;
  /** Whether moments are corrected for having begun at zero. */
  readonly correctsBias: boolean;
}

const kinds = ['AdamWOptimizer', 'SGDOptimizerV2'];

/** Whether a model is one of optimizers. */
export const isOptimizerModel = ({ graph }: Model): boolean =>
  graph.nodes.some(({ op, domain }) => kinds.includes(op) && domain === 'com.microsoft');

/**
 * Reads an optimizer graph.
 *
 * @throws ORT_TRAINING_OPTIMIZER_GRAPH naming what is not understood
 */
export function readOptimizerModel({ graph }: Model): ReadOptimizer {
  const found = graph.nodes.filter(({ op, domain }) => kinds.includes(op) && domain === 'com.microsoft');
  const refuse = (why: string): never => {
    throw errors.OPTIMIZER_GRAPH({ why });
  };
  const [node] = found;
  if (!node || found.length > 1) return refuse(`it holds ${found.length} optimizers, wanted exactly one`);
  const isAdam = node.op === 'AdamWOptimizer';
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const producers = new Map(graph.nodes.flatMap(one => one.outputs.map(name => [name, one] as const)));
  const gradients = node.inputs[isAdam ? 3 : 2] ?? '';
  const clipping = producers.get(gradients);
  if (clipping && clipping.op !== 'InplaceClipGradNorm')
    refuse(`the gradients come from ${clipping.op} (node ${clipping.name})`);
  const straight = isAdam ? [1, 2, 4, 5] : [1];
  for (const i of straight)
    if (!inputs.has(node.inputs[i] ?? '')) refuse(`input ${i} of ${node.op} does not come straight from outside`);
  if (node.inputs[isAdam ? 6 : 3]) refuse(`${node.op} updates on a signal only`);
  return {
    optimizer: isAdam
      ? {
          name: 'adamw',
          form: number(node, 'adam_mode', 0) === 1 ? 'transformers' : 'torch',
          beta1: number(node, 'alpha', 0.9),
          beta2: number(node, 'beta', 0.999),
          epsilon: number(node, 'epsilon', 1e-8),
          weightDecay: number(node, 'weight_decay', 0.01),
        }
      : { name: 'sgd' },
    rateFactor: factorOf(graph, producers, node.inputs[0] ?? '', refuse),
    clip: clipping ? number(clipping, 'max_norm', 1) : undefined,
    correctsBias: !isAdam || number(node, 'correct_bias', 1) !== 0,
  };
}

function number(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : otherwise;
}

/** What stands between the graph's input and the rate that is used: products and quotients with constants. */
function factorOf(
  graph: Graph,
  producers: ReadonlyMap<string, Node>,
  name: string,
  refuse: (why: string) => never,
): number {
  if (graph.inputs.some(input => input.name === name)) return 1;
  const node = producers.get(name);
  if (!node) return refuse('the learning rate comes from nowhere');
  const [a, b] = node.inputs as [string, string?];
  if (node.op === 'Identity') return factorOf(graph, producers, a, refuse);
  const [left, right] = [constant(graph, producers, a), constant(graph, producers, b ?? '')];
  if (node.op === 'Mul' && left !== undefined) return left * factorOf(graph, producers, b!, refuse);
  if (node.op === 'Mul' && right !== undefined) return right * factorOf(graph, producers, a, refuse);
  if (node.op === 'Div' && right !== undefined) return factorOf(graph, producers, a, refuse) / right;
  return refuse(`the learning rate comes from ${node.op} (node ${node.name})`);
}

function constant(graph: Graph, producers: ReadonlyMap<string, Node>, name: string): number | undefined {
  const value = producers.get(name)?.attributes.get('value');
  const held: Tensor | undefined = graph.initializers.get(name) ?? (value?.kind === 'tensor' ? value.value : undefined);
  const [only, ...others] = held?.type === 'float32' ? floats(held) : [];
  return others.length === 0 ? only : undefined;
}
