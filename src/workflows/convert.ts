// graft convert: the door as a command. A published network in the house's dialect, with what each pass did, proven
// on random and on real input. Above the tolerance nothing is written.

import { writeAtomically } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { feedsOf, verify, type Dim, type Model, type ValueInfo } from '../graph/index.js';
import {
  dequantize,
  dropUnused,
  float16ToFloat32,
  inferShapes,
  lowerOpset,
  pipeline,
  symbolicBatch,
  type Pass,
} from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import { doorPasses } from './door.js';
import { errors } from './errors.js';
import { foldConstants, foldConstantsName } from './fold-constants.js';
import { readRunnable, type NetworkFile } from './network.js';
import { Trial } from './trial.js';

export interface ConvertOptions {
  /** The file that is written. */
  readonly out: string;
  /** Height and width in pixels, where the network leaves them open. */
  readonly size?: number;
  /**
   * Make a network of QuantizeLinear and DequantizeLinear float, so that it can train. Its outputs move by the roundings
   * that are gone; how far, and how often the first class stays the same, is measured and told.
   * @default false
   */
  readonly dequantize?: boolean;
  /**
   * The largest difference of the outputs, as a share of the largest output.
   * @default 1e-4; 0.5 with `dequantize`; 1e-2 for half-precision and quantized networks, whose rounding onnxruntime moves
   */
  readonly tolerance?: number;
  /** Write over an existing file. @default false */
  readonly force?: boolean;
}

/** What a pass did. */
export interface Change {
  readonly pass: string;
  readonly what: string;
}

/** What a conversion did and proved. */
export interface ConvertResult {
  readonly file: string;
  /** What each pass that changed something did, in order. */
  readonly changes: readonly Change[];
  /** Largest difference to the network as it was, over its largest output. */
  readonly difference: { readonly random: number; readonly real: number };
  readonly tolerance: number;
  /** With `dequantize`: on how many rows of real input both name the same class first. */
  readonly agreement?: { readonly same: number; readonly of: number };
  /** How many pictures it takes at a time: a name for any number, or the number it holds to. */
  readonly batch: Dim | undefined;
  /** Why a fixed batch was not opened. */
  readonly batchReason?: string;
}

/** The passes of {@link convert} by name, in the order in which they run. */
export const convertPasses = (): readonly { readonly name: string; readonly summary: string }[] => [
  ...passesOf(true, true).map(({ passName }) => ({
    name: passName,
    summary: doorPasses.find(({ pass }) => pass.passName === passName)?.summary ?? dequantizeSummary,
  })),
  { name: foldConstantsName, summary: 'lets onnxruntime compute what depends on weights alone' },
];

const dequantizeSummary = 'with --dequantize: makes a network of QuantizeLinear and DequantizeLinear float';
// Made float, a network differs by its roundings, at most tenths where it works; without its activations by all there is.
const tolerances = { ordinary: 1e-4, rounded: 1e-2, dequantized: 0.5 };

/**
 * Brings a network file to the house's dialect: opset 20, float32, weights as weights, any batch, known shapes.
 *
 * @throws GRAFT_DIFFERENT where the outputs lie too far apart; GRAFT_SIZE_UNKNOWN, ONNX_OP_UNKNOWN, DOOR_…, DISK_EXISTS
 * @example
 * const { changes, difference } = await convert('squeezenet1.0.onnx', { out: 'clean.onnx' }, nodeRuntime());
 */
export async function convert(path: string, options: ConvertOptions, runtime: Runtime): Promise<ConvertResult> {
  const { out, size, force = false } = options;
  const file = readRunnable(path);
  const sized = withSize(file, size);
  const isMadeFloat = options.dequantize ?? false;
  const opened = passesOf(true, isMadeFloat);
  let walked = await walk(sized.model, opened, runtime);
  const isRounded = file.inspection.quantized || walked.changes.some(({ pass }) => pass === float16ToFloat32.passName);
  const usual = isMadeFloat ? 'dequantized' : isRounded ? 'rounded' : 'ordinary';
  const { tolerance = tolerances[usual] } = options;
  const sizes = { batch: isMadeFloat ? 8 : 2, other: size ?? 224 };
  const trial = new Trial(runtime, { ...file, model: sized.model }, sizes);

  let batchReason: string | undefined;
  if (typeof batchOf(sized.model) === 'number' && typeof batchOf(walked.model) !== 'number') {
    batchReason = await trial.severalAtOnce(encodeModel(walked.model), tolerance);
    if (batchReason !== undefined) walked = await walk(sized.model, passesOf(false, isMadeFloat), runtime);
  }
  const bytes = encodeModel(verify(walked.model));
  const difference = { random: 0, real: 0 };
  for (const kind of ['random', 'real'] as const) {
    difference[kind] = await trial.difference(bytes, kind);
    const what = `the network before and after, on ${kind} input,`;
    if (!(difference[kind] <= tolerance)) throw errors.DIFFERENT({ what, difference: difference[kind], tolerance });
  }
  const agreement = isMadeFloat ? { agreement: await trial.agreement(bytes) } : {};
  await writeAtomically(out, bytes, { force });
  return {
    file: out,
    changes: [...sized.changes, ...walked.changes],
    difference,
    tolerance,
    ...agreement,
    batch: batchOf(walked.model),
    ...(batchReason === undefined ? {} : { batchReason }),
  };
}

interface Walked {
  readonly model: Model;
  readonly changes: readonly Change[];
}

/** The passes of the door, with or without the one that opens the batch; quantised types end before opsets change. */
const passesOf = (opensBatch: boolean, isMadeFloat: boolean): Pass[] =>
  doorPasses
    .map(({ pass }) => pass)
    .filter(pass => opensBatch || pass !== symbolicBatch)
    .flatMap(pass => (pass === lowerOpset && isMadeFloat ? [dequantize, pass] : [pass]));

/** Through the passes; then constants, which need a runtime. */
async function walk(model: Model, passes: readonly Pass[], runtime: Runtime): Promise<Walked> {
  const changes: Change[] = [];
  const tell = (pass: string, what: string) => void changes.push({ pass, what });
  const walked = pipeline('door', ...passes)(model, tell);
  const folded = await foldConstants(walked, runtime, what => {
    tell(foldConstantsName, what);
  });
  const tidy = folded === walked ? walked : pipeline('tidy', dropUnused, inferShapes)(folded, tell);
  return { model: tidy, changes };
}

const batchOf = ({ graph }: Model): Dim | undefined =>
  feedsOf(graph).find(({ shape }) => (shape?.length ?? 0) > 1)?.shape?.[0];

/** Height and width as numbers: behind the door only the batch is a name. */
export function withSize({ path, model, inspection: { picture } }: NetworkFile, size: number | undefined) {
  const isOpen = picture && (typeof picture.height !== 'number' || typeof picture.width !== 'number');
  if (!isOpen) return { model, changes: [] };
  if (!size) throw errors.SIZE_UNKNOWN({ file: path, input: picture.name });
  const sides = picture.layout === 'NCHW' ? [2, 3] : [1, 2];
  const inputs = model.graph.inputs.map(({ typeBytes, ...info }): ValueInfo => {
    if (info.name !== picture.name || !info.shape) return typeBytes ? { ...info, typeBytes } : info;
    return { ...info, shape: info.shape.map((dim, i) => (sides.includes(i) && typeof dim === 'string' ? size : dim)) };
  });
  // What the file says of other sizes by name is inferred again.
  const open = ({ typeBytes, ...info }: ValueInfo): ValueInfo =>
    info.type && info.shape
      ? { ...info, shape: info.shape.map((dim, i) => (i > 0 && typeof dim === 'string' ? '' : dim)) }
      : { ...info, ...(typeBytes ? { typeBytes } : {}) };
  const values = new Map([...model.graph.values].map(([name, info]) => [name, open(info)]));
  const graph = { ...model.graph, inputs, outputs: model.graph.outputs.map(open), values };
  const what = `height and width of ${picture.name} became ${size}`;
  return { model: { ...model, graph }, changes: [{ pass: 'size', what }] };
}
