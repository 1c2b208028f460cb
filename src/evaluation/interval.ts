// Wilson's score interval (1927) of a proportion, z = 1.96 of 95 %:
//   (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
// Unlike p ± 1.96 s it stays within 0 … 1 and is honest for few pictures and for 100 %.

/**
 * The interval of a proportion from `right` of `count` independent trials; [0, 1] where there was none.
 *
 * @param level how often such intervals hold the proportion, above 0 and below 1
 * @example wilson(9, 10) // [0.5958, 0.9821]
 */
export function wilson(right: number, count: number, level = 0.95): [low: number, high: number] {
  if (count === 0) return [0, 1];
  const z = normalQuantile((1 + level) / 2);
  const p = right / count;
  const scale = 1 + (z * z) / count;
  const middle = p + (z * z) / (2 * count);
  const half = z * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  // at 0 and at all right the formula gives the end exactly; rounding must not step over it
  return [right === 0 ? 0 : (middle - half) / scale, right === count ? 1 : (middle + half) / scale];
}

/** Where the standard normal distribution reaches `share`, ½ … 1: bisection of Φ, exact to 1e-15. */
function normalQuantile(share: number): number {
  if (share === 0.975) return 1.959963984540054;
  let [low, high] = [0, 9];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Φ(x) of x ≥ 0 by Marsaglia's series (2004): ½ + φ(x) (x + x³/3 + x⁵/15 + …). */
function normalShare(x: number): number {
  let [term, sum] = [x, x];
  for (let k = 3; term > 1e-17 * sum; k += 2) sum += term *= (x * x) / k;
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
