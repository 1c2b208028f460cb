import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { featurize, splitByCache } from '../../src/features/index.js';
import { cacheKey, openCache } from '../../src/features/node.js';
import { hashFiles, pictureStream } from '../../src/pictures/node.js';
import type { Preprocessing } from '../../src/pictures/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { meanModel, pixelsOf, side } from './stream.js';

test('a second run over the same pictures decodes nothing and gives the same bits', async t => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'graft-again-'));
  t.teardown(() => fs.rm(folder, { recursive: true }));
  const files: string[] = [];
  for (let n = 0; n < 12; n++) {
    const raw = { width: side, height: side, channels: 3 as const };
    files.push(join(folder, `${n}.png`));
    await fs.writeFile(
      files[n]!,
      await sharp(pixelsOf(10 * n), { raw })
        .png()
        .toBuffer(),
    );
  }
  const preprocessing: Preprocessing = { width: side, height: side, resize: 'stretch', cropFraction: 1, filter: 'bilinear', background: [0, 0, 0] }; // prettier-ignore
  const featurizer = meanModel();
  const runtime = nodeRuntime();
  const session = await runtime.open(featurizer);
  t.teardown(() => session.close());
  const key = cacheKey({ featurizer, preprocessing, runtime: runtime.name, optimization: 'all' });

  const run = async () => {
    const cache = await openCache({ folder: join(folder, 'cache'), key });
    const hashes: (string | undefined)[] = [];
    for await (const hashed of hashFiles(files)) hashes.push('sha256' in hashed ? hashed.sha256 : undefined);
    const { found, missing } = await splitByCache(cache, hashes, 3);
    const pictures = pictureStream(missing.map(place => files[place]!), preprocessing, { workers: 1 }); // prettier-ignore
    const { features, rows } = await featurize({ session, runtime, pictures, width: side, height: side, features: 3, cache }); // prettier-ignore
    const all = new Map(found);
    rows.forEach(({ index }, i) => all.set(missing[index]!, features.subarray(3 * i, 3 * i + 3)));
    return { computed: rows.length, features: files.map((_, place) => [...(all.get(place) ?? [])]) };
  };
  const first = await run();
  t.is(first.computed, 12);
  // Pixels are 10 n, 10 n + 1, 10 n + 2 all over, and so are their means.
  t.deepEqual(first.features, files.map((_, n) => [10 * n, 10 * n + 1, 10 * n + 2])); // prettier-ignore
  const second = await run();
  t.is(second.computed, 0);
  t.deepEqual(second.features, first.features);

  await fs.copyFile(files[3]!, files[4]!); // another name for known content, and a new picture
  await fs.writeFile(
    files[5]!,
    await fs.readFile(files[5]!).then(bytes => sharp(bytes).webp({ lossless: true }).toBuffer()),
  );
  const third = await run();
  t.is(third.computed, 1);
  t.deepEqual([third.features[4], third.features[5]], [first.features[3], first.features[5]]);
});
