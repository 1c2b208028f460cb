// A cascade asks later stages for the pictures that it is not sure of, and for no others, on both runtimes.

import test from 'ava';
import { pool } from '../../src/evaluation/index.js';
import { fuse, type FusedCascade, type Fusion, type FuseOptions } from '../../src/ensembles/index.js';
import { subgraphsOf, verify, type Graph, type Model } from '../../src/graph/index.js';
import { check } from '../../src/inspect/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import type { Runtime } from '../../src/runtime/index.js';
import { classes as K, difference, member, outputsOf, pictures, softmax } from './pictured-members.js';

const runtimes: readonly Runtime[] = [nodeRuntime(), webRuntime()];
const many = pictures(16, 12);
const one = (name: string, model: Model): Fusion & { readonly kind: 'member' } => ({ kind: 'member', name, model });
const cheap = one('cheap', member());
const same = one('same trunk', member({ head: 'other', written: 'perceptron' }));
const dear = one('dear', member({ trunk: 'b', head: 'c', written: 'matmul' }));
const fused = (root: Fusion, more: Partial<FuseOptions> = {}): Model => {
  const model = fuse({ root, width: 12, height: 12, classes: K, task: 'single', ...more });
  check(verify(model));
  return model;
};
/** How often an operator stands in each graph, the outermost first, then what is inside it. */
const depths = (graph: Graph, op: string): number[] => [
  graph.nodes.filter(node => node.op === op).length,
  ...graph.nodes.flatMap(node => subgraphsOf(node).flatMap(inner => depths(inner, op))),
];
const marginOf = (p: ArrayLike<number>, row: number): number => {
  const [first, second] = Array.from({ length: K }, (_, k) => p[row * K + k]!).sort((a, b) => b - a);
  return first! - second!;
};

for (const runtime of runtimes) {
  const alone = async ({ model }: { readonly model: Model }, input = many) =>
    Float32Array.from(softmax((await outputsOf(runtime, model, input)).get('logits')!, K));

  for (const [name, pooled] of [
    ['alone', undefined],
    ['pooled', {}],
    ['pooled by weight', { rule: 'logit', weights: [1, 2, 3] }],
  ] as const)
    // prettier-ignore
    test.serial(`${runtime.name}: three stages, each ${name}`, async t => {
      const [a, b, c] = [await alone(cheap), await alone(same), await alone(dear)];
      const known = (said: readonly Float32Array[]) => {
        if (!pooled || said.length === 1) return said.at(-1)!;
        const { rule = 'probability', weights = [1, 1, 1] } = pooled as NonNullable<FusedCascade['pooled']>;
        return pool(said, { classes: K, rule, weights: weights.slice(0, said.length) }).probabilities;
      };
      const stages = [known([a]), known([a, b]), known([a, b, c])];
      const middle = (p: Float32Array) => Array.from({ length: 16 }, (_, row) => marginOf(p, row)).sort((x, y) => x - y)[9]! + 1e-6; // prettier-ignore
      const thresholds = [middle(stages[0]!), middle(stages[1]!)];
      const root: Fusion = { kind: 'cascade', stages: [{ member: cheap, threshold: thresholds[0]! }, { member: same, threshold: thresholds[1]! }], last: dear, ...(pooled ? { pooled } : {}) }; // prettier-ignore
      const model = fused(root);
      // the trunk of the second stage is that of the first: its features are taken from there
      t.deepEqual(depths(model.graph, 'Conv'), [2, 0, 2, 0, 0]);
      const made = await outputsOf(runtime, model, many);
      const reached = Array.from({ length: 16 }, (_, row) =>
        marginOf(stages[0]!, row) >= thresholds[0]! ? 0 : marginOf(stages[1]!, row) >= thresholds[1]! ? 1 : 2,
      );
      t.deepEqual([...new Set(reached)].sort(), [0, 1, 2]);
      const wanted = reached.flatMap((stage, row) => [...stages[stage]!.slice(row * K, row * K + K)]);
      t.true(difference(made.get('probabilities')!, wanted) < 1e-5);
      const members = reached.flatMap((stage, row) =>
        [a, b, c].flatMap((p, i) => [...(i <= stage ? p : stages[stage]!).slice(row * K, row * K + K)]),
      );
      t.true(difference(made.get('memberProbabilities')!, members) < 1e-5);
      t.is(made.get('uncertainty')!.length, 32);
    });

  test.serial(`${runtime.name}: nobody, everybody, one picture and none`, async t => {
    const [a, c] = [await alone(cheap), await alone(dear)];
    for (const [threshold, wanted] of [
      [0, a],
      [2, c],
    ] as const) {
      // prettier-ignore
      const model = fused({ kind: 'cascade', stages: [{ member: cheap, threshold }], last: dear }, { outputs: [] });
      t.true(difference((await outputsOf(runtime, model, many)).get('probabilities')!, wanted) < 1e-5);
      const [first, none] = [pictures(1, 12), pictures(0, 12)];
      t.true(difference((await outputsOf(runtime, model, first)).get('probabilities')!, wanted.slice(0, K)) < 1e-5);
      t.is((await outputsOf(runtime, model, none)).get('probabilities')!.length, 0);
    }
  });

  test.serial(`${runtime.name}: a cascade among others, views of one, and several labels`, async t => {
    const hflip = { name: 'hflip', map: [-1, 0, 12, 0, 1, 0, 0, 0, 1] } as const;
    const asItIs = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;
    const last: Fusion = { kind: 'views', member: same, views: [asItIs, hflip] };
    const cascade: Fusion = { kind: 'cascade', stages: [{ member: cheap, threshold: 2 }], last };
    const root: Fusion = { kind: 'average', rule: 'probability', members: [dear, cascade], weights: [1, 3] };
    const made = await outputsOf(runtime, fused(root), many);
    const flat: Fusion = { kind: 'average', rule: 'probability', members: [dear, last], weights: [1, 3] };
    const wanted = await outputsOf(runtime, fused(flat), many);
    t.true(difference(made.get('probabilities')!, wanted.get('probabilities')!) < 1e-5);
    t.is(made.get('memberProbabilities')!.length, 16 * 4 * K);

    const sigmoid = async ({ model }: { readonly model: Model }) =>
      (await outputsOf(runtime, model, many)).get('logits')!.map(z => 1 / (1 + Math.exp(-z)));
    const [a, c] = [await sigmoid(cheap), await sigmoid(dear)];
    const sure = (row: number) => 2 * Math.min(...[0, 1, 2].map(k => Math.abs(a[row * K + k]! - 0.5)));
    const threshold = Array.from({ length: 16 }, (_, row) => sure(row)).sort((x, y) => x - y)[8]! + 1e-6;
    const labels = fused({ kind: 'cascade', stages: [{ member: cheap, threshold }], last: dear }, { task: 'multi-label' }); // prettier-ignore
    const each = Array.from({ length: 16 * K }, (_, i) => (sure(Math.floor(i / K)) < threshold ? c : a)[i]!);
    t.true(difference((await outputsOf(runtime, labels, many)).get('probabilities')!, each) < 1e-5);
  });
}
