// Augmentations as text, for flags and run.json: words parted by commas, each with its value and its probability:
//   list = "none" | item ("," item)*     item = "default" | word ["=" value] ["@" probability]
//   value = number | number ".." number | parts of these by "/"
// What is printed says everything; read again it gives the same.

import { textOf, sometimes, type Augmentation } from './augmentation.js';
import { erase, grey, jitter, lighting, usualErasure } from './colour.js';
import { augmentErrors as errors } from './errors.js';
import {
  crop,
  fill,
  flip,
  flipVertical,
  lens,
  perspective,
  quarterTurn,
  rotate,
  shear,
  shift,
  stretch,
  usualRatios,
  zoom,
  type Range,
} from './geometric.js';

/** Augmentations as text, or as values: those of your own are values. */
export type Augment = string | readonly Augmentation[];

/**
 * What `default` stands for: fastai's `aug_transforms` (mirror images, small turns, zooms, tilts and changes of light, edges
 * reflected).
 */
export const defaultAugment =
  'flip,rotate=10@0.75,zoom=1..1.1@0.75,perspective=0.2@0.75,lighting=0.2@0.75,fill=reflect';

/** A word that is known. */
interface Word {
  /** What may stand after `=`, in words. */
  readonly wanted: string;
  /** Undefined where the value makes no sense. `probability` is undefined where none was said. */
  readonly make: (value: Value, probability: number | undefined) => Augmentation | undefined;
}

/** What stood after `=`: undefined where nothing did. */
type Value = readonly Part[] | undefined;
type Part = Range | number | string;

const only = (value: Value): Part | undefined => (value?.length === 1 ? value[0] : undefined);
const numberIn = (part: Part | undefined, low: number, high: number): number | undefined =>
  typeof part === 'number' && part >= low && part <= high ? part : undefined;
const isRange = (part: Part | undefined): part is Range => typeof part === 'object';
const rangeIn = (part: Part | undefined, low: number, high: number): Range | undefined =>
  isRange(part) && part[0] >= low && part[0] <= part[1] && part[1] <= high ? part : undefined;

/** A word whose value is one number. */
const sized = (wanted: string, low: number, high: number, maker: (most: number) => Augmentation): Word => ({
  wanted,
  make: (value, probability) => {
    const most = numberIn(only(value), low, high);
    return most === undefined || most === 0 ? undefined : at(probability, maker(most));
  },
});
/** A word whose value is made by a function of its own. */
const made = (wanted: string, maker: (value: Value) => Augmentation | undefined): Word => ({
  wanted,
  make: (value, probability) => {
    const augmentation = maker(value);
    return augmentation && at(probability, augmentation);
  },
});
const at = (probability: number | undefined, augmentation: Augmentation): Augmentation =>
  probability === undefined || probability === 1 ? augmentation : sometimes(probability, augmentation);

const words: ReadonlyMap<string, Word> = new Map<string, Word>([
  ['flip', { wanted: 'no value', make: (value, probability) => (value ? undefined : flip(probability)) }],
  [
    'flip-vertical',
    { wanted: 'no value', make: (value, probability) => (value ? undefined : flipVertical(probability)) },
  ],
  ['quarter-turn', made('no value', value => (value ? undefined : quarterTurn()))],
  ['shift', sized('a part of the side above 0 to 1', 0, 1, shift)],
  ['rotate', sized('degrees from 1 to 180', 1, 180, rotate)],
  [
    'zoom',
    made('a part above 0 and below 1, as 0.2 for 0.8..1.2, or a range of factors within 0.05..20', value => {
      const part = only(value);
      const range = typeof part === 'number' && part > 0 && part < 1 ? ([1 - part, 1 + part] as const) : part;
      const factors = rangeIn(range, 0.05, 20);
      return factors && zoom(factors);
    }),
  ],
  [
    'stretch',
    made('a ratio above 1 to 10, as 1.33 for 0.75..1.33, or a range within 0.1..10', value => {
      const part = only(value);
      const range = typeof part === 'number' && part > 1 ? ([1 / part, part] as const) : part;
      const ratios = rangeIn(range, 0.1, 10);
      return ratios && stretch(ratios);
    }),
  ],
  // Keras counts in degrees too: the 0.2 of many tutorials cannot be seen
  ['shear', sized('degrees from 1 to 60', 1, 60, shear)],
  ['perspective', sized('a part above 0 to 0.45', 0, 0.45, perspective)],
  ['lens', sized('a part above 0 to 0.3', 0, 0.3, lens)],
  [
    'crop',
    made(
      'the least part of the area or a range of it, above 0 to 1, as 0.5..1; and /0.75..1.33 for ratios within 0.1..10',
      value => {
        const [first, second] = value ?? [];
        const area = rangeIn(typeof first === 'number' ? [first, 1] : first, Number.MIN_VALUE, 1);
        const ratio = second === undefined ? usualRatios : rangeIn(second, 0.1, 10);
        return area && ratio && value!.length <= 2 ? crop(area, ratio) : undefined;
      },
    ),
  ],
  [
    'jitter',
    made('a part above 0 to 1, or brightness/contrast/saturation/hue, hue up to 0.5', value => {
      const single = only(value);
      const [brightness, contrast, saturation, hue] =
        single === undefined ? (value ?? []) : [single, single, single, 0];
      const parts = [...[brightness, contrast, saturation].map(part => numberIn(part, 0, 1)), numberIn(hue, 0, 0.5)];
      const [b, c, s, h] = parts;
      if (b === undefined || c === undefined || s === undefined || h === undefined) return undefined;
      if ((value!.length !== 1 && value!.length !== 4) || b + c + s + h === 0) return undefined;
      return jitter({ brightness: b, contrast: c, saturation: s, hue: h });
    }),
  ],
  ['grey', { wanted: 'no value', make: (value, probability) => (value ? undefined : grey(probability)) }],
  ['lighting', sized('a part above 0 to 0.9', 0, 0.9, lighting)],
  [
    'erase',
    {
      wanted: 'nothing, or a range of the area within 0..1, as 0.02..0.33',
      make: (value, probability) => {
        const area = value ? rangeIn(only(value), 0, 1) : usualErasure;
        return area && erase(area, probability);
      },
    },
  ],
  [
    'fill',
    {
      wanted: 'nearest, reflect, wrap, constant, or constant/128 for another level of 0 to 255, and no probability',
      make: (value, probability) => {
        const [kind, level] = value ?? [];
        if (probability !== undefined) return undefined;
        if (kind === 'nearest' || kind === 'reflect' || kind === 'wrap')
          return value!.length === 1 ? fill(kind) : undefined;
        const constant = level === undefined ? 0 : numberIn(level, 0, 255);
        return kind === 'constant' && value!.length <= 2 && Number.isInteger(constant)
          ? fill({ constant: constant! })
          : undefined;
      },
    },
  ],
]);

/** The words that `--augment` knows, in order. */
export const augmentWords: readonly string[] = [...words.keys()];

/**
 * Reads augmentations from text, as `--augment` takes it.
 *
 * @param own augmentations of your own; their names are words, which take no value
 * @returns in the order written; none for `none`
 * @throws AUGMENT_UNKNOWN, AUGMENT_VALUE, AUGMENT_TWICE, naming the word and what is known or wanted
 * @example parseAugment('flip,shift=0.1,rotate=15@0.5,crop=0.5..1,jitter=0.2')
 */
export function parseAugment(text: string, own: readonly Augmentation[] = []): readonly Augmentation[] {
  if (text.trim() === 'none') return [];
  const mine = new Map(own.map(augmentation => [augmentation.name, augmentation]));
  for (const name of mine.keys())
    if (words.has(name) || name === 'default' || name === 'none') throw errors.TWICE({ name });
  return checkAugment(
    text.split(',').flatMap(item => {
      const [, name = '', value, probability] =
        /^\s*([^=@\s]*)\s*(?:=\s*([^@]*?))?\s*(?:@\s*(.*?))?\s*$/.exec(item) ?? [];
      if (item.trim() === 'default') return parseAugment(defaultAugment);
      const found = words.get(name);
      const other = mine.get(name);
      if (!found && !other)
        throw errors.UNKNOWN({ found: name || item, known: ['none', 'default', ...augmentWords, ...mine.keys()] });
      const chance = probability === undefined ? undefined : numberOf(probability);
      if (probability !== undefined && (typeof chance !== 'number' || !(chance > 0 && chance <= 1)))
        throw errors.VALUE({ name, found: `@${probability}`, wanted: 'a probability above 0 to 1 after the @' });
      const augmentation = found
        ? found.make(value?.split('/').map(partOf), chance as number | undefined)
        : value === undefined
          ? at(chance as number | undefined, other!)
          : undefined;
      if (!augmentation) throw errors.VALUE({ name, found: item.trim(), wanted: found?.wanted ?? 'no value' });
      return [augmentation];
    }),
  );
}

/** Augmentations as text, with everything that was left to defaults. */
export const printAugment = (augmentations: readonly Augmentation[]): string =>
  augmentations.length === 0 ? 'none' : augmentations.map(textOf).join(',');

/** Text and values alike as values, in canonical form. */
export const augmentationsOf = (augment: Augment): readonly Augmentation[] =>
  typeof augment === 'string' ? parseAugment(augment) : checkAugment(augment);

/** @throws AUGMENT_TWICE where two have one name. */
function checkAugment(augmentations: readonly Augmentation[]): readonly Augmentation[] {
  const names = new Set<string>();
  for (const { name } of augmentations) {
    if (names.has(name)) throw errors.TWICE({ name });
    names.add(name);
  }
  return augmentations;
}

function partOf(text: string): Part {
  const [low, high, ...more] = text.split('..').map(numberOf);
  if (typeof low === 'number' && typeof high === 'number' && more.length === 0) return [low, high];
  return numberOf(text);
}

const numberOf = (text: string): number | string =>
  /^\d*\.?\d+(e[-+]?\d+)?$/.test(text.trim()) ? Number(text) : text.trim();
