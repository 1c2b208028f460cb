// Which part of a picture the network sees: src/pictures/preprocessing's `place`, said in the picture's own pixels.

import type { Recipe } from './protocol.js';

/** In pixels of the picture; corners may lie between them. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The box that the recipe crops; undefined where the recipe does not say how it resizes. */
export function cropOf(width: number, height: number, recipe: Recipe): Box | undefined {
  const { resize, cropFraction } = recipe;
  if (resize === undefined || cropFraction === undefined) return undefined;
  const wide = Math.floor(recipe.width / cropFraction + 1e-9);
  const high = Math.floor(recipe.height / cropFraction + 1e-9);
  let resizedWidth = wide;
  let resizedHeight = high;
  if (resize === 'shorter-side') {
    if (width * high <= height * wide) resizedHeight = Math.floor((wide * height) / width);
    else resizedWidth = Math.floor((high * width) / height);
  }
  const across = width / resizedWidth;
  const down = height / resizedHeight;
  return {
    x: halfToEven((resizedWidth - recipe.width) / 2) * across,
    y: halfToEven((resizedHeight - recipe.height) / 2) * down,
    width: recipe.width * across,
    height: recipe.height * down,
  };
}

/** Python's round: a half goes to the even neighbour. */
function halfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
