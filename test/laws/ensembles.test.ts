// Laws of fused ensembles, for trees of small members drawn at random: a fused graph is the mean of its members, equal
// members are the member, and the order of members does not show. Tolerances are what float32 leaves of sums of a few
// probabilities, 1e-5.

import { fc, testProp } from '@fast-check/ava';
import { fuse, type Fusion } from '../../src/ensembles/index.js';
import { verify } from '../../src/graph/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { classes, difference, member, outputsOf, pictures, softmax } from '../ensembles/pictured-members.js';

const runtime = nodeRuntime();
const input = pictures(3, 12);
const writings = ['gemm', 'gemm-transposed', 'matmul', 'standardised', 'perceptron'] as const;
const flip = { name: 'hflip', map: [-1, 0, 12, 0, 1, 0, 0, 0, 1] } as const;
const asItIs = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;

const members = fc.array(
  fc.record({
    trunk: fc.constantFrom('a', 'b'),
    head: fc.constantFrom('a', 'b', 'c'),
    written: fc.constantFrom(...writings),
  }),
  { minLength: 1, maxLength: 6 },
);
const fused = async (root: Fusion) =>
  outputsOf(runtime, verify(fuse({ root, width: 12, height: 12, classes, task: 'single' })), input);
const named = (options: Parameters<typeof member>[0], i: number): Fusion & { readonly kind: 'member' } => ({
  kind: 'member',
  name: `m${i}`,
  model: member({ ...options, prefix: `p${i}.` }),
});
const runs = { numRuns: 12 };

testProp(
  'a fused graph is the weighted mean of its members',
  [members, fc.infiniteStream(fc.integer({ min: 1, max: 9 }))],
  async (t, drawn, numbers) => {
    const parts = drawn.map(named);
    const weights = parts.map(() => numbers.next().value as number);
    const made = await fused({ kind: 'average', rule: 'probability', members: parts, weights });
    const sum = weights.reduce((a, b) => a + b, 0);
    const mean = new Float64Array(3 * classes);
    for (const [i, { model }] of parts.entries())
    softmax((await outputsOf(runtime, model, input)).get('logits')!, classes).forEach((p, k) => (mean[k]! += (p * weights[i]!) / sum)); // prettier-ignore
    t.true(difference(made.get('probabilities')!, mean) < 1e-5);
  },
  runs,
);

testProp(
  'equal members are the member, by every rule that keeps probabilities',
  [members, fc.integer({ min: 2, max: 5 }), fc.constantFrom('probability', 'logit')],
  async (t, [one], times, rule) => {
    const parts = Array.from({ length: times }, (_, i) => named(one, i));
    const made = await fused({ kind: 'average', rule, members: parts });
    const alone = softmax((await outputsOf(runtime, parts[0]!.model, input)).get('logits')!, classes);
    t.true(difference(made.get('probabilities')!, alone) < 1e-5);
    const disagreement = made.get('uncertainty')!.filter((_, i) => i % 2 === 1);
    t.true(difference(disagreement, new Float64Array(3)) < 1e-5);
  },
  runs,
);

testProp(
  'the order of members and of views does not show',
  [members, fc.constantFrom('probability', 'logit', 'vote', 'rank')],
  async (t, drawn, rule) => {
    const parts = drawn.map(named).map((one, i): Fusion => (i % 2 ? { kind: 'views', member: one, views: [asItIs, flip] } : one)); // prettier-ignore
    const turned = parts.toReversed().map((one): Fusion => (one.kind === 'views' ? { ...one, views: [flip, asItIs] } : one)); // prettier-ignore
    const [a, b] = [await fused({ kind: 'average', rule, members: parts }), await fused({ kind: 'average', rule, members: turned })]; // prettier-ignore
    t.true(difference(a.get('probabilities')!, b.get('probabilities')!) < 1e-5);
    t.true(difference(a.get('uncertainty')!, b.get('uncertainty')!) < 1e-5);
  },
  runs,
);
