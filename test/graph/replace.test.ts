// A node gives way to others, and what reads it does not notice.

import test from 'ava';
import { Builder, replaceNode } from '../../src/graph/index.js';
import { Abs, Mul, Relu, Split, Tanh } from '../../src/operators/index.js';

test('the outputs keep their names and the place in the order', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [2]);
  const y = Relu(x);
  b.output(Tanh(y), 'z');
  const [node] = b.nodes;
  const there = replaceNode(b, node!, () => [Mul(Abs(x), 0.5)]);
  t.deepEqual(
    there.map(({ op }) => op),
    ['Abs', 'Mul'],
  );
  t.deepEqual(there[1]!.outputs, [y.name]);
  t.deepEqual(
    b.finish().nodes.map(({ op }) => op),
    ['Abs', 'Mul', 'Tanh', 'Identity'],
  );
});

test('what passes through, or is two outputs at once, gets a copy', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [2]);
  const [first, second] = Split.all(2, x, [1, 1]) as [typeof x, typeof x];
  const [through] = Split.all(1, x, [2]) as [typeof x];
  replaceNode(b, b.nodes[0]!, () => {
    const both = Abs(x);
    return [both, both];
  });
  replaceNode(b, b.nodes.at(-1)!, () => [x]);
  b.output(Mul(Mul(first, second), through), 'y');
  t.deepEqual(
    b.finish().nodes.map(({ op, inputs }) => `${op} ${inputs.join()}`),
    [
      `Abs x`,
      `Identity ${first.name}`,
      'Identity x',
      `Mul ${first.name},${second.name}`,
      'Mul mul,split_2',
      'Identity mul_1',
    ],
  );
});
