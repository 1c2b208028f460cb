import test from 'ava';
import {
  about,
  checkPreprocessing,
  moved,
  plainView,
  prepare,
  renderView,
  rotation,
  scaling,
  shearing,
  tilting,
  translation,
  type Fill,
  type Pixels,
  type Preprocessing,
  type Projective,
  type View,
} from '../../src/pictures/index.js';
import { affine, crops, golden, perspectives } from './torchvision-golden.js';

function noise(width: number, height: number): Pixels {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  return { width, height, data };
}

/** A recipe that leaves pictures of its size as they are. */
const asIs = (width: number, height: number, rest: Partial<Preprocessing> = {}): Preprocessing =>
  checkPreprocessing({
    width,
    height,
    resize: 'stretch',
    cropFraction: 1,
    filter: 'bilinear',
    background: [0, 0, 0],
    ...rest,
  });

const worst = (found: ArrayLike<number>, wanted: ArrayLike<number>): number => {
  let most = found.length === wanted.length ? 0 : Infinity;
  for (let i = 0; i < wanted.length; i++) most = Math.max(most, Math.abs(found[i]! - wanted[i]!));
  return most;
};
const levelsOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

const picture = noise(golden.width, golden.height);
const recipe = asIs(golden.width, golden.height);
const middle = (
  motion: Projective,
  { width, height }: { readonly width: number; readonly height: number } = golden,
): Projective => about(width / 2, height / 2, motion);
const shown = (pixels: Pixels, preprocessing: Preprocessing, ...motions: readonly Projective[]) =>
  renderView(pixels, preprocessing, motions.reduce(moved, plainView(pixels, preprocessing)));

test('a view that moves nothing is the ordinary picture, to the bit', t => {
  for (const filter of ['bilinear', 'bicubic', 'lanczos', 'box', 'nearest'] as const)
    for (const resize of ['shorter-side', 'stretch'] as const) {
      const how = asIs(30, 20, { filter, resize, cropFraction: 0.8 });
      const pixels = noise(97, 61);
      t.deepEqual(shown(pixels, how), prepare(pixels, how));
      const reduced = {
        ...noise(50, 31),
        reduced: { width: 201, height: 125, box: { x: 0, y: -0.2, width: 50.25, height: 31.2 } },
      };
      t.deepEqual(renderView(reduced, how, plainView(reduced.reduced, how)), prepare(reduced, how));
      // there and back: every number is as before
      t.deepEqual(
        shown(pixels, how, translation(3, 2), translation(-3, -2), scaling(-1, 1), scaling(-1, 1)),
        prepare(pixels, how),
      );
    }
});

test('shifts, turns, zooms and shears are those of torchvision', t => {
  for (const { angle, x, y, scale, shearX, shearY, levels } of affine) {
    const motion = middle(rotation(angle), golden);
    const motions = [middle(shearing(shearX, shearY)), middle(scaling(scale, scale)), motion, translation(x, y)];
    const plain = plainView(picture, recipe);
    const view: View = { ...motions.reduce(moved, plain), fill: { constant: 0 } };
    // a zoom alone is antialiased like a resize, which torchvision's grid is not, and edges are sharp there: its middle is compared
    const isStraight = angle === 0 && shearX === 0;
    const found = renderView(picture, recipe, view);
    const wanted = levelsOf(levels);
    if (!isStraight) t.true(worst(found, wanted) <= 1, `${angle}: ${worst(found, wanted)}`);
    else {
      const inner: number[][] = [[], []];
      for (let row = 4; row < golden.height - 4; row++)
        for (let at = (row * golden.width + 5) * 3; at < (row * golden.width + golden.width - 5) * 3; at++) {
          inner[0]!.push(found[at]!);
          inner[1]!.push(wanted[at]!);
        }
      t.true(worst(inner[0]!, inner[1]!) <= 1, `${x} ${scale}: ${worst(inner[0]!, inner[1]!)}`);
    }
  }
});

test('tilts are those of torchvision', t => {
  for (const { px, py, levels } of perspectives) {
    const view = { ...moved(plainView(picture, recipe), middle(tilting(px, py))), fill: { constant: 0 } };
    const found = renderView(picture, recipe, view);
    t.true(worst(found, levelsOf(levels)) <= 1, `${px} ${py}: ${worst(found, levelsOf(levels))}`);
  }
});

test('a crop is Pillow’s resize of that box', t => {
  for (const { x, y, width, height, filter, levels } of crops) {
    const how = asIs(12, 12, { filter });
    const plain = plainView(picture, how);
    const [across, down] = [12 / golden.width, 12 / golden.height];
    const map = moved(
      moved(plain, translation(-x * across, -y * down)),
      scaling(golden.width / width, golden.height / height),
    );
    t.true(worst(renderView(picture, how, map), levelsOf(levels)) <= 1);
  }
});

/** The pixel at (x, y) of a picture that goes on beyond its edges. */
function beyond(levels: Uint8Array, width: number, height: number, x: number, y: number, fill: Fill): number[] {
  const side = (at: number, count: number): number => {
    if (fill === 'nearest') return Math.min(Math.max(at, 0), count - 1);
    if (fill === 'wrap') return (at + 10 * count) % count;
    // dcba|abcd|dcba
    const both = (at + 10 * 2 * count) % (2 * count);
    return both < count ? both : 2 * count - 1 - both;
  };
  if (typeof fill === 'object' && (x < 0 || y < 0 || x >= width || y >= height))
    return [fill.constant, fill.constant, fill.constant];
  const from = (side(y, height) * width + side(x, width)) * 3;
  return [...levels.subarray(from, from + 3)];
}

const fills: readonly Fill[] = ['nearest', 'reflect', 'wrap', { constant: 128 }];

test('shifts by whole pixels are exact, and so is what each fill shows beyond the edges', t => {
  for (const fill of fills)
    for (const [x, y] of [
      [3, -2],
      [-40, 25],
      [0, 19],
      [-7, 0],
    ] as const) {
      // prettier-ignore
      const found = renderView(picture, recipe, { ...moved(plainView(picture, recipe), translation(x, y)), fill });
      const { width, height } = golden;
      const wanted = Array.from({ length: width * height }, (_, i) =>
        beyond(picture.data, width, height, (i % width) - x, Math.floor(i / width) - y, fill),
      ).flat();
      t.deepEqual([...found], wanted, `${JSON.stringify(fill)} ${x} ${y}`);
    }
});

test('a shift shows what the centre crop leaves out', t => {
  // resized to 40 × 25, of which 20 × 20 are seen
  const pixels = noise(80, 50);
  const how = asIs(20, 20, { resize: 'shorter-side', cropFraction: 0.8 });
  const whole = prepare(pixels, asIs(40, 25));
  const found = shown(pixels, how, translation(6, -2));
  const wanted = Array.from({ length: 20 }, (_, y) => [
    ...whole.subarray(((y + 4) * 40 + 4) * 3, ((y + 4) * 40 + 24) * 3),
  ]);
  t.deepEqual([...found], wanted.flat());
});

test('mirror images are exact', t => {
  const pixels = noise(61, 47);
  for (const filter of ['bilinear', 'bicubic', 'nearest'] as const) {
    const how = asIs(24, 20, { resize: 'shorter-side', cropFraction: 0.8, filter });
    const { width, height } = how;
    const ordinary = prepare(pixels, how);
    const at = (x: number, y: number) => [...ordinary.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
    const across = Array.from({ length: width * height }, (_, i) => at(width - 1 - (i % width), Math.floor(i / width)));
    t.deepEqual([...shown(pixels, how, middle(scaling(-1, 1), how))], across.flat(), filter);
    const down = Array.from({ length: width * height }, (_, i) => at(i % width, height - 1 - Math.floor(i / width)));
    t.deepEqual([...shown(pixels, how, middle(scaling(1, -1), how))], down.flat(), filter);
  }
});

test('a quarter turn is the transposed mirror image, exactly', t => {
  for (const filter of ['bilinear', 'bicubic', 'nearest'] as const) {
    const how = asIs(20, 20, { resize: 'shorter-side', cropFraction: 0.8, filter });
    const pixels = noise(61, 47);
    const ordinary = prepare(pixels, how);
    // clockwise: what was on the left is on top
    const wanted = Array.from({ length: 400 }, (_, i) => {
      const [x, y] = [i % 20, Math.floor(i / 20)];
      const from = ((19 - x) * 20 + y) * 3;
      return [...ordinary.subarray(from, from + 3)];
    });
    t.deepEqual([...shown(pixels, how, middle(rotation(90), how))], wanted.flat(), filter);
    t.deepEqual(shown(pixels, how, ...[1, 2, 3, 4].map(() => middle(rotation(90), how))), ordinary);
  }
});

test('a turn too small to see leaves the ordinary picture to a level, whatever the sizes', t => {
  for (const [width, height] of [
    [300, 200],
    [35, 80],
    [24, 20],
    [1, 1],
  ] as const)
    // prettier-ignore
    for (const filter of ['bilinear', 'bicubic', 'lanczos'] as const) {
      const how = asIs(24, 20, { resize: 'shorter-side', cropFraction: 0.8, filter });
      const pixels = noise(width, height);
      // enlarged at once: Pillow clips between its two passes, which only kernels with negative parts notice
      if (filter !== 'bilinear' && width < 300) continue;
      const off = worst(shown(pixels, how, middle(rotation(1e-7), how)), prepare(pixels, how));
      t.true(off <= 1, `${width} ${filter}: ${off}`);
    }
});

test('between pixels the bicubic kernel is Pillow’s', t => {
  const how = asIs(26, 20, { filter: 'bicubic' });
  const inner = (levels: Uint8Array) =>
    Array.from({ length: 14 }, (_, y) => [...levels.subarray(((y + 3) * 26 + 3) * 3, ((y + 3) * 26 + 23) * 3)]).flat();
  // along one axis at a time: between two passes Pillow rounds and clips
  for (const motion of [translation(0.3, 0), translation(0, -0.6)]) {
    const straight = shown(picture, how, motion);
    const looked = shown(picture, how, motion, middle(rotation(1e-9)));
    t.true(worst(inner(straight), inner(looked)) <= 1);
  }
});

/** Red is the place along x, green along y: what is shown says where it was looked up. */
function ramp(side: number): Pixels {
  const data = Uint8Array.from(
    { length: side * side * 3 },
    (_, i) => [Math.floor(i / 3) % side, Math.floor(i / 3 / side), 0][i % 3]!,
  );
  return { width: side, height: side, data };
}

test('a lens looks up each point at r · (1 + k1·r² + k2·r⁴) of the middle', t => {
  const side = 200;
  const how = asIs(side, side);
  for (const [k1, k2] of [
    [0.3, 0],
    [-0.2, 0.05],
  ] as const) {
    // prettier-ignore
    const view: View = { ...plainView({ width: side, height: side }, how), lens: { k1, k2 }, fill: 'nearest' };
    const found = renderView(ramp(side), how, view);
    for (const [x, y] of [
      [100, 100],
      [150, 100],
      [60, 170],
      [20, 20],
    ] as const) {
      // prettier-ignore
      const [dx, dy] = [x + 0.5 - 100, y + 0.5 - 100];
      const square = (dx * dx + dy * dy) / (2 * 100 * 100);
      const factor = 1 + k1 * square + k2 * square * square;
      const place = (at: number) => Math.min(Math.max(100 + at * factor - 0.5, 0), side - 1);
      t.true(Math.abs(found[(y * side + x) * 3]! - place(dx)) <= 0.51, `${x} ${y}`);
      t.true(Math.abs(found[(y * side + x) * 3 + 1]! - place(dy)) <= 0.51, `${x} ${y}`);
    }
  }
});

test('a map that leads nowhere gives a picture all the same', t => {
  const view = { ...plainView(picture, recipe), map: [0, 0, NaN, 0, 0, Infinity, 1, 1, -20] as Projective };
  for (const fill of fills) t.is(renderView(picture, recipe, { ...view, fill }).length, 26 * 20 * 3);
});
