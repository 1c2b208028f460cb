// Loss, logits and gradients of one network at one input beside PyTorch's in float64. Usage: imported by
// compare-network.ts.

import type { TrainableNetwork } from '../../src/artifacts/index.js';
import { elementCount, floats } from '../../src/base/index.js';
import type { Runtime, Session } from '../../src/runtime/index.js';
import type { PeerAnswer } from './gradient-peer.js';

/** Worst weight of some, ours and PyTorch's error in float32. */
export interface Worst {
  readonly worst: number;
  readonly name: string;
  readonly peer: number;
}

/** What one seed shows: the weights, the other constants, loss and logits. */
export interface Found {
  readonly weights: Worst;
  readonly others: Worst;
  readonly loss: number;
  readonly logits: number;
}

/**
 * Runs one training graph on PyTorch's input. Weights whose whole gradient is below 1e-7 of the network's are compared to
 * that: no float32 holds them.
 *
 * @param session of the training graph
 */
export async function compareSeed(
  runtime: Runtime,
  session: Session,
  network: TrainableNetwork,
  { own, others }: { readonly own: readonly string[]; readonly others: readonly string[] },
  { tensors, errors }: PeerAnswer,
): Promise<Found> {
  const feeds = new Map([
    [network.inputs[0]!, runtime.tensor(tensors.get('input')!)],
    ['labels', runtime.tensor(tensors.get('labels')!)],
    ...network.parameters.map(({ name, initial }) => [name, runtime.tensor(initial)] as const),
  ]);
  const output = network.outputs[0]!;
  const results = await session.run(feeds, ['loss', output, ...network.parameters.map(({ name }) => `${name}_grad`)]);
  const read = async (name: string) => floats(await results.get(name)!.read());
  const reference = (name: string) => floats(tensors.get(`grad:${name}`)!);
  const whole = Math.hypot(...own.map(name => normOf(reference(name))));
  const worstOf = async (names: readonly string[]): Promise<Worst> => {
    let [worst, at] = [0, names[0] ?? ''];
    for (const name of names) {
      const right = reference(name);
      const error = distance(await read(`${name}_grad`), right) / Math.max(normOf(right), 1e-7 * whole);
      if (!(error <= worst)) [worst, at] = [error, name];
    }
    return { worst, name: at, peer: names.reduce((most, name) => Math.max(most, errors.get(name) ?? 0), 0) };
  };
  const loss = new Float64Array(tensors.get('loss')!.bytes.slice().buffer)[0]!;
  const logits = tensors.get('logits')!;
  const isLogits = output === network.logits;
  const wanted = isLogits ? floats(logits) : softmax(floats(logits), elementCount(logits.shape.slice(1)));
  const found = {
    weights: await worstOf(own),
    others: await worstOf(others),
    loss: Math.abs((await read('loss'))[0]! - loss) / Math.abs(loss),
    logits: distance(await read(output), wanted) / normOf(wanted),
  };
  for (const value of [...feeds.values(), ...results.values()]) value.dispose();
  return found;
}

/** L2. */
export function normOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers, PyTorch has ${b.length}`);
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Probabilities of rows of logits, where the network gives those. */
function softmax(logits: Float32Array, classes: number): Float64Array {
  const made = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    const most = logits.subarray(row, row + classes).reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let i = row; i < row + classes; i++) sum += made[i] = Math.exp(logits[i]! - most);
    for (let i = row; i < row + classes; i++) made[i]! /= sum;
  }
  return made;
}
