import test from 'ava';
import { Builder, modelOf } from '../../src/graph/index.js';
import { NonMaxSuppression, TopK, Unique } from '../../src/operators/index.js';
import { upgradeTo } from '../../src/passes/index.js';
import { agrees } from './against-runtime.js';

test('the largest elements, along any axis', async t => {
  await agrees(t, feed => [
    ...TopK.all(2, feed([2, 5, 3]), [2], { axis: 1 }),
    ...TopK.all(2, feed([2, 5]), [3], { largest: 0 }),
  ]);
});

test('boxes and unique elements, whose number is open', async t => {
  await agrees(
    t,
    (feed, b) => [
      NonMaxSuppression(feed([1, 4, 4]), feed([1, 2, 4]), b.constant([2]), b.constant([0.5], 'float32')),
      ...Unique.all(4, feed([3, 4])),
      ...Unique.all(4, feed([3, 4]), { axis: 1 }),
    ],
    true,
  );
});

test('a count of version 1 becomes an input', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 10]);
  const [values] = b.append({
    op: 'TopK',
    inputs: [x],
    attributes: new Map([
      ['k', { kind: 'int', value: 3 }],
      ['axis', { kind: 'int', value: 1 }],
    ]),
    outputs: [
      { type: 'float32', shape: ['batch', 3] },
      { type: 'int64', shape: ['batch', 3] },
    ],
  });
  b.output(values!, 'values');
  const { graph } = upgradeTo(20)({ ...modelOf(b.finish()), opsets: new Map([['', 9]]) });
  const [node] = graph.nodes;
  t.deepEqual([...node!.attributes.keys()], ['axis']);
  t.deepEqual(graph.initializers.get(node!.inputs[1]!)?.shape, [1]);
});
