// A network cut at its cuts, evenly thinned out: the pieces in a row give what the whole gives, bit for bit without
// onnxruntime's graph optimizations and within 1e-5 of the largest output with them (quantized: twice as far
// as they move the whole).

import { Random, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { verify } from '../../src/graph/index.js';
import { split } from '../../src/passes/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import { differenceOf, randomFeeds, runOnce } from '../../src/workflows/compare.js';
import type { NetworkFile } from '../../src/workflows/network.js';

/** What was cut and what went wrong. */
export interface CutsTried {
  readonly count: number;
  readonly largest: number;
  readonly wrong: readonly string[];
}

export async function cutNetwork(
  { model, inspection }: NetworkFile,
  most: number,
  runtime: Runtime,
): Promise<CutsTried> {
  const { cuts, facts, names } = inspection;
  const step = Math.max(1, (cuts.length - 1) / Math.max(1, most - 1));
  const thinned = new Set(Array.from({ length: Math.min(most, cuts.length) }, (_, i) => Math.round(i * step)));
  const features = names.get('features');
  const chosen = cuts.filter(({ values }, i) => thinned.has(i) || (values.length === 1 && values[0] === features));
  const feeds = randomFeeds(model, new Random('cuts'), { batch: 2, other: 64 });
  const whole = encodeModel(model);
  const exact = await runOnce(runtime, whole, feeds, { optimization: 'disabled' });
  const optimized = await runOnce(runtime, whole, feeds, { optimization: 'all' });
  // Integer kernels stand in for quantized nodes: pieces may lie as far to the other side as they move the whole.
  const moved = inspection.quantized ? differenceOf(exact, optimized).relative : 0;
  const allowed = Math.max(1e-5, 2 * moved);
  const wrong: string[] = [];
  let largest = 0;
  for (const { values } of chosen) {
    const what = values.join(' + ');
    try {
      const pieces = split(model, [values], facts).map(piece => encodeModel(verify(piece)));
      const inRow = async (optimization: 'disabled' | 'all') => {
        let held = new Map<string, Tensor>(feeds);
        for (const piece of pieces)
          held = new Map([...held, ...(await runOnce(runtime, piece, held, { optimization }))]);
        return held;
      };
      if (!differenceOf(exact, await inRow('disabled')).exact) wrong.push(`${what}: not bit for bit`);
      const { relative } = differenceOf(optimized, await inRow('all'));
      largest = Math.max(largest, relative);
      if (!(relative <= allowed))
        wrong.push(`${what}: ${relative.toExponential(1)} with optimizations, allowed ${allowed.toExponential(1)}`);
    } catch (error) {
      wrong.push(`${what}: ${String(error).slice(0, 300)}`);
    }
  }
  return { count: chosen.length, largest, wrong };
}
