// Where predictions go wrong: the pairs of classes that are taken for each other, and the single predictions that
// cost most. Both in an order that depends on the figures alone, ties by the order of classes and pictures.

import type { SingleLabelEvaluation } from './evaluate.js';
import { surprise, surpriseOfNot } from './likelihood.js';
import { argmax, checkPredictions, isMultiLabel, type Predictions } from './predictions.js';

/** Pictures of `label` that were taken for `predicted`. */
export interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  readonly count: number;
  /** Of the pictures of `label`. */
  readonly share: number;
}

/** The pairs that are confused most, by pictures, then by share of the class. `most` is how many at most. */
export function mostConfused(
  { labels, confusion }: Pick<SingleLabelEvaluation, 'labels' | 'confusion'>,
  most = 10,
): ConfusedPair[] {
  const pairs = confusion.flatMap((row, truth) => {
    const support = row.reduce((a, b) => a + b, 0);
    return row.flatMap((count, k) =>
      k === truth || count === 0
        ? []
        : [{ label: labels[truth]!, predicted: labels[k]!, count, share: count / support }],
    );
  });
  return pairs.sort((a, b) => b.count - a.count || b.share - a.share).slice(0, most);
}

/** A prediction and what it costs. */
export interface Loss {
  /** The picture's row in the predictions. */
  readonly index: number;
  /** The truth; of several labels "not dog" where the label does not hold. */
  readonly label: string;
  readonly predicted: string;
  /** The probability of `predicted`. */
  readonly probability: number;
  /** −ln of the probability of the truth. */
  readonly loss: number;
}

/**
 * The predictions that cost most, worst first: of one label one a picture, of several one for each picture and label.
 * Throws what predictions are refused for.
 */
export function topLosses(predictions: Predictions, most = 24): Loss[] {
  const count = checkPredictions(predictions);
  const K = predictions.classes.length;
  // only what is shown is made: first the losses alone, then the few that are worst
  const columns = isMultiLabel(predictions) ? K : 1;
  const losses = Float64Array.from({ length: count * columns }, (_, i) => lossOf(predictions, i));
  const order = Array.from(losses, (_, i) => i).sort((a, b) => losses[b]! - losses[a]! || a - b);
  return order.slice(0, most).map(i => ({ ...described(predictions, i), loss: losses[i]! }));
}

function lossOf(at: Predictions, i: number): number {
  const { probabilities: p } = at;
  if (!isMultiLabel(at)) return surprise(p[i * at.classes.length + at.labels[i]!]!);
  return at.targets[i] ? surprise(p[i]!) : surpriseOfNot(p[i]!);
}

function described(at: Predictions, i: number): Omit<Loss, 'loss'> {
  const { probabilities: p, classes } = at;
  const K = classes.length;
  if (isMultiLabel(at)) {
    const name = classes[i % K]!;
    const given = p[i]! >= 0.5;
    const say = (holds: boolean) => (holds ? name : `not ${name}`);
    return {
      index: Math.floor(i / K),
      label: say(at.targets[i] === 1),
      predicted: say(given),
      probability: given ? p[i]! : 1 - p[i]!,
    };
  }
  const best = argmax(p, i, K);
  return { index: i, label: classes[at.labels[i]!]!, predicted: classes[best]!, probability: p[i * K + best]! };
}
