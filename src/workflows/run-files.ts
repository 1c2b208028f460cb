// What a run leaves beside its bundle: the graphs that trained it, and the logits of what it was judged by.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, tensor, type Tensor } from '../base/index.js';
import { writeAtomically } from '../base/node.js';
import type { FittedHead } from './fit-head.js';
import { writePlainArtifacts } from './plain-artifacts.js';
import type { SplitFeatures } from './set-features.js';

/** Writes `artifacts/`: training, evaluation, optimizer and epoch graph, the trained state, and what they are. */
export async function writeArtifacts(folder: string, fitted: FittedHead, loss: string): Promise<void> {
  const { artifacts, trained, scale, last, optimizer } = fitted;
  const { training, evaluation, epoch, parameters } = artifacts;
  const state = new Map<string, Tensor>(last?.state ?? stateOf(artifacts, trained));
  if (scale) {
    state.set('features.mean', tensor('float32', [scale.mean.length], Float32Array.from(scale.mean)));
    state.set('features.deviation', tensor('float32', [scale.deviation.length], Float32Array.from(scale.deviation)));
  }
  const graphs = { training, evaluation, optimizer: artifacts.optimizer, epoch };
  const said = { parameters, loss, optimizerName: optimizer, extra: { standardised: scale !== undefined } };
  await writePlainArtifacts(folder, { ...graphs, ...said, state, step: last?.step ?? 0 }, { force: true });
}

/** The state before the first step of weights that L-BFGS found: the average is the weights, moments are zero. */
function stateOf({ parameters, slots }: FittedHead['artifacts'], trained: ReadonlyMap<string, Tensor>) {
  return parameters.flatMap(({ name, shape }): [string, Tensor][] => {
    const weights = trained.get(name)!;
    const zeros = () => tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    return [
      [name, weights],
      ...slots.map((slot): [string, Tensor] => [`${name}.${slot}`, slot === 'average' ? weights : zeros()]),
    ];
  });
}

/** Writes `predictions/<split>.safetensors`: `logits` [n, classes], `hashes` uint8 [n, 32] of the pictures. */
export async function writePredictions(
  folder: string,
  split: string,
  logits: Float32Array,
  { hashes, count }: Pick<SplitFeatures, 'hashes' | 'count'>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bytes = new Uint8Array(32 * count);
  hashes.forEach((hash, i) => bytes.set(Buffer.from(hash, 'hex'), 32 * i));
  const tensors = new Map([
    ['logits', tensor('float32', [count, logits.length / count], logits)],
    ['hashes', tensor('uint8', [count, 32], bytes)],
  ]);
  await writeAtomically(join(folder, `${split}.safetensors`), encodeSafetensors(tensors), { force: true });
}
