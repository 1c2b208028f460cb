import test from 'ava';
import fc from 'fast-check';
import { tensor, type GraftError } from '../../src/base/index.js';
import { Builder, modelOf, namesRead } from '../../src/graph/index.js';
import { cutsOf } from '../../src/inspect/index.js';
import {
  Add,
  Gather,
  Mul,
  Range,
  Relu,
  Reshape,
  Shape,
  Unsqueeze,
  coreOperators,
  inferShapes,
} from '../../src/operators/index.js';
import { join, split } from '../../src/passes/split.js';
import { graphOf, wirings } from '../inspect/random-graphs.js';

test('join(split(m)) = m at every cut', t => {
  fc.assert(
    fc.property(wirings, wiring => {
      const model = modelOf(graphOf(wiring));
      const cuts = cutsOf(model.graph).map(cut => cut.values);
      for (const at of [...cuts.map(cut => [cut]), cuts]) {
        const joined = join(split(model, at));
        t.deepEqual(joined.graph.nodes, model.graph.nodes);
        t.deepEqual(joined.graph.inputs, model.graph.inputs);
        t.deepEqual(joined.graph.outputs, model.graph.outputs);
        t.deepEqual([...joined.graph.initializers], [...model.graph.initializers]);
        t.deepEqual([...joined.graph.values].sort(), [...model.graph.values].sort());
      }
    }),
    { numRuns: 200, seed: 2 },
  );
});

test('what cutsOf finds splits, and nothing else does', t => {
  fc.assert(
    fc.property(wirings, wiring => {
      const model = modelOf(graphOf(wiring));
      const cuts = new Set(cutsOf(model.graph).flatMap(cut => cut.values));
      for (const name of model.graph.nodes.flatMap(node => node.outputs)) {
        let code = '';
        try {
          split(model, [[name]]);
        } catch (error) {
          code = (error as GraftError).code;
        }
        const isAllOfIt = model.graph.outputs.every(output => output.name === name);
        t.is(code, cuts.has(name) || isAllOfIt ? '' : 'SPLIT_LEAKS');
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});

test('a cut gives the batch again where the file says less of its shape than inference', t => {
  // PyTorch's flat view: [batch·4] in a file that names the size only `u0`; a Range over the batch lies behind it
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['batch', 4]);
  const batch = Gather(Shape(x), 0);
  const flat = Reshape(Relu(x), [-1]);
  const rows = Unsqueeze(Mul(Range(builder.constant(tensor('int64', [], [0])), batch, builder.constant(tensor('int64', [], [1]))), 4), [1]); // prettier-ignore
  builder.output(Gather(flat, Add(rows, builder.constant([0, 1, 2, 3]))), 'y');
  const model = modelOf(builder.finish());
  const { facts } = inferShapes(model.graph, coreOperators);
  t.deepEqual(facts.get(flat.name)?.shape, ['4*batch']);
  const values = new Map([[flat.name, { name: flat.name, type: 'float32' as const, shape: ['u0'] }]]);
  const [, head] = split({ ...model, graph: { ...model.graph, values } }, [[flat.name]], facts);
  t.deepEqual(
    head?.graph.inputs.map(({ name }) => name),
    [flat.name],
  );
});

const shape = ['batch', 8];
function residual() {
  const builder = new Builder();
  const x = builder.input('x', 'float32', shape);
  const relu = (of: typeof x, name: string) =>
    builder.append({
      op: 'Relu',
      name: `node ${name}`,
      inputs: [of],
      outputs: [{ type: 'float32', shape }],
      names: [name],
    })[0]!;
  const a = relu(x, 'a');
  const b = relu(relu(a, 'inner'), 'b');
  const weight = builder.parameter('w', { type: 'float32', shape: [8], bytes: new Uint8Array(32) });
  const [d] = builder.append({
    op: 'Sum',
    name: 'node d',
    inputs: [a, b, weight],
    outputs: [{ type: 'float32', shape }],
    names: ['d'],
  });
  builder.output(relu(d!, 'e'));
  return modelOf(builder.finish());
}

test('a cut that leaks is refused with the path', t => {
  const error = t.throws<GraftError>(() => split(residual(), [['b']]), { code: 'SPLIT_LEAKS' });
  t.deepEqual(error.details['path'], ['x', 'node a', 'node d', 'node e']);
  t.regex(error.message, /x → node a → node d → node e/);
});

test('a pair of values is a cut; a value that both pieces need passes through', t => {
  const parts = split(residual(), [
    ['a', 'b'],
    ['inner', 'a'],
  ]);
  t.deepEqual(
    parts.map(({ graph }) => [
      graph.inputs.map(v => v.name),
      graph.nodes.map(v => v.op),
      graph.outputs.map(v => v.name),
    ]),
    [
      [['x'], ['Relu', 'Relu'], ['inner', 'a']],
      [['inner', 'a'], ['Relu'], ['a', 'b']],
      [['a', 'b'], ['Sum', 'Relu'], ['e']],
    ],
  );
  const [before, , after] = parts;
  t.is(before!.graph.initializers.size, 0);
  t.is(after!.graph.initializers.get('w'), residualWeights(after!));
});
const residualWeights = (model: ReturnType<typeof residual>) => model.graph.initializers.get('w');

test('an unknown value, an input and a weight are refused by name', t => {
  t.throws(() => split(residual(), [['nowhere']]), { code: 'SPLIT_NO_VALUE', message: /nowhere/ });
  t.throws(() => split(residual(), [['x']]), { code: 'SPLIT_NOTHING', message: /x is an input/ });
  t.throws(() => split(residual(), [['w']]), { code: 'SPLIT_NOTHING', message: /w is a weight/ });
});

test('a cut of unknown type is refused', t => {
  const model = residual();
  const bare = { ...model, graph: { ...model.graph, values: new Map() } };
  t.throws(() => split(bare, [['d']]), { code: 'SPLIT_TYPE', message: /d/ });
  t.is(split(bare, [['d']], new Map([['d', { type: 'float32', shape }]])).length, 2);
});

test('dimensions that a later piece needs are read from the shape of the cut', t => {
  const builder = new Builder();
  const cube = ['batch', 4, 2];
  const one = (
    op: string,
    name: string,
    type: 'float32' | 'int64',
    of: readonly (string | number)[],
    ...inputs: string[]
  ) =>
    builder.append({
      op,
      inputs: inputs.map(input => builder.value(input)),
      outputs: [{ type, shape: of }],
      names: [name],
    })[0]!;
  builder.input('x', 'float32', cube);
  one('Shape', 'dims', 'int64', [3], 'x');
  one('Flatten', 'a', 'float32', ['batch', 8], 'x');
  builder.output(one('Reshape', 'y', 'float32', cube, 'a', 'dims'));
  const model = modelOf(builder.finish());
  t.throws(() => split(model, [['a']]), { code: 'SPLIT_LEAKS' });
  const facts = new Map([['dims', { type: 'int64', shape: [3], known: cube }]] as const);
  const [before, after] = split(model, [['a']], facts);
  t.deepEqual(
    before!.graph.nodes.map(node => node.op),
    ['Flatten'],
  );
  t.deepEqual(
    after!.graph.inputs.map(input => input.name),
    ['a'],
  );
  t.deepEqual(
    after!.graph.nodes.map(node => node.op),
    ['Shape', 'Gather', 'Concat', 'Reshape'],
  );
  t.true(after!.graph.nodes.every(node => [...namesRead(node)].every(name => name !== 'x')));
  t.deepEqual(join([before!, after!]).graph.outputs, model.graph.outputs);
});
