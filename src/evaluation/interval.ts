// Wilson's score interval (1927) of a proportion, z = 1.96:
//   (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
// Unlike p ± 1.96 s it stays within 0 … 1 and is honest for few pictures and for 100 %.

const z = 1.959963984540054;

/**
 * The 95 % interval of a proportion from `right` of `count` independent trials; [0, 1] where there was none.
 *
 * @example wilson(9, 10) // [0.5958, 0.9821]
 */
export function wilson(right: number, count: number): [low: number, high: number] {
  if (count === 0) return [0, 1];
  const p = right / count;
  const scale = 1 + (z * z) / count;
  const middle = p + (z * z) / (2 * count);
  const half = z * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  // at 0 and at all right the formula gives the end exactly; rounding must not step over it
  return [right === 0 ? 0 : (middle - half) / scale, right === count ? 1 : (middle + half) / scale];
}
