// The rules of plain training artifacts: which inputs and outputs the graphs have for each parameter, and that the
// checkpoint holds what they take. Sentences say what a loop that follows the format would stumble over.

import type { Tensor } from '../base/index.js';
import { feedsOf, type Dim, type Model, type ValueInfo } from '../graph/index.js';
import { faultList, type ArtifactsFault } from './ort-training/fault.js';

/** The graphs of a folder of plain artifacts. */
export interface PlainModels {
  readonly training: Model;
  readonly evaluation?: Model | undefined;
  readonly optimizer?: Model | undefined;
  readonly epoch?: Model | undefined;
}

/** Faults of each graph and of the state, by what they are of. */
export type PlainFaults = Readonly<Record<keyof PlainModels | 'state', readonly ArtifactsFault[]>>;

/**
 * What is wrong with plain graphs.
 *
 * @param parameters those that train, as the folder says
 * @param state what the checkpoint holds; undefined where there is none
 */
export function plainModelFaults(
  { training, evaluation, optimizer, epoch }: PlainModels,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  state: ReadonlyMap<string, Tensor> | undefined,
): PlainFaults {
  const trained = new Set(parameters.map(({ name }) => name));
  return {
    training: [
      ...parameters.flatMap(({ name, shape }) => [
        ...ioFaults(feedsOf(training.graph), 'input', name, shape),
        ...ioFaults(training.graph.outputs, 'output', `${name}_grad`, shape),
      ]),
      ...lossFaults(training),
    ],
    evaluation: evaluation ? evaluationFaults(evaluation, training, trained) : [],
    optimizer: optimizer ? updateFaults(optimizer, parameters, true) : [],
    epoch: epoch ? updateFaults(epoch, parameters, false) : [],
    state: state ? stateFaults([training, optimizer, epoch], parameters, state) : [],
  };
}

function ioFaults(
  infos: readonly ValueInfo[],
  what: 'input' | 'output',
  name: string,
  shape: readonly Dim[],
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const info = infos.find(one => one.name === name);
  if (!info) add(what, name, `there is no ${what} ${name}`);
  else if (info.type !== 'float32' || info.shape?.join() !== shape.join())
    add(
      what,
      name,
      `the ${what} ${name} is ${info.type} [${info.shape?.join(', ') ?? '?'}], it must be float32 [${shape.join(', ')}]`,
    );
  return faults;
}

function lossFaults({ graph }: Model): ArtifactsFault[] {
  const { faults, add } = faultList();
  const loss = graph.outputs.find(({ name }) => name === 'loss');
  if (!loss) add('loss', 'loss', 'there is no output loss');
  else if (loss.type !== 'float32' || loss.shape?.length !== 0)
    add('loss', 'loss', `loss is ${loss.type} [${loss.shape?.join(', ') ?? '?'}], it must be a float32 scalar`);
  return faults;
}

function evaluationFaults(evaluation: Model, training: Model, trained: ReadonlySet<string>): ArtifactsFault[] {
  const { faults, add } = faultList();
  const there = new Map(feedsOf(training.graph).map(info => [info.name, info]));
  const here = feedsOf(evaluation.graph);
  for (const { name, type, shape } of here) {
    const info = there.get(name);
    if (!info) add('input', name, `${name} is no input of the training graph`);
    else if (info.type !== type || String(info.shape) !== String(shape))
      add('input', name, `${name} is ${type} [${shape?.join(', ')}], in the training graph ${info.type} [${info.shape?.join(', ')}]`); // prettier-ignore
  }
  for (const name of trained)
    if (there.has(name) && !here.some(info => info.name === name))
      add('input', name, `${name} trains and is no input: evaluation would go by other weights`);
  return [...faults, ...lossFaults(evaluation)];
}

/** Whatever enters as state must come out as `next.…`, of the same shape. */
function updateFaults(
  { graph }: Model,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  takesGradients: boolean,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const inputs = feedsOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  for (const { name, shape } of parameters) {
    faults.push(...ioFaults(inputs, 'input', name, shape), ...ioFaults(graph.outputs, 'output', `next.${name}`, shape));
    if (takesGradients) faults.push(...ioFaults(inputs, 'input', `${name}_grad`, shape));
    for (const info of inputs)
      if (info.name.startsWith(`${name}.`) && String(info.shape) === String(shape) && !outputs.has(`next.${info.name}`))
        if (!parameters.some(other => other.name === info.name))
          add('output', info.name, `${info.name} enters and next.${info.name} does not come out: it is never updated`);
  }
  for (const name of ['rate', 'step'])
    if (!inputs.some(info => info.name === name)) add('input', name, `there is no input ${name}`);
  return faults;
}

/** The checkpoint holds each parameter and everything that stands beside it. */
function stateFaults(
  models: readonly (Model | undefined)[],
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  state: ReadonlyMap<string, Tensor>,
): ArtifactsFault[] {
  const { faults, add } = faultList();
  const wanted = new Map<string, readonly Dim[]>(parameters.map(({ name, shape }) => [name, shape]));
  for (const model of models)
    for (const { name } of model?.graph.outputs ?? []) {
      if (!name.startsWith('next.')) continue;
      const part = name.slice('next.'.length);
      const info = feedsOf(model!.graph).find(one => one.name === part);
      if (info?.shape) wanted.set(part, info.shape);
    }
  for (const [name, shape] of wanted) {
    const held = state.get(name);
    if (!held) add('state', name, `the graphs carry ${name}, which the checkpoint does not hold`);
    else if (held.shape.join() !== shape.join())
      add('state', name, `${name} is [${held.shape.join(', ')}], the graphs take [${shape.join(', ')}]`);
  }
  return faults;
}
