// The losses of several heads over the same pictures, each picture with a weight of its own for each head:
//   loss_m = Σ_b w_bm · loss(z_bm, t_b) / Σ_b w_bm        d loss_m / dz_bm = w_bm / Σ_b w_bm · d loss / dz
// The sums go over a batch, so that a step of a member is that of a run which sees the batch without the pictures of
// weight 0 and with those of weight 2 twice. A batch of which a member sees nothing moves it by nothing new.
// Weights are an input `weights` [pictures, M]; they stand behind the targets, [.., K + M], and are gathered with them.

import type { Value } from '../../graph/index.js';
import { Concat, Div, Max, Mul, ReduceSum, Reshape, Shape, Split, Unsqueeze } from '../../operators/index.js';
import type { StatedLoss } from './loss.js';

/** Below any weight that a batch can sum to: keeps 0 / 0 away. */
const nothing = 1e-30;

/**
 * The losses of `members` heads with logits [B, M·K]; its value is [S, M].
 *
 * @param base the loss of one head, in which every picture weighs the same: what classes weigh goes into `weights`
 */
export function membersLoss(base: StatedLoss, members: number): StatedLoss {
  return {
    name: base.name,
    labels: classes => base.labels(classes),
    targets(labels, classes) {
      const weights = labels.builder.input('weights', 'float32', [labels.shape[0]!, members]);
      return Concat(base.targets(labels, classes), weights, { axis: -1 });
    },
    value(logits, targets) {
      const [truth, weights] = parted(targets);
      const classes = truth.shape.at(-1) as number;
      // Each row by itself is a batch of one: [S·B·M, 1, K].
      const alone = (value: Value) => Reshape(value, [-1, 1, classes]);
      const spread = Concat(...Array.from({ length: members }, () => truth), { axis: -1 });
      const losses = Reshape(base.value(alone(logits), alone(spread)), Shape(weights));
      return ReduceSum(Mul(losses, sharesOf(weights)), [-2], { keepdims: 0 });
    },
    gradient(logits, targets) {
      const [truth, weights] = parted(targets);
      const classes = truth.shape.at(-1) as number;
      const shares = Unsqueeze(sharesOf(weights), [-1]);
      const each = base.gradient(Reshape(logits, [-1, members, classes]), Unsqueeze(truth, [1]), shares);
      return Reshape(each, [-1, members * classes]);
    },
  };

  /** Targets [.., K] and weights [.., M]. */
  function parted(targets: Value): readonly [Value, Value] {
    const sizes = targets.builder.constant([(targets.shape.at(-1) as number) - members, members]);
    const [truth, weights] = Split.all(2, targets, sizes, { axis: -1 });
    return [truth!, weights!];
  }
}

/** What each picture of a batch counts for, [.., B, M]. */
const sharesOf = (weights: Value): Value => Div(weights, Max(ReduceSum(weights, [-2]), nothing));
