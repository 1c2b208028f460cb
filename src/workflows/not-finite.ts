// Where numbers stop being numbers: the first node of a network whose output is not finite, for some weights and pictures.

import { floats, type Tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import type { Model } from '../graph/index.js';
import { inferShapes, tap } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';

/** Pictures that are looked at: one of them is enough to find the layer. */
const most = 16;

/**
 * Finds the first node whose output is not finite.
 *
 * @param model its weights inside
 * @returns a sentence that names the node and what it gives
 */
export async function firstNotFinite(runtime: Runtime, model: Model, input: string, rows: Tensor): Promise<string> {
  for (const [name, value] of model.graph.initializers)
    if (value.type === 'float32' && !floats(value).every(Number.isFinite)) return `the weight ${name} is not finite`;
  const known = inferShapes(model);
  const made = known.graph.nodes.flatMap(({ op, name, outputs }) =>
    outputs.filter(output => known.graph.values.get(output)?.type === 'float32').map(output => ({ op, name, output })),
  );
  const session = await runtime.open(
    encodeModel(
      tap(
        known,
        made.map(({ output }) => output),
      ),
    ),
    {
      optimization: 'disabled',
    },
  );
  try {
    const count = Math.min(most, rows.shape[0]!);
    const size = rows.bytes.length / rows.shape[0]!;
    for (let row = 0; row < rows.shape[0]!; row += count) {
      const some = Math.min(count, rows.shape[0]! - row);
      const bytes = rows.bytes.subarray(row * size, (row + some) * size);
      const fed = runtime.tensor({ type: rows.type, shape: [some, ...rows.shape.slice(1)], bytes });
      const results = await session.run(new Map([[input, fed]]));
      let found: string | undefined;
      for (const { op, name, output } of made) {
        const bad = floats(await results.get(output)!.read()).find(value => !Number.isFinite(value));
        if (bad === undefined) continue;
        found = `it begins at the layer ${name} (${op}), which gives ${bad}`;
        break;
      }
      for (const value of [fed, ...results.values()]) value.dispose();
      if (found !== undefined) return found;
    }
    return 'every layer gives finite numbers for the weights before these steps: the steps were too large';
  } finally {
    await session.close();
  }
}
