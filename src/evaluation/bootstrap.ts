// How sure a figure and a difference of figures are: pictures are drawn with replacement, as many as there are, again
// and again, and the figure is computed of each drawing (Efron 1979). Two networks are compared on the same drawing, so
// that what is hard for both cancels. Intervals are percentiles of the drawings, moved so that the drawings' mean lies
// on the figure itself: a calibration error grows by being drawn, and plain percentiles would lie above it.

import { Random } from '../base/index.js';
import { errors } from './errors.js';
import { wilson } from './interval.js';
import { metrics, statisticOf, type MetricName, type Statistic } from './metrics.js';
import { checkPredictions, isMultiLabel, type Predictions } from './predictions.js';

export interface BootstrapOptions {
  /** How many drawings, 100 or more. @default 2000 */
  readonly resamples?: number;
  /** Of the drawings: the same seed gives the same intervals. @default 0 */
  readonly seed?: number;
  /** How often such intervals hold the truth, above 0 and below 1. @default 0.95 */
  readonly level?: number;
}

/** A figure and how sure it is. */
export interface MetricInterval {
  readonly metric: MetricName;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
}

/** The figures of two networks on the same pictures and how far apart they are. */
export interface PairedDifference {
  readonly metric: MetricName;
  readonly first: number;
  readonly second: number;
  /** `first` − `second`, and its interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
  /** Share of the drawings in which the first is better, equal ones half: near ½ nothing is known. */
  readonly wins: number;
  /** Whether the first is better than the second; `unclear` where the interval holds 0. */
  readonly verdict: 'better' | 'worse' | 'unclear';
}

const defaults = { resamples: 2000, seed: 0, level: 0.95 } as const;

/**
 * How far apart two networks are on the same pictures.
 * Where they differ on no picture the interval is the point 0, however few pictures there are. A calibration error is
 * that of so many pictures, which is above 0 of a perfect network too; differences of it are smaller than the truth.
 * Throws EVALUATION_UNPAIRED where pictures or classes differ, EVALUATION_UNDEFINED where the metric is not defined,
 * EVALUATION_OPTION, EVALUATION_EMPTY, and what predictions are refused for.
 *
 * @example
 * const {difference, low, high} = pairedDifference(pool, single, 'negativeLogLikelihood'); // −0.03, −0.05, −0.01
 */
export const pairedDifference = (
  first: Predictions,
  second: Predictions,
  metric: MetricName,
  options: BootstrapOptions = {},
): PairedDifference => pairedDifferences([first], second, [metric], options)[0]![0]!;

/**
 * Many networks against one, by many metrics, on the same drawings: [firsts][metrics]. The drawings are most of the
 * work, so that ten comparisons cost little more than one. Throws as `pairedDifference`.
 */
export function pairedDifferences(
  firsts: readonly Predictions[],
  second: Predictions,
  names: readonly MetricName[],
  options: BootstrapOptions = {},
): PairedDifference[][] {
  const resolved = resolve(options);
  const count = checked(second);
  for (const first of firsts) checkPaired(first, second, count, checked(first));
  const all = [...firsts, second];
  // [metrics][firsts…, second]
  const statistics = names.map(name => all.map(at => statisticOf(name, at)));
  const whole = names.map((name, m) => statistics[m]!.map(of => defined(name, of, count)));
  const drawn = draw(count, statistics.flat(), resolved);
  return firsts.map((_, f) =>
    names.map((name, m) => {
      const [one, other] = [drawn[m * all.length + f]!, drawn[(m + 1) * all.length - 1]!];
      const [figure, against] = [whole[m]![f]!, whole[m]!.at(-1)!];
      const differences = one.map((value, i) => value - other[i]!).filter(value => !Number.isNaN(value));
      const [low, high] = centred(name, differences, figure - against, resolved.level);
      const sign = metrics[name].better === 'higher' ? 1 : -1;
      const wins = differences.reduce((sum, d) => sum + (1 + Math.sign(sign * d)) / 2, 0) / differences.length;
      const verdict = low <= 0 && high >= 0 ? 'unclear' : sign * (figure - against) > 0 ? 'better' : 'worse';
      const { level } = resolved;
      return {
        metric: name,
        first: figure,
        second: against,
        difference: figure - against,
        low,
        high,
        level,
        wins,
        verdict,
      };
    }),
  );
}

/**
 * The interval of a figure: Wilson's of accuracy, which stays honest at 100 %, the bootstrap's of every other.
 * Throws as `pairedDifference`.
 *
 * @example metricInterval(predictions, 'expectedCalibrationError') // {value: 0.021, low: 0.012, high: 0.033, …}
 */
export function metricInterval(at: Predictions, metric: MetricName, options: BootstrapOptions = {}): MetricInterval {
  const resolved = resolve(options);
  const count = checked(at);
  const { level } = resolved;
  const statistic = statisticOf(metric, at);
  const value = defined(metric, statistic, count);
  if (metric === 'accuracy') {
    const [low, high] = wilson(Math.round(value * count), count, level);
    return { metric, value, low, high, level };
  }
  const drawn = draw(count, [statistic], resolved)[0]!.filter(one => !Number.isNaN(one));
  const [low, high] = centred(metric, drawn, value, level);
  const likelihood = metric === 'negativeLogLikelihood' || metric === 'brierScore';
  return { metric, value, low: Math.max(0, low), high: likelihood ? high : Math.min(1, high), level };
}

function resolve(options: BootstrapOptions): Required<BootstrapOptions> {
  const resolved = { ...defaults, ...options };
  const { resamples, level } = resolved;
  if (!Number.isInteger(resamples) || resamples < 100)
    throw errors.OPTION({ option: 'resamples', found: resamples, wanted: 'an integer from 100' });
  if (!(level > 0 && level < 1))
    throw errors.OPTION({ option: 'level', found: level, wanted: 'more than 0, less than 1' });
  return resolved;
}

function checked(at: Predictions): number {
  const count = checkPredictions(at);
  if (count === 0) throw errors.EMPTY({ split: 'the predictions' });
  return count;
}

function checkPaired(first: Predictions, second: Predictions, wanted: number, found: number): void {
  const differ = (what: string, one: string | number, other: string | number) =>
    errors.UNPAIRED({ what, first: String(one), second: String(other) });
  if (found !== wanted) throw differ('pictures', found, wanted);
  const place = first.classes.findIndex((label, k) => label !== second.classes[k]);
  if (first.classes.length !== second.classes.length)
    throw differ('classes', first.classes.length, second.classes.length);
  if (place >= 0) throw differ('classes', first.classes[place]!, second.classes[place]!);
  const task = (at: Predictions) => (isMultiLabel(at) ? 'several labels' : 'one label');
  if (task(first) !== task(second)) throw differ('task', task(first), task(second));
  const [one, other] = [truth(first), truth(second)];
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) throw differ(`truth at ${i}`, one[i]!, other[i]!);
}

const truth = (at: Predictions): ArrayLike<number> => (isMultiLabel(at) ? at.targets : at.labels);

/** The figure of the pictures as they are. */
function defined(metric: MetricName, statistic: Statistic, count: number): number {
  const value = statistic(new Uint32Array(count).fill(1));
  if (value === null)
    throw errors.UNDEFINED({ metric, why: 'no class has pictures that are of it and others that are not' });
  return value;
}

/** Every statistic of every drawing; NaN where one is not defined there. */
function draw(
  count: number,
  statistics: readonly Statistic[],
  { resamples, seed }: Required<BootstrapOptions>,
): Float64Array[] {
  const random = new Random(seed).at('bootstrap');
  const results = statistics.map(() => new Float64Array(resamples));
  const counts = new Uint32Array(count);
  for (let r = 0; r < resamples; r++) {
    counts.fill(0);
    for (let i = 0; i < count; i++) counts[random.integer(count)]!++;
    statistics.forEach((of, s) => (results[s]![r] = of(counts) ?? Number.NaN));
  }
  return results;
}

/** Percentiles of the drawings, moved by what lies between their mean and the figure. */
function centred(metric: MetricName, drawn: Float64Array, figure: number, level: number): [low: number, high: number] {
  if (drawn.length === 0) throw errors.UNDEFINED({ metric, why: 'no drawing of the pictures has one' });
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  const sorted = Float64Array.from(drawn).sort();
  const [low, high] = [(1 - level) / 2, (1 + level) / 2].map(share => quantile(sorted, share));
  // where no drawing differs from another, rounding must not open an interval
  if (sorted[0] === sorted.at(-1)) return [figure, figure];
  return [low! - mean + figure, high! - mean + figure];
}

/** Linear between order statistics, as NumPy's and R's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
