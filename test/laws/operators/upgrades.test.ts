// The law of every upgrade: a node of the oldest version that we read gives in onnxruntime, bit for bit, what its
// upgrade to the house's opset gives.
import test from 'ava';
import { elementCount, floats, tensor, type ArrayType, type DataType } from '../../../src/base/index.js';
import { encodeModel } from '../../../src/codec/index.js';
import { houseOpset, modelOf, type Attribute, type Model, type ValueInfo } from '../../../src/graph/index.js';
import { coreOperators } from '../../../src/operators/index.js';
import { upgradeTo } from '../../../src/passes/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';

/** Shape, type (float32) and contents (small numbers of both signs that differ) of an input. */
type Given = readonly [shape: readonly number[], type?: ArrayType, data?: readonly number[]];
interface Case {
  readonly op: string;
  readonly opset: number;
  readonly inputs: readonly Given[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Types of the outputs. @default one float32 */
  readonly outputs?: readonly DataType[];
}

const int = (value: number): Attribute => ({ kind: 'int', value });
const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });
const float = (value: number): Attribute => ({ kind: 'float', value });
const x: Given = [[2, 3, 4]];
const over = (op: string, opset: number): Case[] => [
  { op, opset, inputs: [x], attributes: { axes: ints(1, -1) } },
  { op, opset, inputs: [x], attributes: { axes: ints(0), keepdims: int(0) } },
  { op, opset, inputs: [x] },
];
const positive: Given = [[2, 3, 4], 'float32', Array.from({ length: 24 }, (_, i) => 0.5 + ((i * 7) % 24) / 24)];

const cases: readonly Case[] = [
  { op: 'Clip', opset: 7, inputs: [x], attributes: { min: float(-1), max: float(0.5) } },
  { op: 'Clip', opset: 7, inputs: [x], attributes: { max: float(0.5) } },
  { op: 'Clip', opset: 7, inputs: [x] },
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): Case[] => [
    { op, opset: 7, inputs: [x] },
    { op, opset: 11, inputs: [x], attributes: { axis: int(2) } },
    { op, opset: 11, inputs: [x], attributes: { axis: int(0) } },
    { op, opset: 12, inputs: [x], attributes: { axis: int(-2) } },
    { op, opset: 12, inputs: [[[2, 3, 1, 1]]] },
  ]),
  { op: 'Slice', opset: 7, inputs: [x], attributes: { starts: ints(0, -3), ends: ints(1, 1000), axes: ints(0, 2) } },
  { op: 'Slice', opset: 9, inputs: [x], attributes: { starts: ints(1), ends: ints(-1) } },
  { op: 'Pad', opset: 7, inputs: [x], attributes: { pads: ints(0, 1, 2, 1, 0, 0), value: float(0.5) } },
  {
    op: 'Pad',
    opset: 10,
    inputs: [x],
    attributes: { pads: ints(0, 1, 1, 0, 0, 2), mode: { kind: 'string', value: 'reflect' } },
  },
  {
    op: 'Split',
    opset: 7,
    inputs: [x],
    attributes: { split: ints(1, 3), axis: int(2) },
    outputs: ['float32', 'float32'],
  },
  { op: 'Split', opset: 11, inputs: [x], attributes: { axis: int(-1) }, outputs: ['float32', 'float32'] },
  { op: 'Split', opset: 13, inputs: [x], attributes: { axis: int(1) }, outputs: ['float32', 'float32', 'float32'] },
  {
    op: 'Scatter',
    opset: 9,
    inputs: [[[3, 3]], [[2, 3], 'int64', [1, 0, 2, 0, 2, 1]], [[2, 3]]],
    attributes: { axis: int(0) },
  },
  { op: 'Squeeze', opset: 7, inputs: [[[2, 1, 3, 1]]], attributes: { axes: ints(1) } },
  { op: 'Squeeze', opset: 11, inputs: [[[2, 1, 3, 1]]] },
  { op: 'Unsqueeze', opset: 7, inputs: [x], attributes: { axes: ints(0, 4) } },
  { op: 'TopK', opset: 7, inputs: [x], attributes: { k: int(2), axis: int(1) }, outputs: ['float32', 'int64'] },
  { op: 'Dropout', opset: 7, inputs: [x], attributes: { ratio: float(0.3) } },
  // the mask of a network that predicts was never filled before 12
  { op: 'Dropout', opset: 10, inputs: [x] },
  { op: 'BatchNormalization', opset: 7, inputs: [[[2, 3, 4]], [[3]], [[3]], [[3]], [[3], 'float32', [1, 2, 3]]] },
  {
    op: 'BatchNormalization',
    opset: 9,
    inputs: [[[2, 3, 4]], [[3]], [[3]], [[3]], [[3], 'float32', [1, 2, 3]]],
    attributes: { epsilon: float(1e-3), momentum: float(0.5) },
  },
  ...['ReduceL1', 'ReduceL2', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSumSquare'].flatMap(op =>
    over(op, 7),
  ),
  ...over('ReduceSum', 7),
  ...['ReduceLogSum', 'ReduceLogSumExp'].flatMap(op => over(op, 11).map(one => ({ ...one, inputs: [positive] }))),
  {
    op: 'GridSample',
    opset: 16,
    inputs: [[[1, 2, 4, 4]], [[1, 3, 3, 2], 'float32', Array.from({ length: 18 }, (_, i) => (i - 9) / 9)]],
    attributes: { mode: { kind: 'string', value: 'bicubic' } },
  },
  {
    op: 'RoiAlign',
    opset: 10,
    inputs: [[[1, 2, 6, 6]], [[2, 4], 'float32', [0, 0, 4, 4, 1, 2, 5, 5]], [[2], 'int64', [0, 0]]],
    attributes: { output_height: int(2), output_width: int(3) },
  },
];

function modelFor({ op, opset, inputs, attributes = {}, outputs = ['float32'] }: Case): Model {
  const info = (name: string, type: DataType, shape?: readonly number[]): ValueInfo => ({
    name,
    type,
    ...(shape ? { shape } : {}),
  });
  const names = inputs.map((_, i) => `x${i}`);
  const graph = {
    name: op,
    inputs: inputs.map(([shape, type = 'float32'], i) => info(names[i]!, type, shape)),
    outputs: outputs.map((type, i) => info(`y${i}`, type)),
    nodes: [
      {
        op,
        domain: '',
        name: op,
        inputs: names,
        outputs: outputs.map((_, i) => `y${i}`),
        attributes: new Map(Object.entries(attributes)),
      },
    ],
    initializers: new Map(),
    sparseInitializers: [],
    values: new Map(),
  };
  return { ...modelOf(graph), irVersion: 8, opsets: new Map([['', opset]]) };
}

const runtime = nodeRuntime();
async function run(model: Model, inputs: readonly Given[]) {
  const session = await runtime.open(encodeModel(model), { optimization: 'disabled' });
  try {
    const feeds = inputs.map(([shape, type = 'float32', data], i) => {
      const count = elementCount(shape);
      const numbers = data ?? Array.from({ length: count }, (_, k) => (((k * 17 + 5) % 29) - 14) / 7);
      return [`x${i}`, runtime.tensor(tensor(type, shape, numbers))] as const;
    });
    const results = await session.run(new Map(feeds));
    const read = await Promise.all(model.graph.outputs.map(async ({ name }) => results.get(name)!.read()));
    return read.map(one => ({ type: one.type, shape: one.shape, data: [...floats(one)] }));
  } finally {
    await session.close();
  }
}

for (const one of cases)
  test(`${one.op} ${one.opset} ${JSON.stringify(one.attributes ?? {})} over [${one.inputs[0]![0].join()}]`, async t => {
    const model = modelFor(one);
    const upgraded = upgradeTo(houseOpset)(model);
    t.is(upgraded.opsets.get(''), houseOpset);
    t.deepEqual(await run(upgraded, one.inputs), await run(model, one.inputs));
  });

test('every operator that changed since 8 has a case here, or among the resizes', t => {
  const held = new Set([...cases.map(({ op }) => op), 'Resize', 'Upsample']);
  const changed = [...coreOperators].filter(({ spec }) => Object.keys(spec.upgrades ?? {}).some(at => Number(at) > 7));
  t.deepEqual(
    changed.map(({ operatorName }) => operatorName).filter(name => !held.has(name)),
    [],
  );
});
