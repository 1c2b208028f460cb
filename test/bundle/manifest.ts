// A manifest for tests.

import type { Manifest } from '../../src/bundle/index.js';

export const manifest: Omit<Manifest, 'files'> = {
  format: 'onnx-graft-bundle',
  version: 1,
  task: 'single',
  labels: ['ants', 'bees'],
  preprocessing: { width: 8, height: 8, resize: 'stretch', cropFraction: 1, filter: 'bilinear', background: [0, 0, 0] },
  inputs: [{ name: 'pictures', type: 'uint8', shape: ['N', 8, 8, 3] }],
  outputs: [{ name: 'logits', type: 'float32', shape: ['N', 2] }],
  backbone: { file: 'b.onnx', sha256: '00', at: 'features', features: 4, pixels: {}, recipe: 'flags' },
  data: { source: 'pictures', classes: { ants: 3, bees: 2 }, train: ['a'], validation: ['b'] },
  metrics: { count: 1, accuracy: 1, accuracyInterval: [0.2, 1] },
  seeds: { run: 0 },
  versions: { 'onnx-graft': '0.0.0' },
};
