// The order of float32 numbers, ascending, equal ones in the order in which they come: a radix sort of their bits.
// Bits of positive numbers grow with the number and those of negative ones fall, so the sign bit of the ones and all
// bits of the others are turned; three passes over 11 bits each then sort, each keeping the order of the pass before.

const digit = 11;
const digits = 1 << digit;

/** The places of `count` numbers from `first`, `step` apart, in ascending order. Numbers are float32 and not NaN. */
export function ascending(
  values: ArrayLike<number>,
  count: number = values.length,
  first = 0,
  step = 1,
): Uint32Array<ArrayBuffer> {
  const keys = bitsOf(values, count, first, step);
  let order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  let next = new Uint32Array(count);
  const starts = new Uint32Array(digits + 1);
  for (let shift = 0; shift < 32; shift += digit) {
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[((keys[i]! >>> shift) & (digits - 1)) + 1]!++;
    for (let d = 0; d < digits; d++) starts[d + 1]! += starts[d]!;
    for (let i = 0; i < count; i++) {
      const place = order[i]!;
      next[starts[(keys[place]! >>> shift) & (digits - 1)]!++] = place;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** The bits of each number, turned so that they grow with it. */
function bitsOf(values: ArrayLike<number>, count: number, first: number, step: number): Uint32Array {
  const numbers = new Float32Array(count);
  // −0 and 0 are one number
  for (let i = 0; i < count; i++) numbers[i] = values[first + i * step]! + 0;
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < count; i++) bits[i] = bits[i]! >= 0x80000000 ? ~bits[i]! : bits[i]! | 0x80000000;
  return bits;
}
