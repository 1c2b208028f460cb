// Heat as colours over a grey picture: orange speaks for the label, blue against it, and what says nothing stays clear.
// Orange and blue are told apart by all common kinds of colour blindness. Pure: numbers in, pixels out.

import type { Box } from './crop.js';
import type { HeatAnswer } from './protocol.js';

type Colour = readonly [red: number, green: number, blue: number];
const towards: readonly [Colour, Colour] = [
  [255, 190, 90],
  [226, 72, 0],
];
const against: readonly [Colour, Colour] = [
  [140, 200, 255],
  [20, 84, 190],
];
/** What the network does not see. */
const unseen = [12, 14, 16, 150] as const;

/** RGBA of a heat of −1 to 1. */
export function heatColour(heat: number): readonly [number, number, number, number] {
  const strength = Math.min(Math.abs(heat), 1);
  const [low, high] = heat < 0 ? against : towards;
  const mix = (c: 0 | 1 | 2) => Math.round(low[c] + (high[c] - low[c]) * strength);
  // faint where there is little to say
  return [mix(0), mix(1), mix(2), Math.round(255 * Math.min(1, strength * 1.5))];
}

/** The heat at a point of the prepared picture, between the centres of cells bilinear, outside of them as at the edge. */
export function heatAt({ width, height, values, rows, columns }: HeatAnswer, x: number, y: number): number {
  const [left, right, across] = between(x, columns, width);
  const [above, below, down] = between(y, rows, height);
  const at = (row: number, column: number) => values[row * width + column] ?? 0;
  const top = at(above, left) * (1 - across) + at(above, right) * across;
  const bottom = at(below, left) * (1 - across) + at(below, right) * across;
  return top * (1 - down) + bottom * down;
}

function between(place: number, { start, step }: HeatAnswer['rows'], count: number): [number, number, number] {
  const cell = Math.min(Math.max((place - start) / (step || 1), 0), count - 1);
  const low = Math.floor(cell);
  return [low, Math.min(low + 1, count - 1), cell - low];
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The layer over a picture, RGBA [height, width].
 *
 * @param prepared what the network sees, in the pixels that cells are placed by
 * @param size of the layer, in its own pixels
 * @param crop what the network sees of the picture, as shares of its sides
 * @param strength 0 to 1
 */
export function heatLayer(
  heat: HeatAnswer,
  prepared: Size,
  size: Size,
  crop: Box,
  strength: number,
): Uint8ClampedArray<ArrayBuffer> {
  const layer = new Uint8ClampedArray(size.width * size.height * 4);
  for (let row = 0, at = 0; row < size.height; row++) {
    const y = ((row + 0.5) / size.height - crop.y) / crop.height;
    for (let column = 0; column < size.width; column++, at += 4) {
      const x = ((column + 0.5) / size.width - crop.x) / crop.width;
      const isSeen = x >= 0 && x < 1 && y >= 0 && y < 1;
      // pixel k is centred on k
      const heatHere = isSeen ? heatAt(heat, x * prepared.width - 0.5, y * prepared.height - 0.5) : 0;
      const [red, green, blue, alpha] = isSeen ? heatColour(heatHere) : unseen;
      layer[at] = red;
      layer[at + 1] = green;
      layer[at + 2] = blue;
      layer[at + 3] = isSeen ? alpha * strength : alpha;
    }
  }
  return layer;
}

/** In words, for those who do not see the colours: where the strongest heat lies. */
export function heatWords(heat: HeatAnswer): string {
  const strongest = heat.values.reduce((best, value, i) => (value > (heat.values[best] ?? -1) ? i : best), 0);
  if (!((heat.values[strongest] ?? 0) > 0)) return 'nothing in the picture speaks for it';
  const place = (index: number, count: number, names: readonly [string, string, string]) =>
    names[Math.min(2, Math.floor((3 * (index + 0.5)) / count)) as 0 | 1 | 2];
  const down = place(Math.floor(strongest / heat.width), heat.height, ['top', 'middle', 'bottom']);
  const across = place(strongest % heat.width, heat.width, ['left', 'middle', 'right']);
  const where = down === across ? 'the middle' : `the ${down === 'middle' ? '' : `${down} `}${across}`;
  return `strongest in ${where} of what the network sees`;
}
