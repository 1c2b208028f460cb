// The statistics of BatchNormalization anew, from pictures: what averaged weights need, whose own statistics are those
// of no network that there is. The network runs as in training, every layer by its batch (torch's update_bn):
//   mean = Σ Nᵦ mᵦ / Σ Nᵦ,   variance = Σ Nᵦ uᵦ / Σ Nᵦ,   uᵦ = vᵦ · n / (n − 1), the batch's unbiased variance,
// Nᵦ the pictures of a batch, mᵦ and vᵦ its mean and population variance of n numbers a channel. torch stores the
// unbiased variance too, but weighs every batch alike, so that a last batch of few pictures counts as much as a full one.

import { floats, Random, tensor, toFloat16, type Tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import {
  measuringNetwork,
  withStatistics,
  type MeasuredLayer,
  type MeasuringNetwork,
  type NewStatistics,
} from '../ensembles/index.js';
import { feedsOf, type Model } from '../graph/index.js';
import type { Runtime, Session } from '../runtime/index.js';
import { errors } from './statistics-errors.js';

export interface ReEstimateOptions {
  /** Layers, by what they give, as `statistics` of an average lists them; the others keep theirs. @default all */
  readonly layers?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A network with new statistics. */
export interface ReEstimated {
  readonly model: Model;
  /** The layers that were estimated; none where the network has no BatchNormalization, and then it is the same network. */
  readonly layers: readonly string[];
  /** Pictures that were read. */
  readonly samples: number;
}

/**
 * Estimates the statistics of BatchNormalization from batches of what the network reads.
 *
 * @param batches [N, …] each, of any N; two pictures or more, where a layer reads one number a channel of each. Of
 *   pictures in random order: batches of one class each lose the variance between classes
 * @throws GRAFT_STATISTICS where there is nothing to estimate them from
 * @example
 * const { model, layers } = await reEstimate(soup.model, batches, { layers: soup.statistics }, runtime);
 */
export async function reEstimate(
  model: Model,
  batches: Iterable<Tensor> | AsyncIterable<Tensor>,
  { layers, signal }: ReEstimateOptions,
  runtime: Runtime,
): Promise<ReEstimated> {
  const measuring = measuringNetwork(model, layers);
  if (measuring.layers.length === 0) return { model, layers: [], samples: 0 };
  const sums = new Map(measuring.layers.map(({ layer }) => [layer, emptySum()]));
  let samples = 0;
  await withSession(runtime, measuring, async measure => {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const pictures = batch.shape[0] ?? 0;
      if (pictures === 0) continue;
      samples += pictures;
      for (const [layer, found] of await measure(batch)) add(sums.get(layer)!, found, pictures);
    }
  });
  const next = new Map(measuring.layers.map(layer => [layer.layer, ended(layer, sums.get(layer.layer)!, model)]));
  return { model: withStatistics(model, next), layers: measuring.layers.map(({ layer }) => layer), samples };
}

/** Rows that can be read by number. */
export interface Rows {
  readonly count: number;
  /** What the network reads for these rows, [places.length, …]. */
  read(places: readonly number[]): Promise<Tensor>;
}

export interface RandomBatchOptions extends ReEstimateOptions {
  /** How many networks. @default 16 */
  readonly sets?: number;
  /** Pictures of each mini-batch, drawn without replacement. @default 32, or all where there are fewer */
  readonly batch?: number;
  /** @default 0 */
  readonly seed?: number;
}

/**
 * Networks that each have the statistics of one random mini-batch: members of Monte-Carlo BatchNormalization (Teye et
 * al. 2018). Their weights are the same and are not copied.
 *
 * @returns no members where the network has no BatchNormalization
 * @throws GRAFT_STATISTICS
 * @example
 * const { members } = await randomBatchStatistics(model, rows, { sets: 16, batch: 32, seed: 1 }, runtime);
 */
export async function randomBatchStatistics(
  model: Model,
  rows: Rows,
  { sets = 16, batch = 32, seed = 0, layers, signal }: RandomBatchOptions,
  runtime: Runtime,
): Promise<{ readonly members: readonly Model[]; readonly layers: readonly string[] }> {
  const measuring = measuringNetwork(model, layers);
  if (measuring.layers.length === 0) return { members: [], layers: [] };
  const members: Model[] = [];
  const random = new Random(seed).at('batch statistics');
  await withSession(runtime, measuring, async measure => {
    for (let set = 0; set < sets; set++) {
      signal?.throwIfAborted();
      const places = [...random.at(set).permutation(rows.count).subarray(0, batch)];
      const found = await measure(await rows.read(places));
      const next = measuring.layers.map(layer => {
        const sum = emptySum();
        add(sum, found.get(layer.layer)!, places.length);
        return [layer.layer, ended(layer, sum, model)] as const;
      });
      members.push(withStatistics(model, new Map(next)));
    }
  });
  return { members, layers: measuring.layers.map(({ layer }) => layer) };
}

/** What a layer saw in a batch. */
interface BatchFound {
  readonly mean: Float32Array;
  /** Population variance. */
  readonly variance: Float32Array;
  /** Numbers a channel. */
  readonly count: number;
}

type Measure = (batch: Tensor) => Promise<Map<string, BatchFound>>;

async function withSession(
  runtime: Runtime,
  { model, layers }: MeasuringNetwork,
  use: (measure: Measure) => Promise<void>,
): Promise<void> {
  const [input] = feedsOf(model.graph);
  const session = await runtime.open(encodeModel(model));
  try {
    await use(batch => measureBatch(session, runtime, layers, input!.name, batch));
  } finally {
    await session.close();
  }
}

async function measureBatch(
  session: Session,
  runtime: Runtime,
  layers: readonly MeasuredLayer[],
  input: string,
  batch: Tensor,
): Promise<Map<string, BatchFound>> {
  const feed = runtime.tensor(batch);
  const results = await session.run(new Map([[input, feed]]));
  const read = async (name: string): Promise<Float32Array> => floats(await results.get(name)!.read());
  const found = new Map<string, BatchFound>();
  for (const { layer, outputs } of layers) {
    const [mean, variance, size] = [await read(outputs.mean), await read(outputs.variance), await read(outputs.size)];
    found.set(layer, { mean: mean.slice(), variance: variance.slice(), count: size[0]! / mean.length });
  }
  for (const result of results.values()) result.dispose();
  feed.dispose();
  return found;
}

interface Sum {
  mean: Float64Array;
  variance: Float64Array;
  /** Pictures of all batches, and of those that tell of variance. */
  pictures: number;
  varied: number;
}

const emptySum = (): Sum => ({ mean: new Float64Array(), variance: new Float64Array(), pictures: 0, varied: 0 });

function add(sum: Sum, { mean, variance, count }: BatchFound, pictures: number): void {
  if (sum.pictures === 0) [sum.mean, sum.variance] = [new Float64Array(mean.length), new Float64Array(mean.length)];
  // one number a channel says nothing of variance
  const unbiased = count > 1 ? count / (count - 1) : 0;
  for (let c = 0; c < mean.length; c++) {
    sum.mean[c]! += pictures * mean[c]!;
    if (unbiased > 0) sum.variance[c]! += pictures * unbiased * variance[c]!;
  }
  sum.pictures += pictures;
  if (unbiased > 0) sum.varied += pictures;
}

function ended({ layer, mean, variance }: MeasuredLayer, sum: Sum, { graph }: Model): NewStatistics {
  if (sum.varied === 0) throw errors.STATISTICS({ layer, pictures: sum.pictures });
  const made = (stored: string, values: Float64Array, count: number): Tensor => {
    const { type, shape } = graph.initializers.get(stored)!;
    const all = values.map(value => value / count);
    if (!all.every(Number.isFinite)) throw errors.STATISTICS_NOT_FINITE({ layer });
    if (type === 'float16') return tensor('float16', shape, Uint16Array.from(all, toFloat16));
    return tensor(type === 'float64' ? 'float64' : 'float32', shape, [...all]);
  };
  return { mean: made(mean, sum.mean, sum.pictures), variance: made(variance, sum.variance, sum.varied) };
}
