// Every checkpoint among the assets, as ONNX Runtime wrote it, is read, written and read again as the same.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decodeOrtCheckpoint, encodeOrtCheckpoint } from '../../src/codec/index.js';
import { assets } from '../assets.js';

const root = assets && join(assets, 'ort-training');
const files = root
  ? readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter(name => /checkpoint[^/]*$/.test(name) && statSync(join(root, name)).isFile())
      .sort()
  : [];

if (files.length === 0) test('no checkpoints among the assets', t => t.pass());
for (const name of files)
  test(name, t => {
    const bytes = readFileSync(join(root!, name));
    const found = decodeOrtCheckpoint(bytes, { file: name });
    t.true(found.trainable.size > 0);
    const written = encodeOrtCheckpoint(found);
    t.deepEqual(decodeOrtCheckpoint(written), found);
    t.deepEqual(encodeOrtCheckpoint(decodeOrtCheckpoint(written)), written);
    t.true(written.length <= bytes.length);
  });
