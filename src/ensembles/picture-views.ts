// Views of pictures made inside the graph: uint8 [n, H, W, 3] → [V · n, h, w, 3], first all pictures as the first view shows
// them. A view's map goes from a place in the view to the place whose colour it gets. Flips and moves by whole pixels
// are slices of bytes; everything else is looked up between pixels (GridSample over one constant grid, the pictures'
// planes as channels) and stays float. Beyond the edges pictures are reflected, edge pixels twice: dcba|abcd|dcba.

import { tensor, type Tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import {
  Add,
  Cast,
  Clip,
  Gather,
  GridSample,
  Mul,
  Reshape,
  Resize,
  Round,
  Slice,
  Transpose,
} from '../operators/index.js';
import { errors } from './errors.js';
import { beside, linesOf, taken, type Place } from './picture-lines.js';
import type { Frame } from './terms.js';

type Projective = readonly [number, number, number, number, number, number, number, number, number];

/** One way to show a picture, as data. */
export interface PictureView {
  readonly name: string;
  /**
   * Row by row the projective map (x, y) → ((ax + by + c) / w, (dx + ey + f) / w), w = gx + hy + i: from a place in the view
   * to the place in the member's frame whose colour it gets, in pixels from the upper left corner. The frame is the
   * member's own width × height, in the middle of the input, which may be larger: places beyond the frame are there.
   */
  readonly map: Projective;
  /** Red, green, blue · scale + shift, held within 0 … 255. @default unchanged */
  readonly levels?: {
    readonly scale: readonly [number, number, number];
    readonly shift: readonly [number, number, number];
  };
}

/** The picture as it is. */
export const asItIs: PictureView = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] };

/** What tells a view from others. */
export function viewKey({ map, levels }: PictureView): string {
  return JSON.stringify([map.map(value => value + 0), levels ? [levels.scale, levels.shift] : 0]);
}

/** `outer` of a picture, shown as `inner` to the member. */
export function composed(outer: PictureView, inner: PictureView): PictureView {
  const at = (row: number, column: number) =>
    [0, 1, 2].reduce((sum, k) => sum + outer.map[3 * row + k]! * inner.map[3 * k + column]!, 0);
  const map = [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)] as const;
  const levels = inner.levels ?? outer.levels;
  if (inner.levels && outer.levels) throw errors.VIEW({ view: inner.name, reason: `it changes colours, and so does ${outer.name} around it` }); // prettier-ignore
  const name = outer.name === asItIs.name ? inner.name : inner.name === asItIs.name ? outer.name : `${outer.name}+${inner.name}`; // prettier-ignore
  return { name, map, ...(levels ? { levels } : {}) };
}

/** @throws ENSEMBLE_VIEW for a map that has no finite numbers or sends places to infinity */
export function checkView(
  view: PictureView,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const [, , , , , , g, h, i] = view.map;
  const corners = [
    g * 0.5 + h * 0.5 + i,
    g * width + h * 0.5 + i,
    g * 0.5 + h * height + i,
    g * width + h * height + i,
  ];
  const isFinite = view.map.length === 9 && view.map.every(Number.isFinite);
  if (!isFinite || !(corners.every(w => w > 0) || corners.every(w => w < 0)))
    throw errors.VIEW({ view: view.name, reason: 'its map sends places of the picture to infinity' });
}

/** What is looked into: planes or bytes, and where the frame begins in it. */
interface Base extends Place {
  readonly value: Value;
  /** Float planes [n, 3, H, W], else bytes [n, H, W, 3]. */
  readonly isPlanes: boolean;
}

/**
 * Views of a frame.
 *
 * @param hold holds a constant where the whole graph can read it
 * @param isBytes whether the member reads nothing but bytes
 */
export function framed(
  pictures: Value,
  frame: Frame,
  views: readonly PictureView[],
  hold: (hint: string, data: Tensor) => Value,
  isBytes: boolean,
): Value {
  const { builder } = pictures;
  const base = baseOf(pictures, frame, views);
  const plans = views.map(view => ({ view, lines: linesOf(view, frame, base) }));
  if (!base.isPlanes && plans.every(({ view, lines }) => lines && !view.levels))
    return beside(plans.map(({ lines }) => taken(base.value, lines!, base, [1, 2])));
  const planes = base.isPlanes ? base.value : Cast(Transpose(base.value, { perm: [0, 3, 1, 2] }), { to: 1 });
  const warped = plans.filter(({ lines }) => !lines);
  const looked =
    warped.length > 0
      ? lookedUp(
          planes,
          frame,
          base,
          warped.map(({ view }) => view),
          hold,
        )
      : undefined;
  const shown = plans.map(({ view, lines }) => {
    const at = warped.findIndex(one => one.view === view);
    const moved = lines
      ? taken(planes, lines, base, [2, 3])
      : Gather(looked, builder.constant(at, 'int64'), { axis: 2 });
    return coloured(moved, view);
  });
  const all = Transpose(beside(shown), { perm: [0, 2, 3, 1] });
  return isBytes ? Cast(Clip(Round(all), 0, 255), { to: 2 }) : all;
}

/**
 * The middle of the input: as it is where the member sees as many pixels as it has, else resized (antialiased, linear)
 * with as much around it as views look at.
 */
function baseOf(pictures: Value, frame: Frame, views: readonly PictureView[]): Base {
  const [height, width] = [pictures.shape[1] as number, pictures.shape[2] as number];
  const { width: w, height: h, cropWidth, cropHeight } = frame;
  if (cropWidth === w && cropHeight === h)
    return { value: pictures, isPlanes: false, width, height, left: (width - w) / 2, top: (height - h) / 2 };
  const reach = views.map(view => reachOf(view, frame));
  const margin = (side: number, whole: number, crop: number, wanted: number) =>
    Math.max(0, Math.min(Math.floor(((whole - crop) / 2) * (side / crop)), Math.ceil(wanted - 1e-6)));
  const left = margin(w, width, cropWidth, Math.max(...reach.map(([x]) => x)));
  const top = margin(h, height, cropHeight, Math.max(...reach.map(([, y]) => y)));
  // the part of the input that makes the frame and its margin, by whole pixels, in the middle
  const part = (side: number, whole: number, crop: number, edge: number) => {
    const wanted = (side + 2 * edge) * (crop / side);
    return Math.min(whole, whole - 2 * Math.round((whole - wanted) / 2));
  };
  const [partWidth, partHeight] = [part(w, width, cropWidth, left), part(h, height, cropHeight, top)];
  const from = [(height - partHeight) / 2, (width - partWidth) / 2];
  const cut = partWidth === width && partHeight === height ? pictures : Slice(pictures, from, [from[0]! + partHeight, from[1]! + partWidth], [1, 2]); // prettier-ignore
  const planes = Cast(Transpose(cut, { perm: [0, 3, 1, 2] }), { to: 1 });
  const size = { width: w + 2 * left, height: h + 2 * top };
  // scales of all axes, not sizes of two: onnxruntime 1.30 moves Transposes past a Resize and then misreads `axes`
  const scales = [1, 1, scaleTo(size.height, partHeight), scaleTo(size.width, partWidth)];
  const factors = pictures.builder.constant(tensor('float32', [4], scales), undefined, 'scales');
  const value = Resize(planes, undefined, factors, undefined, { mode: 'linear', antialias: 1, exclude_outside: 1 });
  return { value, isPlanes: true, ...size, left, top };
}

/** The float32 factor by which so many pixels become `made`: onnxruntime rounds their product down. */
function scaleTo(made: number, pixels: number): number {
  let scale = Math.fround(made / pixels);
  while (Math.floor(Math.fround(scale * pixels)) < made) scale = Math.fround(scale * (1 + 2 ** -23));
  return scale;
}

/** How far beyond the frame a view looks, in pixels of the frame. */
function reachOf({ map: [a, b, c, d, e, f, g, h, i] }: PictureView, { width, height }: Frame): [x: number, y: number] {
  const corners = [[0, 0], [width, 0], [0, height], [width, height]] as const; // prettier-ignore
  const places = corners.map(([x, y]) => {
    const w = g * x + h * y + i;
    return [(a * x + b * y + c) / w, (d * x + e * y + f) / w] as const;
  });
  const beyond = (axis: 0 | 1, size: number) =>
    Math.max(0, ...places.map(place => Math.max(-place[axis], place[axis] - size)));
  return [beyond(0, width), beyond(1, height)];
}

/** [n, 3, V, h, w] between the pixels of [n, 3, H, W]: all views in one look, whose rows lie below each other. */
function lookedUp(
  planes: Value,
  { width, height }: Frame,
  base: Base,
  views: readonly PictureView[],
  hold: (hint: string, data: Tensor) => Value,
): Value {
  const grid = new Float32Array(views.length * height * width * 2);
  let at = 0;
  for (const {
    map: [a, b, c, d, e, f, g, h, i],
  } of views)
    // prettier-ignore
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const [x, y] = [column + 0.5, row + 0.5];
        const w = g * x + h * y + i;
        // −1 and 1 are the outer edges
        grid[at++] = (2 * ((a * x + b * y + c) / w + base.left)) / base.width - 1;
        grid[at++] = (2 * ((d * x + e * y + f) / w + base.top)) / base.height - 1;
      }
  const held = hold('views.grid', tensor('float32', [1, views.length * height, width, 2], grid));
  const channels = Reshape(planes, [1, -1, base.height, base.width]);
  const looked = GridSample(channels, held, { mode: 'linear', padding_mode: 'reflection', align_corners: 0 });
  return Reshape(looked, [-1, 3, views.length, height, width]);
}

/** Planes [n, 3, h, w] in other colours. */
function coloured(planes: Value, { levels }: PictureView): Value {
  if (!levels) return planes;
  const perChannel = (values: readonly number[]) => planes.builder.constant(tensor('float32', [3, 1, 1], [...values]));
  return Clip(Add(Mul(planes, perChannel(levels.scale)), perChannel(levels.shift)), 0, 255);
}
