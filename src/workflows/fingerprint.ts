// What makes a network the same network in another file: its large weights, whatever they are called and wherever they
// lie. A file that was converted, renamed or exported again keeps its fingerprint as long as no weight was recomputed.

import type { Tensor } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { subgraphsOf, type Graph, type Model } from '../graph/index.js';
import { constantOf } from '../passes/index.js';

/** Weights of fewer elements (biases, scales, shapes) do not count: exporters fold and move them. */
const fewest = 256;

/**
 * The SHA-256 over the sorted SHA-256 of every weight of 256 elements or more; undefined where there is none.
 * Layout and order of the graph do not matter; types and bytes of the weights do.
 */
export function weightsFingerprint(model: Model): string | undefined {
  const digests = new Set<string>();
  const add = (held: Tensor) => {
    const count = held.shape.reduce((a, b) => a * b, 1);
    if (count >= fewest && held.type !== 'int64' && held.type !== 'string') digests.add(sha256(held.type, held.bytes));
  };
  const pending: Graph[] = [model.graph];
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    for (const held of graph.initializers.values()) add(held);
    for (const node of graph.nodes) {
      const held = constantOf(node);
      if (held) add(held);
      pending.push(...subgraphsOf(node));
    }
  }
  return digests.size > 0 ? sha256([...digests].sort().join('\n')) : undefined;
}
