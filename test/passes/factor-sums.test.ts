// Sums of products with a factor in common: the same values by fewer products.

import test from 'ava';
import { Add, Mul, Sigmoid, Sub } from '../../src/operators/index.js';
import { factorSums } from '../../src/passes/factor-sums.js';
import { mergeEqual } from '../../src/passes/merge-equal.js';
import type { Value } from '../../src/graph/index.js';
import { computesTheSame, count, trained, withGradients, type Weight } from './training-forms.js';

const cases: Readonly<Record<string, readonly [(d: Value, weight: Weight) => Value, products: number]>> = {
  'a factor of two products': [(d, w) => Add(Mul(d, w('u', [3, 4])), Mul(w('v', [3, 4]), d)), 1],
  'a factor of a product of three': [
    (d, w) => Add(Mul(d, w('u', [3, 4])), Mul(Mul(w('s', [4]), w('v', [3, 4])), d)),
    2,
  ],
  'a factor that is spread out': [(d, w) => Add(Mul(d, w('u', [2, 3, 4])), Mul(d, w('v', [2, 3, 4]))), 1],
  'a product that stands elsewhere': [
    (d, w) => {
      const [x, y, z] = [w('u', [3, 4]), w('v', [3, 4]), w('s', [3, 4])];
      return Mul(Mul(x, y), Add(Mul(d, z), Mul(Mul(d, x), Mul(z, y))));
    },
    4,
  ],
};
for (const [name, [build, products]] of Object.entries(cases))
  test(name, async t => {
    const { model } = trained([3, 4], build);
    const after = factorSums(model);
    t.is(count(after, 'Mul'), products);
    await computesTheSame(t, model, after);
  });

test('the gradient of SiLU takes one product with what comes back', async t => {
  const { model } = trained([3, 4], x => Mul(x, Sigmoid(x)));
  const step = mergeEqual(withGradients(model));
  const after = factorSums(step);
  t.is(count(step, 'Mul') - count(after, 'Mul'), 2);
  await computesTheSame(t, step, after);
});

test('products that others read, and sums without a common factor, stay', t => {
  const read = trained([3, 4], (d, w) => {
    const p = Mul(d, w('u', [3, 4]));
    return Mul(Add(p, Mul(d, w('v', [3, 4]))), p);
  });
  t.is(factorSums(read.model), read.model);
  const none = trained([3, 4], (d, w) => Add(Mul(d, w('u', [3, 4])), Mul(w('v', [3, 4]), Sub(1, w('s', [4])))));
  t.is(factorSums(none.model), none.model);
  const twice = trained([3, 4], (d, w) => Add(Mul(d, w('u', [3, 4])), d));
  t.is(factorSums(twice.model), twice.model);
});
