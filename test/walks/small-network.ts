// A small classifier network and small pictures for tests that go whole ways.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Dim, type Model, type Value } from '../../src/graph/index.js';
import { Conv, Flatten, Gemm, GlobalAveragePool, Relu, Softmax } from '../../src/operators/index.js';

/** input [batch, 3, 16, 16] → Conv → Relu → Conv → Relu → average → [8] → Gemm → [5] → Softmax. */
export function smallNetwork(batch: Dim = 'N'): Model {
  const random = new Random('small');
  const builder = new Builder('small');
  const weight = (name: string, shape: readonly number[], scale: number) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const from = random.at(name);
    return builder.parameter(
      name,
      tensor(
        'float32',
        shape,
        Float32Array.from({ length: count }, () => from.normal() * scale),
      ),
    );
  };
  const conv = (x: Value, name: string, outputs: number, inputs: number) =>
    Relu(
      Conv(x, weight(`${name}.w`, [outputs, inputs, 3, 3], 0.3), weight(`${name}.b`, [outputs], 0.1), {
        pads: [1, 1, 1, 1],
        strides: [2, 2],
      }),
    );
  const input = builder.input('input', 'float32', [batch, 3, 16, 16]);
  const maps = conv(conv(input, 'a', 6, 3), 'b', 8, 6);
  const pooled = Flatten(GlobalAveragePool(maps));
  const logits = Gemm(pooled, weight('fc.w', [5, 8], 0.5), weight('fc.b', [5], 0.1), { transB: 1 });
  builder.output(Softmax(logits), 'probabilities');
  return modelOf(builder.finish());
}

/** A folder for one test. */
export const temporary = (): string => mkdtempSync(join(tmpdir(), 'graft-walk-'));

/** Writes the network with a recipe beside it. */
export function writeNetwork(folder: string, batch: Dim = 'N'): string {
  const path = join(folder, 'small.onnx');
  writeFileSync(path, encodeModel(smallNetwork(batch)));
  const preprocessing = {
    width: 16,
    height: 16,
    resize: 'shorter-side',
    cropFraction: 1,
    filter: 'bilinear',
    background: [255, 255, 255],
  };
  const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  writeFileSync(join(folder, 'small.json'), JSON.stringify({ preprocessing, pixels }));
  return path;
}

/** Pictures of two classes, reddish and bluish, as PNG. */
export async function writePictures(folder: string, perClass = 12, prefix = ''): Promise<string> {
  const random = new Random('pictures');
  for (const [label, base] of [
    ['blue', [40, 60, 200]],
    ['red', [200, 60, 40]],
  ] as const) {
    mkdirSync(join(folder, prefix, label), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const from = random.at(label, i);
      const data = Buffer.from(
        Array.from({ length: 20 * 20 * 3 }, (_, at) => Math.min(255, Math.max(0, base[at % 3]! + from.normal() * 40))),
      );
      const png = await sharp(data, { raw: { width: 20, height: 20, channels: 3 } })
        .png()
        .toBuffer();
      writeFileSync(join(folder, prefix, label, `${i}.png`), png);
    }
  }
  return join(folder, prefix);
}

/** A network of the same input whose weights take some 300 kB. */
export function wideNetwork(): Model {
  const random = new Random('wide');
  const builder = new Builder('wide');
  const input = builder.input('input', 'float32', ['N', 3, 16, 16]);
  const data = (count: number) => Float32Array.from({ length: count }, () => random.normal() * 0.1);
  const weight = builder.parameter('w', tensor('float32', [3000, 3, 3, 3], data(81000)));
  const pooled = Flatten(GlobalAveragePool(Relu(Conv(input, weight))));
  builder.output(
    Gemm(pooled, builder.parameter('fc', tensor('float32', [3, 3000], data(9000))), undefined, { transB: 1 }),
    'logits',
  );
  return modelOf(builder.finish());
}
