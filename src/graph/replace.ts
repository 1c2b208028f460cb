// Puts other nodes in the place of one, in a graph under construction. Its outputs keep their names, so that whatever
// reads them stays as it is.

import type { Builder, Value } from './builder.js';
import { renameNode } from './embed.js';
import type { Node } from './model.js';

/**
 * Replaces a node by what `make` appends to its builder.
 *
 * @param make gives a value for each output of the node; one that it leaves out must be read by nobody
 * @returns the nodes that stand there now
 */
export function replaceNode(builder: Builder, node: Node, make: () => readonly (Value | undefined)[]): readonly Node[] {
  const end = builder.nodes.length;
  const values = make();
  const made = builder.nodes.splice(end);
  const own = new Set(made.flatMap(({ outputs }) => outputs));
  const renamed = new Map<string, string>();
  const passed: Node[] = [];
  node.outputs.forEach((name, i) => {
    const value = values[i];
    if (!name || !value) return;
    if (own.has(value.name) && !renamed.has(value.name)) renamed.set(value.name, name);
    else {
      // an input that passes through, or a value that is two outputs at once
      const inputs = [renamed.get(value.name) ?? value.name];
      passed.push({ op: 'Identity', domain: '', name, inputs, outputs: [name], attributes: new Map() });
    }
  });
  const there = [...made, ...passed].map((one): Node => {
    const kept = renameNode(one, renamed);
    const name = builder.fresh(`${node.name}/${one.op.toLowerCase()}`);
    return { ...kept, name, outputs: one.outputs.map(output => renamed.get(output) ?? output) };
  });
  builder.nodes.splice(builder.nodes.indexOf(node), 1, ...there);
  return there;
}
