// The classification extension (Triton, extension_classification): in place of its values, an output tells its n largest
// as BYTES [batch, n], elements `value:index[:label]`, the largest first, ties by the lower index.

import type { WireTensor } from '../tensors.js';
import { packTexts } from './bytes-elements.js';
import { numbersOf } from './element-text.js';

/** @param n cut to the number of classes: all dimensions after the first, together */
export function classified(tensor: WireTensor, n: number, labels: readonly string[] = []): WireTensor {
  const { shape, datatype } = tensor;
  const values = numbersOf(tensor);
  const isBatch = shape.length > 1;
  const batch = isBatch ? shape[0]! : 1;
  const classes = (isBatch ? shape.slice(1) : shape).reduce((product, dim) => product * dim, 1);
  const kept = Math.min(n, classes);
  // 9 digits give an FP32 back and are what people can read of it
  const said = (value: number): string => String(datatype === 'FP32' ? Number(value.toPrecision(9)) : value);
  const texts: string[] = [];
  for (let row = 0; row < batch; row++) {
    const scores = Float64Array.from(values.subarray(row * classes, (row + 1) * classes));
    for (const index of largest(scores, kept)) {
      const label = labels.length === classes ? `:${labels[index]}` : '';
      texts.push(`${said(scores[index]!)}:${index}${label}`);
    }
  }
  return { datatype: 'BYTES', shape: isBatch ? [batch, kept] : [kept], data: packTexts(texts) };
}

/** Indices of the n largest. Sorting numbers and then n indices costs a tenth of sorting all indices by a comparison. */
function largest(scores: Float64Array, n: number): readonly number[] {
  if (n === 0) return [];
  // what is no number comes last
  const ranks = scores.map(score => (Number.isNaN(score) ? -Infinity : score));
  const least = ranks.toSorted()[ranks.length - n]!;
  const above: number[] = [];
  const level: number[] = [];
  for (const [index, rank] of ranks.entries())
    if (rank > least) above.push(index);
    else if (rank === least) level.push(index);
  above.sort((a, b) => ranks[b]! - ranks[a]! || a - b);
  // among those at the lowest level real infinities come before what is no number
  if (least === -Infinity)
    level.sort((a, b) => Number(Number.isNaN(scores[a]!)) - Number(Number.isNaN(scores[b]!)) || a - b);
  return [...above, ...level.slice(0, n - above.length)];
}
