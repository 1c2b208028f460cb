// Networks to serve in tests, those of the protocol's table of cases: `add`, `sum2`, identities, texts, one that takes its
// time, one that never ends, classifiers of pictures as bundles.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, tensor, type DataType } from '../../src/base/index.js';
import type { Manifest } from '../../src/bundle/index.js';
import { writeBundle } from '../../src/bundle/node.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Dim, type Graph, type Model, type Node, type Value } from '../../src/graph/index.js';
import { Add, Cast, Flatten, Gather, Gemm, Identity, Softmax, Sub } from '../../src/operators/index.js';

/** x FP32 [1, 4] → y = x + [0, 1, 2, 3]. */
export function addNetwork(shift: readonly number[] = [0, 1, 2, 3]): Model {
  const builder = new Builder('add');
  const x = builder.input('x', 'float32', [1, 4]);
  builder.output(Add(x, builder.parameter('b', tensor('float32', [4], Float32Array.from(shift)))), 'y');
  return modelOf(builder.finish());
}

/** INPUT0, INPUT1 INT32 [rows, 16] → OUTPUT0 their sum, OUTPUT1 their difference. */
export function sumNetwork(rows: Dim = 1): Model {
  const builder = new Builder('sum2');
  const a = builder.input('INPUT0', 'int32', [rows, 16]);
  const b = builder.input('INPUT1', 'int32', [rows, 16]);
  builder.output(Add(a, b), 'OUTPUT0');
  builder.output(Sub(a, b), 'OUTPUT1');
  return modelOf(builder.finish());
}

/** INPUT0 → OUTPUT0, as it is. */
export function identityNetwork(type: DataType, shape: readonly Dim[]): Model {
  const builder = new Builder('identity');
  builder.output(Identity(builder.input('INPUT0', type, shape)), 'OUTPUT0');
  return modelOf(builder.finish());
}

/**
 * x FP32 [rows, 4] → y = x after so many rounds of a loop; without a number the loop never ends. Those that are asked for
 * come as an input: rounds INT64 [1].
 */
export function loopNetwork(rounds?: number | 'asked', rows: Dim = 1): Model {
  const builder = new Builder('loop');
  builder.input('x', 'float32', [rows, 4]);
  if (rounds === 'asked') builder.input('rounds', 'int64', [1]);
  const scalar = (type: 'int64' | 'bool', value: number) =>
    tensor(type, [], type === 'int64' ? BigInt64Array.of(BigInt(value)) : Uint8Array.of(value));
  const initializers = new Map([['go', scalar('bool', 1)]]);
  if (typeof rounds === 'number') initializers.set('rounds', scalar('int64', rounds));
  const node = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: Node['attributes'] = new Map()): Node => ({ op, domain: '', name: outputs[0]!, inputs, outputs, attributes }); // prettier-ignore
  const body: Graph = {
    name: 'body',
    inputs: [
      { name: 'i', type: 'int64', shape: [] },
      { name: 'on', type: 'bool', shape: [] },
      { name: 'held', type: 'float32', shape: [rows, 4] },
    ],
    outputs: [
      { name: 'still', type: 'bool', shape: [] },
      { name: 'kept', type: 'float32', shape: [rows, 4] },
    ],
    nodes: [node('Identity', ['on'], ['still']), node('Abs', ['held'], ['kept'])],
    initializers: new Map(),
    sparseInitializers: [],
    values: new Map(),
  };
  const graph = builder.finish();
  const loop = node('Loop', [rounds === undefined ? '' : 'rounds', 'go', 'x'], ['y'], new Map([['body', { kind: 'graph', value: body }]])); // prettier-ignore
  return modelOf({
    ...graph,
    nodes: [loop],
    initializers,
    outputs: [{ name: 'y', type: 'float32', shape: [rows, 4] }],
  });
}

export interface PictureNetworkOptions {
  readonly seed?: string;
  readonly classes?: number;
  readonly side?: number;
  /** Whether a run fails over a picture whose first value is 255. @default false */
  readonly fails?: boolean;
}

/** pictures UINT8 [N, side, side, 3] → logits, probabilities [N, classes]: a linear map of the pixels, random by seed. */
export function pictureNetwork({
  seed = 'pic',
  classes = 10,
  side = 8,
  fails = false,
}: PictureNetworkOptions = {}): Model {
  const random = new Random(seed);
  const builder = new Builder('pic');
  const pictures = builder.input('pictures', 'uint8', ['N', side, side, 3]);
  const pixels = Flatten(Cast(pictures, { to: 1 }));
  const width = side * side * 3;
  const weight = Float32Array.from({ length: classes * width }, () => (0.05 * random.normal()) / side);
  const scores = Gemm(pixels, builder.parameter('w', tensor('float32', [classes, width], weight)), undefined, { transB: 1 }); // prettier-ignore
  const logits = fails ? Add(scores, nothingBelow255(builder, pixels)) : scores;
  builder.output(logits, 'logits');
  builder.output(Softmax(logits), 'probabilities');
  return modelOf(builder.finish());
}

/** 0 by the first value of a picture, out of a list that ends before 255. */
function nothingBelow255(builder: Builder, pixels: Value): Value {
  const first = builder.parameter('first', tensor('int64', [1], BigInt64Array.of(0n)));
  const list = builder.parameter('list', tensor('float32', [255], new Float32Array(255)));
  return Gather(list, Cast(Gather(pixels, first, { axis: 1 }), { to: 7 }));
}

/** A bundle around {@link pictureNetwork}: labels `label 0`, `label 1`, … unless others are given. */
export async function pictureBundle(
  folder: string,
  { labels, ...options }: PictureNetworkOptions & { readonly labels?: readonly string[] } = {},
): Promise<void> {
  const { classes = labels?.length ?? 10, side = 8 } = options;
  const value = (name: string, type: string, ...shape: (number | string)[]) => ({ name, type, shape });
  const manifest: Omit<Manifest, 'files'> = {
    format: 'onnx-graft-bundle',
    version: 1,
    task: 'single',
    labels: labels ?? Array.from({ length: classes }, (_, k) => `label ${k}`),
    preprocessing: { width: side, height: side, resize: 'shorter-side', cropFraction: 1, filter: 'bilinear', background: [255, 255, 255] }, // prettier-ignore
    inputs: [value('pictures', 'uint8', 'N', side, side, 3)],
    outputs: [value('logits', 'float32', 'N', classes), value('probabilities', 'float32', 'N', classes)],
    backbone: { file: 'pic.onnx', sha256: '0'.repeat(64), at: 'pixels', features: side * side * 3, pixels: {}, recipe: 'flags' }, // prettier-ignore
    data: { source: 'made', classes: {}, train: [], validation: [] },
    metrics: {},
    seeds: {},
    versions: {},
  };
  mkdirSync(folder, { recursive: true });
  await writeBundle(folder, encodeModel(pictureNetwork({ ...options, classes, side })), manifest, { force: true });
}

/** Writes a network as a version of a repository: `<folder>/<name>/<version>/model.onnx`. */
export function writeVersion(folder: string, name: string, model: Model, version = 1): string {
  const path = join(folder, name, String(version));
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'model.onnx'), encodeModel(model));
  return path;
}

/** A folder for one test. */
export const temporary = (): string => mkdtempSync(join(tmpdir(), 'graft-server-'));
