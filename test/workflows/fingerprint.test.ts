// A network is recognised in another file by its weights, not by names, order or where they lie.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Model } from '../../src/graph/index.js';
import { Gemm, Relu } from '../../src/operators/index.js';
import { weightsFingerprint } from '../../src/workflows/fingerprint.js';

function network(names: readonly [string, string], change = 0, swapped = false): Model {
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['N', 16]);
  const weights = (from: number) => Float32Array.from({ length: 256 }, (_, i) => i + from);
  const data = [weights(0), weights(1000 + change)] as const;
  const parts = [0, 1].map(i => [names[i]!, tensor('float32', [16, 16], data[i]!)] as const);
  const held = new Map(
    (swapped ? parts.reverse() : parts).map(([name, value]) => [name, builder.parameter(name, value)]),
  );
  builder.output(Gemm(Relu(Gemm(x, held.get(names[0]))), held.get(names[1])), 'y');
  return modelOf(builder.finish());
}

test('names and order do not matter, weights do', t => {
  const print = weightsFingerprint(network(['a', 'b']));
  t.regex(print!, /^[0-9a-f]{64}$/);
  t.is(weightsFingerprint(network(['fc1', 'fc2'], 0, true)), print);
  t.not(weightsFingerprint(network(['a', 'b'], 1)), print);
});

test('weights in Constant nodes count as they would among the initializers', t => {
  const model = network(['a', 'b']);
  const held = model.graph.initializers.get('a')!;
  const constant = {
    op: 'Constant',
    domain: '',
    name: 'a',
    inputs: [],
    outputs: ['a'],
    attributes: new Map([['value', { kind: 'tensor' as const, value: held }]]),
  };
  const initializers = new Map([...model.graph.initializers].filter(([name]) => name !== 'a'));
  const moved = { ...model, graph: { ...model.graph, initializers, nodes: [constant, ...model.graph.nodes] } };
  t.is(weightsFingerprint(moved), weightsFingerprint(model));
});

test('a network without large weights has none', t => {
  const builder = new Builder();
  builder.output(Relu(builder.input('x', 'float32', [1])), 'y');
  t.is(weightsFingerprint(modelOf(builder.finish())), undefined);
});
