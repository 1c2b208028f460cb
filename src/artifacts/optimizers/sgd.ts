// Stochastic gradient descent in PyTorch's convention: v ← μ·v + g, w ← w − rate·v (Nesterov: w ← w − rate·(g + μ·v)).

import { Add, Mul, Sub } from '../../operators/index.js';
import type { Optimizer } from './optimizer.js';

export interface SgdOptions {
  /** μ, 0 ≤ μ < 1. @default 0.9 */
  readonly momentum?: number;
  /** @default false */
  readonly nesterov?: boolean;
  /** λ: λ·w is added to the gradient of matrices. @default 0 */
  readonly weightDecay?: number;
}

/** SGD with momentum. Source: torch.optim.SGD; Sutskever et al. 2013 for Nesterov. */
export function sgd({ momentum = 0.9, nesterov = false, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  return {
    name: 'sgd',
    slots: momentum ? ['v'] : [],
    prepare: ({ rate }) => [rate],
    update: ({ parameter, gradient, slots: [v], decays }, [rate]) => {
      const g = weightDecay && decays ? Add(gradient, Mul(parameter, weightDecay)) : gradient;
      if (!v) return { parameter: Sub(parameter, Mul(g, rate)), slots: [] };
      const next = Add(Mul(v, momentum), g);
      const direction = nesterov ? Add(g, Mul(next, momentum)) : next;
      return { parameter: Sub(parameter, Mul(direction, rate)), slots: [next] };
    },
  };
}
