// Several heads of one kind over the same features, as one head. Parameters have the names of the single head and hold
// its members end to end along the first axis: weights [M·out, in], biases [M·out]. What reads the features is one Gemm
// for all members; a layer behind it is one batched product,
//   x [B, M·in] → [M, in, B],   W [M, out, in] · x → [M, out, B] → [B, M·out]
// Logits are [B, M·K]: those of the first member, then those of the second …

import { tensor, type Random, type Tensor } from '../../base/index.js';
import type { Value } from '../../graph/index.js';
import { Add, Gemm, MatMul, Relu, Reshape, Transpose } from '../../operators/index.js';
import type { Head } from './head.js';
import { kaiming, type MlpOptions } from './mlp.js';

export interface StackedOptions extends MlpOptions {
  /** How many heads, from 1. */
  readonly members: number;
}

/**
 * Several linear heads, or with `hidden` layers several perceptrons, each with weights and dropout masks of its own.
 *
 * @param options hidden widths of none are linear heads
 * @example
 * const head = stacked({ members: 10, hidden: [] }); // ten linear heads, one Gemm
 */
export function stacked({ members, hidden = [256], dropout: rate = 0.5 }: StackedOptions): Head {
  return (features, { classes, parameter, dropout }) => {
    const layer = (value: Value, name: string, inputs: number, outputs: number, scale: number): Value => {
      const weight = parameter(`${name}.weight`, [members * outputs, inputs], random =>
        joined(members, random, one => kaiming(one, [outputs, inputs], scale)),
      );
      const bias = parameter(`${name}.bias`, [members * outputs], () =>
        tensor('float32', [members * outputs], new Float32Array(members * outputs)),
      );
      if (value === features) return Gemm(value, weight, bias, { transB: 1 });
      const columns = Reshape(Transpose(value), [members, inputs, -1]);
      const products = MatMul(Reshape(weight, [members, outputs, inputs]), columns);
      return Add(Transpose(Reshape(products, [members * outputs, -1])), bias);
    };
    let value = features;
    let inputs = features.shape[1] as number;
    hidden.forEach((width, i) => {
      value = Relu(layer(value, `head.${i}`, inputs, width, Math.sqrt(2 / inputs)));
      if (rate > 0) value = dropout(`head.${i}.dropout`, value, rate);
      inputs = width;
    });
    return layer(value, 'head', inputs, classes, 0);
  };
}

/** What each member begins with, end to end. */
function joined(members: number, random: Random, of: (random: Random) => Tensor): Tensor {
  const parts = Array.from({ length: members }, (_, member) => of(random.at('member', member)));
  const [{ shape, bytes }] = parts as [Tensor];
  const all = new Uint8Array(members * bytes.length);
  parts.forEach((part, member) => all.set(part.bytes, member * bytes.length));
  return { type: 'float32', shape: [members * shape[0]!, ...shape.slice(1)], bytes: all };
}
