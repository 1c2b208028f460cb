import test from 'ava';
import { cacheKey, defaultCacheFolder, viewOf } from '../../src/features/node.js';

const parts = {
  featurizer: Uint8Array.of(1, 2, 3),
  preprocessing: { width: 224, height: 224, background: [0, 0, { b: 1, a: 2 }] },
  runtime: 'onnxruntime-node 1.30.0 cpu',
  optimization: 'all',
};

test('the key is that of the content, whatever the order of its fields', t => {
  // printf '{"featurizer":"039058c6…","optimization":"all","preprocessing":{"background":[0,0,{"a":2,"b":1}],"height":224,"width":224},"runtime":"onnxruntime-node 1.30.0 cpu"}' | sha256sum
  const key = 'ee2aacbf0ce3dac63a8a5b490c66751ee7585f68e2d0ad1492f1fa80d195a98e';
  t.is(cacheKey(parts), key);
  const { width, height, background } = parts.preprocessing;
  t.is(cacheKey({ ...parts, preprocessing: { background, height, width } }), key);
});

test('everything that features depend on is in the key', t => {
  const others = [
    { ...parts, featurizer: Uint8Array.of(1, 2, 4) },
    { ...parts, preprocessing: { ...parts.preprocessing, width: 225 } },
    { ...parts, preprocessing: { ...parts.preprocessing, background: [0, { b: 1, a: 2 }, 0] } },
    { ...parts, runtime: 'onnxruntime-node 1.30.1 cpu' },
    { ...parts, optimization: 'basic' },
  ];
  t.is(new Set([parts, ...others].map(cacheKey)).size, 6);
});

test('views differ by augmentation, seed and index, and are never 0', t => {
  const flip = { flip: true };
  const views = [viewOf(flip, 1, 0), viewOf(flip, 1, 1), viewOf(flip, 2, 0), viewOf({ flip: false }, 1, 0)];
  t.is(new Set([0, ...views]).size, 5);
  t.true(views.every(view => Number.isSafeInteger(view) && view > 0));
  t.is(viewOf({ a: 1, b: 2 }, 's', 3), viewOf({ b: 2, a: 1 }, 's', 3));
});

test('the default folder follows XDG', t => {
  t.is(defaultCacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' }), '/x/onnx-graft');
  t.is(defaultCacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' }), '/h/.cache/onnx-graft');
  t.is(defaultCacheFolder({ XDG_CACHE_HOME: '', HOME: '/h' }), '/h/.cache/onnx-graft');
  t.regex(defaultCacheFolder({}), /\.cache.onnx-graft$/);
});
