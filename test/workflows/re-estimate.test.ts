// Statistics anew: as torch's update_bn where batches are equal, by pictures where they are not.

import test from 'ava';
import { floats, tensor, type Tensor } from '../../src/base/index.js';
import { Builder, modelOf, verify, type Model } from '../../src/graph/index.js';
import { BatchNormalization, Conv, Identity, Relu } from '../../src/operators/index.js';
import { batchStatistics } from '../../src/ensembles/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { randomBatchStatistics, reEstimate } from '../../src/workflows/re-estimate.js';
import { smallNetwork } from '../small-network.js';

const runtime = nodeRuntime();
const wave = (count: number, f: number) => Float64Array.from({ length: count }, (_, i) => Math.sin(i * f));
const float = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
  tensor('float32', shape, Float32Array.from(values));

/** Conv 2 → 3 (3 x 3), BatchNormalization, Relu, Conv 3 → 2 (2 x 2), BatchNormalization. */
function twoLayers(): Model {
  const builder = new Builder('two');
  const hold = (name: string, shape: readonly number[], values: ArrayLike<number>) =>
    builder.parameter(name, float(shape, values));
  const x = builder.input('x', 'float32', ['N', 2, 5, 5]);
  const first = Conv(x, hold('w0', [3, 2, 3, 3], wave(54, 0.7)));
  const scale = hold('scale', [3], [1, 0.5, 2]);
  const one = BatchNormalization(first, scale, hold('shift', [3], [0.1, -0.2, 0.3]), hold('m0', [3], [0, 0, 0]), hold('v0', [3], [1, 1, 1])); // prettier-ignore
  const second = Conv(Relu(one), hold('w1', [2, 3, 2, 2], wave(24, 1.3)));
  const two = BatchNormalization(second, hold('ones', [2], [1, 1]), hold('zeros', [2], [0, 0]), hold('m1', [2], [0, 0]), hold('v1', [2], [1, 1])); // prettier-ignore
  builder.output(two, 'y');
  return modelOf(builder.finish());
}

const [slow, fast] = [wave(600, 0.37), wave(600, 0.011)];
const pictures = Float32Array.from(slow, (v, i) => 2 * Math.fround(v) + Math.fround(fast[i]!));
const batchesOf = (...sizes: readonly number[]): Tensor[] => {
  let from = 0;
  return sizes.map(size => float([size, 2, 5, 5], pictures.subarray(50 * from, 50 * (from += size))));
};
const near = (a: ArrayLike<number>, b: readonly number[]) =>
  a.length === b.length && b.every((v, i) => Math.abs(v - a[i]!) <= 1e-5 * Math.max(1, Math.abs(v)));
const stored = ({ graph }: Model) =>
  batchStatistics(graph).map(({ mean, variance }) => [mean, variance].map(name => [...floats(graph.initializers.get(name)!)])); // prettier-ignore

test("equal batches: what torch's update_bn gives", async t => {
  const { model, layers, samples } = await reEstimate(twoLayers(), batchesOf(4, 4, 4), {}, runtime);
  verify(model);
  t.is(layers.length, 2);
  t.is(samples, 12);
  // PyTorch 2.13, torch.optim.swa_utils.update_bn over the same batches of
  // nn.Sequential(Conv2d(2, 3, 3, bias=False), BatchNorm2d(3), ReLU(), Conv2d(3, 2, 2, bias=False), BatchNorm2d(2))
  const [first, second] = stored(model);
  t.true(near(first![0]!, [0.0200145, 0.0226502, 0.0252603]));
  t.true(near(first![1]!, [1.4789988, 1.4903556, 1.5011152]));
  t.true(near(second![0]!, [-0.6365419, 0.7649897]));
  t.true(near(second![1]!, [6.8542004, 7.4295983]));
  t.deepEqual(stored(twoLayers())[0], [[0, 0, 0], [1, 1, 1]], 'the given network is as it was'); // prettier-ignore
});

test('a last batch of fewer pictures counts by its pictures', async t => {
  const { model, samples } = await reEstimate(twoLayers(), batchesOf(4, 4, 3), {}, runtime);
  t.is(samples, 11);
  // Σ N m / Σ N and Σ N u / Σ N of the batches' means and unbiased variances, PyTorch 2.13 in float64 by forward hooks
  const [first, second] = stored(model);
  t.true(near(first![0]!, [0.0466459, 0.0504002, 0.0540975]));
  t.true(near(first![1]!, [1.4748414, 1.4844945, 1.4935685]));
  t.true(near(second![0]!, [-0.8051148, 0.9348516]));
  t.true(near(second![1]!, [7.2364467, 7.8149022]));
});

test('only the layers that are named change; the others normalise by what they have', async t => {
  const network = twoLayers();
  const [first, second] = batchStatistics(network.graph);
  const { model, layers } = await reEstimate(network, batchesOf(4), { layers: [second!.layer] }, runtime);
  t.deepEqual(layers, [second!.layer]);
  t.deepEqual(stored(model)[0], [[0, 0, 0], [1, 1, 1]]); // prettier-ignore
  t.notDeepEqual(stored(model)[1], stored((await reEstimate(network, batchesOf(4), {}, runtime)).model)[1]);
  t.truthy(first);
});

test('a network without BatchNormalization is told so, and nothing runs', async t => {
  const network = smallNetwork({ normalized: false });
  const never = { [Symbol.iterator]: (): never => t.fail() };
  const found = await reEstimate(network, never, {}, runtime);
  t.deepEqual([found.model, found.layers, found.samples], [network, [], 0]);
  const rows = { count: 1, read: (): never => t.fail() };
  t.deepEqual(await randomBatchStatistics(network, rows, {}, runtime), { members: [], layers: [] });
});

test('nothing to estimate from and numbers that are none are refused', async t => {
  await t.throwsAsync(reEstimate(twoLayers(), [], {}, runtime), { code: 'GRAFT_STATISTICS' });
  const broken = float([4, 2, 5, 5], new Float32Array(200).fill(NaN));
  await t.throwsAsync(reEstimate(twoLayers(), [broken], {}, runtime), { code: 'GRAFT_STATISTICS_NOT_FINITE' });
});

test('networks older than the training mode of today give the same', async t => {
  const old = { ...twoLayers(), irVersion: 7, opsets: new Map([['', 9]]) };
  const found = await reEstimate(old, batchesOf(4, 4), {}, runtime);
  t.is(found.model.opsets.get(''), 9);
  t.deepEqual(stored(found.model), stored((await reEstimate(twoLayers(), batchesOf(4, 4), {}, runtime)).model));
});

test('one number a channel tells nothing of variance, and is not counted for it', async t => {
  const builder = new Builder('flat');
  const hold = (name: string, value: number) => builder.parameter(name, float([1], [value]));
  const x = builder.input('x', 'float32', ['N', 1]);
  builder.output(Relu(BatchNormalization(x, hold('s', 1), hold('b', 0), hold('m', 0), hold('v', 1))), 'y');
  const network = modelOf(builder.finish());
  const rows = [float([2, 1], [1, 3]), float([1, 1], [8])];
  const [[mean, variance]] = stored((await reEstimate(network, rows, {}, runtime)).model) as [number[][]];
  t.deepEqual([mean, variance], [[4], [2]]); // (1 + 3 + 8) / 3; unbiased (1 + 1) / 1
  await t.throwsAsync(reEstimate(network, [rows[1]!], {}, runtime), { code: 'GRAFT_STATISTICS' });
});

test('layers that share stored statistics, also through Identity, get their own', async t => {
  const builder = new Builder('shared');
  const hold = (name: string, value: number) => builder.parameter(name, float([2], [value, value]));
  const [scale, shift, mean, variance] = [hold('s', 2), hold('b', 1), hold('m', 0), hold('v', 1)];
  const x = builder.input('x', 'float32', ['N', 2, 5, 5]);
  const one = BatchNormalization(x, scale, shift, mean, variance);
  builder.output(Relu(BatchNormalization(one, scale, shift, Identity(mean), variance)), 'y');
  const network = modelOf(builder.finish());
  const { model, layers } = await reEstimate(network, batchesOf(6, 6), {}, runtime);
  verify(model);
  t.is(layers.length, 2);
  const [first, second] = stored(model);
  t.true(near(second![0]!, [1, 1]), 'what the first layer gives has its shift as mean');
  t.false(near(first![0]!, [1, 1]));
});

test('random mini-batches: as many networks, the same ones for a seed, each as re-estimated from its batch', async t => {
  const network = twoLayers();
  const asked: number[][] = [];
  const rows = {
    count: 12,
    read: async (places: readonly number[]) => {
      asked.push([...places]);
      return float(
        [places.length, 2, 5, 5],
        places.flatMap(at => [...pictures.subarray(50 * at, 50 * at + 50)]),
      );
    },
  };
  const options = { sets: 3, batch: 5, seed: 4 };
  const { members, layers } = await randomBatchStatistics(network, rows, options, runtime);
  t.is(members.length, 3);
  t.is(layers.length, 2);
  t.true(asked.every(places => new Set(places).size === 5));
  t.notDeepEqual(asked[0], asked[1]);
  const again = await randomBatchStatistics(network, rows, options, runtime);
  t.deepEqual(again.members.map(stored), members.map(stored));
  for (const [i, member] of members.entries()) {
    const alone = await reEstimate(network, [await rows.read(asked[i]!)], {}, runtime);
    t.deepEqual(stored(member), stored(alone.model));
    t.is(member.graph.initializers.get('w0'), network.graph.initializers.get('w0'), 'weights are shared');
  }
});
