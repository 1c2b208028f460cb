// AdamW as the Transformers library had it, which ONNX Runtime's training writes (adam_mode 1): ε is added to the root of
// v before the bias is corrected, and weights decay after the step, by the rate itself:
//   w ← w − rate · √(1−β₂^t) / (1−β₁^t) · m / (√v + ε)      then w ← w − rate·λ·w
// Moments are kept unnormalised, as in adam.ts; only ε's factor is another: e = ε / √(1−β₂).
// Source: onnxruntime orttraining/training_ops/cpu/optimizer/adamw/adamw.cc, AdamWComputeMode1.

import { Add, Div, Mul, Neg, Pow, Sqrt, Sub } from '../../operators/index.js';
import type { AdamOptions } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { addScaled } from './row-vectors.js';

/** AdamW in the form of the Transformers library. Defaults are those of {@link AdamOptions}; decay 0.01. */
export function transformersAdamW({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.01,
  decayed = 'matrices',
}: AdamOptions = {}): Optimizer {
  return {
    name: 'transformers-adamw',
    slots: ['m', 'v'],
    decays: weightDecay !== 0,
    decayed,
    normalises: true,
    prepare: ({ rate, step }) => {
      const left = (base: number) => Sub(1, Pow(step.builder.constant(base), step));
      const root = Mul(Sqrt(left(beta2)), 1 / Math.sqrt(1 - beta2));
      const scale = Mul(Div(Mul(rate, root), left(beta1)), 1 - beta1);
      return [Neg(scale), ...(weightDecay ? [Sub(1, Mul(rate, weightDecay))] : [])];
    },
    update: ({ parameter, gradient, slots: [m, v], decays }, [back, shrink]) => {
      const nextM = addScaled(gradient, beta1, m!);
      const nextV = addScaled(Mul(gradient, gradient), beta2, v!);
      const stepped = addScaled(parameter, back!, Div(nextM, Add(Sqrt(nextV), epsilon / Math.sqrt(1 - beta2))));
      return { parameter: shrink && decays ? Mul(stepped, shrink) : stepped, slots: [nextM, nextV] };
    },
  };
}
