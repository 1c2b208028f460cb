// Figures of rows over seeds: means, spreads, and the difference to the single network with its interval. The interval is of
// pictures drawn again and again (bootstrap), the difference of each being the mean over seeds.

import { Random } from '../../src/base/index.js';
import { evaluate, termsOf, type Predictions } from '../../src/evaluation/index.js';

/** What one row said of the test pictures with one seed. */
export interface Measured {
  readonly raw: Predictions;
  readonly calibrated: Predictions;
  /** Operations of a picture. */
  readonly flops: number;
  /** CPU time of training, as a multiple of that of the single network. */
  readonly training: number;
}

/** A figure over seeds. */
export interface Cell {
  readonly mean: number;
  /** Standard deviation over seeds. */
  readonly spread: number;
}
/** A row of the table. */
export interface Cells {
  readonly name: string;
  readonly accuracy: Cell;
  readonly raw: Readonly<Record<'nll' | 'ece' | 'brier', Cell>>;
  readonly calibrated: Readonly<Record<'nll' | 'ece' | 'brier', Cell>>;
  /** To the single network, less is better: raw and calibrated loss; accuracy in points. */
  readonly difference: Readonly<Record<'raw' | 'calibrated' | 'accuracy', Difference>>;
  readonly training: number;
  readonly flops: number;
}
/** A paired difference and its 95 % interval. */
export interface Difference {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The rows of a set. */
export function cellsOf(perSeed: readonly ReadonlyMap<string, Measured>[], names: readonly string[]): Cells[] {
  const singles = perSeed.map(rows => rows.get('single')!);
  const singleFlops = singles[0]!.flops;
  return names.flatMap(name => {
    const rows = perSeed.flatMap(of => of.get(name) ?? []);
    if (rows.length === 0) return [];
    const figures = (which: 'raw' | 'calibrated') => {
      const all = rows.map(row => evaluate(row[which]));
      return {
        nll: cell(all.map(one => one.negativeLogLikelihood)),
        ece: cell(all.map(one => one.expectedCalibrationError)),
        brier: cell(all.map(one => one.brierScore)),
        accuracy: cell(all.map(one => one.accuracy)),
      };
    };
    const raw = figures('raw');
    return [
      {
        name,
        accuracy: raw.accuracy,
        raw,
        calibrated: figures('calibrated'),
        difference: {
          raw: differenceOf(rows, singles, row => termsOf('negativeLogLikelihood', row.raw)),
          calibrated: differenceOf(rows, singles, row => termsOf('negativeLogLikelihood', row.calibrated)),
          accuracy: differenceOf(rows, singles, row => termsOf('accuracy', row.raw)),
        },
        training: mean(rows.map(row => row.training)),
        flops: rows[0]!.flops / singleFlops,
      },
    ];
  });
}

/** One line a row, while it goes. */
export const rowsOf = (rows: ReadonlyMap<string, Measured>, names: readonly string[]): string[] =>
  names.flatMap(name => {
    const row = rows.get(name);
    if (!row) return [];
    const { accuracy, negativeLogLikelihood } = evaluate(row.calibrated);
    return [`${name} ${(100 * accuracy).toFixed(1)}% ${negativeLogLikelihood.toFixed(3)}`];
  });

const mean = (all: ArrayLike<number>): number => Array.from(all).reduce((a, b) => a + b, 0) / all.length;

function cell(all: readonly number[]): Cell {
  const middle = mean(all);
  const squares = all.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  return { mean: middle, spread: all.length > 1 ? Math.sqrt(squares / (all.length - 1)) : 0 };
}

function differenceOf(
  rows: readonly Measured[],
  singles: readonly Measured[],
  of: (row: Measured) => Float64Array,
): Difference {
  const own = rows.map(of);
  const others = singles.map(of);
  const pictures = own[0]!.length;
  const differences = Float64Array.from({ length: pictures }, (_, i) => mean(own.map((all, seed) => all[i]! - others[seed]![i]!))); // prettier-ignore
  const random = new Random('ensembles-table');
  const drawn = Array.from({ length: 2000 }, () => {
    let sum = 0;
    for (let i = 0; i < pictures; i++) sum += differences[random.integer(pictures)]!;
    return sum / pictures;
  }).sort((a, b) => a - b);
  return { mean: mean(differences), low: drawn[50]!, high: drawn[1949]! };
}
