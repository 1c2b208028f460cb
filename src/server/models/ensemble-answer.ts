// The outputs of an ensemble, made of those that its members gave: of classifiers probabilities, logits, what each member
// said and how much they disagree; of other networks the weighted means of their floats.

import { errors } from '../errors.js';
import type { ModelFacts } from '../served.js';
import type { WireTensor } from '../tensors.js';
import type { EnsembleSignature } from './ensemble-check.js';
import {
  floatsOf,
  floatTensor,
  logitsOf,
  pool,
  poolFloats,
  sharesOfPresent,
  uncertaintyOf,
  type Task,
} from './ensemble-pool.js';
import type { AverageNode } from './ensemble-recipe.js';

/** A member and what it gave. */
export interface PooledMember {
  readonly name: string;
  readonly share: number;
  readonly outputs: ReadonlyMap<string, WireTensor> | undefined;
}

interface Answered {
  readonly outputs: ReadonlyMap<string, WireTensor>;
  readonly rows: number;
}

/**
 * One answer of several; one member at least gave something.
 *
 * @param wanted in this order; all where nothing is said
 * @throws MEMBER_FAILED where members gave different shapes
 */
export function poolAnswers(
  root: AverageNode,
  members: readonly PooledMember[],
  { facts, signature }: { readonly facts: ModelFacts; readonly signature: EnsembleSignature },
  wanted: readonly string[] = facts.outputs.map(({ name }) => name),
): Answered {
  if (signature.kind === 'classifier') return classified(root, members, facts.task ?? 'single', wanted);
  const outputs = new Map<string, WireTensor>();
  for (const name of wanted) {
    const { shape, values, datatype } = sameShaped(members, name);
    outputs.set(name, floatTensor(poolFloats(root, values), shape, datatype));
  }
  return { outputs, rows: [...outputs.values()][0]?.shape[0] ?? 1 };
}

function classified(
  root: AverageNode,
  members: readonly PooledMember[],
  task: Task,
  wanted: readonly string[],
): Answered {
  const { shape, values } = sameShaped(members, 'probabilities');
  const [rows, classes] = shape as readonly [number, number];
  const p = pool(root, values, classes, task);
  const there = values.filter(one => one !== undefined);
  const shares = sharesOfPresent(members.flatMap(({ share }, i) => (values[i] ? [share] : [])));
  const makers: ReadonlyMap<string, () => WireTensor> = new Map([
    ['logits', () => floatTensor(logitsOf(p, task), shape)],
    ['probabilities', () => floatTensor(p, shape)],
    ['memberProbabilities', () => floatTensor(beside(there, rows, classes), [rows, there.length, classes])],
    ['uncertainty', () => floatTensor(uncertaintyOf(p, there, shares, classes, task), [rows, 2])],
  ]);
  return { outputs: new Map(wanted.flatMap(name => (makers.has(name) ? [[name, makers.get(name)!()] as const] : []))), rows }; // prettier-ignore
}

/** [rows, members, classes] */
function beside(members: readonly Float64Array[], rows: number, classes: number): Float64Array {
  const all = new Float64Array(rows * members.length * classes);
  members.forEach((values, m) => {
    for (let row = 0; row < rows; row++)
      all.set(values.subarray(row * classes, (row + 1) * classes), (row * members.length + m) * classes);
  });
  return all;
}

/** An output of all members that gave it. */
function sameShaped(members: readonly PooledMember[], name: string) {
  const tensors = members.map(({ outputs }) => outputs?.get(name));
  const first = tensors.find(one => one !== undefined)!;
  tensors.forEach((tensor, i) => {
    if (tensor && String(tensor.shape) !== String(first.shape))
      throw errors.MEMBER_FAILED({ reason: `member ${members[i]!.name} gave ${name} [${tensor.shape.join(', ')}], others [${first.shape.join(', ')}]` }); // prettier-ignore
  });
  const datatype = first.datatype === 'FP64' ? ('FP64' as const) : ('FP32' as const);
  return { shape: first.shape, datatype, values: tensors.map(tensor => (tensor ? floatsOf(tensor) : undefined)) };
}
