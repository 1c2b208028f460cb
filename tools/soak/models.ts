// The models of a soak on disk, what they answer, and how they are replaced while they answer.
//   add      y = x + [0, 1, 2, 3] · its version; new versions come, old ones go
//   swap     y = x + 10 or x + 20: its file is replaced by rename
//   sum      rows of INT32, sum and difference, batched
//   same     FP32 of any shape, as it is
//   pic      a classifier of pictures; its two are the members of ens, whose recipe is an ensemble.json
//   slow     a loop of some 50 ms that gives |x|; spin, a loop that never ends
//   come     loaded and unloaded by requests

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel } from '../../src/codec/index.js';
import { addNetwork, identityNetwork, loopNetwork, pictureBundle, sumNetwork, writeVersion } from '../../test/server/networks.js'; // prettier-ignore

const shiftOf = (version: number): number[] => [0, 1, 2, 3].map(at => at * version);
/** What `swap` adds, in turns. */
export const swaps = [10, 20] as const;

/** Models that always should be ready. */
export const steady = ['add', 'swap', 'sum', 'same', 'pic', 'pic2', 'ens', 'slow', 'come'] as const;

/** Writes all models. */
export async function writeModels(folder: string): Promise<void> {
  writeVersion(folder, 'add', addNetwork(shiftOf(1)));
  writeVersion(folder, 'swap', addNetwork(Array<number>(4).fill(swaps[0])));
  writeVersion(folder, 'sum', sumNetwork('rows'));
  writeVersion(folder, 'same', identityNetwork('float32', ['a', 'b']));
  writeVersion(folder, 'slow', loopNetwork(50_000));
  writeVersion(folder, 'spin', loopNetwork());
  writeVersion(folder, 'come', addNetwork());
  await pictureBundle(join(folder, 'pic/1'), { seed: 'first' });
  await pictureBundle(join(folder, 'pic2/1'), { seed: 'second' });
  const root = { op: 'average', rule: 'probability', weights: [2, 1], members: [{ model: 'pic' }, { model: 'pic2' }] };
  mkdirSync(join(folder, 'ens/1'), { recursive: true });
  writeFileSync(join(folder, 'ens/1/ensemble.json'), JSON.stringify({ version: 1, root }));
}

/** Replaces models on disk while they are served. */
export class Swapper {
  readonly #folder: string;
  #version = 1;
  #swaps = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new version of `add` appears whole; the one before the last goes. */
  addVersion(): void {
    const version = ++this.#version;
    const hidden = join(this.#folder, '.next');
    rmSync(hidden, { recursive: true, force: true });
    mkdirSync(hidden);
    writeFileSync(join(hidden, 'model.onnx'), encodeModel(addNetwork(shiftOf(version))));
    renameSync(hidden, join(this.#folder, 'add', String(version)));
    if (version > 2) rmSync(join(this.#folder, 'add', String(version - 2)), { recursive: true, force: true });
  }

  /** The file of `swap` is another in one moment. */
  swapFile(): void {
    const shift = swaps[++this.#swaps % swaps.length]!;
    const next = join(this.#folder, 'swap/1/.model.tmp');
    writeFileSync(next, encodeModel(addNetwork(Array<number>(4).fill(shift))));
    renameSync(next, join(this.#folder, 'swap/1/model.onnx'));
  }
}

/** What `add` answers in a version. */
export const added = (x: readonly number[], version: number): number[] => x.map((value, at) => value + shiftOf(version)[at]!); // prettier-ignore
