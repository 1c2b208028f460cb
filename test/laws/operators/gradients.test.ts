// The law of every gradient rule: along any direction v it is the central difference of the loss Σ C · Y,
//   Σᵢ dXᵢ · vᵢ = (loss(X + h · v) − loss(X − h · v)) / 2h, computed by onnxruntime in float32, summed in float64,
// with h = 1/128 at three random points, within 1e-3 of the sum of the sizes of all terms. Lowerings give what the
// runtime's own kernels give, within 1e-5 of the largest element.
import test from 'ava';
import { differentiate } from '../../../src/autodiff/index.js';
import type { GraftError } from '../../../src/base/index.js';
import { Builder } from '../../../src/graph/index.js';
import {
  AveragePool,
  Conv,
  ConvTranspose,
  coreOperators,
  GlobalAveragePool,
  microsoft,
  Tile,
  type AnyOperator,
} from '../../../src/operators/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';
import { checkOperator } from '../../../src/workflows/check-gradient.js';
import { operatorOf, samplers } from './samplers/index.js';

const runtime = nodeRuntime();

for (const [name, samples] of Object.entries(samplers))
  test(`the gradient of ${name}`, async t => {
    const operator = operatorOf(name);
    t.truthy(operator, `there is no operator ${name}`);
    await t.notThrowsAsync(checkOperator(operator!, samples, runtime));
  });

test('every operator with a gradient or a lowering has a sampler', t => {
  const fused: readonly AnyOperator[] = Object.values(microsoft);
  const owed = [...coreOperators].filter(
    one =>
      Object.values(one.spec.gradient ?? {}).some(rule => typeof rule === 'function') ||
      (one.spec.lower && (one.domain === '' || fused.includes(one))),
  );
  t.true(owed.length > 120);
  const sampled = new Set(Object.keys(samplers).map(operatorOf));
  t.deepEqual(
    owed.filter(one => !sampled.has(one)).map(({ operatorName }) => operatorName),
    [],
  );
});

test('a gradient that needs a size which is open says so', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2, 'height', 8]);
  const w = b.input('w', 'float32', [2, 2, 3, 3]);
  const cases = [
    Conv(x, w),
    AveragePool(x, { kernel_shape: [2, 2] }),
    ConvTranspose(x, w),
    GlobalAveragePool(x),
    Tile(x, [1, 1, 2, 1]),
  ];
  for (const y of cases) {
    const c = b.input(b.fresh('c'), 'float32', y.shape);
    const error = t.throws<GraftError>(() => differentiate(b, new Map([[y, c]]), [x]));
    t.is(error.code, 'OPERATOR_SHAPE');
  }
});
