// Writes into a graph what can be known of its values: types and shapes, the batch as a name.

import { houseOpset, type Graph, type Model, type ValueInfo } from '../graph/index.js';
import { coreOperators, inferShapes as infer, type OperatorSet } from '../operators/index.js';
import { pass, type Pass } from './pass.js';

/** Infers types and shapes with a set of operators. */
export const inferShapesWith = (operators: OperatorSet): Pass =>
  pass('infer-shapes', (model, tell) => {
    const { facts } = infer(model.graph, operators, { opset: model.opsets.get('') ?? houseOpset });
    const values = new Map<string, ValueInfo>();
    const outputs = new Map(model.graph.outputs.map(output => [output.name, output]));
    for (const node of model.graph.nodes)
      for (const name of node.outputs) {
        const found = facts.get(name);
        if (name && found?.type && !outputs.has(name))
          values.set(name, { name, type: found.type, ...(found.shape ? { shape: found.shape } : {}) });
        else if (model.graph.values.has(name)) values.set(name, model.graph.values.get(name)!);
      }
    const graph: Graph = {
      ...model.graph,
      values,
      outputs: model.graph.outputs.map(output => {
        const found = facts.get(output.name);
        if (!found?.type || !found.shape) return output;
        const { typeBytes: _, ...rest } = output;
        return { ...rest, type: found.type, shape: found.shape };
      }),
    };
    const learnt = graph.nodes
      .flatMap(node => node.outputs)
      .filter(name => !isSame(model.graph.values.get(name), values.get(name)));
    const ends = graph.outputs.filter((output, i) => !isSame(model.graph.outputs[i], output));
    const gone = [...model.graph.values.keys()].filter(name => !values.has(name));
    if (learnt.length + ends.length + gone.length === 0) return model;
    const count = learnt.length + ends.length;
    if (count > 0) tell(`wrote down type and shape of ${count} ${count === 1 ? 'value' : 'values'}`);
    const next: Model = { ...model, graph };
    return next;
  });

const isSame = (a: ValueInfo | undefined, b: ValueInfo | undefined): boolean =>
  a === b || (a?.type === b?.type && a?.shape?.join('\u0000') === b?.shape?.join('\u0000'));

/** Infers types and shapes with the built-in operators. */
export const inferShapes: Pass = inferShapesWith(coreOperators);
