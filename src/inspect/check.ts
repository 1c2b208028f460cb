// Before onnxruntime sees a model: are its operators ones that it has, and what would folding its constants make?
// onnxruntime computes at load time whatever depends on no input, so a few hundred bytes can ask for terabytes.

import { bitsOf, printable } from '../base/index.js';
import {
  houseOpset,
  namesRead,
  structureErrors,
  subgraphsOf,
  type Dim,
  type Graph,
  type Model,
  type Node,
} from '../graph/index.js';
import { coreOperators, inferShapes, type Inferred } from '../operators/index.js';
import { errors } from './errors.js';
import { missingDomains } from './domains.js';
import { isStandardOperator } from './standard-operators.js';

/** What folding may cost. */
export interface FoldingBudget {
  /** @default 256 MiB, or eight times the weights where that is more: standardized weights are folded in steps */
  readonly bytes?: number;
  /** Multiply-accumulates. @default 10^9 */
  readonly operations?: number;
}

/**
 * Refuses a model that onnxruntime does not know the operators of, or that would blow up while it is loaded.
 *
 * @throws ONNX_OP_UNKNOWN, ONNX_LIMIT_BYTES
 */
export function check(model: Model, budget: FoldingBudget = {}): void {
  checkOperators(model);
  checkFolding(model, budget);
}

/** Refuses operators that nobody has. */
export function checkOperators(model: Model): void {
  const own = new Set(model.functions.map(({ domain, name }) => `${domain}\u0000${name}`));
  const opset = model.opsets.get('') ?? houseOpset;
  const domains = model.functions.map(({ domain }) => domain);
  const [missing] = missingDomains(model.graph, domains);
  if (missing)
    throw errors.OP_UNKNOWN({
      operator: missing.operators[0]!,
      domain: missing.domain,
      opset: model.opsets.get(missing.domain) ?? 0,
    });
  const pending: (readonly Node[])[] = [model.graph.nodes, ...model.functions.map(({ nodes }) => nodes)];
  for (let nodes = pending.pop(); nodes; nodes = pending.pop())
    for (const node of nodes) {
      for (const graph of subgraphsOf(node)) pending.push(graph.nodes);
      if (node.domain !== '' || own.has(`\u0000${node.op}`)) continue;
      if (!isStandardOperator(node.op)) throw errors.OP_UNKNOWN({ operator: node.op, domain: 'ai.onnx', opset });
    }
}

/** Counts, from shapes alone, what folding would make and compute. */
export function checkFolding(model: Model, budget: FoldingBudget = {}): void {
  const { bytes: mostBytes = usualBytes(model), operations: mostOperations = 1e9 } = budget;
  const inferred = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset });
  let bytes = 0;
  let operations = 0;
  const constants = (graph: Graph, outer: ReadonlySet<string>): void => {
    const constant = new Set(outer);
    for (const name of graph.initializers.keys()) constant.add(name);
    for (const { name } of graph.inputs) constant.delete(name);
    for (const node of graph.nodes) {
      for (const inner of subgraphsOf(node)) constants(inner, constant);
      if (![...namesRead(node)].every(name => constant.has(name)) || isRandom(node)) continue;
      for (const name of node.outputs) constant.add(name);
      bytes += bytesOf(node, inferred);
      operations += inferred.macs.get(node) ?? 0;
      if (bytes > mostBytes)
        throw structureErrors.LIMIT_BYTES({
          what: `folding constants up to node ${printable(node.name || node.op)} makes bytes:`,
          found: bytes,
          limit: mostBytes,
        });
      if (operations > mostOperations)
        throw structureErrors.LIMIT_BYTES({
          what: `folding constants up to node ${printable(node.name || node.op)} takes operations:`,
          found: operations,
          limit: mostOperations,
        });
    }
  };
  constants(model.graph, new Set());
}

/** A file's own weights bound what it may ask for. */
function usualBytes({ graph }: Model): number {
  let weights = 0;
  for (const { bytes } of graph.initializers.values()) weights += bytes.length;
  return Math.max(256 * 2 ** 20, 8 * weights);
}

const isRandom = ({ op }: Node): boolean => op.startsWith('Random') || op === 'Bernoulli' || op === 'Multinomial';

/** Bytes that the outputs of a node take; what is not known counts as nothing. */
function bytesOf(node: Node, { facts }: Inferred): number {
  let bytes = 0;
  for (const name of node.outputs) {
    const { type, shape } = facts.get(name) ?? {};
    if (!type || !shape) continue;
    const count = shape.reduce<number>((n: number, dim: Dim) => n * (typeof dim === 'number' ? dim : 1), 1);
    bytes += (count * (bitsOf[type] || 64)) / 8;
  }
  return bytes;
}
