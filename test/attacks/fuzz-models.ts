// Small good .onnx files that between them use every part of the format: what fuzzing starts from.

import { tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Writer } from '../../src/codec/wire.js';
import type { Attribute, Graph, Node, ValueInfo } from '../../src/graph/index.js';
import { good, goodModel, localFunction, modelWith, node, withFunctions, withGraphOf } from './hostile-onnx.js';

const info = (name: string, shape: readonly (number | string)[] = ['N', 4]): ValueInfo => ({
  name,
  type: 'float32',
  shape,
});
const inner = (name: string, change: Partial<Graph>): Attribute => ({
  kind: 'graph',
  value: {
    name,
    inputs: [],
    outputs: [],
    nodes: [],
    initializers: new Map(),
    sparseInitializers: [],
    values: new Map(),
    ...change,
  },
});
const attributes = (given: Readonly<Record<string, Attribute>>): Partial<Node> => ({
  attributes: new Map(Object.entries(given)),
});
const floats = (shape: readonly number[], values: readonly number[]) => tensor('float32', shape, values);

/** y = x or -x, as a constant says. */
const branch = (): Uint8Array =>
  withGraphOf({
    initializers: new Map([['yes', tensor('bool', [], [1])]]),
    nodes: [
      node(
        'If',
        ['yes'],
        ['y'],
        attributes({
          then_branch: inner('then', { nodes: [node('Neg', ['x'], ['a'])], outputs: [info('a')] }),
          else_branch: inner('else', { nodes: [node('Identity', ['x'], ['b'])], outputs: [info('b')] }),
        }),
      ),
    ],
  });

/** y = x · 2³, step by step, the steps kept. */
const loop = (): Uint8Array =>
  withGraphOf({
    initializers: new Map([
      ['times', tensor('int64', [], [3])],
      ['yes', tensor('bool', [], [1])],
    ]),
    nodes: [
      node(
        'Loop',
        ['times', 'yes', 'x'],
        ['y', 'steps'],
        attributes({
          body: inner('body', {
            inputs: [{ name: 'i', type: 'int64', shape: [] }, { name: 'on', type: 'bool', shape: [] }, info('state')],
            nodes: [
              node('Identity', ['on'], ['goes']),
              node('Add', ['state', 'state'], ['next']),
              node('Identity', ['next'], ['step']),
            ],
            outputs: [{ name: 'goes', type: 'bool', shape: [] }, info('next'), info('step')],
          }),
        }),
      ),
    ],
  });

const functions = (): Uint8Array =>
  withFunctions(
    [
      localFunction({
        attributes: ['by'],
        defaults: new Map([['over', { kind: 'int', value: 1 }]]),
        nodes: [
          node('Constant', [], ['c'], attributes({ value_float: { kind: 'reference', value: 'by', of: 1 } })),
          node('Mul', ['a', 'c'], ['d']),
          node('Softmax', ['d'], ['b'], attributes({ axis: { kind: 'reference', value: 'over', of: 2 } })),
        ],
      }),
      localFunction({
        name: 'G',
        opsets: new Map([
          ['', 20],
          ['mine', 1],
        ]),
        nodes: [node('F', ['a'], ['b'], { domain: 'mine', ...attributes({ by: { kind: 'float', value: 0.5 } }) })],
      }),
    ],
    node('G', ['x'], ['y'], { domain: 'mine' }),
  );

const sparse = (): Uint8Array =>
  withGraphOf({
    initializers: new Map(),
    sparseInitializers: [
      { name: 'w', values: floats([2], [1, 2]), indices: tensor('int64', [2, 1], [0, 3]), shape: [4] },
      { name: 'v', values: floats([1], [1]), indices: tensor('int64', [1], [5]), shape: [2, 4] },
    ],
  });

/** Every way in which a tensor's numbers may be written, field by field. */
const typed = (): Uint8Array => {
  const number = { float: 4, int32: 5, strings: 6, int64: 7, double: 10, uint64: 11 };
  const held = [
    new Writer().float(number.float, 1).float(number.float, -2).varint(2, 1),
    ...[2, 3, 4, 5, 6, 9, 10, 16, 17, 18, 19, 20].map(type =>
      new Writer().varint(2, type).varint(number.int32, 1).varint(number.int32, 0),
    ),
    ...[21, 22, 23, 25, 26].map(type => new Writer().varint(2, type).varint(number.int32, 0x21)),
    new Writer()
      .varint(2, 7)
      .varint(number.int64, -1)
      .varint(number.int64, 2 ** 40),
    new Writer().varint(2, 11).bytes(number.double, new Uint8Array(Float64Array.of(1, 2).buffer)),
    ...[12, 13].map(type => new Writer().varint(2, type).varint(number.uint64, 1).varint(number.uint64, 7)),
    new Writer().varint(2, 8).text(number.strings, 'two').text(number.strings, ''),
    new Writer().varint(2, 14).bytes(number.float, new Uint8Array(16)),
    new Writer().varint(2, 7).bytes(number.int64, Uint8Array.of(3, 200, 1)),
  ];
  const graph = new Writer().message(1, new Writer().text(1, 't0').text(2, 'y').text(4, 'Neg'));
  held.forEach((writer, i) => graph.message(5, writer.varint(1, 2).text(8, `t${i}`)));
  return modelWith(graph.message(12, new Writer().text(1, 'y')), 10);
};

/** Weights that are inputs as well, as before IR 4. */
const oldWeights = (): Uint8Array =>
  withGraphOf(
    {
      inputs: [info('x'), info('w', [4]), info('k', [2, 4]), info('b', [2])],
      initializers: new Map([
        ['w', floats([4], [0, 1, 2, 3])],
        ['k', floats([2, 4], [1, 2, 3, 4, 5, 6, 7, 8])],
      ]),
      nodes: [
        node('Gemm', ['x', 'k', 'b'], ['g'], attributes({ transB: { kind: 'int', value: 1 } })),
        node('Dropout', ['g'], ['y'], attributes({ ratio: { kind: 'float', value: 0.5 } })),
      ],
      values: new Map([['g', info('g', ['N', 2])]]),
    },
    { irVersion: 3, opsets: new Map([['', 8]]) },
  );

const constants = (): Uint8Array =>
  withGraphOf({
    initializers: new Map(),
    nodes: [
      node('Constant', [], ['w'], attributes({ value: { kind: 'tensor', value: floats([4], [1, 2, 3, 4]) } })),
      node('Constant', [], ['dims'], attributes({ value_ints: { kind: 'ints', value: [-1, 2, 2] } })),
      node('Constant', [], ['names'], attributes({ value_strings: { kind: 'strings', value: ['a', 'b'] } })),
      node('Shape', ['x'], ['s'], attributes({ start: { kind: 'int', value: 0 } })),
      node('Gather', ['s', 'first'], ['n'], attributes({ axis: { kind: 'int', value: 0 } })),
      node('Constant', [], ['first'], attributes({ value_int: { kind: 'int', value: 0 } })),
      node('ConstantOfShape', ['s'], ['zeros']),
      node('Reshape', ['x', 'dims'], ['r']),
      node('Transpose', ['r'], ['t'], attributes({ perm: { kind: 'ints', value: [0, 2, 1] } })),
      node('Add', ['x', 'w'], ['z']),
      node('Add', ['z', 'zeros'], ['y']),
    ].sort((a, b) => Number(b.op === 'Constant') - Number(a.op === 'Constant')),
    outputs: [info('y'), { name: 't' }, { name: 'n' }],
  });

/** A convolution on quantised numbers, its pooling and its classes. */
const quantised = (): Uint8Array => {
  const model = goodModel();
  const tensors = {
    s: floats([], [0.02]),
    z: tensor('uint8', [], [128]),
    q: tensor('int8', [2, 3, 3, 3], new Int8Array(54).fill(3)),
    qs: floats([2], [0.1, 0.2]),
    qz: tensor('int8', [2], [0, 0]),
    axes: tensor('int64', [2], [2, 3]),
  };
  return encodeModel({
    ...model,
    producerName: 'fuzz',
    metadata: new Map([['author', 'nobody']]),
    graph: {
      ...model.graph,
      inputs: [info('x', ['N', 3, 8, 8])],
      initializers: new Map(Object.entries(tensors)),
      nodes: [
        node('QuantizeLinear', ['x', 's', 'z'], ['a']),
        node('DequantizeLinear', ['a', 's', 'z'], ['b']),
        node('DequantizeLinear', ['q', 'qs', 'qz'], ['k'], attributes({ axis: { kind: 'int', value: 0 } })),
        node(
          'Conv',
          ['b', 'k'],
          ['c'],
          attributes({ pads: { kind: 'ints', value: [1, 1, 1, 1] }, strides: { kind: 'ints', value: [2, 2] } }),
        ),
        node('MaxPool', ['c'], ['m'], attributes({ kernel_shape: { kind: 'ints', value: [2, 2] } })),
        node('ReduceMean', ['m', 'axes'], ['p'], attributes({ keepdims: { kind: 'int', value: 0 } })),
        node('Softmax', ['p'], ['y'], attributes({ axis: { kind: 'int', value: -1 } })),
      ],
      outputs: [info('y', ['N', 2])],
    },
  });
};

/** By what they hold. */
export const fuzzModels: Readonly<Record<string, () => Uint8Array>> = {
  'one addition': good,
  'an If': branch,
  'a Loop': loop,
  functions,
  'sparse weights': sparse,
  'typed data of all types': typed,
  'weights as inputs, IR 3': oldWeights,
  'Constant nodes and shape arithmetic': constants,
  'a quantised convolution': quantised,
};
