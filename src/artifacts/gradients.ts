// The backward half of a step, the same in training_model and in the body of epoch_model.

import { differentiate } from '../autodiff/index.js';
import type { Value } from '../graph/index.js';
import { coreOperators, type OperatorSet } from '../operators/index.js';
import { valueOf, type Loss } from './losses/loss.js';

/**
 * The gradients of a loss by the parameters that led to the logits, under their names.
 *
 * @param share 1 / N, the weight of a row of the batch
 * @param operators what operators mean, yours among them
 */
export function gradientsOf(
  loss: Loss,
  logits: Value,
  targets: Value,
  share: Value,
  parameters: ReadonlyMap<string, Value>,
  operators: OperatorSet = coreOperators,
): Map<string, Value> {
  const { builder } = logits;
  const seed = (): [Value, Value] =>
    loss.gradient
      ? [logits, loss.gradient(logits, targets, share)]
      : [valueOf(loss, logits, targets), builder.constant(1)];
  const found = differentiate(builder, new Map([seed()]), [...parameters.values()], operators);
  return new Map([...parameters].map(([name, parameter]) => [name, found.get(parameter)!]));
}
