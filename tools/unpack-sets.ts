// Unpacks the packed picture sets of the optional assets into folders of one picture per file.
// Usage: node dist/tools/unpack-sets.js <assets>/pictures <folder> [cifar10] [mnist]

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const cifarClasses = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

/** train/ and test/ of CIFAR-10's sprites: 25 × 40 pictures of 32 × 32 a file. */
export async function unpackCifar(from: string, to: string): Promise<void> {
  for (const split of ['train', 'test']) {
    const labels = readFileSync(join(from, `${split}_labels.bin`));
    for (let k = 0; k < labels.length; k += 1000) {
      const sprite = sharp(
        readFileSync(join(from, `${split}_${String(k / 1000).padStart(2, '0')}.webp`)),
      ).removeAlpha();
      const { data, info } = await sprite.raw().toBuffer({ resolveWithObject: true });
      for (let i = 0; i < Math.min(1000, labels.length - k); i++) {
        const tile = Buffer.alloc(32 * 32 * 3);
        for (let y = 0; y < 32; y++) {
          const at = ((Math.floor(i / 25) * 32 + y) * info.width + (i % 25) * 32) * 3;
          data.copy(tile, y * 32 * 3, at, at + 32 * 3);
        }
        await writePicture(join(to, split, cifarClasses[labels[k + i]!]!), k + i, tile, 32, 3);
      }
    }
  }
}

/** The first 8,000 of MNIST's test file to train/, the rest to test/. */
export async function unpackMnist(from: string, to: string): Promise<void> {
  const pictures = gunzipSync(readFileSync(join(from, 't10k-images-idx3-ubyte.gz'))).subarray(16);
  const labels = gunzipSync(readFileSync(join(from, 't10k-labels-idx1-ubyte.gz'))).subarray(8);
  for (const [i, label] of labels.entries()) {
    const digit = pictures.subarray(i * 784, (i + 1) * 784);
    await writePicture(join(to, i < 8000 ? 'train' : 'test', String(label)), i, digit, 28, 1);
  }
}

async function writePicture(folder: string, index: number, data: Buffer, side: number, channels: 1 | 3) {
  mkdirSync(folder, { recursive: true });
  const png = await sharp(data, { raw: { width: side, height: side, channels } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  writeFileSync(join(folder, `${String(index).padStart(5, '0')}.png`), png);
}

if (process.argv[1]?.endsWith('unpack-sets.js')) {
  const [, , from, to, ...sets] = process.argv;
  if (!from || !to) throw new Error('usage: unpack-sets <assets>/pictures <folder> [cifar10] [mnist]');
  const wanted = sets.length > 0 ? sets : ['cifar10', 'mnist'];
  if (wanted.includes('cifar10')) await unpackCifar(join(from, 'cifar10'), join(to, 'cifar10'));
  if (wanted.includes('mnist')) await unpackMnist(join(from, 'mnist'), join(to, 'mnist'));
}
