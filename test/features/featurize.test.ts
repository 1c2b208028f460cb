import { codeOf } from '../code-of.js';
import test, { type ExecutionContext } from 'ava';
import { GraftError } from '../../src/base/index.js';
import { featurize, splitByCache, type FeaturizeOptions, type FeaturizePicture } from '../../src/features/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import { hashOf, meanModel, MemoryCache, side, streamOf } from './stream.js';

const runtime = nodeRuntime();
async function optionsOf(
  t: ExecutionContext,
  list: readonly (number | FeaturizePicture)[],
  model = meanModel(),
): Promise<FeaturizeOptions> {
  const session = await runtime.open(model);
  t.teardown(() => session.close());
  return { session, runtime, pictures: streamOf(list), width: side, height: side, features: 3 };
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const broken: FeaturizePicture = {
  index: 1,
  file: 'broken.png',
  error: new GraftError('IMAGE_CORRUPT', 'input', 'broken', {}),
};

test('features come in the order of the stream, at any batch size, on both runtimes', async t => {
  for (const engine of [runtime, webRuntime()]) {
    const session = await engine.open(meanModel());
    for (const batch of [1, 3, 8, 100]) {
      const options = await optionsOf(t, upTo(10));
      const done: number[] = [];
      const { features, rows, errors } = await featurize({
        ...options,
        session,
        runtime: engine,
        batch,
        onProgress: count => done.push(count),
      });
      // The mean of channel c of picture n is n + c: see pixelsOf.
      t.deepEqual([...features], upTo(10).flatMap(n => [n, n + 1, n + 2])); // prettier-ignore
      t.deepEqual(rows, upTo(10).map(n => ({ index: n, file: `${n}.png`, sha256: hashOf(n) }))); // prettier-ignore
      t.deepEqual(errors, []);
      t.is(done.at(-1), 10);
      t.deepEqual(done, [...done].sort((a, b) => a - b)); // prettier-ignore
    }
    await session.close();
  }
});

test('no pictures give no rows', async t => {
  const { features, rows } = await featurize(await optionsOf(t, []));
  t.is(features.length + rows.length, 0);
});

test('a picture that cannot be read, or gives no finite features, is told and stops nothing', async t => {
  const cache = new MemoryCache();
  const options = await optionsOf(t, [7, broken, 10, 20], meanModel({ pole: 10 }));
  const { features, rows, errors } = await featurize({ ...options, cache });
  t.deepEqual(rows.map(row => row.index), [0, 3]); // prettier-ignore
  t.is(features.length, 6);
  t.deepEqual(errors.map(({ index, error }) => [index, error.code]), [[1, 'IMAGE_CORRUPT'], [2, 'FEATURES_NOT_FINITE']]); // prettier-ignore
  t.deepEqual([...cache.rows.keys()], [`${hashOf(7)} 0`, `${hashOf(20)} 0`]);
});

test('what the network gives must be as many numbers a picture as were said, whatever their shape', async t => {
  t.is(await codeOf(featurize({ ...(await optionsOf(t, [1])), features: 4 })), 'FEATURES_SHAPE');
  const { features } = await featurize(await optionsOf(t, [1], meanModel({ keepdims: 1 }))); // [1,1,1,3]
  t.deepEqual([...features], [1, 2, 3]);
  t.is(await codeOf(featurize({ ...(await optionsOf(t, [1])), width: 5 })), 'FEATURES_PIXELS');
});

test('rows go to the cache about every 256 pictures and at the end', async t => {
  const cache = new MemoryCache();
  await featurize({ ...(await optionsOf(t, upTo(600))), cache, views: new Array<number>(600).fill(5) });
  t.deepEqual(cache.adds, [256, 256, 88]);
  t.deepEqual([...(await cache.get(hashOf(599), 5))!], [87, 88, 89]); // 599 modulo 256
  t.is(await cache.get(hashOf(599)), undefined);
});

test('a run that is stopped keeps what it computed', async t => {
  const cache = new MemoryCache();
  const stop = new AbortController();
  const options = await optionsOf(t, upTo(100));
  const reason = new Error('stopped by the user');
  const onProgress = (done: number) => done >= 40 && stop.abort(reason);
  const error = await t.throwsAsync(featurize({ ...options, cache, signal: stop.signal, onProgress }));
  t.is(error, reason);
  t.is(cache.rows.size, 40);
});

test('a cache that takes no rows is told and stops nothing', async t => {
  const cache = new MemoryCache();
  const failure = new GraftError('DISK_FULL', 'disk', 'full', {});
  cache.add = () => Promise.reject(failure);
  const told: unknown[] = [];
  const { rows } = await featurize({ ...(await optionsOf(t, [1])), cache, onCacheFailure: error => told.push(error) });
  t.is(rows.length, 1);
  t.deepEqual(told, [failure]);
});

test('only what the cache does not hold is missing', async t => {
  const cache = new MemoryCache();
  await cache.add([
    { sha256: hashOf(1), features: Float32Array.of(1, 2, 3) },
    { sha256: hashOf(2), features: Float32Array.of(1, 2) },
    { sha256: hashOf(3), view: 4, features: Float32Array.of(1, 2, 3) },
  ]);
  const hashes = [hashOf(0), hashOf(1), undefined, hashOf(2), hashOf(3), hashOf(1)];
  const { found, missing } = await splitByCache(cache, hashes, 3);
  t.deepEqual([...found.keys()], [1, 5]);
  t.deepEqual(missing, [0, 3, 4]);
  t.deepEqual([...(await splitByCache(cache, hashes, 3, [0, 0, 0, 0, 4, 4])).found.keys()], [1, 4]);
  t.deepEqual((await splitByCache(undefined, hashes, 3)).missing, [0, 1, 3, 4, 5]);
});
