// Operators whose inputs may be absent keep them so where maps are stored in another order.

import test from 'ava';
import { floats, Random, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, verify, type Model } from '../../src/graph/index.js';
import { Clip, Conv } from '../../src/operators/index.js';
import { fasterForward } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

const random = new Random('clip');
const several = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
const x = several([4, 8, 7, 7]);

async function run(model: Model): Promise<Float32Array> {
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(verify(model)));
  try {
    return floats(await (await session.run(new Map([['x', runtime.tensor(x)]]))).get('y')!.read()).slice();
  } finally {
    await session.close();
  }
}

test('an upper bound alone stays an upper bound', async t => {
  const builder = new Builder();
  const first = Conv(builder.input('x', 'float32', [4, 8, 7, 7]), builder.parameter('v', several([16, 8, 1, 1])));
  const cut = Clip(first, undefined, builder.constant(0.5));
  builder.output(Conv(cut, builder.parameter('w', several([8, 16, 1, 1]))), 'y');
  const model = modelOf(builder.finish());
  const faster = fasterForward({ parameters: new Set() })(model);
  t.false(faster.graph.nodes.some(({ op }) => op === 'Conv'));
  const [wanted, found] = [await run(model), await run(faster)];
  found.forEach((value, i) => t.true(Math.abs(value - wanted[i]!) < 1e-4));
});
