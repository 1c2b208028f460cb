// Operator libraries that a network needs and onnxruntime does not bring.

import { subgraphsOf, type Graph } from '../graph/index.js';

/** The domains whose operators onnxruntime has by itself. */
const builtIn = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc', 'com.ms.internal.nhwc']);

/** A library that is missing, with the operators that a network uses of it. */
export interface MissingDomain {
  readonly domain: string;
  readonly operators: readonly string[];
}

/** Custom domains that nodes of a graph or of its sub-graphs use; `functions` are the domains that the model defines. */
export function missingDomains(graph: Graph, functions: readonly string[] = []): MissingDomain[] {
  const found = new Map<string, Set<string>>();
  const pending: Graph[] = [graph];
  for (let one = pending.pop(); one; one = pending.pop())
    for (const node of one.nodes) {
      pending.push(...subgraphsOf(node));
      if (builtIn.has(node.domain) || functions.includes(node.domain)) continue;
      const operators = found.get(node.domain) ?? new Set();
      found.set(node.domain, operators.add(node.op));
    }
  return [...found].map(([domain, operators]) => ({ domain, operators: [...operators] }));
}
