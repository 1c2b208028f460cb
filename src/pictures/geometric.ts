// Augmentations that move the picture. Each draws one motion about the centre of what the network sees; `moved` composes
// them in the order of the list. Angles are in degrees, lengths in parts of a side.

import type { Random } from '../base/index.js';
import { sometimes, type Augmentation } from './augmentation.js';
import { about, multiply, rotation, scaling, shearing, tilting, translation, type Projective } from './projective.js';
import { moved, type Fill, type View } from './view.js';

/** Two ends of what is drawn. */
export type Range = readonly [low: number, high: number];

const between = (random: Random, [low, high]: Range): number => low + (high - low) * random.uniform();
const evenly = (random: Random, most: number): number => between(random, [-most, most]);
/** As likely half as double. */
const inProportion = (random: Random, [low, high]: Range): number =>
  low === high ? low : Math.exp(between(random, [Math.log(low), Math.log(high)]));

const aboutTheMiddle = (view: View, motion: Projective): View =>
  moved(view, about(view.target.width / 2, view.target.height / 2, motion));

/** Mirrors left and right. */
export const flip = (probability = 0.5): Augmentation =>
  sometimes(probability, { name: 'flip', apply: view => aboutTheMiddle(view, scaling(-1, 1)) });

/** Mirrors top and bottom. */
export const flipVertical = (probability = 0.5): Augmentation =>
  sometimes(probability, { name: 'flip-vertical', apply: view => aboutTheMiddle(view, scaling(1, -1)) });

/** A quarter turn, a half or none. */
export const quarterTurn = (): Augmentation => ({
  name: 'quarter-turn',
  apply: (view, random) => aboutTheMiddle(view, rotation(90 * random.integer(4))),
});

/** Moves by up to this part of each side, along x and y by themselves. */
export const shift = (most: number): Augmentation => ({
  name: 'shift',
  text: `shift=${most}`,
  apply: (view, random) => {
    const [x, y] = [evenly(random, most), evenly(random, most)];
    return moved(view, translation(x * view.target.width, y * view.target.height));
  },
});

/** Turns by up to this many degrees either way. */
export const rotate = (most: number): Augmentation => ({
  name: 'rotate',
  text: `rotate=${most}`,
  apply: (view, random) => aboutTheMiddle(view, rotation(evenly(random, most))),
});

/** Enlarges by a factor of this range, the same along x and y; below 1 it makes smaller. */
export const zoom = (range: Range): Augmentation => ({
  name: 'zoom',
  text: `zoom=${range.join('..')}`,
  apply: (view, random) => {
    const factor = between(random, range);
    return aboutTheMiddle(view, scaling(factor, factor));
  },
});

/** Makes wider or higher: the ratio of both factors is of this range, their product 1. */
export const stretch = (range: Range): Augmentation => ({
  name: 'stretch',
  text: `stretch=${range.join('..')}`,
  apply: (view, random) => {
    const root = Math.sqrt(inProportion(random, range));
    return aboutTheMiddle(view, scaling(root, 1 / root));
  },
});

/** Slants by up to this many degrees either way. */
export const shear = (most: number): Augmentation => ({
  name: 'shear',
  text: `shear=${most}`,
  apply: (view, random) => aboutTheMiddle(view, shearing(evenly(random, most))),
});

/** Tilts away: opposite sides become up to this part longer and shorter. */
export const perspective = (most: number): Augmentation => ({
  name: 'perspective',
  text: `perspective=${most}`,
  apply: (view, random) => {
    const { width, height } = view.target;
    return aboutTheMiddle(view, tilting(evenly(random, most) / (width / 2), evenly(random, most) / (height / 2)));
  },
});

/** Bends as a lens does, barrel or cushion: at the corners by up to this part. Nearest to the eye wherever it is listed. */
export const lens = (most: number): Augmentation => ({
  name: 'lens',
  text: `lens=${most}`,
  apply: (view, random) => ({ ...view, lens: { ...view.lens, k1: evenly(random, most) } }),
});

/** What lies beyond the edges of the picture; not left to chance. */
export const fill = (kind: Fill): Augmentation => ({
  name: 'fill',
  text: `fill=${typeof kind === 'object' ? `constant/${kind.constant}` : kind}`,
  apply: view => ({ ...view, fill: kind }),
});

/** Ratios of width to height that `crop` draws from by default: torchvision's and timm's. */
export const usualRatios: Range = [3 / 4, 4 / 3];

/**
 * A random resized crop as torchvision draws it: a rectangle of this part of the picture's area and of this ratio of width to
 * height, of whole pixels, ten tries and then the middle. It replaces the recipe's crop and acts before every motion.
 */
export const crop = (area: Range, ratio: Range = usualRatios): Augmentation => ({
  name: 'crop',
  text: `crop=${area.join('..')}${ratio === usualRatios ? '' : `/${ratio.join('..')}`}`,
  apply: (view, random) => {
    const { size, target, whole, map } = view;
    const { x, y, width, height } = cropBox(size, area, ratio, random);
    const [across, down] = [whole.width / size.width, whole.height / size.height];
    const region = multiply(
      translation(whole.x + x * across, whole.y + y * down),
      scaling((width * across) / target.width, (height * down) / target.height),
    );
    return { ...view, map: multiply(region, map) };
  },
});

function cropBox({ width, height }: View['size'], area: Range, ratio: Range, random: Random) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const pixels = width * height * between(random, area);
    const aspect = inProportion(random, ratio);
    const [wide, high] = [Math.round(Math.sqrt(pixels * aspect)), Math.round(Math.sqrt(pixels / aspect))];
    if (wide < 1 || high < 1 || wide > width || high > height) continue;
    return { x: random.integer(width - wide + 1), y: random.integer(height - high + 1), width: wide, height: high };
  }
  // the whole picture, or as much of its middle as the ratio allows
  const own = width / height;
  const wide = own > ratio[1] ? Math.max(1, Math.round(height * ratio[1])) : width;
  const high = own < ratio[0] ? Math.max(1, Math.round(width / ratio[0])) : height;
  return { x: Math.floor((width - wide) / 2), y: Math.floor((height - high) / 2), width: wide, height: high };
}
