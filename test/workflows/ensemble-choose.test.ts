// What ships by default: never worse than the best member on the pictures that choose, whatever the seed; which way is
// taken of few pictures and of many; members among thousands of pictures are chosen and calibrated by halves.

import test from 'ava';
import { join } from 'node:path';
import { Random } from '../../src/base/index.js';
import { evaluate, applyCalibrator, fitCalibrator } from '../../src/evaluation/index.js';
import { answerTree, type Asked, type MeasuredLeaf } from '../../src/workflows/ensemble-answers.js';
import {
  judge,
  lossOf,
  partsOf,
  settle,
  topOf,
  winnerOf,
  type JudgeOptions,
} from '../../src/workflows/ensemble-choose.js';
import type { LeafNode, OpenedNode } from '../../src/workflows/ensemble-leaves.js';
import { evaluate as evaluateBundle } from '../../src/workflows/evaluate.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { combine, heads, run, runtime } from './ensemble-runs.js';

const K = 3;

/** Pictures, and members whose logits are the truth and noise of their own, or the opposite: no networks run. */
function made(count: number, noises: readonly number[], seed: number) {
  const random = new Random(seed);
  const labels = Array.from({ length: count }, () => random.integer(K));
  const asked: Asked = { classes: ['a', 'b', 'c'], task: 'single', truth: { labels }, count };
  const leaves = noises.map((): LeafNode => ({ op: 'member', networks: [] }));
  const logits = noises.map(noise =>
    Float32Array.from(
      { length: count * K },
      (_, i) => 2 * Math.sign(noise) * Number(labels[Math.floor(i / K)] === i % K) + noise * random.normal(),
    ),
  );
  const model = { irVersion: 9 } as MeasuredLeaf['fusion']['model'];
  const measured = (leaf: LeafNode): Promise<MeasuredLeaf> => {
    const i = leaves.indexOf(leaf);
    const name = `member ${i}`;
    const recipe = { op: 'member', member: name } as const;
    return Promise.resolve({
      name,
      recipe,
      fusion: { kind: 'member', name, model },
      views: [{ name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] }],
      logits: [logits[i]!],
    });
  };
  const options: JudgeOptions = {
    metric: 'negativeLogLikelihood',
    seed,
    parts: partsOf(asked, seed),
    measured,
    costOf: () => 1,
  };
  return { asked, leaves, logits, labels, options };
}

test('the default is never worse than the best member on the pictures that choose', async t => {
  const runs = [...(await heads([0, 1, 2], { epochs: 3 })), await run()];
  const val = join(demoPictures, 'val');
  const lossOn = async (bundle: string) =>
    (await evaluateBundle(bundle, val, {}, runtime)).evaluation.negativeLogLikelihood;
  const alone = await Promise.all(runs.map(async out => lossOn(join(out, 'bundle'))));
  let combinations = 0;
  for (const seed of [0, 1, 2]) {
    const found = await combine(runs, { seed });
    if (found.chosen.startsWith('the best of')) continue;
    combinations++;
    t.true((await lossOn(found.bundle)) <= Math.min(...alone) + 1e-4, String(seed));
  }
  t.true(combinations > 0);
});

test('greedy choices are no worse than the best member, and the choice of one is that member', async t => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const { asked, leaves, options } = made(60, [0.8, 1.2, 1.5, 3], seed);
    const alone = await Promise.all(leaves.map(async node => lossOf(await judge({ name: 'alone', node }, asked, 'temperature', options), asked, options))); // prettier-ignore
    const greedy = await judge(
      { name: 'greedy', node: { op: 'greedy', members: leaves } },
      asked,
      'temperature',
      options,
    );
    t.true((await lossOf(greedy, asked, options)) <= Math.min(...alone) + 0.02, String(seed));
    // the choice of one is the member that is best at its best temperature
    const one = await judge(
      { name: 'one', node: { op: 'greedy', members: leaves, size: 1 } },
      asked,
      'temperature',
      options,
    );
    t.true(Math.abs((await lossOf(one, asked, options)) - Math.min(...alone)) < 1e-3, String(seed));
    const { answer } = await settle(one, asked, options);
    t.is(answer.fusion.kind, 'member');
    t.false('calibration' in answer.fusion);
  }
});

test('of few pictures the plain average is taken, of many what is better', async t => {
  const winner = async (count: number, noises: readonly number[]) => {
    const { asked, leaves, options } = made(count, noises, 7);
    const nodes: [string, OpenedNode][] = [
      ['best member', { op: 'greedy', members: leaves, size: 1 }],
      ['average', { op: 'average', members: leaves }],
      ['greedy choice', { op: 'greedy', members: leaves }],
    ];
    const judged = await Promise.all(
      nodes.map(async ([name, node]) => judge({ name, node }, asked, 'temperature', options)),
    );
    return winnerOf(judged, 'negativeLogLikelihood').name;
  };
  t.is(await winner(40, [1, 1, 1.1]), 'average');
  t.not(await winner(900, [0.7, -1, -1, -1]), 'average');
});

test('figures are of pictures that fitted nothing: noise does not look better for being tried', async t => {
  const { asked, leaves, labels, options } = made(
    200,
    Array.from({ length: 12 }, () => 60),
    3,
  );
  // members of nothing but noise; fitted to all pictures, a stacking of them looks better than chance
  const stack = await judge({ name: 'stack', node: { op: 'stack', members: leaves } }, asked, 'temperature', options);
  t.true(stack.evaluation.negativeLogLikelihood > Math.log(K) - 0.06);
  const all = await settle(stack, asked, options);
  const flattered = evaluate({ probabilities: all.probabilities, classes: asked.classes, labels }, {}); // prettier-ignore
  t.true(flattered.negativeLogLikelihood < stack.evaluation.negativeLogLikelihood);
});

test('many pictures are parted by halves, each class alike', t => {
  const { asked, labels } = made(1200, [1], 5);
  const { select, calibrate, isShared } = partsOf(asked, 0);
  t.false(isShared);
  t.is(select.length + calibrate.length, 1200);
  t.is(new Set([...select, ...calibrate]).size, 1200);
  for (let k = 0; k < K; k++) {
    const of = (rows: readonly number[]) => rows.filter(row => labels[row] === k).length;
    t.true(Math.abs(of(select) - of(calibrate)) <= 1);
  }
  t.true(partsOf(made(999, [1], 5).asked, 0).isShared);
});

test('an answer is what pooling and calibrating by hand give', async t => {
  const { asked, leaves, logits, labels, options } = made(50, [1, 2], 11);
  const rows = Array.from({ length: 50 }, (_, row) => row);
  const average = await answerTree({ op: 'average', members: leaves }, asked, {
    ...options,
    fit: rows,
    memberFirst: true,
  });
  const each = logits.map(of => {
    const calibrator = fitCalibrator('temperature', { logits: of, classes: asked.classes, labels });
    return applyCalibrator(calibrator, { logits: of, classes: asked.classes });
  });
  average.probabilities.forEach((p, i) => t.true(Math.abs(p - (each[0]![i]! + each[1]![i]!) / 2) < 1e-6));
  average.logits.forEach((z, i) => t.true(Math.abs(z - Math.log(average.probabilities[i]!)) < 1e-5));
});

test('the best so many are kept in the order of their names', async t => {
  const { asked, leaves, options } = made(300, [3, 0.5, 2, 0.6], 2);
  const judged = await Promise.all(
    leaves.map(async (node, i) => judge({ name: String(i), node }, asked, 'temperature', options)),
  );
  t.deepEqual(topOf(judged, 2, 'negativeLogLikelihood'), [1, 3]);
  t.deepEqual(topOf(judged, undefined, 'accuracy'), [0, 1, 2, 3]);
});
