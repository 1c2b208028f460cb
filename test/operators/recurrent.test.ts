import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import { coreOperators, GRU, inferShapes, LSTM, RNN } from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

const cells = [
  ['RNN', RNN, 1, 2],
  ['GRU', GRU, 3, 2],
  ['LSTM', LSTM, 4, 3],
] as const;
for (const [name, cell, gates, outputs] of cells) {
  test(`${name} one way and both ways`, async t => {
    for (const [direction, d] of [
      ['forward', 1],
      ['reverse', 1],
      ['bidirectional', 2],
    ] as const)
      await agrees(t, feed =>
        cell.all(outputs, feed([5, 2, 3]), feed([d, gates * 4, 3]), feed([d, gates * 4, 4]), {
          direction,
          hidden_size: 4,
          ...(name === 'RNN' ? { activations: Array.from({ length: d }, () => 'Tanh') } : {}),
        }),
      );
  });
  test(`${name} keeps a named batch in either layout, and counts its products`, t => {
    const b = new Builder();
    const x = b.input('x', 'float32', [5, 'batch', 3]);
    const y = b.input('y', 'float32', ['batch', 5, 3]);
    const w = b.input('w', 'float32', [1, gates * 4, 3]);
    const r = b.input('r', 'float32', [1, gates * 4, 4]);
    const [sequence, last] = cell.all(2, x, w, r);
    t.deepEqual(sequence!.shape, [5, 1, 'batch', 4]);
    t.deepEqual(last!.shape, [1, 'batch', 4]);
    const [batchFirst, lastFirst] = cell.all(2, y, w, r, { layout: 1 });
    t.deepEqual(batchFirst!.shape, ['batch', 5, 1, 4]);
    t.deepEqual(lastFirst!.shape, ['batch', 1, 4]);
    b.output(last!, 'last');
    t.deepEqual([...inferShapes(b.finish(), coreOperators).macs.values()], [5 * gates * 4 * 7]);
  });
}
