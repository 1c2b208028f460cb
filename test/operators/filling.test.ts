import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import {
  Bernoulli,
  EyeLike,
  inferOutputs,
  Multinomial,
  RandomNormal,
  RandomNormalLike,
  RandomUniform,
  RandomUniformLike,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('tensors like another, of its type or of a named one', async t => {
  await agrees(t, feed => {
    const x = feed([2, 3]);
    return [
      RandomNormalLike(x),
      RandomUniformLike(x, { dtype: 11, low: -1 }),
      Bernoulli(feed([2, 3], 'float32', [0, 1, 0.5, 0.5, 0, 1]), { dtype: 7 }),
      Multinomial(x, { sample_size: 5 }),
      Multinomial(x, { sample_size: 5, dtype: 7 }),
      EyeLike(x, { k: 1 }),
      EyeLike(x, { dtype: 7 }),
    ];
  });
});

test('tensors of a shape', async t => {
  for (const operator of [RandomNormal, RandomUniform]) {
    const attributes = new Map([
      ['shape', { kind: 'ints', value: [2, 3] }] as const,
      ['dtype', { kind: 'int', value: 11 }] as const,
    ]);
    const outputs = inferOutputs(operator, [], attributes, 1);
    t.deepEqual(outputs, [{ type: 'float64', shape: [2, 3] }]);
    await agrees(t, (_, b: Builder) => b.append({ op: operator.operatorName, inputs: [], attributes, outputs }));
  }
});
