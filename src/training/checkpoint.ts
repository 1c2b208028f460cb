// A place where a run may be resumed, as one safetensors file:
//   P, P.m, P.v, P.average   the state        P.best   the parameters of the best epoch, where there is one
//   P.swa                    float64, the mean of the weights that SWA has averaged until now, where it has
//   step                     int64 []         metadata: version, epoch, best.epoch, best.loss, best.accuracy,
//                                             best.calibrated, swa.count, kept, keep, run.…, and checksum, the SHA-256 of the same file without it, where it is sealed
// The same checkpoint gives the same bytes; numbers in the metadata are written so that they come back exactly.

import { decodeSafetensors, encodeSafetensors, integers, tensor, type Tensor } from '../base/index.js';
import { errors } from './errors.js';
import type { Figures } from './figures.js';
import type { RunningMean } from './running-mean.js';

/** The best epoch of a run and its parameters; averaged, where the run averages. */
export interface Best {
  readonly epoch: number;
  readonly validation: Figures;
  readonly trained: ReadonlyMap<string, Tensor>;
}

/** What a checkpoint is kept for: the end of a cycle, or one of the points that SWA averages. */
export type KeptFor = 'snapshot' | 'swa';

/** A place where a run may be resumed. */
export interface Checkpoint {
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** Parameters `P` and what stands beside them, `P.m`, `P.average`. */
  readonly state: ReadonlyMap<string, Tensor>;
  readonly best?: Best;
  /** Of a run that averages its weights at the ends of epochs (SWA). */
  readonly swa?: RunningMean;
  /** What it is kept for beyond its time. */
  readonly kept?: KeptFor;
  /** How many of the last checkpoints stay with it, where that is more than two. */
  readonly keep?: number;
  /** What the run depends on, so that it is not resumed as another. */
  readonly run: ReadonlyMap<string, string>;
}

const version = '1';

/**
 * A checkpoint as the bytes of a safetensors file, in pieces.
 *
 * @param checksum of the pieces that come without one
 * @throws `TRAINING_STATE` where a name of the state is one that the file needs for itself
 */
export function encodeCheckpoint(checkpoint: Checkpoint, checksum?: string): Uint8Array[] {
  const { epoch, step, state, best, swa, kept, keep, run } = checkpoint;
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of state) {
    if (name === 'step' || name.endsWith('.best'))
      throw errors.STATE({ name, found: 'a name that checkpoints need', wanted: 'another name' });
    tensors.set(name, value);
  }
  tensors.set('step', tensor('int64', [], [step]));
  for (const [name, value] of best?.trained ?? []) tensors.set(`${name}.best`, value);
  for (const [name, value] of swa?.mean ?? []) tensors.set(`${name}.swa`, value);
  const metadata = new Map([
    ['version', version],
    ['epoch', String(epoch)],
  ]);
  if (best) {
    metadata.set('best.epoch', String(best.epoch));
    metadata.set('best.loss', String(best.validation.loss));
    metadata.set('best.accuracy', String(best.validation.accuracy));
    const { calibrated } = best.validation;
    if (calibrated !== undefined) metadata.set('best.calibrated', String(calibrated));
  }
  if (swa) metadata.set('swa.count', String(swa.count));
  if (kept) metadata.set('kept', kept);
  if (keep !== undefined) metadata.set('keep', String(keep));
  for (const [name, value] of run) metadata.set(`run.${name}`, value);
  if (checksum !== undefined) metadata.set('checksum', checksum);
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads what {@link encodeCheckpoint} wrote.
 *
 * @param bytes the whole file
 * @throws `TRAINING_CHECKPOINT`; `ST_…` where it is no safetensors file
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const found = metadata.get('version');
  if (found !== version)
    throw errors.CHECKPOINT({ reason: `its version is ${found ?? 'not told'}, this program knows ${version}` });
  const number = (name: string): number => {
    const text = metadata.get(name);
    const value = text === undefined || text.trim() === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) throw errors.CHECKPOINT({ reason: `${name} is ${text ?? 'not told'}` });
    return value;
  };
  const count = (name: string): number => {
    const value = number(name);
    if (!Number.isSafeInteger(value) || value < 0) throw errors.CHECKPOINT({ reason: `${name} is ${value}` });
    return value;
  };
  const state = new Map<string, Tensor>();
  const trained = new Map<string, Tensor>();
  const mean = new Map<string, Tensor>();
  for (const [name, value] of tensors) {
    // the state is float32 throughout
    if (value.type === 'float64' && name.endsWith('.swa')) mean.set(name.slice(0, -'.swa'.length), value);
    else if (name.endsWith('.best')) trained.set(name.slice(0, -'.best'.length), value);
    else if (name !== 'step') state.set(name, value);
  }
  const run = new Map<string, string>();
  for (const [name, value] of metadata) if (name.startsWith('run.')) run.set(name.slice('run.'.length), value);
  const kept = metadata.get('kept');
  const hasBest = metadata.has('best.epoch');
  const validation = () => ({
    loss: number('best.loss'),
    accuracy: number('best.accuracy'),
    ...(metadata.has('best.calibrated') ? { calibrated: number('best.calibrated') } : {}),
  });
  return {
    epoch: count('epoch'),
    step: stepOf(tensors.get('step')),
    state,
    ...(metadata.has('swa.count') ? { swa: { count: count('swa.count'), mean } } : {}),
    ...(metadata.has('keep') ? { keep: count('keep') } : {}),
    ...(kept === 'snapshot' || kept === 'swa' ? { kept } : {}),
    ...(hasBest ? { best: { epoch: count('best.epoch'), validation: validation(), trained } } : {}),
    run,
  };
}

/** The checksum that a checkpoint's file says it has. */
export const checksumOf = (bytes: Uint8Array): string | undefined => decodeSafetensors(bytes).metadata.get('checksum');

function stepOf(at: Tensor | undefined): number {
  const [step] = at?.type === 'int64' && at.shape.length === 0 ? integers(at) : [];
  if (step === undefined || step < 0) throw errors.CHECKPOINT({ reason: 'it has no step' });
  return step;
}
