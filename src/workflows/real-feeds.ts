// Real input for trial runs: a picture of the project's own fixtures at the network's size, with the pixels the network
// expects where that is known and 0…1 where it is not.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random, tensor, type ArrayType, type Tensor } from '../base/index.js';
import { prepare, type Preprocessing } from '../pictures/index.js';
import { decode, zooEntry } from '../pictures/node.js';
import { randomFeeds, type FeedSizes } from './compare.js';
import { weightsFingerprint } from './fingerprint.js';
import { demoPictures } from './fixtures.js';
import type { NetworkFile } from './network.js';

const folder = join(demoPictures, 'val');

/** Feeds of a network from a real picture; random for inputs that take none. */
export async function realFeeds(
  { model, inspection, sha256 }: NetworkFile,
  sizes: FeedSizes,
): Promise<Map<string, Tensor>> {
  const feeds = randomFeeds(model, new Random('real'), sizes);
  const { picture } = inspection;
  if (!picture) return feeds;
  const number = (dim: number | string, otherwise: number) => (typeof dim === 'number' ? dim : otherwise);
  const [height, width] = [number(picture.height, sizes.other), number(picture.width, sizes.other)];
  const [batch, channels] = [number(picture.batch, sizes.batch), number(picture.channels, 3)];
  const pixels = zooEntry(sha256, weightsFingerprint(model))?.pixels;
  const recipe: Preprocessing = {
    width,
    height,
    resize: 'shorter-side',
    cropFraction: 1,
    filter: 'bilinear',
    background: [255, 255, 255],
  };
  const data = new Float32Array(batch * channels * height * width);
  const files = await fixturePictures();
  for (let n = 0; n < batch; n++) {
    const rgb = prepare(await decode(await readFile(files[n % files.length]!), { preprocessing: recipe }), recipe);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          const from = pixels?.channels === 'BGR' ? 2 - c : c;
          const level = rgb[(y * width + x) * 3 + Math.min(from, 2)]!;
          const value = pixels
            ? (level * pixels.scale - (pixels.mean[c] ?? pixels.mean[0] ?? 0)) / (pixels.std[c] ?? pixels.std[0] ?? 1)
            : level / 255;
          const at =
            picture.layout === 'NCHW'
              ? ((n * channels + c) * height + y) * width + x
              : ((n * height + y) * width + x) * channels + c;
          data[at] = value;
        }
  }
  const type = (picture.type ?? 'float32') as ArrayType;
  const shape = feeds.get(picture.name)!.shape;
  const isBytes = type === 'uint8' || type === 'int8';
  const values = isBytes
    ? Array.from(data, value => Math.round(value * (type === 'uint8' ? 255 : 127)))
    : type === 'float32'
      ? data
      : Array.from(data);
  return feeds.set(picture.name, tensor(type, shape, values));
}

/** A few pictures of different classes, in a fixed order. */
async function fixturePictures(): Promise<string[]> {
  const classes = (await readdir(folder, { withFileTypes: true }))
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name);
  const files: string[] = [];
  for (const name of classes.sort()) {
    const [first] = (await readdir(join(folder, name))).sort();
    if (first) files.push(join(folder, name, first));
  }
  return files;
}
