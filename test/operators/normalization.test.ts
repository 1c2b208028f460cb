import test from 'ava';
import { Builder, modelOf, type Attribute, type Model } from '../../src/graph/index.js';
import {
  BatchNormalization,
  Dropout,
  GroupNormalization,
  InstanceNormalization,
  LayerNormalization,
  LpNormalization,
  LRN,
  MeanVarianceNormalization,
} from '../../src/operators/index.js';
import { upgradeTo } from '../../src/passes/index.js';
import { agrees } from './against-runtime.js';

test('every normalization keeps the shape', async t => {
  await agrees(t, feed => {
    const x = feed([2, 4, 3, 5]);
    return [
      BatchNormalization(x, feed([4]), feed([4]), feed([4]), feed([4])),
      InstanceNormalization(x, feed([4]), feed([4])),
      ...LayerNormalization.all(3, x, feed([3, 5]), feed([3, 5]), { axis: -2 }),
      GroupNormalization(x, feed([2]), feed([2]), { num_groups: 2 }),
      LRN(x, { size: 3 }),
      LpNormalization(x, { axis: 1 }),
      MeanVarianceNormalization(x),
      ...Dropout.all(2, x),
    ];
  });
});

/** One node of an old opset over x [batch, 4, 3, 5]. */
function old(opset: number, op: string, extra: number, attributes: readonly (readonly [string, Attribute])[]): Model {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 4, 3, 5]);
  const rest = Array.from({ length: extra }, (_, i) => b.input(`p${i}`, 'float32', [4]));
  const [y] = b.append({
    op,
    inputs: [x, ...rest],
    attributes: new Map(attributes),
    outputs: [{ type: 'float32', shape: x.shape }],
    names: ['y'],
  });
  b.output(y!);
  return { ...modelOf(b.finish()), opsets: new Map([['', opset]]) };
}

test('old BatchNormalization loses its spatial attribute', t => {
  const { graph } = upgradeTo(20)(old(7, 'BatchNormalization', 4, [['spatial', { kind: 'int', value: 1 }]]));
  t.is(graph.nodes[0]!.attributes.size, 0);
});

test('the ratio of an old Dropout becomes an input', t => {
  const { graph } = upgradeTo(20)(old(10, 'Dropout', 0, [['ratio', { kind: 'float', value: 0.25 }]]));
  const [node] = graph.nodes;
  t.is(node!.attributes.size, 0);
  t.is(graph.initializers.get(node!.inputs[1]!)?.type, 'float32');
});
