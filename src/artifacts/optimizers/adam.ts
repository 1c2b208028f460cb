// Adam and AdamW. Moments are kept unnormalised, m = Σ β₁^k g and v = Σ β₂^k g², so that all scale factors and bias
// corrections fall into two scalars a step:
//   w ← w − rate·m̂ / (√v̂ + ε)  =  w − m·a / (√v + e)
//   a = rate · (1−β₁)/(1−β₁^t) · √(1−β₂^t)/√(1−β₂),   e = ε · √(1−β₂^t)/√(1−β₂)
// Source: Kingma and Ba 2015; Loshchilov and Hutter 2019 (AdamW: w ← w − rate·λ·w first, as torch.optim.AdamW).

import type { Value } from '../../graph/index.js';
import { Add, Div, Mul, Neg, Pow, Sqrt, Sub } from '../../operators/index.js';
import type { Decayed, Optimizer } from './optimizer.js';
import { addScaled } from './row-vectors.js';

export interface AdamOptions {
  /** β₁. @default 0.9 */
  readonly beta1?: number;
  /** β₂. @default 0.999 */
  readonly beta2?: number;
  /** ε, outside the root. @default 1e-8 */
  readonly epsilon?: number;
  /** λ: Adam adds λ·w to the gradient, AdamW shrinks the weights. @default 0 for Adam, 0.01 for AdamW */
  readonly weightDecay?: number;
  /** `all` is PyTorch's way. @default 'matrices' */
  readonly decayed?: Decayed;
}

/** Adam, with L2 decay in the gradient. */
export const adam = (options: AdamOptions = {}): Optimizer => make('adam', { weightDecay: 0, ...options }, false);

/** AdamW, with decoupled decay. */
export const adamw = (options: AdamOptions = {}): Optimizer => make('adamw', { weightDecay: 0.01, ...options }, true);

function make(
  name: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decayed = 'matrices' }: AdamOptions,
  decoupled: boolean,
): Optimizer {
  return {
    name,
    slots: ['m', 'v'],
    decays: weightDecay !== 0,
    decayed,
    normalises: true,
    prepare: ({ rate, step }) => {
      const power = (base: number): Value => Pow(step.builder.constant(base), step);
      const root = Mul(Sqrt(Sub(1, power(beta2))), 1 / Math.sqrt(1 - beta2));
      const scale = Mul(Div(Mul(rate, root), Sub(1, power(beta1))), 1 - beta1);
      const shrink = decoupled && weightDecay ? [Sub(1, Mul(rate, weightDecay))] : [];
      return [Neg(scale), Mul(root, epsilon), ...shrink];
    },
    update: ({ parameter, gradient, slots: [m, v], decays }, [back, epsilonNow, shrink]) => {
      const g = !decoupled && weightDecay && decays ? addScaled(gradient, weightDecay, parameter) : gradient;
      const nextM = addScaled(g, beta1, m!);
      const nextV = addScaled(Mul(g, g), beta2, v!);
      const kept = shrink && decays ? Mul(parameter, shrink) : parameter;
      return {
        parameter: addScaled(kept, back!, Div(nextM, Add(Sqrt(nextV), epsilonNow))),
        slots: [nextM, nextV],
      };
    },
  };
}
