// If, Loop and Scan take types and shapes from their bodies; what comes out is compared with onnxruntime.
import test, { type ExecutionContext } from 'ava';
import { tensor, type ArrayType } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Attribute, type Graph, type Value } from '../../src/graph/index.js';
import { Add, coreOperators, inferShapes, Mul, ReduceSum, Relu } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

/** A graph with one control-flow node over inputs that are fed ones. */
async function agrees(
  t: ExecutionContext,
  op: string,
  inputs: readonly (readonly [readonly number[], ArrayType])[],
  make: (outer: Builder, inputs: readonly Value[]) => { attributes: Record<string, Attribute>; outputs: number },
): Promise<void> {
  const b = new Builder('outer');
  const values = inputs.map(([shape, type], i) => b.input(`x${i}`, type, shape));
  const { attributes, outputs } = make(b, values);
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const graph: Graph = {
    ...b.finish(),
    inputs: values.map(({ name, type, shape }) => ({ name, type, shape })),
    nodes: [
      {
        op,
        domain: '',
        name: op,
        inputs: op === 'If' ? ['x0'] : values.map(({ name }) => name),
        outputs: names,
        attributes: new Map(Object.entries(attributes)),
      },
    ],
    outputs: names.map(name => ({ name })),
  };
  const { facts, problems } = inferShapes(graph, coreOperators);
  t.deepEqual(problems, []);
  const runtime = nodeRuntime();
  const typed = { ...graph, outputs: names.map(name => ({ name, type: facts.get(name)!.type })) };
  const session = await runtime.open(encodeModel(modelOf(typed)), { optimization: 'disabled' });
  const feeds = inputs.map(([shape, type], i) => {
    const count = shape.reduce((a, c) => a * c, 1);
    return [
      `x${i}`,
      runtime.tensor(
        tensor(
          type,
          shape,
          Array.from({ length: count }, () => (type === 'int64' ? 3 : 1)),
        ),
      ),
    ] as const;
  });
  const results = await session.run(new Map(feeds));
  for (const name of names) {
    const found = results.get(name)!;
    const fact = facts.get(name)!;
    t.is(fact.type, found.type);
    t.deepEqual(
      fact.shape?.map((dim, i) => (dim === '' ? found.shape[i] : dim)),
      found.shape,
    );
  }
  await session.close();
}
const body = (name: string, outer: Builder, fill: (inner: Builder) => readonly Value[]): Attribute => {
  const inner = new Builder(name, outer);
  for (const value of fill(inner)) inner.output(value, inner.fresh(`${name}_out`));
  return { kind: 'graph', value: inner.finish() };
};

test('If joins what its branches give', async t => {
  await agrees(
    t,
    'If',
    [
      [[], 'bool'],
      [[2, 3], 'float32'],
    ],
    (outer, [, x]) => ({
      outputs: 1,
      attributes: {
        then_branch: body('then', outer, inner => [Relu(inner.capture(x!))]),
        else_branch: body('else', outer, inner => [ReduceSum(inner.capture(x!), [1])]),
      },
    }),
  );
});

test('Loop carries values and stacks what it scans', async t => {
  await agrees(
    t,
    'Loop',
    [
      [[], 'int64'],
      [[], 'bool'],
      [[2, 3], 'float32'],
    ],
    outer => ({
      outputs: 2,
      attributes: {
        body: body('loop', outer, inner => {
          inner.input('i', 'int64', []);
          const go = inner.input('go', 'bool', []);
          const state = inner.input('state', 'float32', [2, 3]);
          return [go, Add(state, 1), ReduceSum(state, [1], { keepdims: 0 })];
        }),
      },
    }),
  );
});

test('Scan carries state and walks along its inputs', async t => {
  await agrees(
    t,
    'Scan',
    [
      [[3], 'float32'],
      [[5, 3], 'float32'],
    ],
    outer => ({
      outputs: 2,
      attributes: {
        num_scan_inputs: { kind: 'int', value: 1 },
        body: body('scan', outer, inner => {
          const state = inner.input('state', 'float32', [3]);
          const row = inner.input('row', 'float32', [3]);
          return [Add(state, row), Mul(row, 2)];
        }),
      },
    }),
  );
});

// what is scanned is stacked along the first axis, whatever scan_output_axes says
test('Scan walks along other axes, and writes along others', async t => {
  await agrees(
    t,
    'Scan',
    [
      [[3], 'float32'],
      [[3, 5], 'float32'],
    ],
    outer => ({
      outputs: 2,
      attributes: {
        num_scan_inputs: { kind: 'int', value: 1 },
        scan_input_axes: { kind: 'ints', value: [1] },
        scan_output_axes: { kind: 'ints', value: [1] },
        body: body('scan', outer, inner => {
          const state = inner.input('state', 'float32', [3]);
          const row = inner.input('row', 'float32', [3]);
          return [Add(state, row), Mul(row, 2)];
        }),
      },
    }),
  );
});
