// Nodes that compute the same become one: equal operator, attributes and inputs. Where one gives more outputs than the
// other (a MaxPool beside the same MaxPool with indices, a LayerNormalization with its mean), the longer one stays.
// Small weights of equal contents become one too. Nodes that draw at random are left alone, and so are bodies.

import { renameNode, subgraphsOf, type Attribute, type Graph, type Initializer, type Node } from '../graph/index.js';
import { pass } from './pass.js';

/** Larger weights are compared by identity only. */
const longest = 4096;
const random = new Set(['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Bernoulli', 'Multinomial']); // prettier-ignore

/** Merges equal nodes and equal small weights. */
export const mergeEqual = pass('merge-equal', (model, tell) => {
  const { graph, merged } = merge(model.graph);
  if (merged === 0) return model;
  tell(`merged ${merged} nodes and weights that are equal to others`);
  return { ...model, graph };
});

function merge(graph: Graph): { graph: Graph; merged: number } {
  const renamed = new Map<string, string>();
  const initializers = equalWeights(graph.initializers, renamed);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const kept: Node[] = [];
  const places = new Map<string, number>();
  let merged = renamed.size;
  for (const original of graph.nodes) {
    const node = renamed.size > 0 ? renameNode(original, renamed) : original;
    const key = keyOf(node);
    const place = key === undefined ? undefined : places.get(key);
    // The name of an output of the graph has one maker, so such a node stays.
    if (key === undefined || node.outputs.some(name => outputs.has(name))) {
      kept.push(node);
      continue;
    }
    if (place === undefined) {
      places.set(key, kept.push(node) - 1);
      continue;
    }
    const first = kept[place]!;
    const joint = Array.from({ length: Math.max(first.outputs.length, node.outputs.length) }, (_, i) => first.outputs[i] || node.outputs[i] || ''); // prettier-ignore
    node.outputs.forEach((name, i) => {
      if (name && name !== joint[i]) renamed.set(name, joint[i]!);
    });
    if (joint.some((name, i) => name !== first.outputs[i])) kept[place] = { ...first, outputs: joint };
    merged++;
  }
  if (merged === 0) return { graph, merged };
  const values = new Map([...graph.values].filter(([name]) => !renamed.has(name)));
  return { graph: { ...graph, nodes: kept, initializers, values }, merged };
}

/** The weights without those that are equal to one before; `renamed` tells which. */
function equalWeights(initializers: Graph['initializers'], renamed: Map<string, string>): Graph['initializers'] {
  const found = new Map<string, string>();
  const kept = new Map<string, Initializer>();
  for (const [name, held] of initializers) {
    const isSmall = held.bytes.length <= longest && held.type !== 'string';
    const key = isSmall ? `${held.type} ${held.shape.join()} ${held.bytes.join()}` : undefined;
    const other = key === undefined ? undefined : found.get(key);
    if (other !== undefined) {
      renamed.set(name, other);
      continue;
    }
    if (key !== undefined) found.set(key, name);
    kept.set(name, held);
  }
  return kept;
}

/** What two nodes that are equal agree in; undefined where a node is equal to none. */
function keyOf(node: Node): string | undefined {
  if (random.has(node.op) || subgraphsOf(node).length > 0) return undefined;
  // A Dropout that trains draws; one that does not was taken out at the door.
  if (node.op === 'Dropout') return undefined;
  const attributes: string[] = [];
  for (const [name, attribute] of [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = textOf(attribute);
    if (text === undefined) return undefined;
    attributes.push(`${name}=${text}`);
  }
  return [node.domain, node.op, node.overload ?? '', node.inputs.join('\u0001'), attributes.join('\u0001')].join(
    '\u0000',
  );
}

function textOf(attribute: Attribute): string | undefined {
  if (attribute.raw) return undefined;
  const { kind, value } = attribute;
  if (kind === 'int' || kind === 'float' || kind === 'ints' || kind === 'floats') return `${kind} ${String(value)}`;
  if (kind === 'string' || kind === 'strings') return `${kind} ${JSON.stringify(value)}`;
  if (kind === 'tensor' && value.bytes.length <= longest && value.type !== 'string')
    return `${value.type} ${value.shape.join()} ${value.bytes.join()}`;
  return undefined;
}
