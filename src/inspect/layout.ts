// How pictures enter a network: which axis holds the channels, how many there are, which sizes are fixed.

import { mainInputsOf, type Dim } from '../graph/index.js';
import { isActivation } from './roles.js';
import type { Wiring } from './wiring.js';

/** The picture input of a network. */
export interface PictureInput {
  readonly name: string;
  readonly type?: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly batch: Dim;
  readonly channels: Dim;
  readonly height: Dim;
  readonly width: Dim;
}

/** The input of a network that takes pictures: its one main input of rank 4. Undefined where there is none, or several. */
export function pictureInputOf(wiring: Wiring): PictureInput | undefined {
  const [main, second] = mainInputsOf(wiring.graph);
  if (!main?.shape || main.shape.length !== 4 || second) return undefined;
  const [batch, a, b, c] = main.shape as readonly [Dim, Dim, Dim, Dim];
  const layout = layoutOf(wiring, main.name, a, c);
  const [channels, height, width] = layout === 'NCHW' ? [a, b, c] : [c, a, b];
  return { name: main.name, ...(main.type ? { type: main.type } : {}), layout, batch, channels, height, width };
}

const isChannelCount = (dim: Dim): boolean => typeof dim === 'number' && dim >= 1 && dim <= 4;

function layoutOf(wiring: Wiring, name: string, second: Dim, last: Dim): PictureInput['layout'] {
  if (isChannelCount(last) && !isChannelCount(second)) return 'NHWC';
  if (isChannelCount(second) && !isChannelCount(last)) return 'NCHW';
  // Sizes do not tell: does a Transpose bring the channels forward before the first Conv?
  let at = name;
  for (;;) {
    const [node] = wiring.readers(at);
    if (!node || node.op === 'Conv') return 'NCHW';
    if (node.op === 'Transpose') {
      const perm = node.attributes.get('perm');
      return perm?.kind === 'ints' && perm.value.join() === '0,3,1,2' ? 'NHWC' : 'NCHW';
    }
    const arithmetic = ['Add', 'Sub', 'Mul', 'Div', 'Cast', 'Identity', 'QuantizeLinear', 'DequantizeLinear'];
    if (!isActivation(node) && !arithmetic.includes(node.op)) return 'NCHW';
    at = node.outputs[0]!;
  }
}
