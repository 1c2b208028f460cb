// An inserted BatchNormalization changes nothing, whatever its statistics.

import test from 'ava';
import { floats, Random, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, verify, type Model } from '../../src/graph/index.js';
import { Conv, Relu } from '../../src/operators/index.js';
import { insertBatchNorm } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

const random = new Random('insert');
const several = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );

const builder = new Builder();
const first = Conv(builder.input('x', 'float32', ['N', 2, 5, 5]), builder.parameter('w', several([3, 2, 3, 3])));
const second = Conv(Relu(first), builder.parameter('v', several([2, 3, 1, 1])), builder.parameter('b', several([2])));
builder.output(second, 'y');
const model = modelOf(builder.finish());

async function run(of: Model): Promise<Float32Array> {
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(verify(of)));
  try {
    const x = runtime.tensor(
      tensor(
        'float32',
        [2, 2, 5, 5],
        Float32Array.from({ length: 100 }, (_, i) => Math.sin(i)),
      ),
    );
    return floats(await (await session.run(new Map([['x', x]]))).get('y')!.read()).slice();
  } finally {
    await session.close();
  }
}

test('it stands behind the Convs that are named, and the outputs stay', async t => {
  const statistics = new Map([
    [first.name, { mean: Float32Array.of(1, -2, 0.5), variance: Float32Array.of(0.1, 4, 0) }],
    [second.name, { mean: Float32Array.of(3, 0), variance: Float32Array.of(1, 2) }],
  ]);
  const made = insertBatchNorm(statistics)(model);
  t.is(made.graph.nodes.filter(({ op }) => op === 'BatchNormalization').length, 2);
  const [before, after] = [await run(model), await run(made)];
  after.forEach((value, i) => t.true(Math.abs(value - before[i]!) < 1e-5));
  t.is(insertBatchNorm(new Map())(model), model);
});
