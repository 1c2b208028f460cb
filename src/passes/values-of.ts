// What rules ask about values of the graph that is written anew: constants of one number, shapes, types.

import { elementCount, elements, floats } from '../base/index.js';
import type { Graph, Node } from '../graph/index.js';

/** The number that a float32 weight of one element holds; undefined where the name is no such weight. */
export function numberIn(graph: Graph, name: string | undefined): number | undefined {
  const held = name ? graph.initializers.get(name) : undefined;
  if (held?.type !== 'float32' || elementCount(held.shape) !== 1) return undefined;
  return floats(held)[0]!;
}

/** The integers that a weight holds; undefined where the name is no such weight. */
export function integersOf(graph: Graph, name: string | undefined): readonly number[] | undefined {
  const held = name ? graph.initializers.get(name) : undefined;
  if (held?.type !== 'int64' && held?.type !== 'int32') return undefined;
  return Array.from(elements(held) as ArrayLike<number | bigint>, Number);
}

/** The whole shape of a value in numbers; undefined where it is not known. */
export function sizesOf(graph: Graph, name: string): readonly number[] | undefined {
  const held = graph.initializers.get(name);
  if (held) return held.shape;
  const info = graph.values.get(name) ?? [...graph.inputs, ...graph.outputs].find(one => one.name === name);
  return info?.shape?.every(dim => typeof dim === 'number') ? info.shape : undefined;
}

/** A factor times a value: which input of a Mul or Div is the value, and the factor. */
export function scaleOf(
  graph: Graph,
  node: Node | undefined,
): { readonly of: number; readonly by: number } | undefined {
  if (node?.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div')) return undefined;
  const second = numberIn(graph, node.inputs[1]);
  if (second !== undefined) return { of: 0, by: node.op === 'Mul' ? second : 1 / second };
  const first = node.op === 'Mul' ? numberIn(graph, node.inputs[0]) : undefined;
  return first === undefined ? undefined : { of: 1, by: first };
}
