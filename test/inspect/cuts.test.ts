import test from 'ava';
import fc from 'fast-check';
import { Builder, namesRead, type Graph } from '../../src/graph/index.js';
import { cutsOf } from '../../src/inspect/cuts.js';
import { graphOf, wirings } from './random-graphs.js';

const names = (...[graph, facts]: Parameters<typeof cutsOf>) => cutsOf(graph, facts).map(cut => cut.values.join('+'));

/** The definition, taken literally: without the value, no output descends from the input. */
function separates(graph: Graph, value: string): boolean {
  const reached = new Set(graph.inputs.map(input => input.name));
  for (const node of graph.nodes)
    if ([...namesRead(node)].some(name => reached.has(name)))
      for (const name of node.outputs) if (name !== value) reached.add(name);
  return !graph.outputs.some(output => reached.has(output.name));
}

test('the cuts are the values that all paths cross, in depth order', t => {
  fc.assert(
    fc.property(wirings, wiring => {
      const graph = graphOf(wiring);
      const made = graph.nodes.flatMap(node => node.outputs);
      const isRead = (name: string) => graph.nodes.some(node => namesRead(node).has(name));
      const wanted = made.filter(name => separates(graph, name) && isRead(name));
      t.deepEqual(names(graph), wanted);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('a residual connection hides what lies inside it', t => {
  const builder = new Builder();
  const shape = ['batch', 8];
  const node = (op: string, name: string, ...inputs: string[]) =>
    builder.append({
      op,
      inputs: inputs.map(input => builder.value(input)),
      outputs: [{ type: 'float32', shape }],
      names: [name],
    })[0]!;
  builder.input('x', 'float32', shape);
  node('Relu', 'a', 'x');
  node('Relu', 'b', 'a');
  node('Relu', 'c', 'b');
  node('Add', 'd', 'a', 'c');
  builder.output(node('Relu', 'e', 'd'));
  t.deepEqual(names(builder.finish()), ['a', 'd']);
});

test('what the body of an If reads from outside counts', t => {
  const builder = new Builder();
  const shape = ['batch', 3, 4, 4];
  const x = builder.input('x', 'float32', shape);
  const keep = builder.input('keep', 'bool', []);
  const relu = builder.append({ op: 'Relu', inputs: [x], outputs: [{ type: 'float32', shape }], names: ['a'] })[0]!;
  const inner = builder.append({ op: 'Relu', inputs: [relu], outputs: [{ type: 'float32', shape }], names: ['b'] })[0]!;
  const branch = (name: string, of: typeof x) => {
    const body = new Builder(name, builder);
    const captured = body.capture(of);
    body.output(
      body.append({ op: 'Neg', inputs: [captured], outputs: [{ type: 'float32', shape }], names: [`${name}_y`] })[0]!,
    );
    return { kind: 'graph', value: body.finish() } as const;
  };
  const attributes = new Map([
    ['then_branch', branch('then', relu)],
    ['else_branch', branch('else', inner)],
  ]);
  const [y] = builder.append({
    op: 'If',
    inputs: [keep],
    attributes,
    outputs: [{ type: 'float32', shape }],
    names: ['y'],
  });
  builder.output(y!);
  // `b` is read by one branch only, `a` by both ways; the switch `keep` is a side input and no path.
  t.deepEqual(names(builder.finish()), ['a']);
});

test('shape arithmetic is no path where the cut can give the dimension again', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', ['batch', 4, 2]);
  const one = (
    op: string,
    name: string,
    type: 'float32' | 'int64',
    shape: readonly (string | number)[],
    ...inputs: string[]
  ) =>
    builder.append({
      op,
      inputs: inputs.map(input => builder.value(input)),
      outputs: [{ type, shape }],
      names: [name],
    })[0]!;
  one('Shape', 'dims', 'int64', [3], x.name);
  one('Relu', 'a', 'float32', ['batch', 4, 2], 'x');
  one('Relu', 'b', 'float32', ['batch', 4, 2], 'a');
  const y = one('Reshape', 'y', 'float32', ['batch', 4, 2], 'b', 'dims');
  builder.output(one('Relu', 'z', 'float32', ['batch', 4, 2], y.name));
  const graph = builder.finish();
  t.deepEqual(names(graph), ['y']);
  const facts = (shape: readonly (string | number)[]) =>
    new Map([
      ['dims', { known: ['batch', 4, 2] }],
      ['a', { shape }],
      ['b', { shape: ['batch', 4, 2] }],
      ['y', { shape: ['batch', 4, 2] }],
    ]);
  t.deepEqual(names(graph, facts(['batch', 4, 2])), ['a', 'b', 'y']);
  t.deepEqual(names(graph, facts(['2*batch', 2, 2])), ['a', 'b', 'y']);
  t.deepEqual(names(graph, facts(['other', 4, 2])), ['b', 'y']);
});
