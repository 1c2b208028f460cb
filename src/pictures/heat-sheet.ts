// Pictures beside each other with words below them, in rows, and the colours of heat explained at the bottom.

import { fitText, letterWidth, lineHeight, writeText } from './dot-matrix.js';
import type { Pixels } from './preprocessing.js';
import { turbo } from './turbo.js';

/** A picture and what is said of it, a line each. */
export interface Panel {
  readonly pixels: Pixels;
  readonly lines: readonly string[];
}

const paper = 255;
const ink = [32, 36, 44] as const;
const pale = [110, 116, 128] as const;
/** Between panels and around the sheet, in pixels. */
const gap = 16;
const legend = { width: 192, height: 12 } as const;
const scaleText = ['no evidence', 'most'] as const;

/** The sheet: rows of panels, panels of a column below each other. */
export function heatSheet(rows: readonly (readonly Panel[])[]): Pixels {
  const columns = Math.max(...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(0, ...rows.map(row => row[i]?.pixels.width ?? 0)));
  const heights = rows.map(row => {
    const lines = Math.max(...row.map(panel => panel.lines.length));
    return Math.max(...row.map(({ pixels }) => pixels.height)) + (lines > 0 ? gap / 2 + lines * lineHeight : 0);
  });
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b + gap, gap);
  const legendWidth = legend.width + (scaleText.join('').length + 2) * letterWidth + 2 * gap;
  const width = Math.max(sum(widths), legendWidth);
  const height = sum(heights) + Math.max(legend.height, lineHeight) + gap;
  const sheet: Pixels = { width, height, data: new Uint8Array(width * height * 3).fill(paper) };
  let y = gap;
  rows.forEach((row, r) => {
    let x = gap;
    row.forEach(({ pixels, lines }, i) => {
      paste(sheet, pixels, x, y);
      lines.forEach((line, n) => {
        const at = { x, y: y + pixels.height + gap / 2 + n * lineHeight };
        writeText(sheet, fitText(line, widths[i]!), at, n === 0 ? ink : pale);
      });
      x += widths[i]! + gap;
    });
    y += heights[r]! + gap;
  });
  drawLegend(sheet, y);
  return sheet;
}

function drawLegend(sheet: Pixels, y: number): void {
  const [low, high] = scaleText;
  writeText(sheet, low, { x: gap, y }, pale);
  const left = gap + (low.length + 1) * letterWidth;
  for (let x = 0; x < legend.width; x++) {
    const colour = turbo(0.15 + (0.85 * x) / (legend.width - 1));
    for (let row = 0; row < legend.height; row++) sheet.data.set(colour, ((y + 1 + row) * sheet.width + left + x) * 3);
  }
  writeText(sheet, high, { x: left + legend.width + letterWidth, y }, pale);
}

function paste(sheet: Pixels, { width, height, data }: Pixels, x: number, y: number): void {
  for (let row = 0; row < height; row++)
    sheet.data.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((y + row) * sheet.width + x) * 3);
}
