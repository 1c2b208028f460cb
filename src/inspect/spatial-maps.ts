// Where a network last knows places: the maps [N, C, h, w] or [N, h, w, C], or tokens [N, T, D] of a transformer, that
// everything behind sees only pooled, flattened or picked from. The walk starts at what is asked for (the logits) and
// goes back; behind a class token it goes on to before the last operator that mixes tokens, where all still count.

import type { Dim } from '../graph/index.js';
import { sliceOf, type Node } from '../graph/index.js';
import { alignmentOf, type Alignment } from './alignment.js';
import { cutsOf } from './cuts.js';
import { intsOf, type Wiring } from './wiring.js';

/** A value with places, and how to read it. */
export interface SpatialMap {
  readonly value: string;
  /** `planes` [N, C, h, w], `pixels` [N, h, w, C], `tokens` [N, T, C] with the grid from token `first` on, row by row. */
  readonly layout: 'planes' | 'pixels' | 'tokens';
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly first: number;
  /**
   * Which pixel of the picture each cell is centred on; where views of a picture lie behind each other in the batch, for
   * the view of that place.
   */
  alignment(view?: number): Alignment;
}

/** Tokens beside the grid that a transformer may have: one of the class, and registers. */
const mostExtra = (tokens: number): number => Math.min(16, Math.floor(tokens / 4));

/**
 * The last maps that a value depends on; none where places are never known, as behind an MLP on pixels.
 *
 * @param target such as the logits
 * @example
 * const [map] = spatialMapsOf(wiringOf(graph, facts), 'logits');
 * map?.height; // 13
 */
export function spatialMapsOf(wiring: Wiring, target: string): SpatialMap[] {
  const pixels = pixelsOf(wiring);
  const found = new Map<string, SpatialMap>();
  const seen = new Set<string>();
  const pending = [target];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name) || pixels.has(name)) continue;
    seen.add(name);
    const map = mapAt(wiring, name, pixels);
    const node = wiring.producer(name);
    if (map) found.set(map.value, map);
    else if (node && node.op !== 'Shape') pending.push(...wiring.dataInputs(node));
  }
  return [...found.values()];
}

/** Operators that only arrange or scale numbers. */
const arranging = new Set(
  'Identity Cast Transpose Reshape Flatten Squeeze Unsqueeze Slice Gather Concat Pad Resize Clip QuantizeLinear DequantizeLinear ReduceSum Shape'.split(
    ' ',
  ),
);
const scaling = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** The picture, and what is still nothing but its pixels. */
function pixelsOf(wiring: Wiring): Set<string> {
  const pixels = new Set(wiring.graph.inputs.filter(({ name }) => wiring.isData(name)).map(({ name }) => name));
  for (const node of wiring.graph.nodes) {
    const data = wiring.dataInputs(node);
    const isArranging = arranging.has(node.op) || (scaling.has(node.op) && data.length === 1);
    // numbers for channels are few; a weight for each pixel is learnt
    if (data.length > 0 && isArranging && data.every(name => pixels.has(name)))
      for (const name of node.outputs) if (name) pixels.add(name);
  }
  return pixels;
}

const isFloat = (wiring: Wiring, name: string): boolean => {
  const type = wiring.facts.get(name)?.type ?? wiring.graph.values.get(name)?.type;
  return type === undefined || type === 'float32';
};

const numbersOf = (shape: readonly Dim[] | undefined): number[] | undefined => {
  const dims = shape?.slice(1);
  return dims?.every(dim => typeof dim === 'number') ? dims : undefined;
};

function mapAt(wiring: Wiring, value: string, pixels: ReadonlySet<string>): SpatialMap | undefined {
  const dims = numbersOf(wiring.shape(value));
  if (!dims || !isFloat(wiring, value)) return undefined;
  if (dims.length === 3) return planeAt(wiring, value, dims as [number, number, number]);
  if (dims.length !== 2 || dims[0]! < 2) return undefined;
  // a map that was only written in another shape is read as it was
  for (let node = wiring.producer(value); node && arranging.has(node.op);) {
    const [input] = wiring.dataInputs(node);
    if (input === undefined || pixels.has(input)) break;
    const before = numbersOf(wiring.shape(input));
    const map = before?.length === 3 ? mapAt(wiring, input, pixels) : undefined;
    if (map) return map;
    node = wiring.producer(input);
  }
  const tokens = isPickedFrom(wiring, value) ? beforeMixing(wiring, value) : value;
  return tokensAt(wiring, tokens, value);
}

function planeAt(wiring: Wiring, value: string, dims: readonly [number, number, number]): SpatialMap | undefined {
  const [a, b, c] = dims;
  const isPlanes =
    alignmentOf(wiring, value, [2, 3]) !== undefined ||
    (alignmentOf(wiring, value, [1, 2]) === undefined && !isReadAsPixels(wiring, value, dims));
  const [channels, height, width] = isPlanes ? [a, b, c] : [c, a, b];
  if (height * width < 2) return undefined;
  return {
    value,
    layout: isPlanes ? 'planes' : 'pixels',
    height,
    width,
    channels,
    first: 0,
    alignment: view => alignmentOf(wiring, value, isPlanes ? [2, 3] : [1, 2], view) ?? evenly(wiring, height, width),
  };
}

/** Where the way back does not tell: does a mean over rows and columns, or a repeated side? */
function isReadAsPixels(wiring: Wiring, value: string, [a, b, c]: readonly [number, number, number]): boolean {
  for (const node of wiring.readers(value)) {
    if (/Pool$|^Conv$/.test(node.op)) return false;
    if (node.op.startsWith('Reduce')) return intsOf(wiring, node, 'axes', 1)?.includes(1) === true;
    if (node.op === 'LayerNormalization') return true;
  }
  return a === b && b !== c;
}

/** Whether tokens are read one by one only: the class token. */
function isPickedFrom(wiring: Wiring, value: string): boolean {
  const readers = wiring.readers(value).filter(({ op }) => op !== 'Shape');
  return readers.length > 0 && readers.every(node => isPicking(wiring, node, value));
}

function isPicking(wiring: Wiring, node: Node, value: string): boolean {
  if (node.op === 'Identity' || node.op === 'Dropout') return isPickedFrom(wiring, node.outputs[0]!);
  if (node.inputs[0] !== value) return false;
  const made = wiring.shape(node.outputs[0]!);
  if (node.op === 'Gather') return made?.length === 2 || made?.[1] === 1;
  return node.op === 'Slice' && made?.[1] === 1;
}

const mixers = /^(MatMul|Einsum|Gemm)$/;

/** The last value of this shape, on the only way to it, behind which tokens are still mixed; its normalization, if any. */
function beforeMixing(wiring: Wiring, value: string): string {
  const { graph, facts } = wiring;
  const shape = String(wiring.shape(value)?.slice(1));
  const isAlike = (name: string) => String(wiring.shape(name)?.slice(1)) === shape;
  const cuts = cutsOf({ ...graph, outputs: [{ name: value }] }, facts)
    .map(({ values }) => values[0]!)
    .filter(name => name !== value && isAlike(name));
  const mixes = (node: Node) =>
    /Attention$/.test(node.op) || (mixers.test(node.op) && wiring.dataInputs(node).length > 1);
  const before = cuts.reverse().find(cut => sliceOf(graph, [value], new Set([cut])).nodes.some(mixes));
  if (before === undefined) return value;
  const [normalized, other] = wiring.readers(before).filter(({ op }) => op === 'LayerNormalization');
  return normalized && !other ? normalized.outputs[0]! : before;
}

function tokensAt(wiring: Wiring, value: string, picked: string): SpatialMap | undefined {
  const [tokens, channels] = numbersOf(wiring.shape(value)) as [number, number];
  const isPicked = value !== picked;
  const grid = gridOf(wiring, value, tokens, isPicked ? 1 : 0);
  if (!grid) return undefined;
  const { height, width, alignment } = grid;
  const extra = tokens - height * width;
  return {
    value,
    layout: 'tokens',
    height,
    width,
    channels,
    first: isLastPicked(wiring, picked) ? 0 : extra,
    alignment,
  };
}

/** Whether the class token stands behind the grid. */
function isLastPicked(wiring: Wiring, value: string): boolean {
  const tokens = wiring.shape(value)?.[1] as number;
  return wiring.readers(value).some(node => {
    if (node.op !== 'Gather' && node.op !== 'Slice') return false;
    const at = intsOf(wiring, node, 'starts', 1)?.[0];
    return at === tokens - 1 || at === -1;
  });
}

interface Grid {
  readonly height: number;
  readonly width: number;
  alignment(view?: number): Alignment;
}

/**
 * The map of patches that became these tokens; where none is told apart, a grid of the picture's proportions, if tokens
 * attend to each other: what is no such thing (members of an ensemble, say) has no grid.
 */
function gridOf(wiring: Wiring, value: string, tokens: number, least: number): Grid | undefined {
  const fewest = tokens - mostExtra(tokens);
  const isMany = (count: number) => count >= fewest && count <= tokens;
  const seen = new Set<string>();
  const pending = [value];
  let isAttended = false;
  for (const name of pending) {
    const dims = numbersOf(wiring.shape(name)) ?? [];
    const areMany = dims.some((dim, i) => isMany(dim) || isMany(dim * (dims[i + 1] ?? 0)));
    if (seen.has(name) || !areMany) continue;
    seen.add(name);
    if (dims.at(-1) === tokens && dims.at(-2) === tokens) isAttended = true;
    const grid = dims.length === 3 ? patchesAt(wiring, name, dims, isMany) : undefined;
    if (grid) return grid;
    const node = wiring.producer(name);
    if (!node) continue;
    if (/Attention$/.test(node.op)) isAttended = true;
    pending.push(...wiring.dataInputs(node));
  }
  return isAttended ? evenGrid(wiring, tokens, least) : undefined;
}

function patchesAt(
  wiring: Wiring,
  name: string,
  dims: readonly number[],
  isMany: (count: number) => boolean,
): Grid | undefined {
  for (const [rows, columns] of [
    [2, 3],
    [1, 2],
  ] as const) {
    const [height, width] = [dims[rows - 1]!, dims[columns - 1]!];
    if (height * width < 2 || !isMany(height * width)) continue;
    const along = (view?: number) => alignmentOf(wiring, name, [rows, columns], view);
    if (along()) return { height, width, alignment: view => along(view) ?? evenly(wiring, height, width) };
  }
  return undefined;
}

/** A grid of the picture's proportions. */
function evenGrid(wiring: Wiring, tokens: number, least: number): Grid | undefined {
  const [H, W] = pictureSize(wiring);
  for (let extra = least; extra <= mostExtra(tokens) && tokens - extra > 1; extra++) {
    const cells = tokens - extra;
    const height = Math.round(Math.sqrt((cells * H) / W));
    const width = cells / height;
    if (Number.isInteger(width) && Math.abs(height / width - H / W) < 1e-6)
      return { height, width, alignment: () => evenly(wiring, height, width) };
  }
  return undefined;
}

/** Cells that part the picture evenly. */
function evenly(wiring: Wiring, height: number, width: number): Alignment {
  const [H, W] = pictureSize(wiring);
  const line = (size: number, cells: number) => ({ start: size / cells / 2 - 0.5, step: size / cells });
  return { rows: line(H, height), columns: line(W, width) };
}

const pictureSize = (wiring: Wiring): readonly [number, number] => {
  const input = wiring.graph.inputs.find(({ name, shape }) => wiring.isData(name) && shape?.length === 4);
  return [input?.shape?.[1] as number, input?.shape?.[2] as number];
};
