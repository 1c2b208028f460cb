// The weights that a run's checkpoints hold, as members of an ensemble: raw ones, averages, the best.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '../base/index.js';
import { decodeCheckpoint, type Checkpoint } from './checkpoint.js';

/** Which weights of a run: see {@link checkpointWeights}. */
export type WeightsKind = 'best' | 'last' | 'average' | 'swa' | 'snapshots' | 'checkpoints';

/** Weights of a checkpoint by the names of the parameters. */
export interface CheckpointWeights {
  /** `last`, `best`, `average`, or the number of the epoch. */
  readonly label: string;
  readonly epoch: number;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * Reads weights of a run.
 *
 * @param folder such as `run/checkpoints`
 * @param wanted an epoch, or a kind: `last` and `average` are of the newest checkpoint
 * @returns none where the run keeps no such weights
 * @throws TRAINING_CHECKPOINT, ST_…
 */
export async function checkpointWeights(folder: string, wanted: WeightsKind | number): Promise<CheckpointWeights[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const epochs = names
    .flatMap(name => (/^\d{6}\.safetensors$/.test(name) ? [Number(name.slice(0, 6))] : []))
    .sort((a, b) => a - b);
  const read = async (epoch: number) =>
    decodeCheckpoint(await readFile(join(folder, `${String(epoch).padStart(6, '0')}.safetensors`)));
  if (typeof wanted === 'number') return epochs.includes(wanted) ? [rawOf(await read(wanted), String(wanted))] : [];
  const newest = epochs.at(-1);
  if (newest === undefined) return [];
  if (wanted === 'checkpoints') return Promise.all(epochs.map(async epoch => rawOf(await read(epoch), String(epoch))));
  const last = await read(newest);
  if (wanted === 'last') return [rawOf(last, 'last')];
  if (wanted === 'best')
    return last.best ? [{ label: 'best', epoch: last.best.epoch, weights: last.best.trained }] : [];
  if (wanted === 'average') return averageOf(last);
  return [];
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
