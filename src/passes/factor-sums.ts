// A factor that two products of a sum share is taken out of it: d·x + d·y·z = d·(x + y·z), one pass over the values less,
// two where d is small and would be spread out. Products that are there already are used again. The gradient of SiLU
// falls together so: d·q + d·z·q·(1 − q) = d·(q + a·(1 − q)), where q = sigmoid(z) and a = z·q.

import type { Node, Value } from '../graph/index.js';
import { Add, Mul } from '../operators/index.js';
import { rewriting, type Before, type Rewrite } from './rewrite.js';

/** Products longer than this are not looked through. */
const longest = 6;

const factored: Rewrite = ({ node, before, now }) => {
  if (node.op !== 'Add' || node.domain !== '' || node.inputs[0] === node.inputs[1]) return undefined;
  const terms = node.inputs.map(name => factorsOf(before, name));
  const [first, second] = terms as [Product, Product];
  if (first.inner.size === 0 || second.inner.size === 0) return undefined;
  const inner = new Set([...first.inner, ...second.inner]);
  let best: { readonly factor: string; readonly rests: readonly (readonly string[])[] } | undefined;
  for (const factor of new Set(first.names.filter(name => second.names.includes(name)))) {
    const rests = terms.map(({ names }) => joined(before, without(names, factor), inner, now));
    if (rests.some(rest => rest.length === 0)) continue;
    if (!best || lengthOf(rests) < lengthOf(best.rests)) best = { factor, rests };
  }
  // one Mul for each factor of the rests but the first, and one with what was taken out
  if (!best || lengthOf(best.rests) - 1 >= inner.size) return undefined;
  const [x, y] = best.rests.map(rest => rest.map(name => now(name)!).reduce((a, b) => Mul(a, b)));
  return Mul(now(best.factor), Add(x, y));
};

interface Product {
  readonly names: readonly string[];
  /** The nodes that multiply them, read by nobody else. */
  readonly inner: ReadonlySet<Node>;
}

/** What a value is the product of, through products that only it reads. */
function factorsOf(before: Before, name: string): Product {
  const inner = new Set<Node>();
  const names: string[] = [];
  const pending = [name];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const made = before.producers.get(at);
    const isProduct = made?.op === 'Mul' && made.domain === '' && before.isReadOnce(at) && inner.size < longest;
    if (isProduct) {
      inner.add(made);
      pending.push(made.inputs[1]!, made.inputs[0]!);
    } else names.push(at);
  }
  return { names, inner };
}

/** Factors, two of them as one where their product stands elsewhere. */
function joined(
  before: Before,
  names: readonly string[],
  inner: ReadonlySet<Node>,
  now: (name: string) => Value | undefined,
): readonly string[] {
  for (const [i, a] of names.entries())
    for (const b of names.slice(i + 1)) {
      const found = before.readers
        .get(a)
        ?.find(reader => reader.op === 'Mul' && reader.domain === '' && !inner.has(reader) && isOf(reader, a, b));
      const name = found?.outputs[0];
      if (name && now(name)) return [name, ...without(without(names, a), b)];
    }
  return names;
}
const isOf = ({ inputs: [x, y] }: Node, a: string, b: string) => (x === a && y === b) || (x === b && y === a);

function without(names: readonly string[], one: string): readonly string[] {
  const at = names.indexOf(one);
  return names.filter((_, i) => i !== at);
}
const lengthOf = (rests: readonly (readonly string[])[]) => rests.reduce((sum, rest) => sum + rest.length, 0);

/** Takes shared factors out of sums. */
export const factorSums = rewriting('factor-sums', [factored]);
