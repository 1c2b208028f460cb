// Sums of products by subscripts, as in `bij,bjk->bik`: letters name axes, `...` stands for the axes that broadcast,
// letters that the right side leaves out are summed.

import type { Dim } from '../graph/index.js';
import { operator, string } from './define.js';
import { broadcast, perItem, sizeOf, unify } from './dims.js';
import { errors } from './errors.js';

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
});

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
  return { output, sizes, spread: broadcast('Einsum', ...spreads) };
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
