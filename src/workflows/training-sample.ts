// Training pictures of members, as their networks read them: what statistics of BatchNormalization and the features that
// strange pictures are told by are estimated from.

import { GraftError, Random, tensor, type Tensor } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { batchStatistics } from '../ensembles/index.js';
import type { Model } from '../graph/index.js';
import { checkPreprocessing } from '../pictures/index.js';
import { pictureStream, type AllowedFormat } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { errors } from './errors.js';
import { memberPictures, type OpenedMember } from './members.js';
import { reEstimate, type Rows } from './re-estimate.js';

/** Where training pictures are, and which of them are taken. */
export interface SampleOptions {
  /** Where the pictures of the runs are. @default where the runs had them */
  readonly pictures?: string;
  readonly allowFormats?: readonly AllowedFormat[];
  /** Of the choice. @default 0 */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** Training pictures: rows uint8 [n, H, W, 3]. */
export interface TrainingSample extends Rows {
  readonly labels: readonly (number | readonly number[])[];
}

/**
 * Some of the pictures that a member was trained on.
 *
 * @param most how many at most, drawn by the seed
 * @throws GRAFT_PICTURES_MISSING
 */
export async function trainingSample(
  member: OpenedMember,
  most: number,
  { pictures, allowFormats = [], seed = 0, signal }: SampleOptions = {},
): Promise<TrainingSample> {
  const trained = await memberPictures(member, { ...(pictures === undefined ? {} : { pictures }), split: 'train' });
  const places = [...new Random(seed).at('training sample').permutation(trained.items.length)].slice(0, most);
  const preprocessing = checkPreprocessing(member.bundle.manifest.preprocessing);
  const { width, height } = preprocessing;
  return {
    count: places.length,
    labels: places.map(place => trained.labels[place]!),
    async read(rows) {
      const size = width * height * 3;
      const files = rows.map(row => trained.items[places[row]!]!.file);
      const bytes = new Uint8Array(rows.length * size);
      for await (const picture of pictureStream(files, preprocessing, {
        allowFormats,
        ...(signal ? { signal } : {}),
      })) {
        if ('error' in picture) throw errors.PICTURES_MISSING({ source: picture.file, missing: 1 }, picture.error);
        bytes.set(picture.pixels, picture.index * size);
      }
      return tensor('uint8', [rows.length, height, width, 3], bytes);
    },
  };
}

/** A sample batch by batch. */
export async function* batchesOf(sample: Rows, batch: number): AsyncGenerator<Tensor> {
  for (let from = 0; from < sample.count; from += batch)
    yield sample.read(Array.from({ length: Math.min(batch, sample.count - from) }, (_, i) => from + i));
}

/** Of the statistics that a network holds: with the weights it was averaged from, what it is. */
export function statisticsIdentity({ graph }: Model): string {
  const names = batchStatistics(graph).flatMap(({ mean, variance }) => [mean, variance]);
  return sha256(...names.flatMap(name => [name, graph.initializers.get(name)!.bytes]));
}

/** The network with statistics of these layers estimated anew from pictures that `of` was trained on. */
export type Restate = (model: Model, of: OpenedMember, layers: readonly string[]) => Promise<Model>;

/** Pictures that statistics are estimated from, and how many of them at once. */
const [enough, together] = [256, 32];

/**
 * How statistics of averaged weights are estimated anew. Where the training pictures are not there, the averages of the
 * members' own statistics stay, and that is told.
 */
export function restating(runtime: Runtime, options: SampleOptions & { onWarning?: (text: string) => void }): Restate {
  const batches = new Map<string, Promise<Tensor[]>>();
  const read = async (of: OpenedMember): Promise<Tensor[]> => {
    const found: Tensor[] = [];
    for await (const batch of batchesOf(await trainingSample(of, enough, options), together)) found.push(batch);
    return found;
  };
  return async (model, of, layers) => {
    const key = of.bundle.sha256;
    if (!batches.has(key)) batches.set(key, read(of));
    try {
      const { signal } = options;
      return (await reEstimate(model, await batches.get(key)!, { layers, ...(signal ? { signal } : {}) }, runtime))
        .model;
    } catch (error) {
      if (!(error instanceof GraftError && error.code === 'GRAFT_PICTURES_MISSING')) throw error;
      options.onWarning?.(`statistics of ${layers.length} layers of BatchNormalization are averages of the members': ${error.message}`); // prettier-ignore
      return model;
    }
  };
}
