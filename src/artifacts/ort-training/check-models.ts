// The rules of training_model and eval_model as ONNX Runtime's Module reads them: an input whose name is in the checkpoint
// is a parameter, `lazy_reset_grad` the flag of accumulation, an input or output that ends in `_grad`,
// `_grad.accumulation.buffer` or `_grad.accumulation.out` belongs to a gradient, anything else is the user's.
// Source: orttraining/training_api/module.cc; each consequence was seen with 1.19.2.

import type { Tensor } from '../../base/index.js';
import { feedsOf, namesRead, type Graph, type Model, type Node, type ValueInfo } from '../../graph/index.js';
import { faultList, type ArtifactsFault } from './fault.js';

/** The parameters of a checkpoint. */
export interface CheckpointParameters {
  readonly trainable: ReadonlyMap<string, Tensor>;
  readonly frozen: ReadonlyMap<string, Tensor>;
  /** Shapes are not told: they are not compared. */
  readonly isNominal: boolean;
}

const resetFlag = 'lazy_reset_grad';
const endings = ['_grad', '_grad.accumulation.buffer', '_grad.accumulation.out'];
const isOfGradient = (name: string) => name === resetFlag || endings.some(end => name.endsWith(end));

/** What is wrong with a training graph beside its checkpoint. */
export function trainingModelFaults({ graph }: Model, parameters: CheckpointParameters): ArtifactsFault[] {
  const { faults, add } = faultList();
  const inputs = new Map(feedsOf(graph).map(info => [info.name, info]));
  const { trainable, frozen } = parameters;
  const flag = inputs.get(resetFlag);
  if (!flag)
    add('reset-flag', resetFlag, 'there is no input lazy_reset_grad, which is always fed: the first step fails');
  else if (flag.type !== 'bool' || String(flag.shape) !== '1')
    add('reset-flag', resetFlag, `lazy_reset_grad is ${told(flag)}, it must be bool [1]`);
  faults.push(...parameterFaults(inputs, parameters), ...lossFaults(graph));

  const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)));
  const fed = reachedFrom(graph);
  const needed = neededBy(graph);
  for (const [name, { type }] of trainable) {
    const buffer = inputs.get(`${name}_grad.accumulation.buffer`);
    const parameter = inputs.get(name);
    if (!parameter) continue;
    if (!buffer) {
      const what = `${name} trains and has no input ${name}_grad.accumulation.buffer: the session cannot be made`;
      add('buffer', name, what);
      continue;
    }
    if (buffer.type !== type || String(buffer.shape) !== String(parameter.shape))
      add('buffer', name, `the buffer of ${name} is ${told(buffer)}, the parameter ${told(parameter)}`);
    faults.push(...accumulatorFaults(graph, name, producers, fed, needed));
  }
  for (const { name } of inputs.values()) {
    if (trainable.has(name) || frozen.has(name) || !isOfGradient(name) || name === resetFlag) continue;
    const owner = name.replace(/_grad(\.accumulation\.(buffer|out))?$/, '');
    if (!name.endsWith('.buffer'))
      add('user-input', name, `the input ${name} is taken for a gradient by its ending: nobody can feed it`);
    else if (!trainable.has(owner) && !frozen.has(owner))
      add('buffer', name, `the buffer ${name} is of no parameter of the checkpoint`);
  }
  return faults;
}

/** What is wrong with an evaluation graph beside the training graph: weights are handed over by their place. */
export function evaluationModelFaults(
  { graph }: Model,
  training: Model,
  parameters: CheckpointParameters,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const inputs = new Map(feedsOf(graph).map(info => [info.name, info]));
  const { trainable, frozen } = parameters;
  const isParameter = ({ name }: ValueInfo) => trainable.has(name) || frozen.has(name);
  const [here, there] = [graph, training.graph].map(of => feedsOf(of).filter(isParameter));
  for (const { name } of there!)
    if (!inputs.has(name))
      add('eval-parameters', name, `${name} is an input of the training graph and not of this one`);
  for (const info of here!) {
    const trained = there!.find(({ name }) => name === info.name);
    if (!trained) add('eval-parameters', info.name, `${info.name} is no input of the training graph`);
    else if (trained.type !== info.type || String(trained.shape) !== String(info.shape))
      add('eval-parameters', info.name, `${info.name} is ${told(info)}, in the training graph ${told(trained)}`);
  }
  const at = here!.findIndex(({ name }, i) => name !== there![i]?.name);
  if (faults.length === 0 && at >= 0)
    add(
      'eval-order',
      here![at]!.name,
      `parameter ${at + 1} is ${here![at]!.name}, in the training graph ${there![at]!.name}: weights go in by their place, so evaluation fails or, where shapes agree, is silently wrong`,
    );
  faults.push(...lossFaults(graph));
  return faults;
}

/** Parameters of the checkpoint as inputs of the training graph. */
function parameterFaults(
  inputs: ReadonlyMap<string, ValueInfo>,
  { trainable, frozen, isNominal }: CheckpointParameters,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  for (const name of trainable.keys())
    if (!inputs.has(name))
      add('parameter', name, `${name} trains in the checkpoint and is no input: the session cannot be made`);
  if (isNominal) return faults;
  for (const [name, { type, shape }] of [...trainable, ...frozen]) {
    const info = inputs.get(name);
    if (info && (info.type !== type || String(info.shape) !== String(shape)))
      add('parameter', name, `the input ${name} is ${told(info)}, in the checkpoint it is ${told({ type, shape })}`);
  }
  return faults;
}

/** The first output is the loss, one float. */
function lossFaults({ outputs: [loss] }: Graph): ArtifactsFault[] {
  const { faults, add } = faultList();
  if (!loss || isOfGradient(loss.name)) add('loss', loss?.name ?? '', 'the first output must be the loss');
  else if (loss.type !== 'float32' || (loss.shape?.some(dim => dim !== 1) ?? false))
    add('loss', loss.name, `the first output, ${loss.name}, is ${told(loss)}: it must be the loss, one float32`);
  return faults;
}

const silent = 'the graph loads and runs, and this parameter never learns';

/** The gradient must be added into the buffer itself, in its memory: only one operator does that. */
function accumulatorFaults(
  graph: Graph,
  name: string,
  producers: ReadonlyMap<string, Node>,
  fed: ReadonlySet<string>,
  needed: ReadonlySet<string>,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const buffer = `${name}_grad.accumulation.buffer`;
  const out = `${name}_grad.accumulation.out`;
  const accumulators = graph.nodes.filter(node => isAccumulator(node) && node.inputs[0] === buffer);
  const [accumulator, second] = accumulators;
  if (!accumulator) {
    const maker = producers.get(out) ?? graph.nodes.find(node => node.inputs.includes(buffer));
    const found = !maker
      ? 'nothing reads its buffer'
      : isAccumulator(maker)
        ? `${maker.name || maker.op} writes ${maker.inputs[0] ?? 'nothing'} instead of its buffer`
        : `${maker.op} (node ${maker.name}) stands where InPlaceAccumulatorV2 must`;
    add('accumulator', name, `the gradient of ${name} is kept nowhere: ${found}; ${silent}`);
    return faults;
  }
  if (second) add('accumulator', name, `the buffer of ${name} has more than one accumulator`);
  const kept = accumulator.outputs.some(output => needed.has(output));
  if (!kept) add('accumulator', name, `no output of the graph needs the accumulator of ${name}: it is left out, and ${silent}`); // prettier-ignore
  const [, gradient = '', flag] = accumulator.inputs;
  if (flag !== resetFlag)
    add('accumulator', name, `the accumulator of ${name} does not read lazy_reset_grad: gradients add up for ever`);
  if (!fed.has(gradient))
    add('gradient', name, `what is added up for ${name}, ${gradient || 'nothing'}, depends on nothing that is fed`);
  const info = graph.values.get(gradient);
  const parameter = graph.inputs.find(input => input.name === name);
  const isOther = info?.shape?.some((dim, i) => typeof dim === 'number' && dim !== parameter?.shape?.[i]) ?? false;
  if (isOther || (info?.shape && info.shape.length !== parameter?.shape?.length))
    add('gradient', name, `the gradient of ${name} is ${told(info!)}, the parameter ${told(parameter!)}`);
  return faults;
}

const isAccumulator = ({ op, domain }: Node) => op === 'InPlaceAccumulatorV2' && domain === 'com.microsoft';

/** Values that depend on something that is fed, the buffers and the flag aside. */
function reachedFrom(graph: Graph): Set<string> {
  const reached = new Set(feedsOf(graph).flatMap(({ name }) => (isOfGradient(name) ? [] : [name])));
  for (const node of graph.nodes)
    if ([...namesRead(node)].some(name => reached.has(name))) for (const name of node.outputs) reached.add(name);
  return reached;
}

/** Values that outputs are made of. */
function neededBy(graph: Graph): Set<string> {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.some(name => needed.has(name))) for (const name of namesRead(node)) needed.add(name);
  return needed;
}

const told = ({ type, shape }: Pick<ValueInfo, 'type' | 'shape'>): string =>
  `${type ?? 'no tensor'} ${shape ? `[${shape.join(', ')}]` : 'of unknown shape'}`;
