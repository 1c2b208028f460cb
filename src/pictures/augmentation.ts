// What an augmentation is: a value that draws, for one showing of one picture, how the picture is moved and painted. The
// built-in ones (geometric.ts, colour.ts) are values of this same type.

import type { Random } from '../base/index.js';
import type { Size } from './headers.js';
import type { Preprocessing } from './preprocessing.js';
import { plainView, type View } from './view.js';

/** A way to show a picture differently each time it trains. */
export interface Augmentation {
  /** A word of small letters, digits and `-`, unique in a list. */
  readonly name: string;
  /**
   * How it is written in `--augment`, with all that its effect depends on: it goes into run.json and into the key of cached
   * features. @default the name
   */
  readonly text?: string;
  /**
   * Draws one showing: returns the view it was given, changed by `moved`, `painted` or by hand.
   *
   * @param random of this augmentation, this picture and this epoch; the only source of chance
   */
  apply(view: View, random: Random): View;
}

/** An augmentation that happens only with a probability, 0 to 1; else the view stays. */
export const sometimes = (probability: number, augmentation: Augmentation): Augmentation => ({
  name: augmentation.name,
  text: `${textOf(augmentation)}@${probability}`,
  apply: (view, random) => (random.uniform() < probability ? augmentation.apply(view, random) : view),
});

/** How an augmentation is written. */
export const textOf = ({ name, text = name }: Augmentation): string => text;

/** The chance of one showing: of a seed, an epoch and the content of a picture, whatever the order and the workers. */
export const chanceOf = (random: Random, epoch: number, sha256: string): Random => random.at('augment', epoch, sha256);

/**
 * Draws how a picture is shown.
 *
 * @param size of the whole picture, upright
 * @param random as `chanceOf` gives it; each augmentation draws from its own part of it
 */
export function drawView(
  size: Size,
  preprocessing: Preprocessing,
  augmentations: readonly Augmentation[],
  random: Random,
): View {
  return augmentations.reduce(
    (view, augmentation) => augmentation.apply(view, random.at(augmentation.name)),
    plainView(size, preprocessing),
  );
}
