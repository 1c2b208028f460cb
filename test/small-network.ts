// A small classifier as a file, for tests of whole ways: four stages of Conv, BatchNormalization and Relu that halve a
// 32 × 32 picture, a global pool, a classifier of 10. Its weights are random by seed.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, tensor } from '../src/base/index.js';
import { encodeModel } from '../src/codec/index.js';
import { Builder, modelOf, type Model, type Value } from '../src/graph/index.js';
import { BatchNormalization, Conv, Flatten, Gemm, GlobalAveragePool, Relu } from '../src/operators/index.js';

export interface SmallNetworkOptions {
  /** @default true */
  readonly normalized?: boolean;
  readonly seed?: string;
}

export function smallNetwork({ normalized = true, seed = 'small' }: SmallNetworkOptions = {}): Model {
  const random = new Random(seed);
  const builder = new Builder('small');
  const weight = (name: string, shape: readonly number[], make: () => number) =>
    builder.parameter(
      name,
      tensor('float32', shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, make)),
    );
  const widths = [3, 8, 8, 12, 16];
  let x: Value = builder.input('picture', 'float32', ['N', 3, 32, 32]);
  for (let i = 1; i < widths.length; i++) {
    const [from, to] = [widths[i - 1]!, widths[i]!];
    const scale = Math.sqrt(2 / (9 * from));
    const kernel = weight(`stage${i}.weight`, [to, from, 3, 3], () => scale * random.normal());
    const bias = weight(`stage${i}.bias`, [to], () => 0.1 * random.normal());
    x = Conv(x, kernel, bias, { strides: [2, 2], pads: [1, 1, 1, 1] });
    if (normalized) {
      const norm = (name: string, make: () => number) => weight(`stage${i}.norm.${name}`, [to], make);
      x = BatchNormalization(
        x,
        norm('weight', () => 0.8 + 0.4 * random.uniform()),
        norm('bias', () => 0.1 * random.normal()),
        norm('mean', () => 0.1 * random.normal()),
        norm('var', () => 0.5 + random.uniform()),
      );
    }
    x = Relu(x);
  }
  const fc = weight('fc.weight', [10, 16], () => 0.25 * random.normal());
  const logits = Gemm(
    Flatten(GlobalAveragePool(x)),
    fc,
    weight('fc.bias', [10], () => 0),
    { transB: 1 },
  );
  builder.output(logits, 'logits');
  return modelOf(builder.finish());
}

/** The network as a file in a folder of its own. */
export async function smallNetworkFile(options: SmallNetworkOptions = {}): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'graft-network-')), 'small.onnx');
  await writeFile(path, encodeModel(smallNetwork(options)));
  return path;
}
