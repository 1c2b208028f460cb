// Letters for captions, the same on every machine: the usual glyphs of dot-matrix displays, 5 columns of 8 dots, the
// lowest bit on top; two dots a pixel edge. What they do not have is shown by its base letter, or as a question mark.

import type { Pixels } from './preprocessing.js';

/** From the space to the tilde, five columns each. */
const glyphs =
  '0000000000' + '00005f0000' + '0007000700' + '147f147f14' + '242a7f2a12' + '2313086462' + '3649552250' + '0005030000' +
  '001c224100' + '0041221c00' + '14083e0814' + '08083e0808' + '0050300000' + '0808080808' + '0060600000' + '2010080402' +
  '3e5149453e' + '00427f4000' + '4261514946' + '2141454b31' + '1814127f10' + '2745454539' + '3c4a494930' + '0171090503' +
  '3649494936' + '064949291e' + '0036360000' + '0056360000' + '0814224100' + '1414141414' + '0041221408' + '0201510906' +
  '324979413e' + '7e1111117e' + '7f49494936' + '3e41414122' + '7f4141221c' + '7f49494941' + '7f09090901' + '3e4149497a' +
  '7f0808087f' + '00417f4100' + '2040413f01' + '7f08142241' + '7f40404040' + '7f020c027f' + '7f0408107f' + '3e4141413e' +
  '7f09090906' + '3e4151215e' + '7f09192946' + '4649494931' + '01017f0101' + '3f4040403f' + '1f2040201f' + '3f4038403f' +
  '6314081463' + '0708700807' + '6151494543' + '007f414100' + '0204081020' + '0041417f00' + '0402010204' + '4040404040' +
  '0001020400' + '2054545478' + '7f48444438' + '3844444420' + '384444487f' + '3854545418' + '087e090102' + '18a4a4a47c' +
  '7f08040478' + '00447d4000' + '4080847d00' + '7f10284400' + '00417f4000' + '7c04180478' + '7c08040478' + '3844444438' +
  'fc24242418' + '18242418fc' + '7c08040408' + '4854545420' + '043f444020' + '3c4040207c' + '1c2040201c' + '3c4030403c' +
  '4428102844' + '1ca0a0a07c' + '4464544c44' + '0008364100' + '00007f0000' + '0041360800' + '0804081008'; // prettier-ignore

/** Edge of a dot, in pixels. */
const dot = 2;
/** From one letter to the next, and from one line to the next, in pixels. */
export const letterWidth = 6 * dot;
export const lineHeight = 10 * dot;

/** The columns of a letter. */
function columnsOf(letter: string): readonly number[] {
  const base = letter.normalize('NFD')[0]!;
  const code = base >= ' ' && base <= '~' ? base.charCodeAt(0) : '?'.charCodeAt(0);
  const at = (code - 32) * 10;
  return Array.from({ length: 5 }, (_, i) => Number.parseInt(glyphs.slice(at + 2 * i, at + 2 * i + 2), 16));
}

/** Text that fits into so many pixels; what is cut ends in two points. */
export function fitText(text: string, width: number): string {
  const letters = Array.from(text);
  const room = Math.max(1, Math.floor(width / letterWidth));
  return letters.length <= room ? text : `${letters.slice(0, Math.max(0, room - 2)).join('')}..`;
}

/** Writes into a picture, from its upper left corner on; what lies outside is left out. */
export function writeText(
  { width, height, data }: Pixels,
  text: string,
  at: { readonly x: number; readonly y: number },
  colour: readonly [number, number, number],
): void {
  Array.from(text).forEach((letter, n) => {
    columnsOf(letter).forEach((column, i) => {
      for (let bit = 0; bit < 8; bit++) {
        if (!(column & (1 << bit))) continue;
        for (let k = 0; k < dot * dot; k++) {
          const x = at.x + n * letterWidth + i * dot + (k % dot);
          const y = at.y + bit * dot + Math.floor(k / dot);
          if (x >= 0 && x < width && y >= 0 && y < height) data.set(colour, (y * width + x) * 3);
        }
      }
    });
  });
}
