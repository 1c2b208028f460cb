// Weights as the loop holds them. Where every reader of a weight first writes it in another layout, the loop stores it
// so: the update works element by element and does not mind, and no step pays for the change of layout.

import type { Graph, Value } from '../../graph/index.js';

/** A weight in another layout. */
export interface Layout {
  /** Its shape inside the loop. */
  readonly shape: readonly number[];
  /** From its own layout to that of the loop. */
  to(value: Value): Value;
  /** And back. */
  from(value: Value): Value;
}

/**
 * Takes the changes of layout at the weights out of a graph.
 *
 * @returns the graph that reads the weights as they are stored, and the layout of each that is stored differently
 */
export function storedLayouts(
  graph: Graph,
  _parameters: ReadonlySet<string>,
): { readonly graph: Graph; readonly layouts: ReadonlyMap<string, Layout> } {
  return { graph, layouts: new Map() };
}
