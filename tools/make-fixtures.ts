// Makes fixtures/ again, the same bytes every time.   Usage: node dist/tools/make-fixtures.js [folder]

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/base/index.js';
import { sha256 } from '../src/base/node.js';
import { encodeModel } from '../src/codec/index.js';
import { encodeJpeg } from './fixtures/jpeg.js';
import { scatteringNetwork } from './fixtures/scattering.js';
import { drawTexture, textures } from './fixtures/textures.js';

const seed = 2026;
const size = 96;
const counts = { train: 30, val: 16 };

/** What other makers made, from what engines outside the package say: kept as it lies in fixtures/. */
const kept = [
  {
    file: 'gradients.safetensors',
    maker: 'tools/make-gradient-fixtures.ts',
    why: 'gradients of every operator in PyTorch, in float64',
  },
];
const there = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** Every fixture by its path: the pictures, the backbone, and how the backbone wants its pictures. */
export function makeFixtures(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  for (const [split, count] of Object.entries(counts))
    for (const kind of textures)
      for (let i = 0; i < count; i++) {
        const pixels = drawTexture(kind, size, new Random(seed).at(split, kind, i));
        files.set(
          `pictures/${split}/${kind}/${kind}-${String(i + 1).padStart(2, '0')}.jpg`,
          encodeJpeg({ width: size, height: size, pixels }, 80),
        );
      }
  files.set('backbone.onnx', encodeModel(scatteringNetwork()));
  files.set(
    'backbone.json',
    text({
      preprocessing: {
        width: 64,
        height: 64,
        resize: 'shorter-side',
        cropFraction: 1,
        filter: 'bilinear',
        background: [255, 255, 255],
      },
      pixels: { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
    }),
  );
  const own = [...files.keys()];
  for (const { file } of kept) {
    const path = join(there, file);
    if (existsSync(path)) files.set(file, readFileSync(path));
  }
  const why = (name: string) =>
    name.startsWith('pictures/') ? 'labelled pictures of the demo and the tests' : 'a backbone without learnt weights';
  const hash = (file: string) => sha256(files.get(file)!);
  files.set(
    'manifest.json',
    text([
      ...own.map(file => ({ file, maker: 'tools/make-fixtures.ts', seed, sha256: hash(file), why: why(file) })),
      ...kept.flatMap(one => (files.has(one.file) ? [{ ...one, sha256: hash(one.file) }] : [])),
    ]),
  );
  return files;
}

/** Writes the fixtures into a folder. */
export function writeFixtures(folder: string): void {
  for (const [name, bytes] of makeFixtures()) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

if (process.argv[1]?.endsWith('make-fixtures.js')) writeFixtures(process.argv[2] ?? 'fixtures');
