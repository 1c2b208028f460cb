// A head that was trained on standardised features, served on the features as they are:
//   head((x − mean) / deviation)

import { tensor } from '../../base/index.js';
import { Mul, Sub } from '../../operators/index.js';
import type { Head } from './head.js';

/** Puts the standardisation of its training features before a head. Features of infinite deviation become 0. */
export function standardised(head: Head, mean: ArrayLike<number>, deviation: ArrayLike<number>): Head {
  return (features, at) => {
    const { builder } = features;
    const vector = (hint: string, values: ArrayLike<number>) =>
      builder.constant(tensor('float32', [values.length], Float32Array.from(values)), undefined, hint);
    const factor = Float64Array.from(deviation, value => 1 / value);
    return head(Mul(Sub(features, vector('mean', mean)), vector('scale', factor)), at);
  };
}
