// How the pictures that train are augmented, with every default in one place.

import { augmentationsOf, dataErrors, defaultAugment, printAugment, type Augment } from '../pictures/index.js';

/** How pictures that train are augmented. Validation never is. */
export interface AugmentOptions {
  /**
   * What is done to pictures that train: text such as `flip,shift=0.1,rotate=15@0.5,crop=0.5..1,jitter=0.2`, `default` (fastai's
   * set) or `none`; or values, your own among them. Each showing is of (seed, epoch, content of the file).
   * @default 'none', or 'default' where `augmentViews` is given
   */
  readonly augment?: Augment;
  /** Augmented views of each training picture that are computed once and kept, beside the picture as it is: 1 to 1,000. @default 4 */
  readonly augmentViews?: number;
}

/** Augmentation that is to be done. */
export interface ResolvedAugment {
  /** Canonical text, or the values that were given. */
  readonly augment: Augment;
  /** What is done, everything said. */
  readonly text: string;
  readonly views: number;
}

const mostViews = 1000;

/**
 * Fills in the defaults.
 *
 * @returns undefined where nothing is augmented
 * @throws AUGMENT_UNKNOWN, AUGMENT_VALUE, AUGMENT_TWICE; DATA_OPTION for views out of range
 */
export function resolveAugment({ augment, augmentViews }: AugmentOptions): ResolvedAugment | undefined {
  if (augmentViews !== undefined && !(Number.isInteger(augmentViews) && augmentViews >= 1 && augmentViews <= mostViews))
    throw dataErrors.OPTION({
      option: 'augmentViews',
      found: augmentViews,
      wanted: `a whole number from 1 to ${mostViews}`,
    });
  if (augment === undefined && augmentViews === undefined) return undefined;
  const said = augment ?? defaultAugment;
  const augmentations = augmentationsOf(said);
  if (augmentations.length === 0) return undefined;
  const text = printAugment(augmentations);
  return { augment: typeof said === 'string' ? text : augmentations, text, views: augmentViews ?? 4 };
}
