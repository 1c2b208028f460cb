// What becomes of a uint8 pixel before it enters the network: the numbers that go into the graph, not applied here.

import { preprocessingErrors as errors } from './errors.js';

/** From uint8 RGB to the network's input: per channel, in the network's order, `(x · scale − mean) / std`. */
export interface PixelFormat {
  readonly channels: 'RGB' | 'BGR' | 'grey';
  readonly layout: 'NCHW' | 'NHWC';
  /** x · scale, from 0…255. */
  readonly scale: number;
  /** One number per channel (grey: one). */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Checks a pixel format that came from a file or a user; a single mean or std is meant for every channel.
 *
 * @throws PREPROCESSING_INVALID with the key, what was found and what is wanted.
 */
export function checkPixels(value: unknown): PixelFormat {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.INVALID({ key: 'pixels', found: value, wanted: 'an object' });
  const found = new Map<string, unknown>(Object.entries(value));
  const channels = checkChannels(found.get('channels'));
  const count = channels === 'grey' ? 1 : 3;
  const scale = found.get('scale');
  if (typeof scale !== 'number' || !Number.isFinite(scale) || scale === 0)
    throw errors.INVALID({ key: 'scale', found: scale, wanted: 'a number other than 0, such as 1/255' });
  const mean = checkNumbers('mean', found.get('mean'), count);
  const std = checkNumbers('std', found.get('std'), count);
  if (std.includes(0)) throw errors.INVALID({ key: 'std', found: std, wanted: 'numbers other than 0' });
  return { channels, layout: checkLayout(found.get('layout')), scale, mean, std };
}

/** @throws PREPROCESSING_INVALID */
export function checkChannels(value: unknown): PixelFormat['channels'] {
  if (value === 'RGB' || value === 'BGR' || value === 'grey') return value;
  throw errors.INVALID({ key: 'channels', found: value, wanted: 'RGB, BGR or grey' });
}

/** @throws PREPROCESSING_INVALID */
export function checkLayout(value: unknown): PixelFormat['layout'] {
  if (value === 'NCHW' || value === 'NHWC') return value;
  throw errors.INVALID({ key: 'layout', found: value, wanted: 'NCHW or NHWC' });
}

function checkNumbers(key: string, value: unknown, count: number): number[] {
  const numbers: unknown[] = Array.isArray(value) ? value : [value];
  const isGood = (n: unknown): n is number => typeof n === 'number' && Number.isFinite(n);
  if (!numbers.every(isGood) || (numbers.length !== 1 && numbers.length !== count))
    throw errors.INVALID({ key, found: value, wanted: count === 1 ? 'one number' : `one number or ${count}` });
  return numbers.length === count ? numbers : new Array<number>(count).fill(numbers[0]!);
}
