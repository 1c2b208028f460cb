// Both runtimes behind one interface: what they refuse comes with a code.

import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import { good } from '../attacks/hostile-onnx.js';

for (const runtime of [nodeRuntime(), webRuntime()])
  test(`${runtime.name}: runs, and refuses with a code`, async t => {
    const session = await runtime.open(good());
    t.deepEqual(session.inputs, ['x']);
    const x = runtime.tensor(tensor('float32', [1, 4], [1, 1, 1, 1]));
    const y = (await session.run(new Map([['x', x]]))).get('y')!;
    t.deepEqual([...floats(await y.read())], [1, 2, 3, 4]);
    await t.throwsAsync(session.run(new Map()), { code: 'RUNTIME_FEED_MISSING', message: /x/ });
    const wrong = runtime.tensor(tensor('float32', [1, 3], [1, 1, 1]));
    await t.throwsAsync(session.run(new Map([['x', wrong]])), { code: 'RUNTIME_RUN_FAILED' });
    await t.throwsAsync(runtime.open(Uint8Array.of(1, 2, 3)), { code: 'RUNTIME_REFUSED' });
    t.throws(() => runtime.tensor({ type: 'float32', shape: [2], bytes: new Uint8Array(4) }), {
      code: 'RUNTIME_TENSOR',
    });
    await session.close();
  });

test('onnxruntime-web: calls that overlap wait for each other', async t => {
  const runtime = webRuntime();
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const session = await runtime.open(good());
      const x = runtime.tensor(tensor('float32', [1, 4], [i, i, i, i]));
      const y = (await session.run(new Map([['x', x]]))).get('y')!;
      const values = [...floats(await y.read())];
      await session.close();
      return values;
    }),
  );
  t.deepEqual(
    answers,
    Array.from({ length: 8 }, (_, i) => [i, i + 1, i + 2, i + 3]),
  );
});
