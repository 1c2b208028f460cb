// Chains of nodes that only write elements in another shape or order become one node, or none:
//   Reshape ∘ Squeeze ∘ Flatten … = Reshape        Transpose ∘ Transpose = Transpose        Identity = nothing
// A Transpose that moves only axes of size 1 is a Reshape. Shapes must be known in numbers.

import type { Node } from '../graph/index.js';
import { Reshape, Transpose } from '../operators/index.js';
import { intsOf, rewriting, type Rewrite } from './rewrite.js';
import { sizesOf } from './values-of.js';

const views = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);
const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((it, i) => it === b[i]);

const joinViews: Rewrite = ({ node, before, now }) => {
  if (!isView(node)) return undefined;
  const wanted = sizesOf(before.graph, node.outputs[0]!);
  if (!wanted) return undefined;
  let root = node.inputs[0]!;
  let steps = 1;
  for (let made = before.producers.get(root); made && isView(made); made = before.producers.get(root)) {
    root = made.inputs[0]!;
    steps++;
  }
  const from = now(root);
  if (!from) return undefined;
  if (same(from.shape, wanted))
    return before.outputs.has(node.outputs[0]!) && node.op === 'Identity' ? undefined : from;
  return steps === 1 && node.op === 'Reshape' ? undefined : Reshape(from, wanted);
  function isView(one: Node): boolean {
    return one.domain === '' && (views.has(one.op) || isIdle(one));
  }
  /** A Transpose that keeps the order of all axes that are longer than 1. */
  function isIdle(one: Node): boolean {
    if (one.op !== 'Transpose') return false;
    const sizes = sizesOf(before.graph, one.inputs[0]!);
    const moved = sizes && permOf(one, sizes.length).filter(axis => sizes[axis] !== 1);
    return moved?.every((axis, i) => i === 0 || moved[i - 1]! < axis) ?? false;
  }
};

const joinTransposes: Rewrite = ({ node, before, now, inputs }) => {
  if (node.op !== 'Transpose' || node.domain !== '') return undefined;
  let perm = permOf(node, inputs[0]!.shape.length);
  let root = node.inputs[0]!;
  let steps = 1;
  for (let made = before.producers.get(root); made?.op === 'Transpose'; made = before.producers.get(root)) {
    const inner = permOf(made, perm.length);
    perm = perm.map(axis => inner[axis]!);
    root = made.inputs[0]!;
    steps++;
  }
  const from = now(root);
  if (!from) return undefined;
  if (perm.every((axis, i) => axis === i)) return from;
  return steps === 1 ? undefined : Transpose(from, { perm });
};

const permOf = (node: Node, rank: number): readonly number[] =>
  intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);

/** Joins chains of shapes and orders. */
export const simplifyLayout = rewriting('simplify-layout', [joinViews, joinTransposes]);
