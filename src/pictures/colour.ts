// Augmentations that paint: torchvision's ColorJitter and grayscale as it defines them on float pictures, fastai's lighting
// in logit space, and erasing. Levels are 0 to 255 in float32; they are rounded once, after the last change.

import type { Random } from '../base/index.js';
import { sometimes, type Augmentation } from './augmentation.js';
import type { Range } from './geometric.js';
import { painted, type Paint } from './view.js';

/** How far brightness, contrast, saturation and hue go: factors are drawn from 1 − x … 1 + x, hue turns by up to x circles. */
export interface JitterStrength {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** 0 to 0.5 */
  readonly hue: number;
}

const clip = (level: number): number => (level < 0 ? 0 : level > 255 ? 255 : level);
const greyOf = (levels: Float32Array, at: number): number =>
  0.2989 * levels[at]! + 0.587 * levels[at + 1]! + 0.114 * levels[at + 2]!;

/** Every level times a factor. */
export const brightened =
  (factor: number): Paint =>
  levels => {
    for (let i = 0; i < levels.length; i++) levels[i] = clip(levels[i]! * factor);
  };

/** Away from the mean grey of the picture, by a factor. */
export const contrasted =
  (factor: number): Paint =>
  levels => {
    let sum = 0;
    for (let i = 0; i < levels.length; i += 3) sum += greyOf(levels, i);
    const rest = (1 - factor) * (sum / (levels.length / 3));
    for (let i = 0; i < levels.length; i++) levels[i] = clip(levels[i]! * factor + rest);
  };

/** Away from each pixel's grey, by a factor; 0 is a grey picture. */
export const saturated =
  (factor: number): Paint =>
  levels => {
    for (let i = 0; i < levels.length; i += 3) {
      const rest = (1 - factor) * greyOf(levels, i);
      for (let channel = i; channel < i + 3; channel++) levels[channel] = clip(levels[channel]! * factor + rest);
    }
  };

/** Hues turned by a part of the circle (HSV). */
export const turnedHue =
  (turn: number): Paint =>
  levels => {
    const shift = (turn - Math.floor(turn)) * 6; // 0 to 6, as a hue is −1 to 5
    for (let i = 0; i < levels.length; i += 3) {
      const [red, green, blue] = [levels[i]!, levels[i + 1]!, levels[i + 2]!];
      const value = Math.max(red, green, blue);
      const least = Math.min(red, green, blue);
      const chroma = value - least;
      if (chroma === 0) continue;
      const sixth =
        value === red
          ? (green - blue) / chroma
          : value === green
            ? 2 + (blue - red) / chroma
            : 4 + (red - green) / chroma;
      const turned = sixth + shift;
      const hue = turned < 0 ? turned + 6 : turned >= 6 ? turned - 6 : turned;
      levels[i] = value - chroma * trapezium(5 + hue);
      levels[i + 1] = value - chroma * trapezium(3 + hue);
      levels[i + 2] = value - chroma * trapezium(1 + hue);
    }
  };

/** What a channel of HSV lacks, over the circle: clip(min(k, 4 − k), 0, 1) of k from 0 to 12, modulo 6. */
function trapezium(k: number): number {
  const around = k >= 6 ? k - 6 : k;
  const height = around < 2 ? around : 4 - around;
  return height < 0 ? 0 : height > 1 ? 1 : height;
}

/** torchvision's ColorJitter: the four changes in a random order. */
export const jitter = (strength: JitterStrength): Augmentation => {
  const { brightness, contrast, saturation, hue } = strength;
  const isEven = brightness === contrast && contrast === saturation && hue === 0;
  return {
    name: 'jitter',
    text: `jitter=${isEven ? brightness : [brightness, contrast, saturation, hue].join('/')}`,
    apply: (view, random) => {
      const drawn = (most: number): number => Math.max(0, 1 + (2 * random.uniform() - 1) * most);
      const order = random.permutation(4);
      const changes: readonly (Paint | undefined)[] = [
        brightness > 0 ? brightened(drawn(brightness)) : undefined,
        contrast > 0 ? contrasted(drawn(contrast)) : undefined,
        saturation > 0 ? saturated(drawn(saturation)) : undefined,
        hue > 0 ? turnedHue((2 * random.uniform() - 1) * hue) : undefined,
      ];
      return [...order].reduce((seen, at) => {
        const change = changes[at];
        return change ? painted(seen, change) : seen;
      }, view);
    },
  };
};

/** Grey in all three channels. */
export const grey = (probability = 0.1): Augmentation =>
  sometimes(probability, { name: 'grey', apply: view => painted(view, saturated(0)) });

/** A curve over levels: level → 255 · σ(logit(level / 255) · contrast + brightness). */
export function relit(brightness: number, contrast: number): Paint {
  const table = Float64Array.from({ length: 257 }, (_, level) => {
    const share = Math.min(Math.max(Math.min(level, 255) / 255, 1e-7), 1 - 1e-7);
    return 255 / (1 + Math.exp(-(Math.log(share / (1 - share)) * contrast + brightness)));
  });
  return levels => {
    for (let i = 0; i < levels.length; i++) {
      const level = clip(levels[i]!);
      const below = Math.floor(level);
      levels[i] = table[below]! + (level - below) * (table[below + 1]! - table[below]!);
    }
  };
}

/** fastai's lighting: brightness and contrast in logit space, so that nothing is clipped; below 1. */
export const lighting = (most: number): Augmentation => ({
  name: 'lighting',
  text: `lighting=${most}`,
  apply: (view, random) => {
    const share = 0.5 * (1 + most * (2 * random.uniform() - 1));
    const contrast = Math.exp((2 * random.uniform() - 1) * Math.log(1 - most));
    return painted(view, relit(Math.log(share / (1 - share)), contrast));
  },
});

/** Parts of the area that `erase` draws from by default: torchvision's. */
export const usualErasure: Range = [0.02, 0.33];

/** A rectangle made mid-grey, of this part of the area and a ratio of 0.3 to 3.3, as torchvision's RandomErasing draws it. */
export const erase = (area: Range = usualErasure, probability = 0.5): Augmentation =>
  sometimes(probability, {
    name: 'erase',
    text: `erase=${area.join('..')}`,
    apply: (view, random) => {
      const { width, height } = view.target;
      const box = erasedBox(width, height, area, random);
      if (!box) return view;
      return painted(view, levels => {
        for (let y = box.y; y < box.y + box.high; y++)
          levels.fill(127.5, (y * width + box.x) * 3, (y * width + box.x + box.wide) * 3);
      });
    },
  });

function erasedBox(width: number, height: number, [low, high]: Range, random: Random) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const pixels = width * height * (low + (high - low) * random.uniform());
    const ratio = Math.exp(Math.log(0.3) + (Math.log(3.3) - Math.log(0.3)) * random.uniform());
    const [tall, wide] = [Math.round(Math.sqrt(pixels * ratio)), Math.round(Math.sqrt(pixels / ratio))];
    if (tall < 1 || wide < 1 || tall >= height || wide >= width) continue;
    return { x: random.integer(width - wide + 1), y: random.integer(height - tall + 1), wide, high: tall };
  }
  return undefined;
}
