// Conv with one channel a group as a batch of small matrix products: per channel, the matrix T [outputs, inputs] that
// holds the kernel's weights where input meets output is the product of the weights and a constant S of zeros and ones,
//   T = w [C, k] · S [k, outputs·inputs],   y [C, outputs, n] = T · x [C, inputs, n]
// and both gradients are such products again (performance.md B3). On small maps inputs are all pixels. On larger ones T
// runs along the height only, shared by all columns, and the kernel's width is laid side by side as for other Convs.

import { tensor } from '../base/index.js';
import { Add, Concat, MatMul } from '../operators/index.js';
import { arranged, plainOrder, reshaped, type Arranged } from './arranged.js';
import { axisWindows, columnsOrder, type Convolution } from './arrange-convolution.js';
import { wholeMap } from './choose-arrangement.js';
import { placesOf, windowTaps, type AxisWindow } from './window-taps.js';

/** A Conv whose groups have one input channel each, in columns. */
export function convolvedByChannel(conv: Convolution): Arranged {
  const { x, weight, bias, out, window } = conv;
  const order = columnsOrder(x.shape.length);
  const [channels, made, pictures] = [x.shape[1]!, out[1]!, out[0]!];
  const windows = axisWindows(conv, 1);
  const value = x.in(order);
  const pixels = product(x.shape.slice(2));
  // axes along which T runs; along the others the taps are laid side by side
  const along = pixels <= wholeMap ? windows.length : 1;
  const beside = windows.slice(along);
  const taps = beside.length > 0 ? windowTaps(value, beside) : [value];
  const map = taps.length > 1 ? Concat(...taps, { axis: 1 }) : taps[0]!;
  const inputs = taps.length * product(x.shape.slice(2, 2 + along));
  const outputs = product(out.slice(2, 2 + along));
  const rest = product(out.slice(2 + along)) * pictures;

  const taken = weight.in(plainOrder(weight.shape.length));
  const meets = taken.builder.constant(meetings(windows.slice(0, along), x.shape.slice(2, 2 + along), beside));
  const w = reshaped(taken, [made, product(window.kernel)]);
  const t = reshaped(MatMul(w, meets), [channels, (made / channels) * outputs, inputs]);
  const y = reshaped(MatMul(t, reshaped(map, [channels, inputs, rest])), [made, outputs * rest]);
  const z = bias ? Add(y, reshaped(bias.in([0]), [made, 1])) : y;
  return arranged(reshaped(z, [made, ...out.slice(2), pictures]), order);
}

/**
 * S [k, outputs·(beside·inputs)]: one where tap k meets an input at an output. The taps of `beside` are laid in front of
 * the inputs, each once.
 */
function meetings(windows: readonly AxisWindow[], sizes: readonly number[], beside: readonly AxisWindow[]) {
  const besides = product(beside.map(({ kernel }) => kernel));
  const [inputs, outputs] = [product(sizes), product(windows.map(({ positions }) => positions))];
  const kernel = windows.map(one => one.kernel);
  const width = outputs * besides * inputs;
  const ones = new Float32Array(product(kernel) * besides * width);
  const positions = placesOf(windows.map(one => one.positions));
  placesOf(kernel).forEach((place, tap) => {
    positions.forEach((position, output) => {
      const met = windows.map(({ stride, dilation, begin }, i) => position[i]! * stride + place[i]! * dilation - begin);
      if (met.some((one, i) => one < 0 || one >= sizes[i]!)) return;
      const input = met.reduce((at, one, i) => at * sizes[i]! + one, 0);
      for (let b = 0; b < besides; b++) ones[(tap * besides + b) * width + (output * besides + b) * inputs + input] = 1;
    });
  });
  return tensor('float32', [product(kernel) * besides, width], ones);
}

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
