// Bundles to export in tests: labels that every format has to escape, an ensemble with a free dimension, a network of one
// picture at a time.

import { encodeModel } from '../../src/codec/index.js';
import { tensor } from '../../src/base/index.js';
import type { Manifest } from '../../src/bundle/index.js';
import { writeBundle } from '../../src/bundle/node.js';
import { Builder, modelOf, type Dim } from '../../src/graph/index.js';
import { Cast, Flatten, Gemm, ReduceMean, Reshape, Softmax } from '../../src/operators/index.js';

/** Quotes of every kind, line ends, what starts a comment, a variable or a tag, and letters beyond ASCII. */
export const awkwardLabels: readonly string[] = [
  'ants "red"',
  "bee's\nnest",
  '# not a comment: {"a": [1]}',
  '\\n \\" $HOME ${x} %s {{x}} `ls`',
  'Bär 🐻 熊',
  '- yes: no',
  '\u2028\ttab',
  '\'\'\'"""',
];

export interface BundleOptions {
  readonly labels?: readonly string[];
  /** A name, or how many pictures every run has. @default 'N' */
  readonly rows?: Dim;
  /** Also gives `memberProbabilities` of this many members, and one number a picture. */
  readonly members?: number;
  /** Also gives `odd`, of a type that only ONNX has. */
  readonly odd?: boolean;
}

/** pictures UINT8 [rows, 4, 4, 3] → logits, probabilities; of an ensemble also memberProbabilities and outlierScore. */
export async function writeExportBundle(
  folder: string,
  { labels = awkwardLabels, rows = 'N', members = 0, odd = false }: BundleOptions = {},
): Promise<void> {
  const K = labels.length;
  const builder = new Builder('exported');
  const pixels = Flatten(Cast(builder.input('pictures', 'uint8', [rows, 4, 4, 3]), { to: 1 }));
  const weight = (name: string, count: number) =>
    builder.parameter(name, tensor('float32', [count, 48], Float32Array.from({ length: count * 48 }, (_, i) => Math.sin(i) / 500))); // prettier-ignore
  const logits = Gemm(pixels, weight('w', K), undefined, { transB: 1 });
  builder.output(logits, 'logits');
  builder.output(Softmax(logits), 'probabilities');
  const value = (name: string, type: string, ...shape: Dim[]) => ({ name, type, shape });
  const outputs = [value('logits', 'float32', rows, K), value('probabilities', 'float32', rows, K)];
  if (members > 0) {
    const whole = (name: string, ...numbers: number[]) =>
      builder.parameter(name, tensor('int64', [numbers.length], BigInt64Array.from(numbers, BigInt)));
    const shape = whole('shape', -1, members, K);
    const each = Reshape(Gemm(pixels, weight('m', members * K), undefined, { transB: 1 }), shape);
    builder.output(Softmax(each), 'memberProbabilities');
    builder.output(ReduceMean(logits, whole('axis', 1), { keepdims: 0 }), 'outlierScore');
    outputs.push(value('memberProbabilities', 'float32', rows, members, K), value('outlierScore', 'float32', rows));
  }
  if (odd) builder.output(Cast(logits, { to: 17 }), 'odd');
  const manifest: Omit<Manifest, 'files'> = {
    format: 'onnx-graft-bundle',
    version: 1,
    task: 'single',
    labels,
    preprocessing: { width: 4, height: 4, resize: 'shorter-side', cropFraction: 0.8, filter: 'bicubic', background: [255, 0, 9] }, // prettier-ignore
    inputs: [value('pictures', 'uint8', rows, 4, 4, 3)],
    outputs,
    backbone: { file: 'x.onnx', sha256: '0'.repeat(64), at: 'pixels', features: 48, pixels: {}, recipe: 'flags' },
    data: { source: 'made', classes: {}, train: [], validation: [] },
    metrics: {},
    seeds: {},
    versions: {},
  };
  await writeBundle(folder, encodeModel(modelOf(builder.finish())), manifest, { force: true });
}
