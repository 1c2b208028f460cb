import test from 'ava';
import fc from 'fast-check';
import { namesRead, type Graph } from '../../src/graph/index.js';
import { pairsOf } from '../../src/inspect/pairs.js';
import { graphOf, wirings } from './random-graphs.js';

/** The definition, taken literally: without these values, no output descends from the input. */
function separates(graph: Graph, ...values: readonly string[]): boolean {
  const reached = new Set(graph.inputs.map(input => input.name).filter(name => !values.includes(name)));
  for (const node of graph.nodes)
    if ([...namesRead(node)].some(name => reached.has(name)))
      for (const name of node.outputs) if (!values.includes(name)) reached.add(name);
  return !graph.outputs.some(output => reached.has(output.name));
}

test('the pairs are those that all paths cross together, where neither is crossed by all alone', t => {
  let pairs = 0;
  fc.assert(
    fc.property(wirings, wiring => {
      const graph = graphOf(wiring);
      const made = ['x', ...graph.nodes.flatMap(node => node.outputs)];
      const lone = made.filter(name => !separates(graph, name));
      const outputs = new Set(graph.outputs.map(({ name }) => name));
      const wanted = lone.flatMap((a, i) =>
        lone
          .slice(i + 1)
          .flatMap(b => (separates(graph, a, b) && !(outputs.has(a) && outputs.has(b)) ? [`${a}+${b}`] : [])),
      );
      const found = pairsOf(graph).map(({ values }) => values.join('+'));
      pairs += found.length;
      t.deepEqual(found.sort(), wanted.sort());
    }),
    { numRuns: 500, seed: 1 },
  );
  t.true(pairs > 100, 'there are pairs to find');
});
