// A training run with snapshots and an average in a folder, as a process that may be killed: goes on from the newest checkpoint where there is one.
// Usage: node killed-run.js <folder>. Says the number of each epoch as it ends.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeSafetensors } from '../../src/base/index.js';
import { lock, makeFolder, writeAtomically } from '../../src/base/node.js';
import { adamw, crossEntropy, mlp } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { cosineRestarts, finish, trainingRun } from '../../src/training/index.js';
import { checkpoints, history, saveSwa } from '../../src/training/node.js';
import { artifactsOf, blobs } from './heads.js';

export const epochs = 120;

const averageAfter = Array.from({ length: 60 }, (_, i) => 61 + i);

/** Trains to the end; leaves `checkpoints/`, `history.jsonl` and `weights.safetensors`. */
export async function trainIn(folder: string, onEpoch: (epoch: number) => void = () => undefined): Promise<void> {
  await makeFolder(folder);
  const held = await lock(folder);
  try {
    const saved = checkpoints(join(folder, 'checkpoints'), {
      last: 4,
      keptFor: epoch => (epoch % 30 === 0 ? 'snapshot' : undefined),
    });
    const told = history(join(folder, 'history.jsonl'));
    const found = await saved.newest();
    await told.rewind(found?.checkpoint.epoch ?? 0);
    const { artifacts, initialState } = artifactsOf({
      features: 12,
      classes: 4,
      head: mlp({ hidden: [16], dropout: 0.4 }),
      loss: crossEntropy({ labelSmoothing: 0.1 }),
      optimizer: adamw(),
    });
    const run = trainingRun({
      runtime: nodeRuntime(),
      artifacts,
      initialState,
      train: blobs(150, 12, 4, 1, 2),
      validation: blobs(60, 12, 4, 2, 2),
      epochs,
      rate: 0.01,
      batch: 16,
      seed: 5,
      schedule: cosineRestarts({ cycles: 4, epochs }),
      averageAfter,
      ...(found ? { resumeFrom: found.checkpoint } : {}),
    });
    const { trained, swa } = await finish(run, async event => {
      if (event.kind === 'epoch') onEpoch(event.epoch);
      await told.append(event);
      if (event.kind === 'checkpoint') await saved.save(event.checkpoint);
    });
    await saveSwa(join(folder, 'checkpoints'), { epoch: epochs, ...swa! });
    await writeAtomically(join(folder, 'weights.safetensors'), encodeSafetensors(new Map(trained)), { force: true });
  } finally {
    await held.release();
  }
}

const [, script, folder] = process.argv;
if (script && folder && import.meta.url === pathToFileURL(script).href)
  await trainIn(folder, epoch => process.stdout.write(`${epoch}\n`));
