import test from 'ava';
import type { GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import { Add, coreOperators, inferOutputs, inferShapes, operator, Relu } from '../../src/operators/index.js';

test('an operator of one’s own stands beside the built-in ones', t => {
  const Double = operator(
    'Double',
    { inputs: ['X'], outputs: ['Y'], attributes: {}, shape: ({ X }) => ({ Y: X.shape }), macs: () => 7 },
    'mine',
  );
  const operators = coreOperators.with(Double);
  t.is(operators.get('mine', 'Double'), Double);
  t.is(coreOperators.get('mine', 'Double'), undefined);
  const b = new Builder();
  b.output(Double(Relu(b.input('x', 'float32', ['batch', 3]))), 'y');
  const graph = b.finish();
  t.deepEqual(inferShapes(graph, operators).facts.get('y')?.shape, ['batch', 3]);
  t.deepEqual([...inferShapes(graph, operators).macs.values()], [7]);
  const { problems, facts } = inferShapes(graph, coreOperators);
  t.deepEqual(
    problems.map(({ node }) => node.op),
    ['Double'],
  );
  t.deepEqual(facts.get('y')?.shape, ['batch', 3], 'what the file says');
});

test('a name taken twice is refused', t => {
  const again = operator('Relu', { inputs: ['X'], outputs: ['Y'], attributes: {}, shape: ({ X }) => ({ Y: X.shape }) });
  t.is(t.throws<GraftError>(() => coreOperators.with(again)).code, 'OPERATOR_NAME_TAKEN');
});

test('a call needs a value, a node needs its inputs, shapes must fit', t => {
  t.is(t.throws<GraftError>(() => Add(1, 2)).code, 'OPERATOR_NO_VALUE');
  const b = new Builder();
  const x = b.input('x', 'float32', [2, 3]);
  t.is(t.throws<GraftError>(() => inferOutputs(Add, [x], new Map(), 1)).code, 'OPERATOR_INPUT_MISSING');
  t.is(t.throws<GraftError>(() => Add(x, b.input('y', 'float32', [4]))).code, 'OPERATOR_SHAPE');
});
