// A session in a further thread gives what one in this thread gives, and refuses with the same codes.

import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { good } from '../attacks/hostile-onnx.js';

const runtime = nodeRuntime();
const fed = (values: readonly number[]) =>
  new Map([['x', runtime.tensor(tensor('float32', [values.length / 4, 4], values))]]);

test('runs go on beside this thread, each with its own answer', async t => {
  const session = await runtime.openBeside!(good());
  t.deepEqual([session.inputs, session.outputs], [['x'], ['y']]);
  const answers = await Promise.all([
    session.run(fed([1, 1, 1, 1])),
    session.run(fed([0, 0, 0, 0, 2, 2, 2, 2]), ['y']),
    session.run(fed([5, 5, 5, 5])),
  ]);
  const read = await Promise.all(answers.map(async answer => [...floats(await answer.get('y')!.read())]));
  t.deepEqual(read, [
    [1, 2, 3, 4],
    [0, 1, 2, 3, 2, 3, 4, 5],
    [5, 6, 7, 8],
  ]);
  await session.close();
  await session.close();
  await t.throwsAsync(session.run(fed([1, 1, 1, 1])), { code: 'RUNTIME_RUN_FAILED', message: /thread has ended/ });
});

test('what a run or the opening throws has its code on this side too', async t => {
  const session = await runtime.openBeside!(good());
  await t.throwsAsync(session.run(new Map()), { code: 'RUNTIME_FEED_MISSING', message: /x/ });
  const wrong = new Map([['x', runtime.tensor(tensor('float32', [1, 3], [1, 1, 1]))]]);
  await t.throwsAsync(session.run(wrong), { code: 'RUNTIME_RUN_FAILED' });
  t.deepEqual([...floats(await (await session.run(fed([1, 1, 1, 1]))).get('y')!.read())], [1, 2, 3, 4]);
  await session.close();
  await t.throwsAsync(runtime.openBeside!(Uint8Array.of(1, 2, 3)), { code: 'RUNTIME_REFUSED' });
});
