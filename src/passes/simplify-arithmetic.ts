// Arithmetic that costs a pass over a tensor and need not:
//   x · 1 = x     x + 0 = x     x / c = x · (1 / c)     (x · a) · b = x · (a · b)     x + (−y) = x − y
//   Expand(x) ∘ y = x ∘ y where y has the shape already     Σ (x · c) = (Σ x) · c     Expand(x) · c = Expand(x · c)

import type { Value } from '../graph/index.js';
import { Add, Div, Expand, Max, Min, Mul, ReduceMean, ReduceSum, Sub } from '../operators/index.js';
import { rewriting, type Rewrite, type Site } from './rewrite.js';
import { numberIn, scaleOf, sizesOf } from './values-of.js';

const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((it, i) => it === b[i]);
const shapeOf = ({ before, node }: Site) => sizesOf(before.graph, node.outputs[0]!);

/** The value alone where the other operand changes nothing. */
const dropNeutral: Rewrite = site => {
  const { node, inputs, before } = site;
  if (node.domain !== '') return undefined;
  const neutral = node.op === 'Mul' || node.op === 'Div' ? 1 : node.op === 'Add' || node.op === 'Sub' ? 0 : undefined;
  if (neutral === undefined) return undefined;
  const commutes = node.op === 'Mul' || node.op === 'Add';
  const at = numberIn(before.graph, node.inputs[1]) === neutral ? 0 : commutes && numberIn(before.graph, node.inputs[0]) === neutral ? 1 : undefined; // prettier-ignore
  const value = at === undefined ? undefined : inputs[at];
  const wanted = shapeOf(site);
  return value && wanted && same(value.shape, wanted) ? value : undefined;
};

/** One factor for a chain of factors; divisions by numbers as multiplications. */
const joinFactors: Rewrite = ({ node, before, now }) => {
  const outer = scaleOf(before.graph, node);
  if (!outer) return undefined;
  let by = outer.by;
  let root = node.inputs[outer.of]!;
  let steps = node.op === 'Div' ? 2 : 1;
  for (let made = before.producers.get(root); before.isReadOnce(root); made = before.producers.get(root)) {
    const inner = scaleOf(before.graph, made);
    if (!inner) break;
    by *= inner.by;
    root = made!.inputs[inner.of]!;
    steps++;
  }
  const from = now(root);
  return steps > 1 && from && Number.isFinite(by) ? Mul(from, by) : undefined;
};

const subtractNegative: Rewrite = ({ node, inputs, before, now }) => {
  if (node.op !== 'Add' || node.domain !== '') return undefined;
  for (const [i, name] of node.inputs.entries()) {
    const made = before.producers.get(name);
    if (made?.op !== 'Neg' || made.domain !== '') continue;
    const negated = now(made.inputs[0]!);
    if (negated) return Sub(inputs[1 - i], negated);
  }
  return undefined;
};

const broadcasting = new Map<string, (...args: Value[]) => Value>([
  ['Add', Add],
  ['Sub', Sub],
  ['Mul', Mul],
  ['Div', Div],
  ['Max', Max],
  ['Min', Min],
]);
/** An operand need not be repeated where the other has the whole shape. */
const dropExpand: Rewrite = site => {
  const { node, before, now } = site;
  const operator = node.domain === '' && node.inputs.length === 2 ? broadcasting.get(node.op) : undefined;
  const wanted = operator && shapeOf(site);
  if (!operator || !wanted) return undefined;
  for (const [i, name] of node.inputs.entries()) {
    const made = before.producers.get(name);
    const other = now(node.inputs[1 - i]!);
    if (made?.op !== 'Expand' || !other || !same(other.shape, wanted)) continue;
    const small = now(made.inputs[0]!);
    if (small) return i === 0 ? operator(small, other) : operator(other, small);
  }
  return undefined;
};

/** Scaling after repeating is scaling of more elements. */
const scaleFirst: Rewrite = site => {
  const { node, before, now } = site;
  const scale = scaleOf(before.graph, node);
  const name = scale && node.inputs[scale.of]!;
  const made = name ? before.producers.get(name) : undefined;
  const wanted = shapeOf(site);
  if (!scale || made?.op !== 'Expand' || !wanted || !before.isReadOnce(name!)) return undefined;
  const small = now(made.inputs[0]!);
  return small && Expand(Mul(small, scale.by), wanted);
};

/** Summing first leaves fewer elements to scale. */
const sumFirst: Rewrite = ({ node, before, now, inputs }) => {
  const operator = node.op === 'ReduceSum' ? ReduceSum : node.op === 'ReduceMean' ? ReduceMean : undefined;
  const name = node.inputs[0]!;
  const made = before.producers.get(name);
  const scale = scaleOf(before.graph, made);
  if (!operator || node.domain !== '' || !scale || !before.isReadOnce(name)) return undefined;
  const whole = now(made!.inputs[scale.of]!);
  const read = (key: string) => node.attributes.get(key);
  const [keep, noop] = [read('keepdims'), read('noop_with_empty_axes')];
  if (!whole) return undefined;
  const summed = operator(whole, inputs[1], {
    keepdims: keep?.kind === 'int' ? keep.value : 1,
    noop_with_empty_axes: noop?.kind === 'int' ? noop.value : 0,
  });
  return Mul(summed, scale.by);
};

/** Takes out arithmetic that changes nothing or could work on less. */
export const simplifyArithmetic = rewriting('simplify-arithmetic', [
  dropNeutral,
  joinFactors,
  subtractNegative,
  dropExpand,
  scaleFirst,
  sumFirst,
]);
