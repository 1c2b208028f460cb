// graft split: a network cut into pieces that, run one after the other, give what it gave. Nothing is written before
// that is proven on random and on real input, with onnxruntime's optimizations off (bit for bit) and on.

import { basename, join } from 'node:path';
import { Random, type Tensor } from '../base/index.js';
import { writeTogether } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { verify, type Dim } from '../graph/index.js';
import { split as cutModel } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import { differenceOf, randomFeeds, runOnce, type Difference } from './compare.js';
import { errors } from './errors.js';
import { readRunnable, valueOf } from './network.js';
import { realFeeds } from './real-feeds.js';

export interface SplitOptions {
  /** Cuts: `features`, `block2`, a value's name, or two values of a pair joined by `+`. @default ['features'] */
  readonly at?: readonly string[];
  /** The folder that is written. */
  readonly out: string;
  /** Height and width where the network leaves them open. @default 224 */
  readonly size?: number;
  /** Write over an existing folder. @default false */
  readonly force?: boolean;
}

/** What a split proved and wrote. */
export interface SplitResult {
  readonly files: readonly string[];
  readonly cuts: readonly (readonly string[])[];
  readonly shapes: readonly (readonly (readonly Dim[] | undefined)[])[];
  /** Largest relative difference with optimizations off (0 = bit for bit) and on. */
  readonly difference: { readonly exact: number; readonly optimized: number };
  readonly halfPrecision: boolean;
  /** Of quantised networks: how far onnxruntime's optimizations alone move the whole network, relative to its output. */
  readonly quantizedDrift?: number;
}

/**
 * With optimizations on: float32, and float16 networks, whose inner sums onnxruntime keeps in float32. Quantised networks
 * are rounded at other places once their operators are fused: they may differ by twice of what that does to the whole.
 */
const tolerance = { float32: 1e-5, float16: 1e-2 };

/**
 * Splits a network file.
 *
 * @throws SPLIT_LEAKS with the path that goes around the cut; SPLIT_NO_VALUE; GRAFT_DIFFERENT
 * @example
 * await split('squeezenet1.1.onnx', { at: ['features'], out: 'parts' }, nodeRuntime());
 */
export async function split(path: string, options: SplitOptions, runtime: Runtime): Promise<SplitResult> {
  const { at = ['features'], out, size = 224, force = false } = options;
  const file = readRunnable(path);
  const { inspection, model } = file;
  const cuts = at.map(name => [...new Set(name.split('+').map(part => valueOf(inspection, part.trim())))]);
  const pieces = cutModel(model, cuts, inspection.facts);
  for (const piece of pieces) verify(piece);
  const halfPrecision = [...model.graph.initializers.values()].some(({ type }) => type === 'float16');
  const bytes = pieces.map(model => encodeModel(model));
  const sizes = { batch: 2, other: size };
  const feeds = [randomFeeds(model, new Random('split'), sizes), await realFeeds(file, sizes)];
  const differences = { exact: 0, optimized: 0 };
  let drift = 0;
  const whole = encodeModel(model);
  for (const feed of feeds) {
    const plain = await measure(runtime, whole, bytes, feed, 'disabled');
    const optimized = await measure(runtime, whole, bytes, feed, 'all');
    if (!plain.apart.exact) differences.exact = Math.max(differences.exact, plain.apart.relative || Number.MIN_VALUE);
    differences.optimized = Math.max(differences.optimized, optimized.apart.relative);
    if (inspection.quantized) drift = Math.max(drift, differenceOf(plain.wanted, optimized.wanted).relative);
  }
  const what = 'the pieces in a row and the network';
  if (differences.exact > 0) throw errors.DIFFERENT({ what, difference: differences.exact, tolerance: 0 });
  // Where optimizations alone move a quantised network, its pieces may lie as far from it on the other side.
  const allowed = Math.max(halfPrecision ? tolerance.float16 : tolerance.float32, 2 * drift);
  if (differences.optimized > allowed)
    throw errors.DIFFERENT({ what, difference: differences.optimized, tolerance: allowed });

  const shapes = cuts.map(cut => cut.map(name => inspection.facts.get(name)?.shape));
  const names = pieces.length === 2 ? ['featurizer.onnx', 'head.onnx'] : pieces.map((_, i) => `part-${i + 1}.onnx`);
  const contents = new Map<string, Uint8Array | string>(names.map((name, i) => [name, bytes[i]!]));
  const said = {
    version: 1,
    source: { file: basename(path), sha256: file.sha256 },
    cuts,
    shapes,
    difference: differences,
  };
  contents.set('split.json', `${JSON.stringify(said, null, 2)}\n`);
  await writeTogether(out, contents, 'split.json', { force });
  return {
    files: [...names, 'split.json'].map(name => join(out, name)),
    cuts,
    shapes,
    difference: differences,
    halfPrecision,
    ...(inspection.quantized ? { quantizedDrift: drift } : {}),
  };
}

/** Runs the whole and the pieces in a row on the same input: what the whole gives, and how far apart they are. */
async function measure(
  runtime: Runtime,
  whole: Uint8Array,
  pieces: readonly Uint8Array[],
  feeds: ReadonlyMap<string, Tensor>,
  optimization: 'disabled' | 'all',
): Promise<{ readonly wanted: ReadonlyMap<string, Tensor>; readonly apart: Difference }> {
  const wanted = await runOnce(runtime, whole, feeds, { optimization });
  let held = new Map<string, Tensor>(feeds);
  for (const piece of pieces) held = new Map([...held, ...(await runOnce(runtime, piece, held, { optimization }))]);
  return { wanted, apart: differenceOf(wanted, held) };
}
