// Where the cells of a map lie in the picture. Every operator on the way says which of its input's places an output
// place is centred on; a Conv or pool of kernel k, stride s, dilation d and padding p:  x = s · y − p + d · (k − 1) / 2.
// Composed from the map back to the picture, that is one straight line for rows and one for columns.

import type { Node } from '../graph/index.js';
import { intOf, intsOf, type Wiring } from './wiring.js';

/** Cell `i` is centred on pixel `start + i · step`, in whole pixels: the centre of the first pixel is 0. */
export interface Line {
  readonly start: number;
  readonly step: number;
}

/** The lines of rows and columns. */
export interface Alignment {
  readonly rows: Line;
  readonly columns: Line;
}

/** An axis of a value and where its places come from, seen from the map. */
interface Track extends Line {
  readonly axis: number;
  /** How many cells the map has along it. */
  readonly cells: number;
}
type Tracks = readonly [rows: Track, columns: Track];

/**
 * Follows two axes of a value back to the picture [N, H, W, C].
 *
 * @param view where several views of the picture lie behind each other in the batch, which of them
 * @returns undefined where these axes are not rows and columns of the picture, or an operator on the way hides it
 */
export function alignmentOf(
  wiring: Wiring,
  value: string,
  axes: readonly [number, number],
  view = 0,
): Alignment | undefined {
  const seen = new Set<string>();
  const follow = (name: string, tracks: Tracks): Alignment | undefined => {
    const key = `${name} ${tracks[0].axis} ${tracks[1].axis}`;
    if (seen.has(key)) return undefined;
    seen.add(key);
    const node = wiring.producer(name);
    if (!node) {
      const [rows, columns] = tracks;
      const isPicture = wiring.isData(name) && rows.axis === 1 && columns.axis === 2;
      return isPicture ? { rows: lineOf(rows), columns: lineOf(columns) } : undefined;
    }
    const inputs = wiring.dataInputs(node);
    const isViews = node.op === 'Concat' && intOf(node, 'axis', 0) === 0;
    for (const input of isViews && inputs[view] !== undefined ? [inputs[view]] : inputs) {
      const next = before(wiring, node, name, input, tracks);
      const found = next && follow(input, next);
      if (found) return found;
    }
    return undefined;
  };
  const along = (axis: number): Track => ({ axis, start: 0, step: 1, cells: Number(wiring.shape(value)?.[axis]) });
  return follow(value, [along(axes[0]), along(axes[1])]);
}

const lineOf = ({ start, step }: Track): Line => ({ start, step });

const windows = new Set(['Conv', 'MaxPool', 'AveragePool', 'LpPool', 'QLinearConv', 'ConvInteger']);

/** The tracks in an input of the node; undefined where they do not lead there. */
function before(wiring: Wiring, node: Node, output: string, input: string, tracks: Tracks): Tracks | undefined {
  const from = wiring.shape(input);
  const to = wiring.shape(output);
  if (!from || !to) return undefined;
  const along = (change: (track: Track, i: number) => Track): Tracks => [change(tracks[0], 0), change(tracks[1], 1)];
  const sizes = (track: Track) => [from[track.axis], to[track.axis]] as readonly [number, number];
  if (windows.has(node.op)) {
    if (input !== node.inputs[0] || tracks[0].axis !== 2 || tracks[1].axis !== 3) return undefined;
    return along((track, i) => windowed(wiring, node, track, i, sizes(track)));
  }
  if (node.op === 'Transpose') {
    const attribute = node.attributes.get('perm');
    const perm = attribute?.kind === 'ints' ? attribute.value : from.map((_, i) => from.length - 1 - i);
    return along(track => ({ ...track, axis: perm[track.axis]! }));
  }
  if (node.op === 'Resize' || node.op === 'Upsample')
    return along(track => {
      const [size, made] = sizes(track);
      return moved(track, size / made, 0.5 * (size / made) - 0.5);
    });
  if (node.op === 'Slice') return sliced(wiring, node, from.length, tracks);
  if (node.op === 'Pad') {
    const pads = intsOf(wiring, node, 'pads', 1);
    const mode = node.attributes.get('mode');
    const isMirrored = mode?.kind === 'string' && mode.value === 'reflect';
    return pads && along(track => padded(track, pads[track.axis]!, isMirrored ? sizes(track)[0] : undefined));
  }
  if (from.length === to.length)
    return tracks.every(({ axis }) => from[axis] === to[axis] && typeof to[axis] === 'number') ? tracks : undefined;
  // channels parted or joined before the last two axes, which stay
  const isLast = tracks.every(
    ({ axis }, i) => axis === to.length - 2 + i && from.length > 2 && from[from.length - 2 + i] === to[axis],
  );
  return isLast ? along((track, i) => ({ ...track, axis: from.length - 2 + i })) : undefined;
}

/** x = step · y + start, behind what the track says already. */
const moved = (track: Track, step: number, start: number): Track => ({
  ...track,
  step: step * track.step,
  start: step * track.start + start,
});

/** Without its padding; what lies mostly beyond the `size` of a mirrored input is the picture read backwards. */
function padded(track: Track, before: number, size: number | undefined): Track {
  const inside = moved(track, 1, -before);
  if (size === undefined) return inside;
  const middle = inside.start + (inside.step * (inside.cells - 1)) / 2;
  if (middle > size - 1) return moved(inside, -1, 2 * (size - 1));
  return middle < 0 ? moved(inside, -1, 0) : inside;
}

function windowed(wiring: Wiring, node: Node, track: Track, i: number, [size, made]: readonly [number, number]): Track {
  const weight = node.inputs[node.op === 'QLinearConv' ? 3 : 1];
  const shape = weight === undefined ? undefined : wiring.shape(weight);
  const kernel = intsOf(wiring, node, 'kernel_shape')?.[i] ?? (shape?.[2 + i] as number | undefined) ?? 1;
  const stride = intsOf(wiring, node, 'strides')?.[i] ?? 1;
  const reach = (intsOf(wiring, node, 'dilations')?.[i] ?? 1) * (kernel - 1);
  const auto = node.attributes.get('auto_pad');
  let pad = intsOf(wiring, node, 'pads')?.[i] ?? 0;
  if (auto?.kind === 'string' && auto.value.startsWith('SAME')) {
    const whole = Math.max((made - 1) * stride + reach + 1 - size, 0);
    pad = auto.value === 'SAME_LOWER' ? Math.ceil(whole / 2) : Math.floor(whole / 2);
  }
  return moved(track, stride, reach / 2 - pad);
}

function sliced(wiring: Wiring, node: Node, rank: number, tracks: Tracks): Tracks | undefined {
  const starts = intsOf(wiring, node, 'starts', 1);
  if (!starts) return undefined;
  const axes = intsOf(wiring, node, 'axes', 3) ?? starts.map((_, i) => i);
  const steps = intsOf(wiring, node, 'steps', 4) ?? starts.map(() => 1);
  const sizes = wiring.shape(node.inputs[0]!)!;
  const along = (track: Track): Track => {
    const at = axes.findIndex(axis => (axis + rank) % rank === track.axis);
    if (at < 0) return track;
    const size = sizes[track.axis] as number;
    const start = starts[at]! < 0 ? Math.max(starts[at]! + size, 0) : Math.min(starts[at]!, size - 1);
    return moved(track, steps[at]!, start);
  };
  return [along(tracks[0]), along(tracks[1])];
}
