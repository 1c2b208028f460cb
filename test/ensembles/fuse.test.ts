// Fused graphs say what their members say one by one, on both runtimes. References are formulas over what each member
// says alone.

import test from 'ava';
import { check } from '../../src/inspect/index.js';
import { fuse, type Fusion, type FuseOptions } from '../../src/ensembles/index.js';
import { verify, type Model } from '../../src/graph/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import type { Runtime } from '../../src/runtime/index.js';
import {
  classes as K,
  difference,
  member,
  outputsOf,
  pictures,
  softmax,
  type MemberOptions,
} from './pictured-members.js';

const runtimes: readonly Runtime[] = [nodeRuntime(), webRuntime()];
const seven = pictures(7, 12);

const one = (options: MemberOptions, more: object = {}): Fusion & { kind: 'member' } => ({
  kind: 'member',
  name: `${options.prefix ?? ''}${options.head ?? 'a'}`,
  model: member(options),
  ...more,
});
const single = { width: 12, height: 12, classes: K, task: 'single' } as const;
const fused = (options: Omit<FuseOptions, 'width' | 'height' | 'classes' | 'task'> & Partial<FuseOptions>): Model => {
  const model = fuse({ ...single, ...options });
  check(verify(model));
  return model;
};
const count = (model: Model, op: string) => model.graph.nodes.filter(node => node.op === op).length;
const mean = (lists: readonly ArrayLike<number>[], weights = lists.map(() => 1 / lists.length)): Float64Array =>
  Float64Array.from(lists[0]!, (_, i) => lists.reduce((sum, list, m) => sum + weights[m]! * list[i]!, 0));

const heads = (['gemm', 'gemm-transposed', 'matmul', 'standardised', 'perceptron'] as const).map((written, i) =>
  one({ written, head: `head ${i}`, prefix: `m${i}.` }),
);

for (const runtime of runtimes) {
  const alone = async (of: readonly (Fusion & { kind: 'member' })[], input = seven) => {
    const found: Float32Array[] = [];
    for (const { model } of of) found.push((await outputsOf(runtime, model, input)).get('logits')!);
    return found;
  };

  test.serial(`${runtime.name}: heads on one trunk are the mean of members, and the trunk is there once`, async t => {
    const model = fused({ root: { kind: 'average', rule: 'probability', members: heads } });
    t.is(count(model, 'Conv'), 2);
    // four linear heads and the first layer of the perceptron are one Gemm, its second layer is the other
    t.is(count(model, 'Gemm'), 2);
    t.is(count(model, 'MatMul'), 0);
    const made = await outputsOf(runtime, model, seven);
    const each = (await alone(heads)).map(z => softmax(z, K));
    const p = mean(each);
    t.true(difference(made.get('probabilities')!, p) < 1e-5);
    t.true(difference(made.get('logits')!, p.map(Math.log)) < 1e-5);
    const members = each[0]!.length / K;
    const wanted = Array.from({ length: members }, (_, row) =>
      each.flatMap(list => [...list.slice(row * K, row * K + K)]),
    ).flat();
    t.true(difference(made.get('memberProbabilities')!, wanted) < 1e-5);
    const entropy = (list: ArrayLike<number>, row: number) =>
      -Array.from({ length: K }, (_, k) => list[row * K + k]!).reduce((sum, x) => sum + x * Math.log(x), 0);
    const uncertainty = Array.from({ length: members }, (_, row) => {
      const whole = entropy(p, row);
      return [whole, whole - each.reduce((sum, list) => sum + entropy(list, row) / each.length, 0)];
    }).flat();
    t.true(difference(made.get('uncertainty')!, uncertainty) < 1e-5);
  });
}
