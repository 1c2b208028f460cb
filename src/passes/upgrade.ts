// Brings a model to the house's opset: each operator states what changed from the version before (its `upgrades`);
// this walk applies the changes of every version between the model's opset and the wanted one, in order.

import { integers } from '../base/index.js';
import { houseIrVersion, houseOpset, type Graph, type Initializer, type Model } from '../graph/index.js';
import { coreOperators, inferShapes, upgradeContext, upgradeNode, type OperatorSet } from '../operators/index.js';
import { errors } from './errors.js';
import { pass, type Pass } from './pass.js';
import { mapGraph, namesOf } from './walk.js';

/** The oldest opset whose operators the upgrades begin from. */
const oldest = 7;

/** Upgrades the standard operators to an opset. */
export const upgradeTo = (opset: number, operators: OperatorSet = coreOperators): Pass =>
  pass('upgrade', (model, tell) => {
    const from = model.opsets.get('') ?? houseOpset;
    // Later versions are lowered by a pass of their own.
    if (from >= opset) return model;
    if (from < oldest) throw errors.OPSET_OLD({ found: from, oldest });
    const { facts } = inferShapes(model.graph, operators, { opset: from });
    const taken = namesOf(model.graph);
    const graph = mapGraph(model.graph, inner => upgradeGraph(inner, from, opset, operators, facts, taken));
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
  taken: Set<string>,
): Graph {
  const initializers = new Map<string, Initializer>(graph.initializers);
  const context = upgradeContext(
    name => taken.has(name),
    (name, data) => void initializers.set(name, data),
    name => facts.get(name),
    name => {
      const held = initializers.get(name);
      const known = held ? integers(held) : facts.get(name)?.known;
      return known?.every(one => typeof one === 'number') ? known : undefined;
    },
  );
  const nodes = graph.nodes.flatMap(node => upgradeNode(node, from, to, operators, context));
  // A name that one body makes is taken in all others: what lies inside may not repeat what lies around it.
  for (const name of initializers.keys()) taken.add(name);
  for (const { outputs } of nodes) for (const name of outputs) taken.add(name);
  return { ...graph, nodes, initializers };
}
