// Projective maps of the plane as nine numbers, row by row: (x, y, 1) → (a·x + b·y + c, d·x + e·y + f, g·x + h·y + i), divided by
// the last. What they do is said of the picture (y points down), as torchvision's `affine` says it.

/** [a, b, c, d, e, f, g, h, i] */
export type Projective = readonly [number, number, number, number, number, number, number, number, number];

export const identity: Projective = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** To the right by x, down by y. */
export const translation = (x: number, y: number): Projective => [1, 0, x, 0, 1, y, 0, 0, 1];

/** Away from the origin by these factors; negative ones mirror. */
export const scaling = (x: number, y: number): Projective => [x, 0, 0, 0, y, 0, 0, 0, 1];

/** Clockwise about the origin, in degrees; exact for quarter turns. */
export function rotation(degrees: number): Projective {
  const quarters = degrees / 90;
  const turn = ((quarters % 4) + 4) % 4;
  const exact = Number.isInteger(quarters);
  const angle = (degrees * Math.PI) / 180;
  const cos = exact ? [1, 0, -1, 0][turn]! : Math.cos(angle);
  const sin = exact ? [0, 1, 0, -1][turn]! : Math.sin(angle);
  return [cos, -sin, 0, sin, cos, 0, 0, 0, 1];
}

/** Slants what is upright by these degrees, along x and along y; rows (columns) through the origin stay. */
export function shearing(x: number, y = 0): Projective {
  const tangent = (degrees: number): number => Math.tan((degrees * Math.PI) / 180);
  // along x first: [1, 0; −tan y, 1] · [1, −tan x; 0, 1]
  const [tx, ty] = [tangent(x), tangent(y)];
  return [1, -tx, 0, -ty, 1 + tx * ty, 0, 0, 0, 1];
}

/** Tilts the plane about the origin: (x, y) → (x, y) / (1 + px·x + py·y). */
export const tilting = (px: number, py: number): Projective => [1, 0, 0, 0, 1, 0, px, py, 1];

/** First `right`, then `left`. */
export function multiply(left: Projective, right: Projective): Projective {
  const at = (row: number, column: number): number =>
    left[3 * row]! * right[column]! + left[3 * row + 1]! * right[3 + column]! + left[3 * row + 2]! * right[6 + column]!;
  return [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)];
}

/** A map with another point for its origin. */
export const about = (x: number, y: number, map: Projective): Projective =>
  multiply(translation(x, y), multiply(map, translation(-x, -y)));

/** The map back; of a map that has none some numbers are not finite. */
export function inverse([a, b, c, d, e, f, g, h, i]: Projective): Projective {
  const [A, B, C] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const det = a * A + b * B + c * C;
  const back = [A, c * h - b * i, b * f - c * e, B, a * i - c * g, c * d - a * f, C, b * g - a * h, a * e - b * d];
  const scaled = (at: number): number => back[at]! / det + 0; // no negative zeros
  return [scaled(0), scaled(1), scaled(2), scaled(3), scaled(4), scaled(5), scaled(6), scaled(7), scaled(8)];
}

/** Where a point goes. */
export function mapped([a, b, c, d, e, f, g, h, i]: Projective, x: number, y: number): [x: number, y: number] {
  const w = g * x + h * y + i;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}

/** How far one pixel to the right and one down reach along x and along y, at a point: the lengths of the Jacobian's rows. */
export function spread(map: Projective, x: number, y: number): [x: number, y: number] {
  const [a, b, , d, e, , g, h, i] = map;
  const w = g * x + h * y + i;
  const [X, Y] = mapped(map, x, y);
  const row = (along: number, across: number, at: number): number =>
    Math.hypot((along - at * g) / w, (across - at * h) / w);
  return [row(a, b, X), row(d, e, Y)];
}
