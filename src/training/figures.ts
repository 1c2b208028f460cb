// What weights are worth: one run of the evaluation graph over all pictures, and the count of those that are right.

import { elements, floats, tensor, type Tensor } from '../base/index.js';
import type { DeviceTensor, Session } from '../runtime/index.js';
import { calibratedLoss } from './calibrated-loss.js';

/** What some weights are worth on some pictures. */
export interface Figures {
  /** Mean loss over the pictures. */
  readonly loss: number;
  /** Share of pictures that are right; with several labels, of those where every label is. */
  readonly accuracy: number;
  /** The loss at the best temperature, where it was found out; it then says which epoch is best. */
  readonly calibrated?: number;
}

/** What the best epoch is the least of. */
export const chosenBy = ({ loss, calibrated }: Figures): number => calibrated ?? loss;

/** Pictures to measure by, on the device and in memory. */
export interface Measured {
  readonly features: DeviceTensor;
  readonly labels: DeviceTensor;
  /** `labels` again. */
  readonly truth: Tensor;
}

/** Runs the evaluation graph with the given parameters. */
export async function measure(
  evaluation: Session,
  { features, labels, truth }: Measured,
  parameters: ReadonlyMap<string, DeviceTensor>,
): Promise<Figures> {
  const results = await evaluation.run(new Map([...parameters, ['features', features], ['labels', labels]]), [
    'loss',
    'logits',
  ]);
  const loss = floats(await results.get('loss')!.read())[0]!;
  const accuracy = shareRight(await results.get('logits')!.read(), truth);
  for (const result of results.values()) result.dispose();
  return { loss, accuracy };
}

/**
 * What logits are worth.
 *
 * @param logits [n, K], row by row
 * @param labels int64 [n], or float32 [n, K]
 * @param loss their mean loss
 */
export function figuresOf(logits: Float32Array, labels: Tensor, loss: number): Figures {
  const count = labels.shape[0]!;
  const accuracy = shareRight(tensor('float32', [count, logits.length / count], logits), labels);
  return { loss, accuracy, calibrated: calibratedLoss(logits, labels) };
}

/** The share of rows of logits [count, classes] that are right. */
export function shareRight(at: Tensor, truth: Tensor): number {
  const [count, classes] = at.shape as readonly [number, number];
  const logits = floats(at);
  const isRight = truth.type === 'int64' ? ofOne(elements(truth) as BigInt64Array) : ofSeveral(floats(truth));
  let right = 0;
  for (let row = 0; row < count; row++) right += Number(isRight(row));
  return right / count;

  /** The first of the largest logits counts. */
  function ofOne(labels: BigInt64Array) {
    return (row: number) => {
      let best = 0;
      for (let k = 1; k < classes; k++) if (logits[row * classes + k]! > logits[row * classes + best]!) best = k;
      return best === Number(labels[row]);
    };
  }
  function ofSeveral(labels: Float32Array) {
    return (row: number) => {
      for (let i = row * classes; i < (row + 1) * classes; i++) if (logits[i]! >= 0 !== labels[i]! >= 0.5) return false;
      return true;
    };
  }
}
