// Normalizations, factors and offsets in the weights before them: the same outputs and gradients, fewer passes.

import test from 'ava';
import { Add, BatchNormalization, Conv, Div, Gemm, Mul, Relu, Sub } from '../../src/operators/index.js';
import { foldNormalization } from '../../src/passes/index.js';
import type { Value } from '../../src/graph/index.js';
import { constant, count, kinds, trained, trainsTheSame, type Weight, type ConvAttributes } from './training-forms.js';

const normalized = (x: Value, weight: Weight, name: string): Value => {
  const channels = x.shape[1] as number;
  const { builder } = x;
  return BatchNormalization(
    x, weight(`${name}.g`, [channels]), weight(`${name}.o`, [channels]), constant(builder, [channels]),
    constant(builder, [channels], true), { epsilon: 1e-3 },
  ); // prettier-ignore
};
const conv = (x: Value, weight: Weight, name: string, at: ConvAttributes = {}, bias = false) =>
  Conv(x, weight(name, [6, 4 / (at.group ?? 1), 3, 3]), bias ? weight(`${name}.b`, [6]) : undefined, at);

/** What is left beside the linear operator when all is folded. */
const folded: Readonly<Record<string, (x: Value, weight: Weight) => Value>> = {
  'a Conv and its normalization': (x, weight) => normalized(conv(x, weight, 'w'), weight, 'n'),
  'a Conv with offset, in groups': (x, weight) => normalized(conv(x, weight, 'w', { group: 2, strides: [2, 2] }, true), weight, 'n'), // prettier-ignore
  'a factor, then an offset': (x, weight) =>
    Add(Mul(conv(x, weight, 'w'), weight('s', [1, 6, 1, 1])), weight('t', [6, 1, 1])),
  'a quotient, then a difference': (x, weight) =>
    Sub(Div(conv(x, weight, 'w', {}, true), constant(x.builder, [6, 1, 1], true)), weight('t', [1])),
  'an offset in front of the sum': (x, weight) => Add(weight('t', [1, 6, 1, 1]), conv(x, weight, 'w')),
  'a normalization and a factor behind it': (x, weight) =>
    Mul(normalized(conv(x, weight, 'w'), weight, 'n'), weight('s', [6, 1, 1])),
};
for (const [name, build] of Object.entries(folded))
  test(`folds ${name}`, async t => {
    const network = trained([3, 4, 9, 9], (x, weight) => Relu(build(x, weight)));
    const after = await trainsTheSame(t, network, foldNormalization(network));
    t.is(count(after, 'BatchNormalization'), 0);
    t.deepEqual(kinds(after).slice(-2), ['Conv', 'Relu']);
  });

for (const transB of [0, 1])
  test(`folds into a Gemm, transB ${transB}`, async t => {
    const network = trained([40, 5], (x, weight) =>
      normalized(Gemm(x, weight('w', transB ? [6, 5] : [5, 6]), weight('b', [6]), { transB }), weight, 'n'),
    );
    const after = await trainsTheSame(t, network, foldNormalization(network));
    t.is(kinds(after).at(-1), 'Gemm');
  });

test('a normalization alone becomes a factor and an offset', async t => {
  const network = trained([3, 4, 5, 5], (x, weight) => Relu(normalized(x, weight, 'n')));
  const after = await trainsTheSame(t, network, foldNormalization(network));
  t.is(count(after, 'BatchNormalization'), 0);
  t.true(kinds(after).includes('Add') && kinds(after).at(-1) === 'Relu');
});

test('where rows of weights are long and pixels few the factor stays behind the Conv', async t => {
  const network = trained([1, 64, 3, 3], (x, weight) => normalized(Conv(x, weight('w', [6, 64, 3, 3])), weight, 'n'));
  const after = await trainsTheSame(t, network, foldNormalization(network));
  t.deepEqual(after.graph.nodes.filter(({ op }) => op === 'Conv').flatMap(({ inputs }) => inputs), ['x', 'w']); // prettier-ignore
});

test('a Conv that something else reads too is not folded', async t => {
  const network = trained([3, 4, 9, 9], (x, weight) => {
    const y = conv(x, weight, 'w');
    return Add(normalized(y, weight, 'n'), y);
  });
  const after = await trainsTheSame(t, network, foldNormalization(network));
  t.deepEqual(after.graph.nodes.find(({ op }) => op === 'Conv')!.inputs, ['x', 'w']);
});

test('factors that differ from picture to picture or pixel to pixel stay', t => {
  const network = trained([2, 4, 5, 5], (x, weight) => {
    const y = conv(x, weight, 'w');
    return Mul(Mul(y, weight('p', [1, 1, 3, 3])), conv(x, weight, 'v'));
  });
  t.is(foldNormalization(network)(network.model), network.model);
});

test('a normalization that trains its statistics stays', t => {
  const network = trained([3, 4, 9, 9], (x, weight) => {
    const of = (name: string) => weight(name, [6]);
    return BatchNormalization(conv(x, weight, 'w'), of('g'), of('o'), of('m'), of('v'), { training_mode: 1 });
  });
  t.is(foldNormalization(network)(network.model), network.model);
});
