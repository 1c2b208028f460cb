// What averaging is worth: one table over picture sets and seeds, written into docs/ensembles.md between its marks.
// Usage: node dist/tools/ensembles-table.js --assets ../shared/assets [--sets hymenoptera …] [--backbone squeezenet1.1-fp32]
//        [--seeds 5] [--epochs 40] [--out folder] [--write docs/ensembles.md]
// Members train on the train folder less a fifth of each class, which chooses and calibrates; the figures are of the
// validation folder, which nothing else reads. Heads with one hidden layer on the features of a frozen backbone.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeRuntime } from '../src/runtime/node.js';
import { transfer, type TransferOptions } from '../src/workflows/transfer.js';
import { trainMembers, type TrainMembersOptions } from '../src/workflows/train-members.js';
import { measured } from './bench/measure.js';
import { cellsOf, rowsOf, type Measured } from './ensembles/figures.js';
import { answersOf, rowNames, type RunFolders } from './ensembles/rows.js';
import { markdownOf, type SetTable } from './ensembles/markdown.js';
import { unpackCifar } from './unpack-sets.js';

const { values } = parseArgs({
  options: {
    assets: { type: 'string', default: process.env['GRAFT_ASSETS'] ?? '../shared/assets' },
    sets: { type: 'string', multiple: true, default: ['hymenoptera', 'cats_dogs', 'flowers5', 'cifar10'] },
    backbone: { type: 'string', default: 'squeezenet1.1-fp32' },
    seeds: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '40' },
    out: { type: 'string' },
    write: { type: 'string' },
  },
});
const folder = values.out ?? mkdtempSync(join(tmpdir(), 'graft-ensembles-'));
const runtime = nodeRuntime();
const backbone = join(values.assets, 'models', `${values.backbone}.onnx`);
const cache = join(folder, 'cache');
const epochs = Number(values.epochs);
const head = { head: 'mlp', epochs, cache, force: true } as const;

/** Train folder and test folder of a set. */
async function foldersOf(set: string): Promise<{ readonly train: string; readonly test: string }> {
  if (set !== 'cifar10')
    return { train: join(values.assets, 'pictures', set, 'train'), test: join(values.assets, 'pictures', set, 'val') };
  const unpacked = join(folder, 'pictures', set);
  mkdirSync(unpacked, { recursive: true });
  await unpackCifar(join(values.assets, 'pictures', set), unpacked);
  return { train: join(unpacked, 'train'), test: join(unpacked, 'test') };
}

/** All runs of one seed; the CPU time of their heads, features known. */
async function runsOf(train: string, at: string, seed: number): Promise<RunFolders> {
  const run = async (name: string, options: Partial<TransferOptions>) => {
    const out = join(at, name);
    const { cpu } = await measured(() => transfer(train, { ...head, backbone, out, seed, ...options }, runtime));
    return { out, cpu };
  };
  const several = async (name: string, options: Pick<TrainMembersOptions, 'runs' | 'folds' | 'patience'>) => {
    const out = join(at, name);
    const { cpu } = await measured(() => trainMembers(train, { ...head, backbone, out, seed, ...options }, runtime));
    return { out, cpu };
  };
  return {
    single: await run('single', { keep: 5, patience: epochs }),
    snapshots: await run('snapshots', { snapshots: 5 }),
    swa: await run('swa', { swa: 0.75 }),
    seeds: await several('seeds', { runs: 5, patience: epochs }),
    folds: await several('folds', { folds: 5, patience: epochs }),
  };
}

const tables: SetTable[] = [];
for (const set of values.sets) {
  const { train, test } = await foldersOf(set);
  const perSeed: ReadonlyMap<string, Measured>[] = [];
  for (let seed = 0; seed < Number(values.seeds); seed++) {
    const at = join(folder, set, String(seed));
    // the first one featurizes: nobody's time
    if (seed === 0) await transfer(train, { ...head, backbone, out: join(at, 'warm'), seed, epochs: 1 }, runtime);
    const runs = await runsOf(train, at, seed);
    perSeed.push(
      await answersOf(runtime, runs, { test, cache, seed, small: set !== 'cats_dogs' && set !== 'cifar10' }),
    );
    console.error(`${set}, seed ${seed}: ${rowsOf(perSeed.at(-1)!, rowNames).join('; ')}`);
  }
  tables.push({ set, cells: cellsOf(perSeed, rowNames) });
}
const text = markdownOf(tables, { backbone: values.backbone, seeds: Number(values.seeds), epochs });
console.log(text);
if (values.write) {
  const path = values.write;
  const old = readFileSync(path, 'utf8');
  const [begin, end] = ['<!-- table -->', '<!-- /table -->'];
  const from = old.indexOf(begin);
  const to = old.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} has no ${begin} … ${end}`);
  writeFileSync(path, `${old.slice(0, from + begin.length)}\n\n${text}\n${old.slice(to)}`);
}
if (!values.out) rmSync(folder, { recursive: true, force: true });
