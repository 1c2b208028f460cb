// The colours of heat: Turbo, from dark blue over green and yellow to dark red, as polynomials of degree five
// (Anton Mikhailov, "Turbo, An Improved Rainbow Colormap for Visualization", Google AI Blog 2019; Apache License 2.0).

/** Coefficients of x⁰ … x⁵ of each channel, levels of 0 to 1. */
const red = [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943] as const;
const green = [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604] as const;
const blue = [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973] as const;

const at = (coefficients: readonly number[], x: number): number => {
  const level = coefficients.reduceRight((sum, one) => sum * x + one, 0);
  return Math.round(255 * Math.min(Math.max(level, 0), 1));
};

/** RGB of a heat of 0 (cold) to 1. */
export function turbo(heat: number): readonly [red: number, green: number, blue: number] {
  const x = Math.min(Math.max(heat, 0), 1);
  return [at(red, x), at(green, x), at(blue, x)];
}
