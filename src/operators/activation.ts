// Activations: bounded, rectified and normalised exponentials.

import type { Node, Value } from '../graph/index.js';
import { float, int, operator, string, type Operator, type UpgradeContext } from './define.js';
import { Abs, Add, Div, Erf, Exp, Greater, Max, Min, Mul, Sub, Where, mask } from './elementwise.js';
import { axisOf } from './dims.js';
import { ReduceSum } from './reduction.js';

type Alpha = { alpha: ReturnType<typeof float> };

/** Y = f(X) with attributes alpha and whatever else */
const withAlpha = (
  name: string,
  alpha: number,
  X: (at: { X: Value; Y: Value; dY: Value; alpha: number }) => Value,
): Operator<Alpha> =>
  operator(name, {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: { alpha: float(alpha) },
    shape: ({ X }) => ({ Y: X.shape }),
    gradient: { X },
  });

/** Y = 1 / (1 + e^-X) */
export const Sigmoid = operator('Sigmoid', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: ({ Y, dY }) => Mul(dY, Mul(Y, Sub(1, Y))) },
});
export const Tanh = operator('Tanh', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: ({ Y, dY }) => Mul(dY, Sub(1, Mul(Y, Y))) },
});
/** 1 where a value is positive and 0 elsewhere: a HardSigmoid so steep that it has no middle, the cheapest mask on CPU. */
export const steep = (value: Value): Value => HardSigmoid(value, { alpha: 3e38, beta: 0 });

/** Y = min(max(alpha · X + beta, 0), 1) */
export const HardSigmoid = operator('HardSigmoid', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { alpha: float(0.2), beta: float(0.5) },
  shape: ({ X }) => ({ Y: X.shape }),
  // alpha where Y lies between 0 and 1
  gradient: { X: ({ Y, dY, alpha }) => Mul(Mul(dY, alpha), steep(Mul(Y, Sub(1, Y)))) },
});
/** Y = X · HardSigmoid(X; 1/6, 1/2) */
export const HardSwish = operator('HardSwish', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  lower: ({ X }) => Mul(X, HardSigmoid(X, { alpha: 1 / 6, beta: 0.5 })),
});
/** Y = X where X > 0, alpha · X elsewhere */
export const LeakyRelu = withAlpha('LeakyRelu', 0.01, ({ X, dY, alpha }) =>
  Mul(dY, alpha >= 0 && alpha <= 1 ? Max(steep(X), alpha) : Where(Greater(X, 0), 1, alpha)),
);
/** Y = X where X > 0, alpha · (e^X − 1) elsewhere */
export const Elu = withAlpha('Elu', 1, ({ X, Y, dY, alpha }) => Where(Greater(X, 0), dY, Mul(dY, Add(Y, alpha))));
export const ThresholdedRelu = withAlpha('ThresholdedRelu', 1, ({ X, dY, alpha }) =>
  Mul(dY, mask(Greater(X, alpha), X)),
);
/** Y = max(X, 0) + min(0, alpha · (e^(X / alpha) − 1)), alpha > 0 */
export const Celu = withAlpha('Celu', 1, ({ X, dY, alpha }) => Mul(dY, Exp(Min(Div(X, alpha), 0))));
export const Selu = operator('Selu', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: {
    X: ({ X, Y, dY, alpha, gamma }) => Mul(dY, Where(Greater(X, 0), gamma, Add(Y, alpha * gamma))),
  },
});
/** Y = X where X > 0, slope · X elsewhere */
export const PRelu = operator('PRelu', {
  inputs: ['X', 'slope'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: {
    X: ({ X, slope, dY }) => Where(Greater(X, 0), dY, Mul(dY, slope)),
    slope: ({ X, dY }) => Mul(dY, Min(X, 0)),
  },
});
/** Y = X + bias where X < −lambd, X − bias where X > lambd, 0 between */
export const Shrink = operator('Shrink', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { bias: float(0), lambd: float(0.5) },
  shape: ({ input }) => ({ output: input.shape }),
  gradient: { input: ({ input, doutput, lambd }) => Mul(doutput, mask(Greater(Abs(input), lambd), input)) },
});
/** Y = log(1 + e^X) */
export const Softplus = operator('Softplus', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: ({ X, dY }) => Mul(dY, Sigmoid(X)) },
});
/** Y = X / (1 + |X|) */
export const Softsign = operator('Softsign', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: {
    X: ({ X, dY }) => {
      const size = Add(Abs(X), 1);
      return Div(dY, Mul(size, size));
    },
  },
});
/** Y = X · tanh(log(1 + e^X)) */
export const Mish = operator('Mish', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: X.shape }),
  // with n = e^X · (e^X + 2) the hyperbolic tangent is n / (n + 2); beyond 20 that is 1
  lower: ({ X }) => {
    const power = Exp(Min(X, 20));
    const n = Mul(power, Add(power, 2));
    return Mul(X, Div(n, Add(n, 2)));
  },
});
/** u = X / √2 and Φ(X) = (1 + erf(u)) / 2, as a HardSigmoid, which is one pass. */
export function gaussian(X: Value): { readonly u: Value; readonly cdf: Value } {
  const u = Mul(X, Math.SQRT1_2);
  return { u, cdf: HardSigmoid(Erf(u), { alpha: 0.5, beta: 0.5 }) };
}
const cubicRoot = Math.sqrt(2 / Math.PI);
/** Y = X · Φ(X), exactly by Erf or approximately by Tanh */
export const Gelu = operator('Gelu', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { approximate: string('none') },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: {
    X: ({ X, dY, approximate }) => {
      if (approximate === 'none') {
        // Φ(X) + X · φ(X) = Φ(X) + u · e^(−u² − ln(π) / 2)
        const { u, cdf } = gaussian(X);
        return Mul(dY, Add(cdf, Mul(u, Exp(Sub(-Math.log(Math.PI) / 2, Mul(u, u))))));
      }
      // with t = tanh(a · (X + b · X³)): (1 + t) / 2 + X / 2 · (1 − t²) · a · (1 + 3 · b · X²)
      const square = Mul(X, X);
      const t = Tanh(Mul(Mul(X, Add(Mul(square, 0.044715), 1)), cubicRoot));
      const slope = Mul(X, Add(Mul(square, 1.5 * 0.044715 * cubicRoot), 0.5 * cubicRoot));
      return Mul(dY, Add(Add(Mul(t, 0.5), 0.5), Mul(slope, Sub(1, Mul(t, t)))));
    },
  },
});

/** Before 13, everything from `axis` on was one axis (default 1); since 13 `axis` is the only one (default -1). */
function oneAxis(node: Node, at: UpgradeContext): Node | readonly Node[] {
  const given = node.attributes.get('axis');
  const shape = at.shape(node.inputs[0]!);
  const axis = given?.kind === 'int' ? given.value : 1;
  const attributes = new Map(node.attributes);
  attributes.set('axis', { kind: 'int', value: -1 });
  const rest = shape?.slice(axisOf(axis, shape.length) + 1);
  if (rest?.every(dim => dim === 1)) {
    attributes.set('axis', { kind: 'int', value: axis });
    return { ...node, attributes };
  }
  const plain = (op: string, name: string, inputs: string[]): Node => ({
    op,
    domain: '',
    name,
    inputs,
    outputs: [name],
    attributes: new Map(),
  });
  const [flat, soft, dims] = [at.fresh('flat'), at.fresh('soft'), at.fresh('dims')];
  return [
    { ...plain('Flatten', flat, [node.inputs[0]!]), attributes: new Map([['axis', { kind: 'int', value: axis }]]) },
    { ...node, inputs: [flat], outputs: [soft], attributes },
    plain('Shape', dims, [node.inputs[0]!]),
    { ...plain('Reshape', at.fresh('unflat'), [soft, dims]), outputs: node.outputs },
  ];
}
export const Softmax = operator('Softmax', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axis: int(-1) },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: ({ Y, dY, axis }) => Mul(Y, Sub(dY, ReduceSum(Mul(dY, Y), [axis]))) },
  upgrades: { 13: oneAxis },
});
export const LogSoftmax = operator('LogSoftmax', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axis: int(-1) },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: ({ Y, dY, axis }) => Sub(dY, Mul(Exp(Y), ReduceSum(dY, [axis]))) },
  upgrades: { 13: oneAxis },
});
/** One where X is largest along the axis, the first of equals; no gradient. */
export const Hardmax = operator('Hardmax', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { axis: int(-1) },
  shape: ({ X }) => ({ Y: X.shape }),
  gradient: { X: 'none' },
  upgrades: { 13: oneAxis },
});
