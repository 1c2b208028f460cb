// Activations that exporters write out in several nodes, as the one node that they are, whose gradient is cheap:
//   x · (erf(x / √2) + 1) · ½, in any order of the factors  =  Gelu(x)

import type { Node } from '../graph/index.js';
import { Gelu } from '../operators/index.js';
import { rewriting, type Before, type Rewrite } from './rewrite.js';
import { numberIn, scaleOf } from './values-of.js';

const close = (a: number | undefined, b: number) => a !== undefined && Math.abs(a - b) <= 1e-5 * Math.abs(b);

/** The factors of a chain of Mul and Div by numbers: what is not a number by name, and the product of the numbers. */
function factorsOf(before: Before, node: Node): { readonly names: readonly string[]; readonly by: number } {
  let by = 1;
  const names: string[] = [];
  const pending = [...node.inputs];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const number = numberIn(before.graph, name);
    const made = before.producers.get(name);
    if (number !== undefined) by *= number;
    else if (made?.op === 'Mul' && made.domain === '' && before.isReadOnce(name)) pending.push(...made.inputs);
    else names.push(name);
  }
  return { names, by };
}

/** x of erf(x / √2) + 1, or of half of it, with the factor that is left of it. */
function errorOf(before: Before, name: string): { readonly x: string; readonly half: number } | undefined {
  const sum = before.producers.get(name);
  if (sum?.op !== 'Add' || sum.domain !== '') return undefined;
  const at = numberIn(before.graph, sum.inputs[1]) === undefined ? 1 : 0;
  const shift = numberIn(before.graph, sum.inputs[1 - at]);
  const made = before.producers.get(sum.inputs[at]!);
  const outer = scaleOf(before.graph, made);
  const scale = outer?.by ?? 1;
  if (shift === undefined || !close(scale, shift)) return undefined;
  const erf = outer ? before.producers.get(made!.inputs[outer.of]!) : made;
  if (erf?.op !== 'Erf') return undefined;
  const divided = before.producers.get(erf.inputs[0]!);
  const inner = scaleOf(before.graph, divided);
  return inner && close(inner.by, Math.SQRT1_2) ? { x: divided!.inputs[inner.of]!, half: shift } : undefined;
}

const gelu: Rewrite = ({ node, before, now }) => {
  if (node.op !== 'Mul' || node.domain !== '') return undefined;
  const { names, by } = factorsOf(before, node);
  if (names.length !== 2) return undefined;
  for (const [i, name] of names.entries()) {
    const found = errorOf(before, name);
    if (found?.x !== names[1 - i] || !close(by * found!.half, 0.5)) continue;
    const x = now(found!.x);
    if (x) return Gelu(x);
  }
  return undefined;
};

/** Activations written out, as one node. */
export const recogniseActivations = rewriting('recognise-activations', [gelu]);
