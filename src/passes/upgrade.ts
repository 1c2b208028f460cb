// Brings a model to the house's opset: each operator states what changed from the version before (its `upgrades`);
// this walk applies the changes of every version between the model's opset and the wanted one, in order.

import { integers } from '../base/index.js';
import { houseIrVersion, houseOpset, type Graph, type Initializer, type Model } from '../graph/index.js';
import { coreOperators, inferShapes, upgradeContext, upgradeNode, type OperatorSet } from '../operators/index.js';
import { errors } from './errors.js';
import { pass, type Pass } from './pass.js';
import { mapGraph } from './walk.js';

/** The oldest opset whose operators the upgrades begin from. */
const oldest = 7;

/** Upgrades the standard operators to an opset. */
export const upgradeTo = (opset: number, operators: OperatorSet = coreOperators): Pass =>
  pass('upgrade', (model, tell) => {
    const from = model.opsets.get('') ?? houseOpset;
    if (from === opset) return model;
    if (from < oldest) throw errors.OPSET_OLD({ found: from, oldest });
    // Versions after the house's change no operator that a rule reads differently; the number is lowered.
    const { facts } = inferShapes(model.graph, operators, { opset: from });
    const graph = mapGraph(model.graph, inner => upgradeGraph(inner, from, opset, operators, facts));
    tell(`opset ${from} became ${opset}`);
    const next: Model = {
      ...model,
      irVersion: Math.min(Math.max(model.irVersion, 8), houseIrVersion),
      opsets: new Map([...model.opsets, ['', opset]]),
      graph,
    };
    return next;
  });

function upgradeGraph(
  graph: Graph,
  from: number,
  to: number,
  operators: OperatorSet,
  facts: ReturnType<typeof inferShapes>['facts'],
): Graph {
  const initializers = new Map<string, Initializer>(graph.initializers);
  const taken = new Set([...initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  for (const node of graph.nodes) for (const name of [...node.inputs, ...node.outputs]) taken.add(name);
  const context = upgradeContext(
    name => taken.has(name),
    (name, data) => void initializers.set(name, data),
    name => facts.get(name),
    name => {
      const held = initializers.get(name);
      return held ? integers(held) : undefined;
    },
  );
  const nodes = graph.nodes.flatMap(node => upgradeNode(node, from, to, operators, context));
  return { ...graph, nodes, initializers };
}
