// Sums of products by subscripts, as in `bij,bjk->bik`: letters name axes, `...` stands for the axes that broadcast,
// letters that the right side leaves out are summed.

import type { Dim, Value } from '../graph/index.js';
import { operator, string } from './define.js';
import { broadcast, perItem, sizeOf, unify } from './dims.js';
import { Mul } from './elementwise.js';
import { errors } from './errors.js';
import { Expand, Shape, Unsqueeze } from './layout.js';

const ellipsis = '...';

export const Einsum = operator('Einsum', {
  inputs: ['...Inputs'],
  outputs: ['Output'],
  attributes: { equation: string('') },
  shape: ({ Inputs, equation }) => {
    const shapes = Inputs.map(({ shape }) => shape);
    const { output, sizes, spread } = read(equation, shapes);
    return { Output: output.flatMap(letter => (letter === ellipsis ? spread : [sizes.get(letter)!])) };
  },
  // one for each combination of all letters and each product, or sum where there is one input
  macs: ({ Inputs, equation }) => {
    const { sizes, spread } = read(
      equation,
      Inputs.map(({ shape }) => shape),
    );
    const all = [...sizes.values()].reduce<number>((n, dim) => n * perItem(dim), sizeOf(spread));
    return Math.max(1, Inputs.length - 1) * all;
  },
  gradient: {
    // each input by a sum of products too: of dOutput and of all the others, to its own letters
    Inputs: ({ Inputs, equation, dOutput }): Value[] => {
      const { terms, output } = spelled(
        equation,
        Inputs.map(({ shape }) => shape),
      );
      return Inputs.map((input, i) => {
        const others = Inputs.flatMap((value, k) => (k === i ? [] : [{ value, letters: terms[k]! }]));
        return towards(input, terms[i]!, [{ value: dOutput, letters: output }, ...others]);
      });
    },
  },
});

interface Factor {
  readonly value: Value;
  readonly letters: readonly string[];
}

/** The product of the factors, summed to the letters of an input; what only that input was summed over is repeated. */
function towards(input: Value, letters: readonly string[], factors: readonly Factor[]): Value {
  const scalars = factors.filter(one => one.letters.length === 0).map(({ value }) => value);
  const rest = factors.filter(one => one.letters.length > 0);
  const there = letters.filter(letter => rest.some(one => one.letters.includes(letter)));
  const left = rest.map(one => one.letters.join('')).join(',');
  const values = rest.map(({ value }) => value);
  const isSame = rest.length === 1 && left === there.join('');
  const summed = isSame || rest.length === 0 ? values : [Einsum(...values, { equation: `${left}->${there.join('')}` })];
  const product = [...summed, ...scalars].reduce((a, b) => Mul(a, b));
  const missing = letters.flatMap((letter, axis) => (there.includes(letter) ? [] : [axis]));
  const whole = product.shape.length > 0 && missing.length > 0 ? Unsqueeze(product, missing) : product;
  const isNarrow =
    whole.shape.length < letters.length || whole.shape.some((dim, i) => dim === 1 && input.shape[i] !== 1);
  if (!isNarrow) return whole;
  return Expand(whole, input.shape.every(dim => typeof dim === 'number') ? input.shape : Shape(input));
}

/** The letters of each input and of the output, those that `...` stands for spelled out; no letter twice in one input. */
function spelled(equation: string, shapes: readonly (readonly Dim[])[]) {
  const { terms, output, spread } = read(equation, shapes);
  const free = alphabet.filter(letter => !terms.some(term => term.includes(letter)));
  const spell = (term: readonly string[], count: number) =>
    term.flatMap(letter => (letter === ellipsis ? free.slice(spread.length - count, spread.length) : [letter]));
  const found = terms.map((term, i) => spell(term, shapes[i]!.length - term.length + 1));
  if (found.some(term => new Set(term).size < term.length) || spread.length > free.length)
    throw errors.NOT_DIFFERENTIABLE({
      operator: 'Einsum',
      why: `along a diagonal: a letter stands twice in one input of ${JSON.stringify(equation)}`,
    });
  return { terms: found, output: spell(output, spread.length) };
}
const alphabet = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');

/** The letters of the output, the size of each letter, and what `...` stands for. */
function read(equation: string, shapes: readonly (readonly Dim[])[]) {
  const wrong = (wanted: string) => errors.SHAPE({ operator: 'Einsum', found: shapes, wanted });
  const [left = '', right] = equation.replaceAll(/\s/g, '').split('->');
  const terms = left.split(',').map(lettersOf);
  if (terms.length !== shapes.length || terms.some(term => !term) || right?.includes(','))
    throw wrong(`the equation ${JSON.stringify(equation)} to name the axes of each input`);
  const sizes = new Map<string, Dim>();
  const spreads: (readonly Dim[])[] = [];
  terms.forEach((term, t) => {
    const shape = shapes[t]!;
    const letters = term!;
    const at = letters.indexOf(ellipsis);
    const extra = shape.length - letters.length + (at < 0 ? 0 : 1);
    if (extra < 0 || (at < 0 && extra > 0)) throw wrong(`one axis for each letter of ${JSON.stringify(equation)}`);
    if (at >= 0) spreads.push(shape.slice(at, at + extra));
    letters.forEach((letter, i) => {
      if (letter === ellipsis) return;
      const dim = shape[at >= 0 && i > at ? i + extra - 1 : i]!;
      const before = sizes.get(letter);
      if (typeof before === 'number' && typeof dim === 'number' && before !== dim && before !== 1 && dim !== 1)
        throw wrong(`one size for the letter ${letter}`);
      sizes.set(letter, before === undefined ? dim : before === 1 ? dim : dim === 1 ? before : unify(before, dim));
    });
  });
  const output = right === undefined ? implied(terms as string[][]) : lettersOf(right);
  if (!output || output.some(letter => letter !== ellipsis && !sizes.has(letter)))
    throw wrong(`letters on the right of ${JSON.stringify(equation)} that stand on the left`);
  return { terms: terms as string[][], output, sizes, spread: broadcast('Einsum', ...spreads) };
}

/** Letters and at most one `...`; undefined where there is something else. */
function lettersOf(term: string): string[] | undefined {
  const found = term.match(/\.{3}|[A-Za-z]/g) ?? [];
  const isAll = found.join('') === term && found.filter(letter => letter === ellipsis).length <= 1;
  return isAll ? found : undefined;
}

/** Without an arrow: `...` first, then every letter that stands once, in alphabetical order. */
function implied(terms: readonly (readonly string[])[]): string[] {
  const all = terms.flat();
  const once = [...new Set(all)].filter(
    letter => letter !== ellipsis && all.filter(one => one === letter).length === 1,
  );
  return [...(all.includes(ellipsis) ? [ellipsis] : []), ...once.sort()];
}
