// graft evaluate: what a bundle is worth on labelled pictures.

import type { Bundle } from '../bundle/node.js';
import { evaluate as figuresOf, type Evaluation, type Predictions } from '../evaluation/index.js';
import { readSource, type AllowedFormat, type Item, type PictureSet } from '../pictures/node.js';
import { openPredictor } from '../prediction/index.js';
import { predictFiles } from '../prediction/node.js';
import type { Runtime } from '../runtime/index.js';
import { errors } from './errors.js';
import { openBundle } from './open-bundle.js';
import type { Progress } from './progress.js';

export interface EvaluateOptions {
  /** Which part of a source with several: `test`, `validation` or `train`. @default the first there is, in this order */
  readonly split?: 'train' | 'validation' | 'test';
  readonly allowFormats?: readonly AllowedFormat[];
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Figures, and what they were made from. */
export interface EvaluateResult {
  readonly evaluation: Evaluation;
  readonly predictions: Predictions;
  /** The pictures that were read, in the order of the predictions. */
  readonly items: readonly Item[];
  /** How many of the pictures are ones that the bundle was trained on, or chosen with. */
  readonly seen: { readonly train: number; readonly validation: number };
  readonly bundle: Bundle;
}

/**
 * Evaluates a bundle on labelled pictures; the classes are found by name.
 *
 * @throws BUNDLE_…, DATA_…, GRAFT_LABEL_UNKNOWN
 */
export async function evaluate(
  bundle: string,
  pictures: string,
  { split, allowFormats = [], onProgress, signal }: EvaluateOptions,
  runtime: Runtime,
): Promise<EvaluateResult> {
  const opened = await openBundle(bundle);
  const { labels, task, data } = opened.manifest;
  const set = await readSource(pictures, { purpose: 'evaluate' });
  const name = split ?? (['test', 'validation', 'train'] as const).find(one => set.splits.get(one)?.length);
  const items = name ? (set.splits.get(name) ?? []) : [];
  if (!name || items.length === 0) throw errors.SPLIT_EMPTY({ pictures, split: split ?? 'any split' });
  const place = new Map(labels.map((label, i) => [label, i]));
  for (const label of set.classes) if (!place.has(label)) throw errors.LABEL_UNKNOWN({ label, labels, pictures });
  const predictor = await openPredictor(opened, runtime);
  try {
    const read: Item[] = [];
    const rows: Float32Array[] = [];
    const failed: { file: string; error: { code: string; message: string } }[] = [];
    const seen = { train: 0, validation: 0 };
    const [trained, chosen] = [new Set(data.train), new Set(data.validation)];
    const files = items.map(({ file }) => file);
    for await (const answer of predictFiles(predictor, files, { allowFormats, ...(signal ? { signal } : {}) })) {
      const item = items[answer.index]!;
      if ('error' in answer) {
        const { code, message } = answer.error;
        failed.push({ file: item.name, error: { code, message } });
      } else {
        read.push(item);
        rows.push(answer.probabilities);
        if (trained.has(answer.sha256)) seen.train++;
        if (chosen.has(answer.sha256)) seen.validation++;
      }
      onProgress?.({ what: 'evaluating', done: read.length + failed.length, total: items.length });
    }
    const predictions = predictionsOf(rows, read, labels, task, set, place);
    const evaluation = figuresOf(predictions, { split: name, errors: failed });
    return { evaluation, predictions, items: read, seen, bundle: opened };
  } finally {
    await predictor.close();
  }
}

/** Rows and truth, in the order of the bundle's labels. */
function predictionsOf(
  rows: readonly Float32Array[],
  items: readonly Item[],
  classes: readonly string[],
  task: PictureSet['task'],
  set: PictureSet,
  place: ReadonlyMap<string, number>,
): Predictions {
  const K = classes.length;
  const probabilities = new Float32Array(rows.length * K);
  rows.forEach((row, i) => probabilities.set(row, i * K));
  const places = items.map(({ label }) => [label].flat().map(at => place.get(set.classes[at]!)!));
  if (task === 'single') return { probabilities, classes, labels: places.map(([at]) => at!) };
  const targets = new Float32Array(rows.length * K);
  places.forEach((list, i) => {
    for (const at of list) targets[i * K + at] = 1;
  });
  return { probabilities, classes, targets };
}
