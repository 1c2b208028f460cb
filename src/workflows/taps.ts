// graft taps: a network with outputs for inner values. Proven before it is written: onnxruntime opens it, every tapped
// value comes out, and the outputs that were there come out bit for bit as before. Half precision is the exception:
// onnxruntime computes it in float32 and rounds a value to half precision only where it is an output.

import { Random, type DataType } from '../base/index.js';
import { writeAtomically } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { verify, type Dim } from '../graph/index.js';
import { tap } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import { differenceOf, randomFeeds, runOnce } from './compare.js';
import { errors } from './errors.js';
import { readRunnable, valueOf } from './network.js';
import { realFeeds } from './real-feeds.js';

export interface TapsOptions {
  /** Values that become outputs: `features`, `block2`, or names of the network's own. */
  readonly value: readonly string[];
  /** The file that is written. */
  readonly out: string;
  /** Height and width where the network leaves them open. @default 224 */
  readonly size?: number;
  /** Write over an existing file. @default false */
  readonly force?: boolean;
}

/** A value that became an output. */
export interface Tapped {
  readonly name: string;
  readonly type?: DataType;
  readonly shape?: readonly Dim[];
  /** Whether it was an output before. */
  readonly wasOutput: boolean;
}

/** What was written. */
export interface TapsResult {
  readonly file: string;
  readonly taps: readonly Tapped[];
  /** Largest relative difference of the old outputs with onnxruntime's optimizations off (0 = bit for bit) and on. */
  readonly difference: { readonly exact: number; readonly optimized: number };
  readonly halfPrecision: boolean;
}

/** Optimizations off, and on, where onnxruntime fuses other nodes than before. */
const tolerances = { exact: 0, optimized: 1e-5, float16: 1e-2 };

/**
 * Adds outputs for inner values of a network file, which otherwise stays as it is.
 *
 * @throws GRAFT_NO_TAPS, TAP_NO_VALUE, TAP_SOURCE; GRAFT_DIFFERENT; ONNX_OP_UNKNOWN; DISK_EXISTS
 * @example
 * await taps('squeezenet1.1.onnx', { value: ['features', 'block2'], out: 'tapped.onnx' }, nodeRuntime());
 */
export async function taps(path: string, options: TapsOptions, runtime: Runtime): Promise<TapsResult> {
  const { value, out, size = 224, force = false } = options;
  if (value.length === 0) throw errors.NO_TAPS({ file: path });
  const file = readRunnable(path);
  const { model, inspection } = file;
  const names = [...new Set(value.map(name => valueOf(inspection, name)))];
  const tapped = verify(tap(model, names, inspection.facts));
  const [before, after] = [encodeModel(model), encodeModel(tapped)];
  const sizes = { batch: 2, other: size };
  const halfPrecision = [...inspection.facts.values()].some(({ type }) => type === 'float16');
  const difference = { exact: 0, optimized: 0 };
  for (const feeds of [randomFeeds(model, new Random('taps'), sizes), await realFeeds(file, sizes)])
    for (const [kind, optimization] of [
      ['exact', 'disabled'],
      ['optimized', 'all'],
    ] as const) {
      const wanted = await runOnce(runtime, before, feeds, { optimization });
      const found = differenceOf(wanted, await runOnce(runtime, after, feeds, { optimization }));
      if (found.exact) continue;
      difference[kind] = Math.max(difference[kind], found.relative, Number.MIN_VALUE);
      const tolerance = halfPrecision ? tolerances.float16 : tolerances[kind];
      const what = `the output ${found.output} before and after`;
      if (!(difference[kind] <= tolerance)) throw errors.DIFFERENT({ what, difference: difference[kind], tolerance });
    }
  await writeAtomically(out, after, { force });
  const outputs = new Map(tapped.graph.outputs.map(output => [output.name, output]));
  const old = new Set(model.graph.outputs.map(({ name }) => name));
  return {
    file: out,
    taps: names.map(name => {
      const { type, shape } = { ...inspection.facts.get(name), ...outputs.get(name) };
      return { name, ...(type ? { type } : {}), ...(shape ? { shape } : {}), wasOutput: old.has(name) };
    }),
    difference,
    halfPrecision,
  };
}
