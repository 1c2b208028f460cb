// What the report's plots share: a frame in a view box of fixed units, a grid with its numbers, titles of axes.

import { asIs, coordinate, markup, type Markup } from './markup.js';

/** The area of a plot within its view box, in its units: x grows right, y down. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A number on an axis, where it lies and how it reads. */
export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** Horizontal grid lines with their numbers on the left. */
export const rows = ({ left, right }: Frame, ticks: readonly Tick[]): Markup =>
  markup`${ticks.map(
    ({ at, text }) =>
      markup`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at + 4}" text-anchor="end">${text}</text>`,
  )}`;

/** Numbers under the plot. */
export const columns = ({ bottom }: Frame, ticks: readonly Tick[]): Markup =>
  markup`${ticks.map(
    ({ at, text }) =>
      markup`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${text}</text>`,
  )}`;

/** The line that the plot stands on. */
export const floor = ({ left, right, bottom }: Frame): Markup =>
  markup`<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`;

/** A path through points; the first is moved to. */
export const path = (points: readonly (readonly [x: number, y: number])[]): Markup =>
  asIs(points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x)},${coordinate(y)}`).join(''));

/** A plot of `width` x `height` units that says in words what it shows, for those who cannot see it. */
export const plot = (width: number, height: number, label: string, ...content: readonly Markup[]): Markup =>
  markup`<svg viewBox="0 0 ${width} ${height}" style="max-width:${Math.round(1.15 * width)}px" role="img" aria-label="${label}">${content}</svg>`;
