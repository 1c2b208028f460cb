// Nodes that WebGPU takes and gets wrong are found in the bytes of a model, and no others.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Attribute, type Value } from '../../src/graph/index.js';
import { webgpuGaps } from '../../src/runtime/webgpu-gaps.js';

type Given = Readonly<Record<string, Attribute>>;
type Row = readonly [boolean, string, readonly number[], number, (readonly (readonly number[])[])?, Given?];

/** Names of the gaps in a graph of one node `it`, whose further inputs are constants of whole numbers. */
function found(
  op: string,
  x: readonly number[],
  outputs: number,
  constants: readonly (readonly number[])[] = [],
  given: Given = {},
) {
  const builder = new Builder('one');
  const input = builder.input('x', 'float32', x);
  const rest = constants.map(values => builder.constant(tensor('int64', [values.length], values)));
  const made = builder.append({
    op,
    name: 'it',
    inputs: [input, ...rest],
    attributes: new Map(Object.entries(given)),
    outputs: Array.from({ length: outputs }, () => ({ type: 'float32' as const, shape: x })),
  });
  for (const value of made) builder.output(value);
  return webgpuGaps(encodeModel(modelOf(builder.finish())));
}
const text = (value: string): Attribute => ({ kind: 'string', value });
const one: Attribute = { kind: 'int', value: 1 };

test('what is wrong is found, what is right is left', t => {
  const maps = [2, 3, 8, 8];
  const rows: readonly Row[] = [
    [true, 'MaxPool', maps, 2],
    [false, 'MaxPool', maps, 1],
    [true, 'BatchNormalization', [5, 4], 1],
    [false, 'BatchNormalization', maps, 1],
    [true, 'BatchNormalization', maps, 3],
    [true, 'Einsum', maps, 1],
    [true, 'InstanceNormalization', maps, 1],
    [true, 'Resize', maps, 1],
    [true, 'Pad', maps, 1, [], { mode: text('wrap') }],
    [false, 'Pad', maps, 1, [], { mode: text('reflect') }],
    [false, 'Slice', maps, 1, [[0], [4], [2], [2]]],
    [true, 'Slice', maps, 1, [[4], [0], [2], [-1]]],
    [true, 'Split', maps, 8],
    [false, 'Split', maps, 2],
    [true, 'ReduceL2', maps, 1, [], { noop_with_empty_axes: one }],
    [false, 'ReduceL2', maps, 1, [[1]], { noop_with_empty_axes: one }],
    [false, 'Conv', maps, 1],
  ];
  for (const [gap, ...node] of rows)
    t.deepEqual(found(...node), gap ? ['it'] : [], `${node[0]} [${node[1].join(', ')}] ${node[2]}`);
});

test('nodes inside bodies are found', t => {
  const outer = new Builder('outer');
  const body = new Builder('body', outer);
  const inner = body.input('inner', 'float32', [1, 1, 4, 4]);
  const [pooled] = body.append({
    op: 'MaxPool',
    name: 'pool in the body',
    inputs: [inner],
    attributes: new Map([['kernel_shape', { kind: 'ints', value: [2, 2] }]]),
    outputs: [
      { type: 'float32', shape: [1, 1, 3, 3] },
      { type: 'int64', shape: [1, 1, 3, 3] },
    ],
  }) as [Value];
  body.output(pooled);
  const [y] = outer.append({
    op: 'Scan',
    inputs: [outer.input('x', 'float32', [3, 1, 1, 4, 4])],
    attributes: new Map<string, Attribute>([
      ['body', { kind: 'graph', value: body.finish() }],
      ['num_scan_inputs', one],
    ]),
    outputs: [{ type: 'float32', shape: [3, 1, 1, 3, 3] }],
  }) as [Value];
  outer.output(y, 'y');
  t.deepEqual(webgpuGaps(encodeModel(modelOf(outer.finish()))), ['pool in the body']);
});

test('bytes that are no model have none', t => {
  t.deepEqual(webgpuGaps(Uint8Array.of(0x3a, 200, 1, 2)), []);
  t.deepEqual(webgpuGaps(new Uint8Array(0)), []);
});
