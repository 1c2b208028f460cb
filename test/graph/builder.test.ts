// The builder names values, shares scalars, prunes what nothing needs, and says what it does not have.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf, verify } from '../../src/graph/index.js';
import { Add, Mul, Neg } from '../../src/operators/index.js';

test('what no output needs is left out, weights too', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['N', 2]);
  builder.parameter('unused', tensor('float32', [1], [1]));
  Neg(x);
  builder.output(Mul(Add(x, 1), 1), 'y');
  const graph = builder.finish();
  t.deepEqual(
    graph.nodes.map(({ op }) => op),
    ['Add', 'Mul', 'Identity'],
  );
  t.is(graph.initializers.size, 1, 'the scalar 1 is shared');
  t.notThrows(() => verify(modelOf(graph)));
});

test('a name that is taken and a value that is not there are refused', t => {
  const builder = new Builder();
  builder.input('x', 'float32', [1]);
  t.throws(() => builder.input('x', 'float32', [1]), { code: 'GRAPH_NAME_TAKEN' });
  t.throws(() => builder.value('y'), { code: 'GRAPH_NO_VALUE', message: /y/ });
});

test('names from files may be anything', t => {
  const builder = new Builder();
  for (const name of ['__proto__', 'constructor', 'toString']) builder.input(name, 'float32', [1]);
  t.is(builder.value('__proto__').name, '__proto__');
  t.is((Object.prototype as { polluted?: unknown }).polluted, undefined);
});
