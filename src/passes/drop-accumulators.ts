// The training graph of onnxruntime's on-device training without what its runtime needs around it:
//   P_grad.accumulation.out = InPlaceAccumulatorV2(P_grad.accumulation.buffer, gradient, lazy_reset_grad)
// becomes the output P_grad, the gradient itself; buffers and flag leave the inputs. The first output is the loss, and
// is called so.

import { renameNode, type Graph, type Model, type Node, type ValueInfo } from '../graph/index.js';
import { pass } from './pass.js';
import { errors } from './training-errors.js';
import { namesOf } from './walk.js';

const marks = ['.accumulation.buffer', '.accumulation.out'];

/** Drops the accumulators of a training graph. Throws IMPORT_NO_GRADIENTS where there are none. */
export const dropAccumulators = pass('drop-accumulators', (model, tell) => {
  const { graph } = model;
  const accumulators = graph.nodes.filter(isAccumulator);
  if (accumulators.length === 0) throw errors.NO_GRADIENTS({});
  const taken = namesOf(graph);
  const added: Node[] = [];
  const gradients = new Map<string, ValueInfo>();
  for (const node of accumulators) {
    const [buffer, gradient] = node.inputs as [string, string];
    const name = unmarked(buffer);
    const { typeBytes: _, ...info } = graph.inputs.find(input => input.name === buffer) ?? { name };
    if (gradient !== name) {
      if (taken.has(name)) throw errors.NAME_TAKEN({ name });
      taken.add(name);
      added.push({ op: 'Identity', domain: '', name, inputs: [gradient], outputs: [name], attributes: new Map() });
    }
    gradients.set(node.outputs[0]!, { ...info, name });
  }
  const kept = graph.nodes.filter(node => !isAccumulator(node));
  const isRead = new Set(kept.flatMap(node => node.inputs));
  const wereRead = new Set(accumulators.flatMap(node => [node.inputs[0]!, node.inputs[2] ?? '']));
  const next: Graph = {
    ...graph,
    nodes: [...kept, ...added],
    inputs: graph.inputs.filter(({ name }) => !(wereRead.has(name) && !isRead.has(name)) && name !== 'lazy_reset_grad'),
    outputs: [...graph.outputs.filter(({ name }) => !gradients.has(name)), ...gradients.values()],
  };
  tell(`dropped ${accumulators.length} accumulators`);
  const result: Model = { ...model, graph: next };
  return result;
});

const isAccumulator = ({ op, domain }: Node) => op === 'InPlaceAccumulatorV2' && domain === 'com.microsoft';
const unmarked = (name: string) => marks.reduce((rest, mark) => (rest.endsWith(mark) ? rest.slice(0, -mark.length) : rest), name); // prettier-ignore

/** Calls the first output of a graph `loss`. */
export const nameLoss = pass('name-loss', (model, tell) => {
  const { graph } = model;
  const before = graph.outputs[0]?.name;
  if (before === undefined || before === 'loss') return model;
  if (namesOf(graph).has('loss')) throw errors.NAME_TAKEN({ name: 'loss' });
  const names = new Map([[before, 'loss']]);
  const rename = (name: string) => names.get(name) ?? name;
  const next: Graph = {
    ...graph,
    nodes: graph.nodes.map(node => ({ ...renameNode(node, names), outputs: node.outputs.map(rename) })),
    outputs: graph.outputs.map(output => ({ ...output, name: rename(output.name) })),
    values: new Map([...graph.values].filter(([name]) => name !== before)),
  };
  tell('called the first output loss');
  const result: Model = { ...model, graph: next };
  return result;
});
