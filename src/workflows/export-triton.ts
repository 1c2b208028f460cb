// graft export triton: a bundle as a model of a Triton repository, for its onnxruntime backend.
// Layout: <out>/<name>/{config.pbtxt, labels.txt, README.md, 1/model.onnx}. config.pbtxt is the message ModelConfig of
// https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto in protobuf's text format.

import { printable, type DataType } from '../base/index.js';
import { exportErrors as errors } from './export-errors.js';
import {
  modelName,
  openExported,
  preparationText,
  wantNew,
  wholeNumber,
  writeFolders,
  type Exported,
  type ExportOptions,
  type ExportResult,
} from './export-serving.js';
import { textOf, word, type TextMessage } from './export-triton-text.js';
import type { ServableValue } from './servable.js';
import { version } from './version.js';

/** Options of {@link exportTriton}. */
export interface ExportTritonOptions extends ExportOptions {
  /** Most pictures of a run. @default 32 */
  readonly maxBatch?: number;
  /** Sizes at which a batch runs at once. @default a quarter of `maxBatch`, and `maxBatch` */
  readonly preferredBatch?: readonly number[];
  /** Microseconds that a request waits for others to run with. @default 2000 */
  readonly queueDelay?: number;
  /** Copies of the model, on each GPU or on the CPU. @default 1 */
  readonly instances?: number;
  /** Run on GPUs. @default false */
  readonly gpu?: boolean;
}

/**
 * Writes a bundle as a model of a Triton repository; other models of the repository stay as they are.
 *
 * @throws EXPORT_OPTION, EXPORT_FOLDER, EXPORT_BUNDLE, EXPORT_TYPE; SERVE_…, BUNDLE_…, DISK_…
 * @example
 * await exportTriton('run/bundle', { out: 'repository', name: 'ants-and-bees', maxBatch: 16 });
 */
export async function exportTriton(bundle: string, options: ExportTritonOptions): Promise<ExportResult> {
  const { out, force = false } = options;
  const name = modelName(bundle, options.name);
  const folders = tritonFolders(name, await openExported(bundle), options);
  await wantNew(`${out}/${name}`, force);
  const files = await writeFolders(out, folders, force);
  return { target: 'triton', name, folder: out, files };
}

/** What a Triton repository holds of a model, by folder: config.pbtxt is written last. */
export function tritonFolders(
  name: string,
  exported: Exported,
  options: Omit<ExportTritonOptions, keyof ExportOptions>,
): Map<string, ReadonlyMap<string, Uint8Array | string>> {
  const labels = exported.manifest.labels.map(label => `${printable(label)}\n`).join('');
  return new Map([
    [`${name}/1`, new Map([['model.onnx', exported.model]])],
    [
      name,
      new Map<string, Uint8Array | string>([
        ['labels.txt', labels],
        ['README.md', readme(name, exported)],
        ['config.pbtxt', tritonConfig(name, exported, options)],
      ]),
    ],
  ]);
}

/** The text of config.pbtxt. */
function tritonConfig(
  name: string,
  { manifest, preprocessing, inputs, outputs, mayBatch, sha256 }: Exported,
  options: Omit<ExportTritonOptions, keyof ExportOptions>,
): string {
  const { queueDelay = 2000, instances = 1, gpu = false } = options;
  const maxBatch = mayBatch ? wholeNumber('--max-batch', options.maxBatch ?? 32, 1, 4096) : 0;
  const preferred = options.preferredBatch ?? [Math.ceil(maxBatch / 4), maxBatch];
  if (mayBatch) for (const size of preferred) wholeNumber('--preferred-batch', size, 1, maxBatch);
  const tensorOf = (value: ServableValue): TextMessage => {
    const { dims, isScalar } = dimsOf(value, mayBatch);
    return { name: value.name, data_type: typeOf(value), dims, ...(isScalar ? { reshape: {} } : {}) };
  };
  const isOfLabels = ({ name: output, shape }: ServableValue): boolean =>
    output === 'probabilities' && [manifest.labels.length, -1].includes(shape.at(-1) ?? 0);
  const message: TextMessage = {
    name,
    backend: 'onnxruntime',
    max_batch_size: maxBatch,
    input: inputs.map(tensorOf),
    output: outputs.map(value => ({
      ...tensorOf(value),
      ...(isOfLabels(value) ? { label_filename: 'labels.txt' } : {}),
    })),
    ...(mayBatch
      ? {
          dynamic_batching: {
            preferred_batch_size: [...new Set(preferred)].sort((a, b) => a - b),
            max_queue_delay_microseconds: wholeNumber('--queue-delay', queueDelay, 0, 10_000_000),
          },
        }
      : {}),
    instance_group: [
      { count: wholeNumber('--instances', instances, 1, 128), kind: word(gpu ? 'KIND_GPU' : 'KIND_CPU') },
    ],
    model_warmup: warmUps(inputs, maxBatch, mayBatch),
    parameters: [
      parameter('preprocessing', JSON.stringify(preprocessing)),
      parameter('labels', JSON.stringify(manifest.labels)),
      ...(manifest.ensemble
        ? [parameter('members', JSON.stringify(manifest.ensemble.members.map(member => member.name)))]
        : []),
      parameter('bundle_sha256', sha256),
      parameter('onnx_graft', version),
    ],
  };
  return `# Written by graft export triton. README.md says how pictures are prepared.\n${textOf(message)}`;
}

const parameter = (key: string, text: string): TextMessage => ({ key, value: { string_value: text } });

/** Dimensions without the batch. Triton wants one beside it: one number a picture is a row of one. */
function dimsOf({ shape }: ServableValue, mayBatch: boolean): { dims: readonly number[]; isScalar: boolean } {
  const dims = mayBatch ? shape.slice(1) : shape;
  return dims.length === 0 ? { dims: [1], isScalar: true } : { dims, isScalar: false };
}

/** One run with zeros, and one as large as they get with chance; none where a dimension is free. */
function warmUps(inputs: readonly ServableValue[], maxBatch: number, mayBatch: boolean): TextMessage[] {
  const given = inputs.map(value => ({ value, dims: dimsOf(value, mayBatch).dims }));
  if (given.some(({ value, dims }) => value.type === 'string' || dims.some(dim => dim < 0))) return [];
  const sample = (name: string, data: TextMessage, batch: number): TextMessage => ({
    name,
    batch_size: batch,
    inputs: given.map(({ value, dims }) => ({ key: value.name, value: { data_type: typeOf(value), dims, ...data } })),
  });
  // a model that takes no batches is warmed up with one of 1
  return [sample('zeros', { zero_data: true }, 1), sample('random', { random_data: true }, Math.max(1, maxBatch))];
}

const types: Partial<Record<DataType, string>> = {
  bool: 'BOOL', uint8: 'UINT8', uint16: 'UINT16', uint32: 'UINT32', uint64: 'UINT64', int8: 'INT8', int16: 'INT16',
  int32: 'INT32', int64: 'INT64', float16: 'FP16', float32: 'FP32', float64: 'FP64', string: 'STRING', bfloat16: 'BF16',
}; // prettier-ignore

function typeOf({ name, type }: ServableValue): ReturnType<typeof word> {
  const known = types[type];
  if (known === undefined) throw errors.TYPE({ name, type });
  return word(`TYPE_${known}`);
}

function readme(name: string, { manifest, preprocessing, outputs }: Exported): string {
  const { width, height } = preprocessing;
  const rows = outputs.map(({ name: output, type, shape }) => `- \`${output}\` ${type} [${shape.map(dim => (dim < 0 ? 'pictures' : dim)).join(', ')}]`); // prettier-ignore
  return `# ${name}

A model of ${manifest.labels.length} labels for NVIDIA Triton's onnxruntime backend, written by onnx-graft ${version}.

    tritonserver --model-repository FOLDER      # the folder that holds ${name}/

## How pictures are prepared

${preparationText(preprocessing)}
## What comes back

${rows.join('\n')}

Labels are in \`labels.txt\`, a line each, in the order of \`probabilities\`; they are in config.pbtxt too (\`parameters.labels\`),
as is the recipe above (\`parameters.preprocessing\`). With the classification extension
(\`"outputs": [{"name": "probabilities", "parameters": {"classification": 3}}]\`) Triton names them itself.

## In Python

    import numpy as np, tritonclient.http as http
    from PIL import Image
    pixels = np.asarray(prepared_picture, np.uint8)[None]      # [1, ${height}, ${width}, 3]
    given = http.InferInput("pictures", pixels.shape, "UINT8")
    given.set_data_from_numpy(pixels)
    answer = http.InferenceServerClient("localhost:8000").infer("${name}", [given])
    print(answer.as_numpy("probabilities"))

The network is of ONNX opset 20 or older and needs the onnxruntime of its Triton to be 1.17 or newer.
`;
}
