// Runs that ensembles are made of in tests: small networks on the pictures that the package brings.

import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors, floats, tensor, type GraftError } from '../../src/base/index.js';
import { readBundle } from '../../src/bundle/node.js';
import { preparePicture } from '../../src/pictures/node.js';
import type { Preprocessing } from '../../src/pictures/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { ensemble, type EnsembleResult } from '../../src/workflows/ensemble.js';
import type { EnsembleOptions } from '../../src/workflows/ensemble-options.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { transfer, type TransferOptions } from '../../src/workflows/transfer.js';
import { smallNetworkFile } from '../small-network.js';

export const runtime = nodeRuntime();
export const network = await smallNetworkFile();
/** A folder of the test file's own. */
export const folder = await mkdtemp(join(tmpdir(), 'graft-ensemble-'));
export const cache = join(folder, 'cache');

let made = 0;
export const fresh = (): string => join(folder, String(++made));

/** A run; its folder. */
export async function run(more: Partial<TransferOptions> = {}, pictures = demoPictures): Promise<string> {
  const out = fresh();
  const pixels = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  await transfer(pictures, { backbone: network, ...pixels, cache, out, ...more }, runtime);
  return out;
}

/** Heads with a hidden layer, one for each seed. */
export async function heads(seeds: readonly number[], more: Partial<TransferOptions> = {}): Promise<string[]> {
  const runs: string[] = [];
  for (const seed of seeds) runs.push(await run({ head: 'mlp', hidden: [12], epochs: 6, batch: 16, seed, ...more }));
  return runs;
}

/** Combines, into a folder of its own. */
export const combine = async (
  members: readonly string[],
  options: Partial<EnsembleOptions> = {},
): Promise<EnsembleResult> => ensemble(members, { out: fresh(), cache, ...options }, runtime);

/** The code of the error that some work ends in. */
export const codeOf = async (works: Promise<unknown>): Promise<string> => {
  try {
    await works;
    return 'nothing was refused';
  } catch (error) {
    return (error as GraftError).code;
  }
};

/** What a bundle says of pictures, [pictures, …] of each output that is asked for. */
export async function answersOf(
  bundle: string,
  files: readonly string[],
  outputs: readonly string[],
  on: Runtime = runtime,
): Promise<Map<string, Float32Array>> {
  const { model, manifest } = await readBundle(bundle);
  const recipe = manifest.preprocessing as Preprocessing;
  const { width, height } = recipe;
  const bytes = new Uint8Array(files.length * width * height * 3);
  for (const [i, file] of files.entries())
    bytes.set(await preparePicture(await readFile(file), recipe, {}), i * width * height * 3);
  const session = await on.open(model);
  const feed = on.tensor(tensor('uint8', [files.length, height, width, 3], bytes));
  const results = await session.run(new Map([['pictures', feed]]), outputs);
  const read = new Map<string, Float32Array>();
  for (const name of outputs) {
    const value = await results.get(name)!.read();
    read.set(name, value.type === 'bool' ? Float32Array.from(value.bytes) : floats(value).slice());
  }
  await session.close();
  return read;
}

/** The validation logits of a run, by the pictures' hashes. */
export async function validationOf(out: string): Promise<{ readonly logits: Float32Array; readonly count: number }> {
  const { tensors } = decodeSafetensors(await readFile(join(out, 'predictions', 'validation.safetensors')));
  const logits = tensors.get('logits')!;
  return { logits: floats(logits), count: logits.shape[0]! };
}

/** The largest distance of two lists of numbers. */
export const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
