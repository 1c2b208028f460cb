import test from 'ava';
import { differentiate } from '../../src/autodiff/index.js';
import type { GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import { coreOperators, Einsum, inferShapes } from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('letters, sums, ellipses and what no arrow implies', async t => {
  await agrees(t, feed => [
    Einsum(feed([2, 3, 4]), feed([2, 4, 5]), { equation: 'bij,bjk->bik' }),
    Einsum(feed([2, 3, 4]), { equation: 'bij -> b' }),
    Einsum(feed([3, 3]), { equation: 'ii->i' }),
    Einsum(feed([2, 1, 3, 4]), feed([1, 5, 4, 6]), { equation: '...ij,...jk->...ik' }),
    Einsum(feed([2, 3, 4]), { equation: '...ij->...ji' }),
    Einsum(feed([3, 4]), feed([4, 2]), { equation: 'bc,ca' }),
    Einsum(feed([3]), feed([4]), feed([5]), { equation: 'a,b,c->cab' }),
    Einsum(feed([5]), feed([5]), { equation: 'i,i' }),
    Einsum(feed([2, 1]), feed([2, 4]), { equation: 'ij,ij->ij' }),
  ]);
});

test('a named batch keeps its name, and every product counts', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3, 4]);
  const y = b.input('y', 'float32', ['batch', 4, 5]);
  const z = Einsum(x, y, { equation: 'bij,bjk->bik' });
  t.deepEqual(z.shape, ['batch', 3, 5]);
  b.output(z, 'z');
  const { macs } = inferShapes(b.finish(), coreOperators);
  t.deepEqual([...macs.values()], [60]);
});

test('equations that do not fit are refused', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [2, 3]);
  for (const equation of ['ij,jk->ik', 'ijk->i', 'i->i', 'ij->ik', 'ij->i,j', 'i.j->i', 'i...j...->i', '']) {
    const error = t.throws<GraftError>(() => Einsum(x, { equation }));
    t.is(error.code, 'OPERATOR_SHAPE');
  }
  t.is(t.throws<GraftError>(() => Einsum(x, x, { equation: 'ij,jk->ik' })).code, 'OPERATOR_SHAPE');
});

test('a diagonal is not differentiated', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [3, 3]);
  const y = Einsum(x, { equation: 'ii->i' });
  const error = t.throws<GraftError>(() => differentiate(b, new Map([[y, y]]), [x]));
  t.is(error.code, 'OPERATOR_NOT_DIFFERENTIABLE');
  t.regex(error.message, /diagonal.*ii->i/);
});

test('the gradient of a named batch needs no number', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3, 4]);
  const y = Einsum(x, b.input('w', 'float32', [4, 5]), { equation: '...i,io->...o' });
  t.deepEqual(differentiate(b, new Map([[y, y]]), [x]).get(x)!.shape, ['batch', 3, 4]);
  const z = Einsum(x, { equation: 'bij->b' });
  t.deepEqual(differentiate(b, new Map([[z, z]]), [x]).get(x)!.shape, ['batch', 3, 4]);
});
