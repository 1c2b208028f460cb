// Both pipelines over a small vision transformer and its training step: outputs and gradients stay, the work shrinks.

import test from 'ava';
import { Add, Gather, Gemm, LayerNormalization, MatMul, Mul, Erf, Div, Reshape, Softmax, Transpose } from '../../src/operators/index.js'; // prettier-ignore
import { fasterForward, fasterStep } from '../../src/passes/index.js';
import { computesTheSame, count, trained, trainsTheSame, withGradients } from './training-forms.js';

/** A block and its classifier on [2, 9, 16], as PyTorch exports it. */
const transformer = () =>
  trained([2, 9, 16], (x, weight) => {
    const norm = (value: typeof x, name: string) => LayerNormalization(value, weight(`${name}.g`, [16]), weight(`${name}.o`, [16])); // prettier-ignore
    const linear = (value: typeof x, name: string, from: number, to: number) =>
      Add(weight(`${name}.b`, [to]), MatMul(value, Transpose(weight(`${name}.w`, [to, from]), { perm: [1, 0] })));
    const qkv = Transpose(Reshape(linear(norm(x, 'n1'), 'qkv', 16, 48), [2, 9, 3, 2, 8]), { perm: [2, 0, 3, 1, 4] });
    const [q, k, v] = [0, 1, 2].map(i => Gather(qkv, x.builder.constant(i, 'int64'), { axis: 0 }));
    const scores = Softmax(Div(MatMul(q, Transpose(k, { perm: [0, 1, 3, 2] })), Math.sqrt(8)));
    const heads = Reshape(Transpose(MatMul(scores, v), { perm: [0, 2, 1, 3] }), [2, 9, 16]);
    const h = Add(x, linear(heads, 'out', 16, 16));
    const wide = linear(norm(h, 'n2'), 'up', 16, 40);
    const gelu = Mul(Mul(wide, Add(Erf(Div(wide, Math.SQRT2)), 1)), 0.5);
    const y = norm(Add(h, linear(gelu, 'down', 40, 16)), 'n3');
    return Gemm(Gather(y, x.builder.constant(0, 'int64'), { axis: 1 }), weight('fc', [5, 16]), undefined, {
      transB: 1,
    });
  });

test('a transformer trains the same, and its last block is computed for one token', async t => {
  const network = transformer();
  const after = await trainsTheSame(t, network, fasterForward(network));
  const sizes = after.graph.nodes.flatMap(({ op, outputs }) => (op === 'Gelu' ? [after.graph.values.get(outputs[0]!)!.shape!.join()] : [])); // prettier-ignore
  t.is(sizes.join(' '), '2,1,40');
  t.is(count(after, 'Gemm'), 7, 'queries, keys and values, three linear layers, the classifier');
  const all = await trainsTheSame(t, network, fasterForward({ ...network, selections: false }));
  t.is(count(all, 'Gemm'), 5);
});

test('the tidied step computes the same in fewer nodes', async t => {
  const network = transformer();
  const step = withGradients(fasterForward(network)(network.model));
  const after = fasterStep()(step);
  t.true(after.graph.nodes.length < 0.9 * step.graph.nodes.length, `${after.graph.nodes.length} of ${step.graph.nodes.length}`); // prettier-ignore
  await computesTheSame(t, step, after);
});
