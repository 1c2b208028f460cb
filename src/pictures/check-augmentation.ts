// The laws of an augmentation, for those who write their own; our tests hold the built-in ones to the same.

import { Random } from '../base/index.js';
import { drawView, type Augmentation } from './augmentation.js';
import { augmentErrors as errors } from './errors.js';
import { mapped } from './projective.js';
import type { Pixels, Preprocessing } from './preprocessing.js';
import { renderView } from './render-view.js';
import { plainView, type View } from './view.js';

export interface CheckAugmentationOptions {
  /** Showings that are drawn of each picture. @default 20 */
  readonly showings?: number;
  /** @default 0 */
  readonly seed?: number | string;
}

/**
 * Holds an augmentation to what is asked of it, over pictures of several shapes: it draws from the `random` it is given and
 * from nothing else, leaves the view it is given as it was, keeps sizes, gives a map and pixels that are finite numbers, paints
 * in place, and has a name that can be a word.
 *
 * @throws AUGMENT_LAW naming the augmentation and the law that it breaks; what the augmentation itself throws
 * @example checkAugmentation({ name: 'invert', apply: view => painted(view, levels => levels.forEach((level, i) => (levels[i] = 255 - level))) })
 */
export function checkAugmentation(augmentation: Augmentation, options: CheckAugmentationOptions = {}): void {
  const { showings = 20, seed = 0 } = options;
  const { name, text = name } = augmentation;
  const hold = (holds: boolean, law: string): void => {
    if (!holds) throw errors.LAW({ name, law });
  };
  hold(/^[a-z][a-z0-9-]*$/.test(name), 'has no name of small letters, digits and hyphens');
  hold(
    text === name || text.startsWith(`${name}=`) || text.startsWith(`${name}@`),
    'has a text that does not begin with its name',
  );
  for (const [width, height] of shapes) {
    const picture = noise(width, height);
    for (let epoch = 1; epoch <= showings; epoch++) {
      const random = () => new Random(seed).at(epoch);
      const plain = plainView(picture, recipe);
      const before = JSON.stringify(plain);
      augmentation.apply(plain, random());
      hold(JSON.stringify(plain) === before && plain.paints.length === 0, 'changes the view that it is given');
      const view = drawView(picture, recipe, [augmentation], random());
      checkView(view, plain, hold);
      const shown = renderView(picture, recipe, view);
      const again = renderView(picture, recipe, drawView(picture, recipe, [augmentation], random()));
      hold(
        shown.every((level, i) => level === again[i]),
        'shows the same picture differently for the same chance',
      );
    }
  }
}

const recipe: Preprocessing = {
  width: 17,
  height: 13,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 255, 255],
};
/** Wide, high, small, of one pixel. */
const shapes = [[40, 23], [19, 50], [9, 9], [1, 1]] as const; // prettier-ignore

function noise(width: number, height: number): Pixels {
  const random = new Random('noise');
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

function checkView(view: View, plain: View, hold: (holds: boolean, law: string) => void): void {
  for (const key of ['size', 'target', 'whole'] as const)
    hold(JSON.stringify(view[key]) === JSON.stringify(plain[key]), `changes ${key}, which is a fact and not a choice`);
  const { width, height } = view.target;
  const corners = [[0, 0], [width, 0], [0, height], [width, height], [width / 2, height / 2]] as const; // prettier-ignore
  const sides = corners.map(([x, y]) => view.map[6] * x + view.map[7] * y + view.map[8]);
  hold(
    view.map.length === 9 && corners.every(([x, y]) => mapped(view.map, x, y).every(Number.isFinite)),
    'gives a map that takes points of the picture nowhere',
  );
  hold(
    sides.every(side => side > 0) || sides.every(side => side < 0),
    'gives a map with its horizon inside the picture',
  );
  const levels = new Float32Array(width * height * 3).fill(100);
  for (const paint of view.paints) {
    const painted: unknown = paint(levels, view.target);
    hold(painted === undefined, 'returns something from a paint: levels are changed in place');
  }
  hold(levels.every(Number.isFinite), 'paints levels that are no finite numbers');
}
