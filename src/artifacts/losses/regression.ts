// Losses on the network's outputs themselves, means over all of their N · K elements, as PyTorch's MSELoss and L1Loss:
//   mse: (z − t)²      d/dz = 2 (z − t) / NK          l1: |z − t|      d/dz = sign(z − t) / NK

import type { Value } from '../../graph/index.js';
import { Abs, Mul, Sign, Sub } from '../../operators/index.js';
import { sumOfClasses, type Loss } from './loss.js';

/** Mean squared error; labels are float32 [N, K]. */
export const meanSquaredError = (): Loss =>
  regression(
    'mse',
    difference => Mul(difference, difference),
    difference => Mul(difference, 2),
  );

/** Mean absolute error; labels are float32 [N, K]. */
export const meanAbsoluteError = (): Loss => regression('l1', Abs, Sign);

function regression(name: string, of: (difference: Value) => Value, slope: (difference: Value) => Value): Loss {
  const width = (value: Value) => value.shape.at(-1) as number;
  return {
    name,
    labels: classes => ({ type: 'float32', shape: ['batch', classes] }),
    targets: labels => labels,
    value: (outputs, targets) => Mul(sumOfClasses(of(Sub(outputs, targets))), 1 / width(outputs)),
    gradient: (outputs, targets, share) => Mul(slope(Sub(outputs, targets)), Mul(share, 1 / width(outputs))),
  };
}
