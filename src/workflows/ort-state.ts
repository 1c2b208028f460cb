// The state of a run as a checkpoint of ONNX Runtime's training and back, and the files that its runtimes load.
// Our graphs keep Adam's moments unnormalised (m / (1 − β₁), v / (1 − β₂)), checkpoints keep m and v themselves.

import { momentsOf, ownOptimizer, type OrtOptimizer, type OrtTrainingArtifacts } from '../artifacts/index.js';
import { floats, tensor, type Tensor } from '../base/index.js';
import { writeTogether } from '../base/node.js';
import { encodeModel, encodeOrtCheckpoint, type OrtCheckpoint } from '../codec/index.js';
import { errors } from './ort-errors.js';

/** Names of the files that ONNX Runtime's training takes, as `generate_artifacts` gives them. */
export const ortFiles = {
  training: 'training_model.onnx',
  evaluation: 'eval_model.onnx',
  optimizer: 'optimizer_model.onnx',
  checkpoint: 'checkpoint',
} as const;

/**
 * The files of a folder of training artifacts, by name.
 *
 * @param checkpoint where training begins. @default the initial weights, without moments
 * @example
 * for (const [name, bytes] of ortTrainingFiles(artifacts)) await writeFile(join(folder, name), bytes);
 */
export function ortTrainingFiles(
  artifacts: OrtTrainingArtifacts,
  checkpoint: OrtCheckpoint = ortCheckpointOf(artifacts),
): Map<string, Uint8Array> {
  return new Map([
    [ortFiles.training, encodeModel(artifacts.training)],
    [ortFiles.evaluation, encodeModel(artifacts.evaluation)],
    [ortFiles.optimizer, encodeModel(artifacts.optimizer)],
    [ortFiles.checkpoint, encodeOrtCheckpoint(checkpoint)],
  ]);
}

/** Where a run stands: its weights and moments as our graphs name them (`P`, `P.m`, `P.v`), and how it goes on. */
export interface OrtProgress {
  readonly state: ReadonlyMap<string, Tensor>;
  /** Steps done. */
  readonly step: number;
  readonly optimizer: OrtOptimizer;
  /** @default 0.001, with which the runtime begins */
  readonly rate?: number;
}

/**
 * A checkpoint: of the initial weights, or of a run that has begun.
 *
 * @throws ORT_STATE_WEIGHT where the state lacks a parameter or a moment, or has it in another shape
 */
export function ortCheckpointOf(
  { trainable, frozen, checkpointVersion: version }: OrtTrainingArtifacts,
  progress?: OrtProgress,
): OrtCheckpoint {
  const initial: OrtCheckpoint = { version, trainable, frozen, isNominal: false, groups: [], properties: new Map() };
  if (!progress) return initial;
  const { state, step, optimizer, rate = 0.001 } = progress;
  const factors = momentFactors(optimizer);
  const states = new Map(
    [...trainable].map(([name, { shape }]) => [
      name,
      new Map(
        factors.map(({ slot, moment, factor }) => [moment, scaled(held(state, `${name}.${slot}`, shape), factor)]),
      ),
    ]),
  );
  const weights = new Map([...trainable].map(([name, { shape }]) => [name, held(state, name, shape)]));
  return { ...initial, trainable: weights, groups: [{ name: 'group0', step, initialLearningRate: rate, states }] };
}

/**
 * The state of a checkpoint as our graphs take it. Moments that it does not have are zero.
 *
 * @returns `P`, `P.m`, `P.v` of every trainable parameter, and the steps done
 */
export function stateOfOrtCheckpoint(
  { trainable, groups }: OrtCheckpoint,
  optimizer: OrtOptimizer,
): { readonly state: Map<string, Tensor>; readonly step: number } {
  const state = new Map<string, Tensor>();
  for (const [name, weights] of trainable) {
    const moments = groups.map(({ states }) => states.get(name)).find(Boolean);
    state.set(name, weights);
    for (const { slot, moment, factor } of momentFactors(optimizer)) {
      const kept = moments?.get(moment);
      const zero = () => tensor('float32', weights.shape, new Float32Array(floats(weights).length));
      state.set(`${name}.${slot}`, kept ? scaled(kept, 1 / factor) : zero());
    }
  }
  return { state, step: groups[0]?.step ?? 0 };
}

/**
 * A checkpoint with other weights: an average over steps (Polyak) or over several checkpoints, written back.
 *
 * @param weights parameters by name, trainable or frozen; those that are not named stay
 * @throws ORT_STATE_WEIGHT where the checkpoint has no such parameter, or has it in another shape
 * @example
 * const averaged = withOrtWeights(checkpoint, new Map([['fc.weight', average]]));
 */
export function withOrtWeights(checkpoint: OrtCheckpoint, weights: ReadonlyMap<string, Tensor>): OrtCheckpoint {
  const { trainable, frozen } = checkpoint;
  for (const name of weights.keys())
    if (!trainable.has(name) && !frozen.has(name))
      throw errors.WEIGHT({ name, found: 'no such name', wanted: 'a parameter of the checkpoint' });
  const replaced = (parameters: ReadonlyMap<string, Tensor>) =>
    new Map(
      [...parameters].map(([name, { type, shape, bytes }]) => [
        name,
        weights.has(name) ? held(weights, name, shape, type) : { type, shape, bytes },
      ]),
    );
  return { ...checkpoint, trainable: replaced(trainable), frozen: replaced(frozen) };
}

function held(
  state: ReadonlyMap<string, Tensor>,
  name: string,
  shape: readonly number[],
  type: Tensor['type'] = 'float32',
): Tensor {
  const found = state.get(name);
  if (!found || found.type !== type || found.shape.join() !== shape.join())
    throw errors.WEIGHT({ name, found: found ? told(found) : 'nothing', wanted: told({ type, shape }) });
  return found;
}

const told = ({ type, shape }: Pick<Tensor, 'type' | 'shape'>) => `${type} [${shape.join(', ')}]`;

/** Slot, its name in a checkpoint, and what a slot is multiplied by to become it. */
function momentFactors(optimizer: OrtOptimizer) {
  const { beta1 = 0.9, beta2 = 0.999 } = optimizer.name === 'adamw' ? optimizer : {};
  const factors = [1 - beta1, 1 - beta2];
  const moments = momentsOf(optimizer);
  return ownOptimizer(optimizer).slots.map((slot, i) => ({ slot, moment: moments[i]!, factor: factors[i]! }));
}

const scaled = ({ shape, ...rest }: Tensor, factor: number): Tensor =>
  tensor(
    'float32',
    shape,
    floats({ shape, ...rest }).map(value => value * factor),
  );

/**
 * Writes a folder of training artifacts, all of it or nothing.
 *
 * @param options `checkpoint`: where training begins, the initial weights by default; `force`: over a folder that is there
 * @returns the names of the files
 * @throws DISK_…
 */
export async function writeOrtArtifacts(
  folder: string,
  artifacts: OrtTrainingArtifacts,
  { checkpoint, force = false }: { readonly checkpoint?: OrtCheckpoint; readonly force?: boolean } = {},
): Promise<string[]> {
  const files = ortTrainingFiles(artifacts, checkpoint);
  await writeTogether(folder, files, ortFiles.checkpoint, { force });
  return [...files.keys()];
}
