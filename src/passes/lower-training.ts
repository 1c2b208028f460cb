// Training-only operators in operators of ONNX, so that a plain onnxruntime trains: each says itself in others (`lower`
// in operators/training-*.ts). The gradients of pools do not see what was pooled; its sizes are looked up in the graph.

import { GraftError } from '../base/index.js';
import { houseIrVersion, type Attribute, type Dim, type Model, type Node } from '../graph/index.js';
import { bind, coreOperators, operatorsWithTraining, trainingLowerings } from '../operators/index.js';
import { pass } from './pass.js';
import { rewriteGraph, type Before, type Rewrite, type Site } from './rewrite.js';
import { errors } from './training-errors.js';

/** Says every operator that plain onnxruntimes lack in others. Throws IMPORT_OPERATOR and IMPORT_LOWERING with the node's name. */
export const lowerTraining = pass('lower-training', (model, tell) => {
  const counts = new Map<string, number>();
  const graph = rewriteGraph(model.graph, [lowered(counts)], operatorsWithTraining);
  if (graph === model.graph) return model;
  tell(`said ${[...counts].map(([op, count]) => `${count} ${op}`).join(', ')} in operators of ONNX`);
  const opsets = new Map([...model.opsets].filter(([domain]) => domain === ''));
  const next: Model = { ...model, graph, opsets, irVersion: houseIrVersion };
  return next;
});

const lowered =
  (counts: Map<string, number>): Rewrite =>
  (site: Site) => {
    const { node, inputs, before } = site;
    const { op: operator, domain, name } = node;
    const found = trainingLowerings.get(domain, operator) ?? coreOperators.get(domain, operator);
    if (domain === '' && found && !trainingLowerings.get('', operator)) return undefined;
    if (!found?.spec.lower) throw errors.OPERATOR({ operator, domain, node: name });
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
    const sizes = pooledSizes(node, before, site);
    const attributes = sizes ? new Map<string, Attribute>([...node.attributes, ['sizes', { kind: 'ints', value: sizes }]]) : node.attributes; // prettier-ignore
    try {
      const at = bind(found, inputs, attributes, node.outputs.length);
      return found.spec.lower(at as never);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      throw errors.LOWERING({ operator, node: name, reason: error.message }, error);
    }
  };

/** Channels and spatial sizes of what a pool pooled, for the gradient of the pool. */
function pooledSizes(node: Node, before: Before, site: Site): readonly number[] | undefined {
  if (node.op !== 'MaxPoolGrad' && node.op !== 'AveragePoolGrad') return undefined;
  const pools =
    node.op === 'MaxPoolGrad'
      ? [before.producers.get(node.inputs[1] ?? '')]
      : before.graph.nodes.filter(({ op, inputs }) => op === 'AveragePool' && isGradientOf(node.outputs[0], inputs[0]));
  const [pool] = pools;
  const pooled = pools.length === 1 && pool ? site.now(pool.inputs[0]!)?.shape : undefined;
  return sizesIn(pooled) ?? sizesIn(before.graph.values.get(node.outputs[0] ?? '')?.shape);
}

/** Whether a value is named as the gradient of another: `x_grad`, or `x_grad_1` where several are added up. */
const isGradientOf = (name = '', of = '') =>
  name.startsWith(`${of}_grad`) && /^(_\d+)?$/.test(name.slice(of.length + 5));
const sizesIn = (shape: readonly Dim[] | undefined): readonly number[] | undefined => {
  const sizes = shape?.slice(1);
  return sizes?.every(size => typeof size === 'number') ? sizes : undefined;
};
