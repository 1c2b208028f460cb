// What prediction sets are worth: how often the true class is in the set, and how many classes a set holds. A promise
// of 90 % holds where the interval of the coverage reaches 90 %.

import { errors } from './errors.js';
import { wilson } from './interval.js';
import { checkTruth } from './predictions.js';

/** Sets of classes, one for each picture: [pictures, classes], 1 where the class is in the set, else 0. */
export interface PredictionSets {
  readonly sets: ArrayLike<number>;
  /** The true class of each picture, as its position in `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: readonly string[];
}

/** Figures of prediction sets. */
export interface SetFigures {
  readonly count: number;
  /** Share of the pictures whose true class is in their set. */
  readonly coverage: number;
  /** Wilson, 95 %. */
  readonly coverageInterval: readonly [low: number, high: number];
  readonly meanSize: number;
  /** Pictures by how many classes their set holds: 0, 1, … K. */
  readonly sizes: readonly number[];
  /** Coverage of the pictures of each class; null where none has it. The promise is of all pictures, not of each class. */
  readonly perClass: readonly (number | null)[];
}

/**
 * Coverage and size of prediction sets.
 * Throws EVALUATION_EMPTY without pictures, EVALUATION_SHAPE and EVALUATION_LABEL for what cannot be judged.
 *
 * @example setFigures({sets: [1, 1, 0, 1], labels: [0, 0], classes: ['ants', 'bees']}) // coverage ½, mean size 1.5
 */
export function setFigures({ sets, labels, classes }: PredictionSets): SetFigures {
  const count = checkTruth(sets.length, { labels, classes });
  if (count === 0) throw errors.EMPTY({ split: 'the prediction sets' });
  const K = classes.length;
  const sizes = new Array<number>(K + 1).fill(0);
  const [support, covered] = [new Array<number>(K).fill(0), new Array<number>(K).fill(0)];
  for (let row = 0; row < count; row++) {
    let size = 0;
    for (let k = 0; k < K; k++) {
      const found = sets[row * K + k]!;
      if (found !== 0 && found !== 1) throw errors.LABEL({ row, found, classes: 2 });
      size += found;
    }
    const truth = labels[row]!;
    sizes[size]!++;
    support[truth]!++;
    covered[truth]! += sets[row * K + truth]!;
  }
  const right = covered.reduce((a, b) => a + b, 0);
  return {
    count,
    coverage: right / count,
    coverageInterval: wilson(right, count),
    meanSize: sizes.reduce((sum, pictures, size) => sum + pictures * size, 0) / count,
    sizes,
    perClass: support.map((pictures, k) => (pictures === 0 ? null : covered[k]! / pictures)),
  };
}
