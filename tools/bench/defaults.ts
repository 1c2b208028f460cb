// How good training without flags is: accuracy of the default head over picture sets, beside a logistic regression by
// scikit-learn or SciPy on the same features (strength by 5-fold cross-validation on train).
// Usage: node dist/tools/bench/defaults.js [--assets ../shared/assets] [--model squeezenet1.1-fp32.onnx] [--python python3] [set …]

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { elements } from '../../src/base/index.js';
import { isMultiLabelEvaluation } from '../../src/evaluation/index.js';
import { readSource } from '../../src/pictures/node.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { openBackbone } from '../../src/workflows/backbone.js';
import { fitHead } from '../../src/workflows/fit-head.js';
import { headLogits, measure } from '../../src/workflows/measure.js';
import { setFeatures, type SplitFeatures } from '../../src/workflows/set-features.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    assets: { type: 'string', default: '../shared/assets' },
    python: { type: 'string', default: 'python3' },
    model: { type: 'string', default: 'squeezenet1.1-fp32.onnx' },
  },
});
const sets =
  positionals.length > 0 ? positionals : ['hymenoptera', 'cats_dogs', 'imagenette10', 'flowers5', 'food3_64px'];
const reference = fileURLToPath(new URL('../../../tools/bench/logistic_reference.py', import.meta.url));
const runtime = nodeRuntime();

function referenceOf(
  train: SplitFeatures,
  validation: SplitFeatures,
  classes: number,
): { accuracy: number; C: number } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'graft-defaults-'));
  try {
    for (const [name, split] of [
      ['train', train],
      ['val', validation],
    ] as const) {
      writeFileSync(join(folder, `${name}.f32`), split.features);
      writeFileSync(join(folder, `${name}.i32`), Int32Array.from(elements(split.labels) as BigInt64Array, Number));
    }
    writeFileSync(join(folder, 'shape.json'), JSON.stringify({ width: train.width, classes }));
    return JSON.parse(execFileSync(values.python, ['-W', 'ignore', reference, folder], { encoding: 'utf8' })) as {
      accuracy: number;
      C: number;
    };
  } catch (error) {
    console.error(`no reference: ${String(error).split('\n')[0]}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rows: { ours: number; theirs: number | undefined }[] = [];
console.log('set                  train   val   features  ours     reference  difference  seconds');
for (const name of sets) {
  const path = existsSync(name) ? name : join(values.assets, 'pictures', name);
  const backbone = openBackbone(join(values.assets, 'models', values.model));
  const set = await readSource(path, {});
  const { train, validation } = await setFeatures(runtime, backbone, set, {});
  const began = performance.now();
  const head = await fitHead(runtime, { train, validation }, { classes: set.classes.length, task: set.task }, {});
  const seconds = (performance.now() - began) / 1000;
  const logits = await headLogits(runtime, head, validation, set.classes.length);
  const { evaluation } = measure(logits, validation, set);
  if (isMultiLabelEvaluation(evaluation)) continue;
  const theirs = referenceOf(train, validation, set.classes.length)?.accuracy;
  rows.push({ ours: evaluation.accuracy, theirs });
  const show = (value: number | undefined) => (value === undefined ? '–' : `${(100 * value).toFixed(2)}%`).padEnd(9);
  const difference = theirs === undefined ? '–' : (100 * (evaluation.accuracy - theirs)).toFixed(2);
  console.log(
    `${name.split('/').at(-1)!.padEnd(20)} ${String(train.count).padEnd(7)} ${String(validation.count).padEnd(5)} ${String(train.width).padEnd(9)} ${show(evaluation.accuracy)}${show(theirs)}  ${difference.padEnd(11)} ${seconds.toFixed(2)}`,
  );
}
const known = rows.filter((row): row is { ours: number; theirs: number } => row.theirs !== undefined);
const mean = (pick: (row: { ours: number; theirs: number }) => number) =>
  known.reduce((sum, row) => sum + pick(row), 0) / Math.max(1, known.length);
console.log(
  `mean                 ours ${(100 * mean(({ ours }) => ours)).toFixed(2)}%, reference ${(100 * mean(({ theirs }) => theirs)).toFixed(2)}%`,
);
