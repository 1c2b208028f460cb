// The rules of optimizer_model as ONNX Runtime's Optimizer reads it: inputs by name in one order, sequences of float
// tensors, exactly one optimizer node, its flag the first output. And those of what a checkpoint keeps for it.
// Source: orttraining/training_api/optimizer.cc; each consequence was seen with 1.19.2.

import type { Tensor } from '../../base/index.js';
import { feedsOf, type Graph, type Model, type Node, type ValueInfo } from '../../graph/index.js';
import type { CheckpointParameters } from './check-models.js';
import { faultList, type ArtifactsFault } from './fault.js';

const kinds = new Map([
  [
    'AdamWOptimizer',
    {
      inputs: ['learning_rate', 'step', 'params', 'gradients', 'first_order_moments', 'second_order_moments'],
      node: ['learning_rate', 'step', 'params', 'gradients', 'first_order_moments', 'second_order_moments'],
      moments: ['momentum0', 'momentum1'],
    },
  ],
  [
    'SGDOptimizerV2',
    {
      inputs: ['learning_rate', 'step', 'params', 'gradients', 'first_order_moments'],
      node: ['learning_rate', 'params', 'gradients'],
      moments: [],
    },
  ],
]);
const isOptimizer = ({ op, domain }: Node) => domain === 'com.microsoft' && kinds.has(op);

/** Whether a graph is an optimizer of ONNX Runtime's training. */
export const isOrtOptimizer = ({ graph }: Model): boolean => graph.nodes.some(isOptimizer);

/** What is wrong with an optimizer graph. */
export function optimizerModelFaults({ graph }: Model): ArtifactsFault[] {
  const { faults, add } = faultList();
  const nodes = graph.nodes.filter(isOptimizer);
  const [node, second] = nodes;
  if (!node) {
    add('optimizer-node', '', 'there is no AdamWOptimizer and no SGDOptimizerV2: the session cannot be made');
    return faults;
  }
  if (second)
    add('optimizer-node', second.name, `there are ${nodes.length} optimizer nodes, the runtime takes exactly one`);
  const kind = kinds.get(node.op)!;
  const inputs = feedsOf(graph);
  const names = inputs.map(({ name }) => name);
  if (names.join() !== kind.inputs.join())
    add('optimizer-inputs', node.name, `the inputs are ${names.join(', ')}; for ${node.op} they must be, in this order, ${kind.inputs.join(', ')}: the session cannot be made`); // prettier-ignore
  for (const info of inputs) faults.push(...inputFaults(info));
  kind.node.forEach((name, i) => {
    const found = node.inputs[i] ?? '';
    if (!leadsTo(graph, found, name))
      add(
        'optimizer-wiring',
        node.name,
        `input ${i + 1} of ${node.op}, ${found || 'absent'}, does not come from ${name}`,
      );
  });
  const [flag] = graph.outputs;
  if (!flag || flag.name !== node.outputs[0])
    add('optimizer-output', flag?.name ?? '', `the first output must be the flag of ${node.op}`);
  else if (node.op === 'SGDOptimizerV2' && flag.shape?.length)
    add('optimizer-output', flag.name, `the flag ${flag.name} of SGDOptimizerV2 is declared [${flag.shape.join(', ')}], it must be a scalar: the session cannot be made (1.17 to 1.19)`); // prettier-ignore
  else if (flag.type !== 'bool') add('optimizer-output', flag.name, `the flag ${flag.name} is ${flag.type}, not bool`);
  const mode = node.attributes.get('adam_mode');
  if (mode && (mode.kind !== 'int' || (mode.value !== 0 && mode.value !== 1)))
    add('optimizer-node', node.name, 'adam_mode must be 0 (torch) or 1 (Transformers)');
  return faults;
}

function inputFaults({ name, type, shape, typeBytes }: ValueInfo): ArtifactsFault[] {
  const { faults, add } = faultList();
  const wanted = name === 'learning_rate' ? 'float32' : name === 'step' ? 'int64' : undefined;
  if (wanted && (type !== wanted || String(shape) !== '1'))
    add(
      'optimizer-inputs',
      name,
      `${name} is ${type ?? 'no tensor'} [${shape?.join(', ') ?? '?'}], it must be ${wanted} [1]`,
    );
  // TypeProto: field 4 is the sequence
  if (!wanted && (type !== undefined || typeBytes?.[0] !== 0x22))
    add('optimizer-inputs', name, `${name} is ${type ?? 'of another type'}, it must be a sequence of float tensors`);
  return faults;
}

/** Whether a value is an input, or is made of it by other nodes. */
function leadsTo({ nodes }: Graph, name: string, input: string): boolean {
  const seen = new Set<string>();
  const pending = [name];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at === input) return true;
    if (!at || seen.has(at)) continue;
    seen.add(at);
    const maker = nodes.find(node => node.outputs.includes(at));
    if (maker) pending.push(...maker.inputs);
  }
  return false;
}

/** What is wrong with the moments that a checkpoint keeps. */
export function momentFaults(
  groups: readonly {
    readonly name: string;
    readonly states: ReadonlyMap<string, ReadonlyMap<string, Tensor>>;
  }[],
  { trainable }: CheckpointParameters,
  optimizer: Model | undefined,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const node = optimizer?.graph.nodes.find(isOptimizer);
  const wanted = node && kinds.get(node.op)!.moments;
  if (groups.length > 1)
    add('moments', groups[1]!.name, 'there is more than one optimizer group, the runtime takes one');
  for (const { states } of groups.slice(0, 1)) {
    if (states.size > 0)
      for (const name of trainable.keys())
        if (!states.has(name))
          add('moments', name, `${name} trains and has no state in the optimizer group: it is not updated`);
    for (const [name, moments] of states) {
      const parameter = trainable.get(name);
      if (!parameter) {
        add('moments', name, `the optimizer group has a state of ${name}, which does not train`);
        continue;
      }
      if (wanted && [...moments.keys()].sort().join() !== wanted.join())
        add(
          'moments',
          name,
          `${name} has the moments ${[...moments.keys()].join(', ') || 'none'}; ${node.op} keeps ${wanted.join(', ') || 'none'}`,
        );
      for (const [moment, { type, shape }] of moments)
        if (type !== parameter.type || shape.join() !== parameter.shape.join())
          add(
            'moments',
            name,
            `${moment} of ${name} is ${type} [${shape.join(', ')}], the parameter ${parameter.type} [${parameter.shape.join(', ')}]`,
          );
    }
  }
  return faults;
}
