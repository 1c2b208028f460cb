// BatchNormalization put back behind the Convs of a trunk, with the statistics of pictures of the set: it changes
// nothing as it stands, and little where it trains.

import { floats } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { inspectModel } from '../inspect/index.js';
import { inferShapes, insertBatchNorm, pipeline, tap, type ChannelStatistics } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import type { PictureRows } from '../training/index.js';
import type { Trunk } from './trunk.js';
import { trunkWith } from './trunk.js';

/** Pictures that the statistics are of, and how many at once. */
const [most, atOnce] = [64, 8];

/** The trunk with a BatchNormalization behind each Conv that has none. */
export async function withBatchNorm(runtime: Runtime, trunk: Trunk, rows: PictureRows): Promise<Trunk> {
  const { graph } = trunk.model;
  const normalized = new Set(
    graph.nodes.filter(({ op }) => op === 'BatchNormalization').map(({ inputs }) => inputs[0]!),
  );
  const convs = graph.nodes.filter(({ op, outputs }) => op === 'Conv' && !normalized.has(outputs[0]!));
  const names = convs.map(({ outputs }) => outputs[0]!);
  if (names.length === 0) return trunk;
  const statistics = await statisticsOf(runtime, trunk, names, rows);
  return trunkWith(trunk, pipeline('normalized', insertBatchNorm(statistics), inferShapes)(trunk.model));
}

/** Mean and variance of each channel of some values, over pictures and places. */
async function statisticsOf(
  runtime: Runtime,
  { model, input }: Trunk,
  names: readonly string[],
  rows: PictureRows,
): Promise<Map<string, ChannelStatistics>> {
  const session = await runtime.open(encodeModel(tap(model, names, inspectModel(model).facts)));
  const sums = new Map<string, { sum: Float64Array; squares: Float64Array; count: number }>();
  try {
    for (let from = 0; from < Math.min(most, rows.count); from += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, rows.count - from) }, (_, i) => from + i);
      const fed = runtime.tensor(await rows.read(some, 0));
      const results = await session.run(new Map([[input, fed]]), names);
      for (const name of names) {
        const made = await results.get(name)!.read();
        const [n, channels] = made.shape as readonly [number, number];
        const place = sums.get(name) ?? {
          sum: new Float64Array(channels),
          squares: new Float64Array(channels),
          count: 0,
        };
        const values = floats(made);
        const size = values.length / (n * channels);
        values.forEach((value, i) => {
          const channel = Math.floor(i / size) % channels;
          place.sum[channel]! += value;
          place.squares[channel]! += value * value;
        });
        place.count += n * size;
        sums.set(name, place);
      }
      for (const value of [fed, ...results.values()]) value.dispose();
    }
  } finally {
    await session.close();
  }
  return new Map(
    [...sums].map(([name, { sum, squares, count }]) => {
      const mean = Float32Array.from(sum, value => value / count);
      const variance = Float32Array.from(squares, (value, i) => Math.max(0, value / count - (sum[i]! / count) ** 2));
      return [name, { mean, variance }];
    }),
  );
}
