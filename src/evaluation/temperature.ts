// Temperature scaling (Guo 2017): probabilities = softmax(logits / T), sigmoid(logits / T) of several labels, with the
// one T > 0 that makes the validation truth likeliest. With β = 1/T the loss is convex,
//   L(β) = mean [LSE(β z) − β Σ t z],   L' = mean [E_p z − Σ t z],   L'' = mean Var_p z,
// so the minimum over log T within bounds is the root of L', found by Newton's steps inside a shrinking bracket.
// Targets are smoothed by ε = 1 / 2(n + 1), half a picture's worth of doubt: where a small validation set is all right,
// the bare likelihood wants T = 0 and would call every later mistake certain.

import { errors } from './errors.js';
import { checkedLogits, checkRows, negativeLogLikelihood, sigmoid, type Logits } from './likelihood.js';
import { isMultiLabel } from './predictions.js';

export interface TemperatureOptions {
  /** Share of the target spread over all classes, 0 … 1; 0 is the bare likelihood. @default 1 / 2(n + 1), n pictures */
  readonly smoothing?: number;
  /** Where T is looked for. @default [0.01, 100] */
  readonly bounds?: readonly [low: number, high: number];
}

/** A fitted temperature. */
export interface Temperature {
  readonly temperature: number;
  /** Negative log-likelihood (not smoothed) at T = 1 and at `temperature`. */
  readonly before: number;
  readonly after: number;
  /** The best temperature lies outside the bounds; `temperature` is the nearest of them. */
  readonly atBound: boolean;
}

const bounds = [0.01, 100] as const;

/**
 * Fits a temperature to logits [pictures, classes] and their truth. Of an ensemble, the logits are ln of the mean probability.
 * Throws EVALUATION_EMPTY without pictures, EVALUATION_NOT_FINITE for NaN.
 *
 * @example
 * const {temperature} = fitTemperature({logits, labels, classes});
 * const probabilities = applyTemperature({logits, classes}, temperature);
 */
export function fitTemperature(at: Logits, options: TemperatureOptions = {}): Temperature {
  const { z, count } = checkedLogits(at);
  if (count === 0) throw errors.EMPTY({ split: 'the validation logits' });
  const { smoothing = 1 / (2 * (count + 1)), bounds: [low, high] = bounds } = options;
  if (!(smoothing >= 0 && smoothing <= 1))
    throw errors.OPTION({ option: 'smoothing', found: smoothing, wanted: '0 to 1' });
  if (!(low > 0 && low <= high && high < Infinity))
    throw errors.OPTION({ option: 'bounds', found: `[${low}, ${high}]`, wanted: 'two numbers above 0 in order' });
  const K = at.classes.length;
  const slopes = isMultiLabel(at)
    ? sigmoidSlopes(z, at.targets, count, smoothing)
    : softmaxSlopes(z, at.labels, count, K, smoothing);
  const { root, atBound } = increasingRoot(slopes, 1 / high, 1 / low);
  const temperature = 1 / root;
  return { temperature, before: negativeLogLikelihood(at), after: negativeLogLikelihood(at, temperature), atBound };
}

/** First and second derivative of the loss at β. */
type Slopes = (beta: number) => { first: number; second: number };

function softmaxSlopes(
  z: Float64Array,
  labels: ArrayLike<number>,
  count: number,
  K: number,
  smoothing: number,
): Slopes {
  let target = 0; // Σ over pictures of Σ_k t z
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += z[row * K + k]!;
    target += (1 - smoothing) * z[row * K + labels[row]!]! + (smoothing / K) * sum;
  }
  return beta => {
    let first = -target;
    let second = 0;
    for (let row = 0; row < count; row++) {
      const start = row * K;
      let most = -Infinity;
      for (let k = 0; k < K; k++) most = Math.max(most, z[start + k]!);
      // moments of z − most, so that the variance does not cancel
      let weight = 0;
      let mean = 0;
      let square = 0;
      for (let k = 0; k < K; k++) {
        const below = z[start + k]! - most;
        const e = Math.exp(beta * below);
        weight += e;
        mean += e * below;
        square += e * below * below;
      }
      mean /= weight;
      first += most + mean;
      second += square / weight - mean * mean;
    }
    return { first: first / count, second: second / count };
  };
}

function sigmoidSlopes(z: Float64Array, targets: ArrayLike<number>, count: number, smoothing: number): Slopes {
  return beta => {
    let first = 0;
    let second = 0;
    for (let i = 0; i < z.length; i++) {
      const p = sigmoid(beta * z[i]!);
      first += (p - ((1 - smoothing) * targets[i]! + smoothing / 2)) * z[i]!;
      second += p * (1 - p) * z[i]! * z[i]!;
    }
    return { first: first / count, second: second / count };
  };
}

/** The root of an increasing function with a known slope, or the bound nearest to it. */
function increasingRoot(slopes: Slopes, low: number, high: number): { root: number; atBound: boolean } {
  let beta = Math.min(high, Math.max(low, 1));
  let at = slopes(beta);
  // logits that are equal in every row say nothing: any temperature is as good, and the one nearest to 1 is kept
  if (at.second === 0 && at.first === 0) return { root: beta, atBound: false };
  if (at.first > 0 && slopes(low).first >= 0) return { root: low, atBound: true };
  if (at.first < 0 && slopes(high).first <= 0) return { root: high, atBound: true };
  for (let step = 0; step < 200 && high - low > 1e-12 * high && at.first !== 0; step++) {
    if (at.first > 0) high = beta;
    else low = beta;
    const newton = beta - at.first / at.second;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    if (Math.abs(next - beta) <= 1e-12 * beta) break;
    beta = next;
    at = slopes(beta);
  }
  return { root: beta, atBound: false };
}

/**
 * Probabilities [rows, classes] of logits at a temperature: softmax, or sigmoid of several labels. For stored logits;
 * a bundle has its temperature in the graph.
 */
export function applyTemperature(
  { logits, classes }: { readonly logits: Float32Array | Float64Array; readonly classes: readonly string[] },
  temperature: number,
  task: 'single' | 'multi-label' = 'single',
): Float32Array {
  if (!(temperature > 0)) throw errors.OPTION({ option: 'temperature', found: temperature, wanted: 'more than 0' });
  const K = classes.length;
  checkRows(logits, K);
  if (task === 'multi-label') return Float32Array.from(logits, z => sigmoid(z / temperature));
  const out = new Float32Array(logits.length);
  for (let start = 0; start < out.length; start += K) {
    const row = Float64Array.from(logits.subarray(start, start + K), z => z / temperature);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let k = 0; k < K; k++) sum += row[k] = Math.exp(row[k]! - most);
    for (let k = 0; k < K; k++) out[start + k] = row[k]! / sum;
  }
  return out;
}
