// graft convert: the door as a command. A published network in the house's dialect, with what each pass did, proven
// on random and on real input, one picture and several at a time. Above the tolerance nothing is written.

import { elements, floats, Random, tensor, type Tensor } from '../base/index.js';
import { diskError, realDisk, writeAtomically } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { feedsOf, verify, type Model } from '../graph/index.js';
import { pipeline, symbolicBatch } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import { differenceOf, randomFeeds, runOnce, type FeedSizes } from './compare.js';
import { doorPasses } from './door.js';
import { errors } from './errors.js';
import { readRunnable, type NetworkFile } from './network.js';
import { realFeeds } from './real-feeds.js';

export interface ConvertOptions {
  /** The file that is written. */
  readonly out: string;
  /** Height and width where the network leaves them open. */
  readonly size?: number;
  /**
   * The largest difference of the outputs, as a share of the largest output.
   * @default 1e-4; 1e-2 for half-precision and quantized networks, which onnxruntime rounds in other places
   */
  readonly tolerance?: number;
  /** Write over an existing file. @default false */
  readonly force?: boolean;
}

/** What a conversion did and proved. */
export interface ConvertResult {
  readonly file: string;
  /** What each pass that changed something did, in order. */
  readonly changes: readonly { readonly pass: string; readonly what: string }[];
  /** Largest difference to the network as it was, over the largest output. */
  readonly difference: { readonly random: number; readonly real: number };
  readonly tolerance: number;
  /** `any`: any number of pictures at a time; a number where the network holds to it. */
  readonly batch: 'any' | number;
  /** Why the batch is held, where it is. */
  readonly batchReason?: string;
}

/** A pass as `graft convert --list` names it. */
export interface ListedPass {
  readonly name: string;
  readonly summary: string;
}

/** The passes of {@link convert}, in the order in which they run. */
export const convertPasses = (): readonly ListedPass[] =>
  doorPasses.map(({ pass, summary }) => ({ name: pass.passName, summary }));

const tolerances = { ordinary: 1e-4, rounded: 1e-2 };

/**
 * Brings a network file to the house's dialect: opset 20, float32, weights as weights, any batch, known shapes.
 *
 * @throws GRAFT_DIFFERENT where the outputs lie too far apart; GRAFT_SIZE_UNKNOWN, ONNX_OP_UNKNOWN, DOOR_…, DISK_EXISTS
 * @example
 * await convert('squeezenet1.0.onnx', { out: 'clean.onnx' }, nodeRuntime());
 */
export async function convert(path: string, options: ConvertOptions, runtime: Runtime): Promise<ConvertResult> {
  const { out, size, force = false } = options;
  await refuseExisting(out, force);
  const file = readRunnable(path);
  const changes: { pass: string; what: string }[] = [];
  const before = withSize(file, size, what => changes.push({ pass: 'size', what }));
  const isRounded = file.inspection.quantized || isHalf(before);
  const { tolerance = isRounded ? tolerances.rounded : tolerances.ordinary } = options;
  const trial = new Trial(runtime, { ...file, model: before }, { batch: 2, other: size ?? 224 });

  let found = walk(before, true);
  let batchReason: string | undefined;
  if (isFixed(before) && !isFixed(found.model)) {
    batchReason = await trial.severalAtOnce(found.model, tolerance);
    if (batchReason !== undefined) found = walk(before, false);
  }
  changes.push(...found.changes);
  const bytes = encodeModel(verify(found.model));
  const difference = { random: 0, real: 0 };
  for (const kind of ['random', 'real'] as const) {
    difference[kind] = await trial.difference(found.model, kind);
    if (!(difference[kind] <= tolerance))
      throw errors.DIFFERENT({
        what: `the network before and after, on ${kind} input,`,
        difference: difference[kind],
        tolerance,
      });
  }
  await writeAtomically(out, bytes, { force });
  const held = mainBatch(found.model);
  return {
    file: out,
    changes,
    difference,
    tolerance,
    batch: typeof held === 'number' ? held : 'any',
    ...(batchReason === undefined ? {} : { batchReason }),
  };
}

/** The door, with or without the pass that opens the batch. */
function walk(model: Model, opensBatch: boolean) {
  const changes: { pass: string; what: string }[] = [];
  const passes = doorPasses.map(({ pass }) => pass).filter(pass => opensBatch || pass !== symbolicBatch);
  const walked = pipeline('door', ...passes)(model, (pass, what) => changes.push({ pass, what }));
  return { model: walked, changes };
}

const mainBatch = ({ graph }: Model) => feedsOf(graph).find(({ shape }) => (shape?.length ?? 0) > 1)?.shape?.[0];
const isFixed = (model: Model): boolean => typeof mainBatch(model) === 'number';

function isHalf({ graph }: Model): boolean {
  const types = [...graph.initializers.values(), ...graph.inputs, ...graph.outputs].map(({ type }) => type);
  const constants = graph.nodes.flatMap(node =>
    [...node.attributes.values()].map(one => (one.kind === 'tensor' ? one.value.type : undefined)),
  );
  return [...types, ...constants].some(type => type === 'float16' || type === 'bfloat16');
}

/** Height and width as numbers: after the door only the batch is a name. */
function withSize({ path, model, inspection }: NetworkFile, size: number | undefined, tell: (what: string) => void) {
  const { picture } = inspection;
  const isOpen = picture && (typeof picture.height !== 'number' || typeof picture.width !== 'number');
  if (!isOpen) return model;
  if (!size) throw errors.SIZE_UNKNOWN({ file: path, input: picture.name });
  const [row, column] = picture.layout === 'NCHW' ? [2, 3] : [1, 2];
  const inputs = model.graph.inputs.map(info => {
    if (info.name !== picture.name || info.shape?.length !== 4) return info;
    const { typeBytes: _, ...rest } = info;
    const shape = info.shape.map((dim, i) => ((i !== row && i !== column) || typeof dim === 'number' ? dim : size));
    return { ...rest, shape };
  });
  tell(`height and width of ${picture.name} became ${size}`);
  // What was said of inner values is said of names; it is inferred again.
  const plain = [...model.graph.values].map(([name, { shape: _, typeBytes, ...rest }]) => {
    const info = rest.type ? rest : { ...rest, ...(typeBytes ? { typeBytes } : {}) };
    return [name, info] as const;
  });
  const outputs = model.graph.outputs.map(output => {
    if (!output.type || !output.shape?.some(dim => typeof dim === 'string')) return output;
    const { typeBytes: _, ...rest } = output;
    return { ...rest, shape: output.shape.map((dim, i) => (i > 0 && typeof dim === 'string' ? '' : dim)) };
  });
  return { ...model, graph: { ...model.graph, inputs, outputs, values: new Map(plain) } };
}

/** Runs the network as it was and as it became on the same input. */
class Trial {
  readonly #before: Uint8Array;
  constructor(
    readonly runtime: Runtime,
    readonly file: NetworkFile,
    readonly sizes: FeedSizes,
  ) {
    this.#before = encodeModel(file.model);
  }

  /** The largest difference on one kind of input. */
  async difference(after: Model, kind: 'random' | 'real'): Promise<number> {
    const feeds = await this.#feeds(kind);
    return this.#between(await runOnce(this.runtime, this.#before, feeds), await this.#run(after, feeds));
  }

  /** Why a network whose batch was opened does not give for three pictures at once what it gives for each; undefined where it does. */
  async severalAtOnce(after: Model, tolerance: number): Promise<string | undefined> {
    const { model } = this.file;
    const alone = [0, 1, 2].map(n => randomFeeds(model, new Random(`picture ${n}`), this.sizes));
    const batched = new Set(
      feedsOf(model.graph)
        .filter(({ shape }) => shape?.[0] === 1)
        .map(({ name }) => name),
    );
    const shared = alone[0]!;
    for (const feeds of alone)
      for (const name of feeds.keys()) if (!batched.has(name)) feeds.set(name, shared.get(name)!);
    const together = new Map([...shared].map(([name, feed]) => [name, batched.has(name) ? stack(alone.map(one => one.get(name)!)) : feed])); // prettier-ignore
    try {
      const found = await this.#run(after, together);
      const singles: Map<string, Tensor>[] = [];
      for (const feeds of alone) singles.push(await runOnce(this.runtime, this.#before, feeds));
      const wanted = new Map<string, Tensor>();
      for (const name of found.keys()) wanted.set(name, stack(singles.map(one => one.get(name)!)));
      const apart = this.#between(wanted, found);
      return apart <= tolerance
        ? undefined
        : `three pictures at once differ from each alone by ${apart.toExponential(2)}`;
    } catch (error) {
      if (error instanceof Error && 'code' in error && String(error.code).startsWith('RUNTIME_'))
        return 'onnxruntime could not run it on three pictures at once';
      throw error;
    }
  }

  async #feeds(kind: 'random' | 'real'): Promise<Map<string, Tensor>> {
    return kind === 'random'
      ? randomFeeds(this.file.model, new Random('convert'), this.sizes)
      : realFeeds(this.file, this.sizes);
  }

  /** Runs a network of the house's dialect on feeds of the original's types. */
  async #run(after: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    const wide = new Map([...feeds].map(([name, feed]) => [name, widened(feed)]));
    return runOnce(this.runtime, encodeModel(after), wide);
  }

  #between(before: ReadonlyMap<string, Tensor>, after: ReadonlyMap<string, Tensor>): number {
    return differenceOf(new Map([...before].map(([name, one]) => [name, widened(one)])), after).relative;
  }
}

/** Half precision as float32, as the door makes it. */
const widened = (one: Tensor): Tensor =>
  one.type === 'float16' || one.type === 'bfloat16' ? tensor('float32', one.shape, floats(one)) : one;

/** Tensors of batch 1 as one of batch n. */
function stack(list: readonly Tensor[]): Tensor {
  const [first] = list as [Tensor, ...Tensor[]];
  const length = first.bytes.length;
  const bytes = new Uint8Array(length * list.length);
  list.forEach((one, i) => {
    bytes.set(one.bytes.subarray(0, length), i * length);
  });
  return {
    ...first,
    shape: [first.shape[0] === undefined ? list.length : first.shape[0] * list.length, ...first.shape.slice(1)],
    bytes,
  };
}

/** Refused before any work is done, and again by the write itself. */
async function refuseExisting(out: string, force: boolean): Promise<void> {
  if (force) return;
  try {
    if (await realDisk.stat(out)) throw errors.OUT_EXISTS({ path: out });
  } catch (cause) {
    throw diskError(out, 'read', cause);
  }
}
void elements;
