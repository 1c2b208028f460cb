// The order of numbers, ascending, equal ones in the order in which they come. Each float32 and its place are packed
// into one float64 key, (bits made monotone) · n + place, because typed arrays of numbers sort without a call for each
// comparison; where 32 bits and the place no longer fit 53 bits, a comparison decides.

/** The places of `count` numbers from `first`, `step` apart, in ascending order. Numbers are float32 and not NaN. */
export function ascending(
  values: ArrayLike<number>,
  count: number = values.length,
  first = 0,
  step = 1,
): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const at = (i: number) => values[first + i * step]!;
  if (count > 2 ** 21) return order.sort((a, b) => at(a) - at(b) || a - b);
  const number = new Float32Array(1);
  const bits = new Uint32Array(number.buffer);
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    number[0] = at(i) + 0; // −0 and 0 are one number
    const found = bits[0]!;
    keys[i] = (found >= 0x80000000 ? ~found >>> 0 : found + 0x80000000) * count + i;
  }
  keys.sort();
  for (let i = 0; i < count; i++) order[i] = keys[i]! % count;
  return order;
}
