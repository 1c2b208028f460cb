// The names that a network's authors gave its parts: `layer4.0`, `fire9`, `stage2.1`. They are read from node names
// (`/layer4/layer4.0/conv1/Conv`), from weights (`layer4.0.conv1.weight`) or from values (`fire9/concat_1`).

import type { Node } from '../graph/index.js';
import type { Wiring } from './wiring.js';

/** The parts that a node lies in, from the outermost: `['layer4', 'layer4.0', 'layer4.0.conv1']`; empty where unnamed. */
export function pathOf(wiring: Wiring, node: Node): readonly string[] {
  if (node.name.includes('/')) return scopes(node.name.split('/').slice(0, -1));
  const weight = node.inputs.find(name => name && !wiring.isData(name) && wiring.graph.initializers.has(name));
  if (weight && /[./]/.test(weight)) return dotted(weight.split(/[./]/).slice(0, -1));
  // Keras and TensorFlow Lite: `fire9_e1x1.kernel` and the like have their part before the first underscore.
  if (node.name.includes('.')) return dotted(node.name.split('.').slice(0, -1));
  const value = node.outputs[0] ?? '';
  return value.includes('/') ? dotted(value.split('/').slice(0, -1)) : [];
}

/** Scopes of PyTorch's exporter repeat their parents: `layer4`, `layer4.0`, `conv1` is `layer4.0.conv1`. */
function scopes(parts: readonly string[]): string[] {
  const paths: string[] = [];
  for (const part of parts) {
    if (!part) continue;
    const before = paths.at(-1);
    paths.push(before === undefined || part.startsWith(`${before}.`) ? part : `${before}.${part}`);
  }
  return paths;
}

function dotted(parts: readonly string[]): string[] {
  const [first, ...rest] = parts;
  if (!first) return [];
  const family = /^([A-Za-z]+\d+)_/.exec(first)?.[1];
  const paths = family ? [family, first] : [first];
  for (const part of rest) paths.push(`${paths.at(-1)!}.${part}`);
  return paths;
}
