// The weights that a run's checkpoints hold, as members of an ensemble: raw ones, averages, the best, those at the ends of
// cycles. Which files are there, and what for, stands in run-files.ts and swa-file.ts.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, type Tensor } from '../base/index.js';
import { decodeCheckpoint, type Checkpoint, type KeptFor } from './checkpoint.js';
import { readSwa } from './swa-file.js';

/** Which weights of a run: see {@link checkpointWeights}. */
export type WeightsKind = 'best' | 'last' | 'average' | 'swa' | 'swa-points' | 'snapshots' | 'checkpoints';

/** Weights of a checkpoint by the names of the parameters. */
export interface CheckpointWeights {
  /** `last`, `best`, `average`, `swa`, or the number of the epoch. */
  readonly label: string;
  readonly epoch: number;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * Reads weights of a run.
 *
 * @param folder such as `run/checkpoints`
 * @param wanted an epoch, or a kind: `last` and `average` are of the newest checkpoint; `swa` is what SWA came to, where
 *   the run is at its end, and `swa-points` the weights that it averaged; `snapshots` are those at the ends of cycles;
 *   `checkpoints` those of the last epochs, as many as were to be kept, or of all that are there. But for `best`, `average` and `swa` they are as the last step left them
 * @returns none where the run keeps no such weights
 * @throws TRAINING_CHECKPOINT, ST_…
 */
export async function checkpointWeights(folder: string, wanted: WeightsKind | number): Promise<CheckpointWeights[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const epochs = names
    .flatMap(name => /^(\d{6,15})\.safetensors$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const bytesOf = (epoch: number) => readFile(join(folder, `${String(epoch).padStart(6, '0')}.safetensors`));
  const read = async (epoch: number) => decodeCheckpoint(await bytesOf(epoch));
  const raw = async (some: readonly number[]): Promise<CheckpointWeights[]> => {
    const found: CheckpointWeights[] = [];
    for (const epoch of some) found.push(rawOf(await read(epoch), String(epoch)));
    return found;
  };
  if (typeof wanted === 'number') return raw(epochs.filter(epoch => epoch === wanted));
  if (wanted === 'snapshots') return raw(await keptFor('snapshot'));
  if (wanted === 'swa-points') return raw(await keptFor('swa'));
  if (wanted === 'swa') {
    const swa = await readSwa(folder);
    return swa ? [{ label: 'swa', epoch: swa.epoch, weights: swa.weights }] : [];
  }
  const newest = epochs.at(-1);
  if (newest === undefined) return [];
  const last = await read(newest);
  if (wanted === 'checkpoints') return raw(epochs.filter(epoch => epoch > newest - (last.keep ?? Infinity)));
  if (wanted === 'last') return [rawOf(last, 'last')];
  if (wanted === 'average') return averageOf(last);
  return last.best ? [{ label: 'best', epoch: last.best.epoch, weights: last.best.trained }] : [];

  async function keptFor(kept: KeptFor): Promise<number[]> {
    const found: number[] = [];
    for (const epoch of epochs)
      if (decodeSafetensors(await bytesOf(epoch)).metadata.get('kept') === kept) found.push(epoch);
    return found;
  }
}

/** Parameters and statistics, without what stands beside them. */
const ownNames = ({ state }: Checkpoint): string[] =>
  [...state.keys()].filter(name => !state.has(name.slice(0, Math.max(0, name.lastIndexOf('.')))));

function rawOf(checkpoint: Checkpoint, label: string): CheckpointWeights {
  const weights = new Map(ownNames(checkpoint).map(name => [name, checkpoint.state.get(name)!]));
  return { label, epoch: checkpoint.epoch, weights };
}

function averageOf(checkpoint: Checkpoint): CheckpointWeights[] {
  const { state, epoch } = checkpoint;
  const names = ownNames(checkpoint);
  if (!names.some(name => state.has(`${name}.average`))) return [];
  return [
    {
      label: 'average',
      epoch,
      weights: new Map(names.map(name => [name, state.get(`${name}.average`) ?? state.get(name)!])),
    },
  ];
}
