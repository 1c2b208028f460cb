// The mean of weights that come one after the other, in float64: with the k-th set
//   mean ← mean + (set − mean) / k
// The first set replaces what was there, so that every set counts once.

import { elements, floats, tensor, type Tensor } from '../base/index.js';

/** A mean and of how many. */
export interface RunningMean {
  readonly count: number;
  /** float64, by name. */
  readonly mean: ReadonlyMap<string, Tensor>;
}

/** The mean with one more set of float32 tensors. */
export function meanWith(before: RunningMean | undefined, set: ReadonlyMap<string, Tensor>): RunningMean {
  const count = (before?.count ?? 0) + 1;
  const mean = new Map<string, Tensor>();
  for (const [name, value] of set) {
    const known = before?.mean.get(name);
    const next = known ? Float64Array.from(elements(known) as Float64Array) : new Float64Array(floats(value).length);
    floats(value).forEach((x, i) => (next[i]! += (x - next[i]!) / count));
    mean.set(name, tensor('float64', value.shape, next));
  }
  return { count, mean };
}

/** The mean as float32. */
export const roundedMean = ({ mean }: RunningMean): Map<string, Tensor> =>
  new Map(
    [...mean].map(([name, at]) => [name, tensor('float32', at.shape, Float32Array.from(elements(at) as Float64Array))]),
  );
