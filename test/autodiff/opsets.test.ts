// Networks of other opsets train as well: what the upgrade and the lowering to the house's opset write has gradients.

import test from 'ava';
import { embed, houseOpset, modelOf, type Attribute, type Model, type Value } from '../../src/graph/index.js';
import { inferShapes, lowerOpset, upgradeTo } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { checkGradient, type Sample } from '../../src/workflows/check-gradient.js';

interface Case {
  readonly op: string;
  readonly opset: number;
  readonly shapes: readonly (readonly number[])[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

const int = (value: number): Attribute => ({ kind: 'int', value });
const float = (value: number): Attribute => ({ kind: 'float', value });
const maps = [2, 4, 3, 2];

const cases: readonly Case[] = [
  // everything from the axis on is one axis
  { op: 'Softmax', opset: 11, shapes: [[2, 3, 4]], attributes: { axis: int(1) } },
  { op: 'Softmax', opset: 11, shapes: [[2, 3, 4]], attributes: { axis: int(0) } },
  { op: 'LogSoftmax', opset: 12, shapes: [[2, 3, 4]] },
  { op: 'BatchNormalization', opset: 9, shapes: [maps, [4], [4]] },
  { op: 'Dropout', opset: 10, shapes: [maps] },
  { op: 'ReduceMean', opset: 13, shapes: [maps], attributes: { axes: { kind: 'ints', value: [2, 3] } } },
  // a scale for each channel, not for each group
  { op: 'GroupNormalization', opset: 21, shapes: [maps, [4], [4]], attributes: { num_groups: int(2) } },
  { op: 'RMSNormalization', opset: 23, shapes: [[2, 3, 4], [4]] },
  {
    op: 'RMSNormalization',
    opset: 23,
    shapes: [
      [2, 3, 4],
      [3, 4],
    ],
    attributes: { axis: int(1), epsilon: float(0.1) },
  },
  { op: 'Swish', opset: 24, shapes: [[2, 3, 4]], attributes: { alpha: float(1.5) } },
  { op: 'Swish', opset: 24, shapes: [[2, 3, 4]] },
  {
    op: 'Attention',
    opset: 23,
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 4],
    ],
  },
];

function modelFor({ op, opset, shapes, attributes = {} }: Case): Model {
  const inputs = shapes.map((shape, i) => ({ name: `x${i}`, type: 'float32' as const, shape }));
  const statistics = op === 'BatchNormalization' ? ['mean', 'variance'] : [];
  const more = statistics.map(name => ({ name, type: 'float32' as const, shape: [4] }));
  const names = [...inputs, ...more].map(({ name }) => name);
  const graph = {
    name: op,
    inputs: [...inputs, ...more],
    outputs: [{ name: 'y', type: 'float32' as const }],
    nodes: [
      { op, domain: '', name: op, inputs: names, outputs: ['y'], attributes: new Map(Object.entries(attributes)) },
    ],
    initializers: new Map(),
    sparseInitializers: [],
    values: new Map(),
  };
  return { ...modelOf(graph), opsets: new Map([['', opset]]) };
}

/** A sample that calls what a node of another opset became. */
function sampleOf(one: Case): Sample {
  const { graph } = inferShapes(lowerOpset(upgradeTo(houseOpset)(modelFor(one))));
  const make = (...xs: Value[]): Value => {
    const bindings = new Map(xs.map((x, i) => [`x${i}`, x]));
    for (const { name } of graph.inputs)
      if (!bindings.has(name)) bindings.set(name, xs[0]!.builder.constant([1, 0.5, 2, 1.5], 'float32'));
    return embed(xs[0]!.builder, graph, bindings).get('y')!;
  };
  return { shapes: one.shapes, make };
}

const runtime = nodeRuntime();
for (const one of cases)
  test(`${one.op} ${one.opset} ${JSON.stringify(one.attributes ?? {})} trains`, async t => {
    const checks = await checkGradient(sampleOf(one), runtime, { name: one.op });
    t.is(checks.length, 3);
    t.true(checks.every(({ size }) => size > 0));
  });
