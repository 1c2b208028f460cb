// Fused graphs say what their members say one by one, on both runtimes. References are formulas over what each member
// says alone.

import test from 'ava';
import { applyCalibrator, pool, predictionSets } from '../../src/evaluation/index.js';
import { tap } from '../../src/passes/index.js';
import { check } from '../../src/inspect/index.js';
import {
  costOf,
  fuse,
  type Calibrator,
  type Fusion,
  type FuseOptions,
  type PictureView,
} from '../../src/ensembles/index.js';
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

type Head = Fusion & { readonly kind: 'member' };
const names = ['a', 'b', 'c'];
const calibrators: readonly Calibrator[] = [
  { kind: 'none' },
  { kind: 'temperature', temperature: 2.5 },
  { kind: 'vector', scale: [1, 2, 0.5], shift: [0.1, -0.3, 0] },
  { kind: 'temperature', temperature: 0.5 },
  { kind: 'none' },
];
const identity: PictureView = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] };
const mirrored = (width: number): PictureView => ({ name: 'hflip', map: [-1, 0, width, 0, 1, 0, 0, 0, 1] });

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

  for (const rule of ['probability', 'logit', 'vote', 'rank'] as const)
    test.serial(`${runtime.name}: weighted, by ${rule}`, async t => {
      const weights = [1, 2, 0.5, 3, 0];
      const members = heads.map((head, i) => ({ ...head, calibration: calibrators[i]! }));
      const model = fused({ root: { kind: 'average', rule, members, weights } });
      const made = await outputsOf(runtime, model, seven);
      const each = (await alone(heads)).map((logits, i) =>
        applyCalibrator(calibrators[i]!, { logits, classes: names }),
      );
      const wanted = pool(each, { classes: K, rule, weights });
      t.true(difference(made.get('probabilities')!, wanted.probabilities) < 1e-5);
      t.true(difference(made.get('logits')!, wanted.logits) < 1e-4);
      const first = made.get('memberProbabilities')!.filter((_, i) => Math.floor(i / K) % heads.length === 2);
      t.true(difference(first, each[2]!) < 1e-5);
    });

  test.serial(`${runtime.name}: several labels`, async t => {
    const members = heads.slice(0, 3);
    for (const rule of ['probability', 'logit', 'vote'] as const) {
      const calibration = { kind: 'vector', scale: [1, 0.5, 2], shift: [0.5, 0, -1] } as const;
      const model = fused({ root: { kind: 'average', rule, members }, task: 'multi-label', calibration });
      const made = await outputsOf(runtime, model, seven);
      const each = (await alone(members)).map(logits =>
        applyCalibrator({ kind: 'none' }, { logits, classes: names }, 'multi-label'),
      );
      const wanted = pool(each, { classes: K, rule, task: 'multi-label' });
      t.true(difference(made.get('logits')!, wanted.logits) < 1e-4);
      const cooled = applyCalibrator(calibration, { logits: wanted.logits, classes: names }, 'multi-label');
      t.true(difference(made.get('probabilities')!, cooled) < 1e-5);
    }
  });

  test.serial(`${runtime.name}: trees of averages, stacks and pools`, async t => {
    const weights = Float32Array.from({ length: K * 2 * K }, (_, i) => Math.sin(i));
    const bias = Float32Array.of(0.1, -0.2, 0.3);
    const [a, b, c, d] = heads as [Head, Head, Head, Head];
    const stack: Fusion = {
      kind: 'stack',
      members: [a, { kind: 'average', rule: 'vote', members: [b, c, a] }],
      weights,
      bias,
    };
    const root: Fusion = {
      kind: 'average',
      rule: 'probability',
      members: [stack, d, { kind: 'average', rule: 'probability', members: [b, c] }],
      weights: [1, 1, 2],
    };
    const made = await outputsOf(runtime, fused({ root, calibration: { kind: 'temperature', temperature: 2 } }), seven);
    const z = await alone([a, b, c, d]);
    const [pa, pb, pc, pd] = z.map(logits => Float32Array.from(softmax(logits, K))) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const vote = pool([pb, pc, pa], { classes: K, rule: 'vote' }).logits;
    const stacked = Float64Array.from({ length: 7 * K }, (_, i) => {
      const [row, k] = [Math.floor(i / K), i % K];
      const inputs = [...z[0]!.slice(row * K, row * K + K), ...vote.slice(row * K, row * K + K)];
      return inputs.reduce((sum, value, j) => sum + value * weights[k * 2 * K + j]!, bias[k]!);
    });
    const p = mean([softmax(stacked, K), pd, mean([pb, pc])], [0.25, 0.25, 0.5]);
    t.true(difference(made.get('logits')!, p.map(Math.log)) < 1e-4);
    t.true(
      difference(
        made.get('probabilities')!,
        softmax(
          p.map(x => Math.log(x) / 2),
          K,
        ),
      ) < 1e-5,
    );
    t.is(made.get('memberProbabilities')!.length, 7 * 7 * K);
  });

  test.serial(`${runtime.name}: two classes by isotonic curves, of a member and of the pool`, async t => {
    const curve = { kind: 'isotonic', points: [-2, -0.5, 0.25, 3], values: [0.05, 0.3, 0.45, 0.99] } as const;
    const flat = { kind: 'isotonic', points: [0], values: [0.3] } as const;
    const two = ['a', 'b'];
    const members = [
      one({ classes: 2, head: 'x' }, { calibration: curve }),
      one({ classes: 2, head: 'y', written: 'matmul' }),
      one({ classes: 2, head: 'z' }, { calibration: flat }),
    ];
    const root: Fusion = { kind: 'average', rule: 'logit', members };
    const made = await outputsOf(runtime, fused({ root, classes: 2, calibration: curve }), seven);
    const z = await alone(members);
    const each = z.map((logits, i) =>
      applyCalibrator(members[i]!.calibration ?? { kind: 'none' }, { logits, classes: two }),
    );
    const wanted = pool(each, { classes: 2, rule: 'logit' });
    t.true(difference(made.get('logits')!, wanted.logits) < 1e-5);
    t.true(
      difference(made.get('probabilities')!, applyCalibrator(curve, { logits: wanted.logits, classes: two })) < 1e-5,
    );
  });

  test.serial(
    `${runtime.name}: mean logits of heads on one trunk are one head where members are not asked for`,
    async t => {
      const calibrated = heads.slice(0, 4).map((head, i) => ({ ...head, calibration: calibrators[i]! }));
      const root: Fusion = { kind: 'average', rule: 'logit', members: calibrated, weights: [1, 2, 3, 4] };
      const model = fused({ root, outputs: [] });
      const gemm = model.graph.nodes.find(({ op }) => op === 'Gemm')!;
      t.is(count(model, 'Gemm') + count(model, 'MatMul'), 1);
      t.deepEqual(model.graph.initializers.get(gemm.inputs[1]!)!.shape, [K, 7]);
      const made = await outputsOf(runtime, model, seven);
      t.deepEqual([...made.keys()], ['logits', 'probabilities']);
      const all = await outputsOf(runtime, fused({ root }), seven);
      t.true(difference(made.get('probabilities')!, all.get('probabilities')!) < 1e-5);
    },
  );

  test.serial(`${runtime.name}: different trunks, a common first layer, one picture and none`, async t => {
    const members = [one({ trunk: 'a', prefix: 'a.' }), one({ trunk: 'b', prefix: 'b.', written: 'perceptron' })];
    const model = fused({ root: { kind: 'average', rule: 'probability', members } });
    t.is(count(model, 'Conv'), 4);
    t.is(count(model, 'Transpose'), 1);
    for (const input of [pictures(1, 12), pictures(0, 12)]) {
      const made = await outputsOf(runtime, model, input);
      const each = (await alone(members, input)).map(z => softmax(z, K));
      t.true(difference(made.get('probabilities')!, mean(each)) < 1e-5);
    }
  });

  test.serial(`${runtime.name}: a batch of no pictures ends no process, whatever is asked`, async t => {
    const root: Fusion = { kind: 'average', rule: 'rank', members: heads };
    const sets = { kind: 'adaptive', coverage: 0.9, threshold: 0.6 } as const;
    const made = await outputsOf(runtime, fused({ root, sets }), pictures(0, 12));
    t.deepEqual(
      [...made.values()].map(({ length }) => length),
      [0, 0, 0, 0, 0],
    );
  });

  test.serial(`${runtime.name}: prediction sets and pictures of unknown kinds`, async t => {
    const root: Fusion = { kind: 'average', rule: 'probability', members: heads.slice(0, 2) };
    const z = await alone(heads.slice(0, 2));
    const p = Float32Array.from(mean(z.map(logits => softmax(logits, K))));
    for (const sets of [
      { kind: 'threshold', coverage: 0.9, threshold: 0.7 },
      { kind: 'adaptive', coverage: 0.9, threshold: 0.6 },
      { kind: 'adaptive', coverage: 0.9, threshold: 2 },
    ] as const) {
      const made = await outputsOf(runtime, fused({ root, sets }), seven);
      t.deepEqual([...made.get('predictionSet')!], [...predictionSets(p, K, sets)]);
    }
    const energy = Float64Array.from(
      { length: 7 },
      (_, row) => -Math.log([0, 1, 2].reduce((sum, k) => sum + Math.exp(z[1]![row * K + k]!), 0)),
    );
    const threshold = [...energy].sort((a, b) => a - b)[3]! + 1e-4;
    const outliers = { kind: 'energy', member: 'm1.head 1', threshold, falseAlarmRate: 0.05 } as const;
    const made = await outputsOf(runtime, fused({ root, outliers }), seven);
    t.true(difference(made.get('outlierScore')!, energy) < 1e-5);
    t.deepEqual(
      [...made.get('unknown')!],
      [...energy].map(score => Number(score > threshold)),
    );
    const strongest = await outputsOf(runtime, fused({ root, outliers: { ...outliers, kind: 'max-logit' } }), seven);
    t.true(
      difference(
        strongest.get('outlierScore')!,
        Array.from({ length: 7 }, (_, row) => -Math.max(...z[1]!.slice(row * K, row * K + K))),
      ) < 1e-5,
    );
  });

  test.serial(`${runtime.name}: strange features by their distance`, async t => {
    const F = 7;
    const means = Float32Array.from({ length: K * F }, (_, i) => Math.cos(i) + 1);
    const precision = Float32Array.from({ length: F * F }, (_, i) =>
      Math.floor(i / F) === i % F ? 3 : 0.3 * Math.cos((i % F) + Math.floor(i / F)),
    );
    const outliers = {
      kind: 'mahalanobis',
      member: 'm0.head 0',
      threshold: 5,
      falseAlarmRate: 0.1,
      means,
      precision,
    } as const;
    const made = await outputsOf(runtime, fused({ root: heads[0]!, outliers }), seven);
    const name = heads[0]!.model.metadata.get('features')!;
    const f = (await outputsOf(runtime, tap(heads[0]!.model, [name]), seven)).get(name)!;
    const wanted = Float64Array.from({ length: 7 }, (_, row) =>
      Math.min(
        ...Array.from({ length: K }, (_unused, k) => {
          const d = Array.from({ length: F }, (_also, i) => f[row * F + i]! - means[k * F + i]!);
          return d.reduce((sum, x, i) => sum + x * d.reduce((inner, y, j) => inner + precision[i * F + j]! * y, 0), 0);
        }),
      ),
    );
    t.true(difference(made.get('outlierScore')!, wanted) < 1e-4);
  });
}

test('what cannot be fused is refused', t => {
  const root = heads[0]!;
  const average = { kind: 'average', rule: 'vote', members: heads } as const;
  const isotonic = { kind: 'isotonic', points: [0], values: [1] } as const;
  const stack = { kind: 'stack', members: heads, weights: new Float32Array(3), bias: new Float32Array(3) } as const;
  const outliers = { kind: 'energy', threshold: 0, falseAlarmRate: 0.1, member: 'nobody' } as const;
  const refused = (options: Parameters<typeof fused>[0], code: string) => t.throws(() => fused(options), { code });
  refused({ root: { ...root, crop: 2 } }, 'ENSEMBLE_MEMBER_UNFIT');
  refused({ root, classes: 4 }, 'ENSEMBLE_MEMBER_UNFIT');
  refused({ root: { ...root, model: member({ isFloat: true }) } }, 'ENSEMBLE_MEMBER_UNFIT');
  refused({ root: { ...average, members: [] } }, 'ENSEMBLE_TREE');
  refused({ root: { ...average, weights: [1] } }, 'ENSEMBLE_TREE');
  refused({ root: { ...average, rule: 'rank' }, task: 'multi-label' }, 'ENSEMBLE_TREE');
  refused({ root: { kind: 'cascade', stages: [], last: root } }, 'ENSEMBLE_TREE');
  refused({ root: stack }, 'ENSEMBLE_TREE');
  refused({ root, calibration: { kind: 'temperature', temperature: 0 } }, 'ENSEMBLE_CALIBRATOR');
  refused({ root: { ...root, calibration: isotonic } }, 'ENSEMBLE_CALIBRATOR');
  refused({ root, outliers }, 'ENSEMBLE_OUTLIER_RULE');
});

test('members of no weight are left out where nobody asks for members', t => {
  const members = [heads[0]!, one({ trunk: 'b', prefix: 'b.' })];
  const root: Fusion = { kind: 'average', rule: 'probability', members, weights: [1, 0] };
  t.is(count(fused({ root, outputs: [] }), 'Conv'), 2);
  t.is(count(fused({ root }), 'Conv'), 4);
});

test('a member that is another by one weight is another', t => {
  const model = member({ prefix: 'x.' });
  const [name, held] = [...model.graph.initializers].find(([weight]) => weight === 'x.kernel')!;
  const bytes = held.bytes.slice();
  bytes[0]! ^= 1;
  const initializers = new Map(model.graph.initializers).set(name, { ...held, bytes });
  const other: Fusion = { kind: 'member', name: 'other', model: { ...model, graph: { ...model.graph, initializers } } };
  const both = fused({ root: { kind: 'average', rule: 'probability', members: [one({}), other] } });
  t.is(count(both, 'Conv'), 4);
});

test('costs of parts count once', t => {
  const size = { width: 12, height: 12 };
  const total = (parts: readonly { flops: number }[]) => parts.reduce((sum, { flops }) => sum + flops, 0);
  const [a, b] = [costOf(heads[0]!, size), costOf(heads[1]!, size)];
  // two convolutions of 6 × 6 places and a head of 7 × 3, two operations for each product
  t.is(total(a), 2 * (36 * 5 * 27 + 36 * 7 * 45 + 7 * 3));
  const union = new Map([...a, ...b].map(({ id, flops }) => [id, flops]));
  const both: Fusion = { kind: 'average', rule: 'probability', members: [heads[0]!, heads[1]!] };
  t.deepEqual(new Map(costOf(both, size).map(({ id, flops }) => [id, flops])), union);
  t.is(total(costOf(both, size)), total(a) + 2 * 7 * 3);
  const views: Fusion = { kind: 'views', member: heads[0]!, views: [identity, mirrored(12)] };
  t.is(total(costOf(views, size)), 2 * total(a));
});
