import test from 'ava';
import { Builder, type Value } from '../../src/graph/index.js';
import { Add, AveragePool, Clip, Concat, Relu, Reshape, Sigmoid, Tanh } from '../../src/operators/index.js';
import { rangeOf, type Range } from '../../src/passes/value-ranges.js';

test('activations bound their values, and what moves or averages keeps the bounds', t => {
  const found = (build: (x: Value) => Value): readonly [number, number] => {
    const b = new Builder();
    const y = build(b.input('x', 'float32', [1, 2, 4, 4]));
    const ranges = new Map<string, Range>();
    for (const node of b.nodes) ranges.set(node.outputs[0]!, rangeOf(node, ranges, b.initializers));
    const { low, high } = ranges.get(y.name)!;
    return [low, high];
  };
  t.deepEqual(found(Relu), [0, Infinity]);
  t.deepEqual(
    found(x => Clip(x, -1, 6)),
    [-1, 6],
  );
  t.deepEqual(
    found(x => Relu(Clip(x, -1, 6))),
    [0, 6],
  );
  t.deepEqual(
    found(x => Reshape(Sigmoid(x), [2, -1])),
    [0, 1],
  );
  t.deepEqual(
    found(x => AveragePool(Clip(x, 2, 3), { kernel_shape: [2, 2], pads: [1, 1, 0, 0] })),
    [0, 3],
  );
  t.deepEqual(
    found(x => Concat(Tanh(x), Relu(x), { axis: 1 })),
    [-1, Infinity],
  );
  t.deepEqual(
    found(x => Add(Sigmoid(x), Tanh(x))),
    [-1, 2],
  );
  t.deepEqual(
    found(x => Add(x, Tanh(x))),
    [-Infinity, Infinity],
  );
});
