// Logits of features by a trained head, their temperature, and what the probabilities are worth.

import { elements, floats, tensor } from '../base/index.js';
import { headNetwork } from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import {
  applyTemperature,
  evaluate,
  fitTemperature,
  type Evaluation,
  type FileError,
  type Predictions,
  type Temperature,
} from '../evaluation/index.js';
import type { PictureSet } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { FittedHead } from './fit-head.js';
import type { SplitFeatures } from './set-features.js';

/** What a head says of a split. */
export interface Measured {
  readonly logits: Float32Array;
  readonly temperature: Temperature;
  readonly predictions: Predictions;
  readonly evaluation: Evaluation;
}

/** The logits of a head on a split's features, [count, classes]. */
export async function headLogits(
  runtime: Runtime,
  { head, trained }: FittedHead,
  split: SplitFeatures,
  classes: number,
): Promise<Float32Array> {
  const model = headNetwork(head, { features: split.width, classes }, trained);
  const session = await runtime.open(encodeModel(model));
  try {
    const feed = runtime.tensor(tensor('float32', [split.count, split.width], split.features));
    const results = await session.run(new Map([['features', feed]]));
    return floats(await results.get('logits')!.read()).slice();
  } finally {
    await session.close();
  }
}

/** Fits the temperature of logits [count, classes] and measures the calibrated probabilities. */
export function measure(
  logits: Float32Array,
  split: Pick<SplitFeatures, 'labels'>,
  { classes, task }: Pick<PictureSet, 'classes' | 'task'>,
  errors: readonly FileError[] = [],
): Measured {
  const truth = truthOf(split, task);
  const temperature = fitTemperature({ logits, classes, ...truth });
  const probabilities = applyTemperature({ logits, classes }, temperature.temperature, task);
  const predictions: Predictions = { probabilities, classes, ...truth };
  return { logits, temperature, predictions, evaluation: evaluate(predictions, { split: 'validation', errors }) };
}

const truthOf = (
  { labels }: Pick<SplitFeatures, 'labels'>,
  task: PictureSet['task'],
): { labels: number[] } | { targets: Float32Array } =>
  task === 'single' ? { labels: Array.from(elements(labels), Number) } : { targets: floats(labels) };
