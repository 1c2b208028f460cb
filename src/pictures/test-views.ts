// Test-time views: the ways in which one picture is shown when it is predicted, as maps that a graph can hold. The frame
// of a network is its own size; crops see beyond it, into the margin that the recipe's centre crop would cut away:
//   hflip vflip           beside the picture as it is
//   five_crop             centre and corners (Krizhevsky 2012); ten_crop: and their mirror images
//   scale=1.1 rotate=5    zoomed about the centre; turned both ways by degrees
//   augment:TEXT*N        N draws of training augmentations, by seed: the same for every picture
// The picture as it is is always the first view.

import { Random } from '../base/index.js';
import { drawView } from './augmentation.js';
import { parseAugment } from './augment-text.js';
import { augmentErrors as errors } from './errors.js';
import type { Preprocessing } from './preprocessing.js';
import { about, identity, multiply, rotation, scaling, translation, type Projective } from './projective.js';

/** One way to show a picture. */
export interface TestView {
  readonly name: string;
  /** From a place in the view to the place in the network's frame whose colour it gets, in pixels. */
  readonly map: Projective;
}

/** Views, and the recipe of the pictures that they are made of. */
export interface TestViews {
  readonly views: readonly TestView[];
  /** The network's own recipe, or that of a larger centre crop, by an even number of pixels more on each side. */
  readonly preprocessing: Preprocessing;
}

/** Part of the frame that a crop shows where the recipe cuts nothing away: 224 of 256. */
const usualCrop = 0.875;

/**
 * Views as they are written for `--views` and in recipes.
 *
 * @param words as at the top of this file; none gives the picture as it is
 * @param seed of `augment:`. @default 0
 * @throws AUGMENT_VIEW, AUGMENT_…
 * @example
 * const { views } = testViews(['hflip', 'rotate=5'], preprocessing); // as it is, mirrored, turned by 5 and −5 degrees
 */
export function testViews(words: readonly string[], preprocessing: Preprocessing, seed = 0): TestViews {
  const { width, height } = preprocessing;
  const needsMargin = words.some(word => word === 'five_crop' || word === 'ten_crop');
  const [left, top] = needsMargin ? marginsOf(preprocessing) : [0, 0];
  const centred = (map: Projective) => about(width / 2, height / 2, map);
  const mirrored = centred(scaling(-1, 1));
  const crops = () => cropsOf(preprocessing, left, top);
  const made = new Map<string, Projective>([['identity', identity]]);
  for (const word of words) {
    const [name, value] = split(word, '=');
    if (word.startsWith('augment:')) {
      drawn(word, preprocessing, seed).forEach((map, i) => made.set(`${word}#${i + 1}`, map));
    } else if (word === 'hflip') made.set(word, mirrored);
    else if (word === 'vflip') made.set(word, centred(scaling(1, -1)));
    else if (word === 'five_crop') crops().forEach((map, place) => made.set(place, map));
    else if (word === 'ten_crop') {
      crops().forEach((map, place) => made.set(place, map));
      made.set('hflip', mirrored);
      crops().forEach((map, place) => made.set(`${place}+hflip`, multiply(map, mirrored)));
    } else if (name === 'scale') {
      const factor = numberOf(word, value, 0.25, 4);
      made.set(word, centred(scaling(1 / factor, 1 / factor)));
    } else if (name === 'rotate') {
      const degrees = numberOf(word, value, 0, 180);
      made.set(`rotate=${degrees}`, centred(rotation(-degrees)));
      made.set(`rotate=-${degrees}`, centred(rotation(degrees)));
    } else if (word !== 'identity') throw unknown(word);
  }
  const views = [...made].map(([name, map]) => ({ name, map }));
  return { views, preprocessing: widened(preprocessing, left, top) };
}

const unknown = (word: string) =>
  errors.VIEW({
    word,
    reason: 'it is not known, known are hflip, vflip, five_crop, ten_crop, scale=1.1, rotate=5, augment:TEXT*N',
  });

function split(word: string, at: string): [string, string | undefined] {
  const place = word.indexOf(at);
  return place < 0 ? [word, undefined] : [word.slice(0, place), word.slice(place + 1)];
}

function numberOf(word: string, text: string | undefined, low: number, high: number): number {
  const found = text === undefined || text.trim() === '' ? NaN : Number(text);
  if (!(found > low && found <= high))
    throw errors.VIEW({ word, reason: `its number is ${text ?? 'missing'}, wanted is above ${low} to ${high}` });
  return found;
}

/** What the recipe's centre crop cuts away on the left and at the top, in whole pixels, even so that halves round alike. */
function marginsOf({ width, height, cropFraction }: Preprocessing): [left: number, top: number] {
  const margin = (side: number) => 2 * Math.floor((Math.floor(side / cropFraction + 1e-9) - side) / 4);
  return [margin(width), margin(height)];
}

function widened(preprocessing: Preprocessing, left: number, top: number): Preprocessing {
  if (left === 0 && top === 0) return preprocessing;
  const { width, height, cropFraction } = preprocessing;
  const wide = width + 2 * left;
  return { ...preprocessing, width: wide, height: height + 2 * top, cropFraction: (cropFraction * wide) / width };
}

/** The four corners; without a margin each shows a part of the frame, enlarged. */
function cropsOf({ width, height }: Preprocessing, left: number, top: number): Map<string, Projective> {
  const corners = [
    ['top-left', -1, -1],
    ['top-right', 1, -1],
    ['bottom-left', -1, 1],
    ['bottom-right', 1, 1],
  ] as const;
  const hasMargin = left > 0 && top > 0;
  const rest = (1 - usualCrop) / 2;
  const shrunk = about(width / 2, height / 2, scaling(usualCrop, usualCrop));
  return new Map(
    corners.map(([name, x, y]) => [
      name,
      hasMargin ? translation(x * left, y * top) : multiply(translation(x * rest * width, y * rest * height), shrunk),
    ]),
  );
}

/** Draws of training augmentations; those that change colours or bend lines are no maps of a plane. */
function drawn(word: string, preprocessing: Preprocessing, seed: number): Projective[] {
  const [text, times = '1'] = split(word.slice('augment:'.length), '*');
  const count = numberOf(word, times, 0, 64);
  if (!Number.isInteger(count)) throw errors.VIEW({ word, reason: `it wants ${times} views` });
  const augmentations = parseAugment(text);
  const { width, height, cropFraction } = preprocessing;
  const size = { width: Math.round(width / cropFraction), height: Math.round(height / cropFraction) };
  return Array.from({ length: count }, (_, i) => {
    const view = drawView(size, preprocessing, augmentations, new Random(seed).at('view', word, i));
    if (view.paints.length > 0 || view.lens.k1 !== 0 || view.lens.k2 !== 0)
      throw errors.VIEW({ word, reason: 'views move pictures and keep colours and straight lines' });
    return view.map;
  });
}
