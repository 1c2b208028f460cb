import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { verify, type LocalFunction, type Model } from '../../src/graph/index.js';
import { inlineFunctions } from '../../src/passes/index.js';
import { body, float, graphOf, held, keepsOutputs, networkOf, nodesOf, type NodeText } from './networks.js';

const local = (
  name: string,
  inputs: string,
  outputs: string,
  nodes: readonly NodeText[],
  more: Partial<LocalFunction> = {},
): LocalFunction => ({
  domain: 'own',
  name,
  inputs: inputs.split(' '),
  outputs: outputs.split(' '),
  attributes: [],
  defaults: new Map(),
  nodes: nodesOf(nodes),
  opsets: new Map([['', 20]]),
  values: new Map(),
  ...more,
});
const withFunctions = (model: Model, ...functions: LocalFunction[]): Model => ({
  ...model,
  functions,
  opsets: new Map([
    ['', model.opsets.get('')!],
    ['own', 1],
  ]),
});
const ends = { inputs: { x: [['N', 3]] }, outputs: { y: [['N', 3]] } } as const;

/** alpha is the call's, or 0.5. */
const leaky = local('Leaky', 'a', 'b', [['LeakyRelu', 'a', 'b', { alpha: { kind: 'reference', value: 'alpha', of: 1 } }]], {
  attributes: [],
  defaults: new Map([['alpha', float(0.5)]]),
}); // prettier-ignore
const twice = local(
  'Twice',
  'a',
  'b',
  [
    ['own::Leaky', 'a', 't', { alpha: float(0.1) }],
    ['own::Leaky', 't', 'b'],
  ],
  {
    opsets: new Map([
      ['', 20],
      ['own', 1],
    ]),
  },
);

test('calls become nodes, functions in functions too, attributes are filled in', async t => {
  const model = withFunctions(
    networkOf({
      ...ends,
      nodes: [
        ['own::Twice', 'x', 't'],
        ['own::Leaky', 't', 'u', { alpha: float(0.25) }],
        ['own::Twice', 'u', 'y'],
      ],
    }),
    leaky,
    twice,
  );
  const { model: after, ops } = await keepsOutputs(t, inlineFunctions, model);
  t.is(ops, 'LeakyRelu LeakyRelu LeakyRelu LeakyRelu LeakyRelu');
  t.deepEqual(
    after.graph.nodes.map(({ attributes }) => attributes.get('alpha')),
    [0.1, 0.5, 0.25, 0.1, 0.5].map(float),
  );
  t.is(after.functions.length, 0);
  t.false(after.opsets.has('own'));
});

test('an output that is an input, an input that is absent, an output that nobody takes', async t => {
  const through = local('Through', 'a lower', 'a c d', [
    ['Clip', 'a lower', 'c'],
    ['Neg', 'c', 'd'],
  ]);
  const model = withFunctions(
    networkOf({
      ...ends,
      outputs: { ...ends.outputs, z: [['N', 3]] },
      nodes: [
        ['own::Through', 'x _', 'y c _'],
        ['Relu', 'c', 'z'],
      ],
    }),
    through,
  );
  // onnxruntime takes no call of a function with an argument left out, so there is nothing to run it against
  const { nodes } = verify(inlineFunctions(verify(model))).graph;
  t.deepEqual(
    nodes.map(({ op, inputs, outputs }) => `${op}(${inputs.join()}) ${outputs.join()}`),
    ['Clip(x,) c', 'Neg(c) Through_0/d', 'Identity(x) y', 'Relu(c) z'],
  );
});

test('names of the body that the network has already are made fresh', async t => {
  const add = local('AddOne', 'x', 'y', [
    ['Constant', '', 't', { value: held(tensor('float32', [1], [1])) }],
    ['Add', 'x t', 'y'],
  ]);
  const model = withFunctions(
    networkOf({
      ...ends,
      nodes: [
        ['own::AddOne', 'x', 't'],
        ['own::AddOne', 't', 'u'],
        ['Mul', 't u', 'y'],
      ],
    }),
    add,
  );
  await keepsOutputs(t, inlineFunctions, model);
});

test('calls in bodies, and bodies in functions', async t => {
  const branch = (name: string, text: NodeText) => graphOf({ outputs: { [name]: [['N', 3]] }, nodes: [text] });
  const choose = local('Choose', 'a flag', 'b', [
    ['Abs', 'a', 'inner'],
    [
      'If',
      'flag',
      'b',
      {
        then_branch: body(branch('t', ['Neg', 'inner', 't'])),
        else_branch: body(branch('e', ['own::Leaky', 'a', 'e'])),
      },
    ],
  ], { opsets: new Map([['', 20], ['own', 1]]) }); // prettier-ignore
  const model = withFunctions(
    networkOf({
      inputs: { ...ends.inputs, yes: [[], 'bool'] },
      outputs: ends.outputs,
      nodes: [
        ['own::Choose', 'x yes', 'u'],
        ['own::Choose', 'u yes', 'v'],
        [
          'If',
          'yes',
          'y',
          {
            then_branch: body(branch('tt', ['own::Leaky', 'v', 'tt'])),
            else_branch: body(branch('ee', ['Relu', 'v', 'ee'])),
          },
        ],
      ],
    }),
    leaky,
    choose,
  );
  await keepsOutputs(t, inlineFunctions, model);
});

test('a function of another opset is left, and said to be', t => {
  const old = local('Old', 'a', 'b', [['Relu', 'a', 'b']], { opsets: new Map([['', 13]]) });
  const told: string[] = [];
  const after = inlineFunctions(
    withFunctions(networkOf({ ...ends, nodes: [['own::Old', 'x', 'y']] }), old),
    (_, what) => told.push(what),
  );
  t.is(after.functions.length, 1);
  t.deepEqual(told, ['left Old: written for another opset']);
});
