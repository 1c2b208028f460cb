// checkpoints/swa.safetensors: the weights that stochastic weight averaging came to, written where a run ends.
//   P          float32, by the names of the parameters; statistics of normalizations too, estimated anew
//   metadata   version, kept ("swa"), epoch, count (how many were averaged)
// What the mean is made of until then lies in the numbered checkpoints, as `P.swa`.

import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../base/index.js';
import { diskError, makeFolder, realDisk, writeAtomically, type DiskOptions } from '../base/node.js';
import { errors } from './errors.js';

/** Averaged weights of a run. */
export interface SwaWeights {
  /** The last epoch of the run. */
  readonly epoch: number;
  /** How many weights were averaged. */
  readonly count: number;
  readonly weights: ReadonlyMap<string, Tensor>;
}

const pathIn = (folder: string): string => join(folder, 'swa.safetensors');

/**
 * Writes the averaged weights of a run.
 *
 * @param folder such as `run/checkpoints`
 * @throws `DISK_…`
 */
export async function saveSwa(
  folder: string,
  { epoch, count, weights }: SwaWeights,
  { disk = realDisk }: DiskOptions = {},
): Promise<void> {
  await makeFolder(folder, { disk });
  const said = { version: '1', kept: 'swa', epoch: String(epoch), count: String(count) };
  const bytes = encodeSafetensors(new Map(weights), new Map(Object.entries(said)));
  await writeAtomically(pathIn(folder), bytes, { disk, force: true });
}

/**
 * Reads them; undefined where the run has none, or has not come to its end.
 *
 * @throws `TRAINING_CHECKPOINT`, `ST_…`, `DISK_…`
 */
export async function readSwa(folder: string, { disk = realDisk }: DiskOptions = {}): Promise<SwaWeights | undefined> {
  const path = pathIn(folder);
  const bytes = await disk.readFile(path).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw diskError(path, 'read', cause);
  });
  if (bytes === undefined) return undefined;
  const { tensors, metadata } = decodeSafetensors(bytes);
  const [epoch, count] = [Number(metadata.get('epoch')), Number(metadata.get('count'))];
  if (metadata.get('version') !== '1' || !(Number.isSafeInteger(epoch) && Number.isSafeInteger(count) && count > 0))
    throw errors.CHECKPOINT({ reason: 'it does not tell which epochs were averaged' });
  return { epoch, count, weights: tensors };
}
