// ONNX Runtime's own on-device training, the last builds that were published: the training files of onnxruntime-web 1.17 to
// 1.19, in plain Node. They are imported by file path, since the package's exports know browsers only.

import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { elements, type Tensor } from '../../src/base/index.js';

interface OrtTensor {
  readonly data: Float32Array | BigInt64Array;
}
type Feeds = Readonly<Record<string, OrtTensor>>;

/** A session of ONNX Runtime's training; feeds go in by position, in the order of `trainingInputNames`. */
interface TrainingSession {
  readonly trainingInputNames: readonly string[];
  readonly trainingOutputNames: readonly string[];
  readonly evalInputNames: readonly string[];
  readonly evalOutputNames: readonly string[];
  runTrainStep(feeds: Feeds): Promise<Feeds>;
  runEvalStep(feeds: Feeds): Promise<Feeds>;
  runOptimizerStep(): Promise<void>;
  lazyResetGrad(): Promise<void>;
  getContiguousParameters(trainableOnly: boolean): Promise<OrtTensor>;
  release(): Promise<void>;
}

/** What is used of the package. */
interface OrtPackage {
  readonly env: { readonly wasm: Record<string, unknown>; logLevel: string };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<{ release(): Promise<void> }>;
  };
  readonly TrainingSession: {
    create(
      files: {
        checkpointState: Uint8Array;
        trainModel: Uint8Array;
        evalModel?: Uint8Array;
        optimizerModel?: Uint8Array;
      },
      options: object,
    ): Promise<TrainingSession>;
  };
}

/** Results of steps: the loss of each, and all trainable parameters end to end in the order of the inputs. */
export interface Trained {
  readonly losses: readonly number[];
  readonly parameters: Float32Array;
}

/** A runtime of which one session is open at a time. */
export interface OrtTraining {
  /** Whether the runtime can make a session of a model. */
  opens(model: Uint8Array): Promise<string | undefined>;
  /** Steps over batches: each is fed in one go or in parts, whose gradients add up. Losses are those of the parts. */
  train(
    files: ReadonlyMap<string, Uint8Array>,
    batches: readonly (readonly ReadonlyMap<string, Tensor>[])[],
  ): Promise<Trained>;
  /** The loss of eval_model. */
  evaluate(files: ReadonlyMap<string, Uint8Array>, batch: ReadonlyMap<string, Tensor>): Promise<number>;
}

/**
 * Loads the runtime.
 *
 * @param folder an unpacked onnxruntime-web of 1.17, 1.18 or 1.19
 */
export async function ortTraining(folder: string): Promise<OrtTraining> {
  const dist = join(resolve(folder), 'dist');
  const modern = join(dist, 'ort.training.wasm.min.mjs');
  const ort = existsSync(modern) ? await load(modern, dist) : inWorker(dist);
  ort.env.wasm['numThreads'] = 1;
  ort.env.logLevel = 'fatal';
  const options = { executionProviders: ['wasm'], logSeverityLevel: 4 };

  const given = ({ type, shape, bytes }: Tensor) => {
    const data = elements({ type, shape, bytes: bytes.slice() });
    return new ort.Tensor(type, data, shape);
  };
  const fed = (names: readonly string[], batch: ReadonlyMap<string, Tensor>): Feeds =>
    Object.fromEntries(names.filter(name => batch.has(name)).map(name => [name, given(batch.get(name)!)]));
  async function within<T>(files: ReadonlyMap<string, Uint8Array>, use: (session: TrainingSession) => Promise<T>) {
    const session = await ort.TrainingSession.create(
      {
        checkpointState: files.get('checkpoint')!,
        trainModel: files.get('training_model.onnx')!,
        evalModel: files.get('eval_model.onnx')!,
        optimizerModel: files.get('optimizer_model.onnx')!,
      },
      options,
    );
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  }
  const lossOf = (results: Feeds, names: readonly string[]) => Number(results[names[0]!]!.data[0]);

  return {
    async opens(model) {
      try {
        await (await ort.InferenceSession.create(model, { ...options, graphOptimizationLevel: 'disabled' })).release();
        return undefined;
      } catch (error) {
        return String(error);
      }
    },
    train: (files, batches) =>
      within(files, async session => {
        const losses: number[] = [];
        for (const parts of batches) {
          for (const part of parts) {
            const results = await session.runTrainStep(fed(session.trainingInputNames, part));
            losses.push(lossOf(results, session.trainingOutputNames));
          }
          await session.runOptimizerStep();
          await session.lazyResetGrad();
        }
        const { data } = await session.getContiguousParameters(true);
        return { losses, parameters: Float32Array.from(data as Float32Array) };
      }),
    evaluate: (files, batch) =>
      within(files, async session =>
        lossOf(await session.runEvalStep(fed(session.evalInputNames, batch)), session.evalOutputNames),
      ),
  };
}

/** 1.19: a module. */
async function load(module: string, dist: string): Promise<OrtPackage> {
  const ort = (await import(pathToFileURL(module).href)) as OrtPackage;
  const base = join(dist, 'ort-training-wasm-simd-threaded');
  ort.env.wasm['wasmBinary'] = readFileSync(`${base}.wasm`);
  ort.env.wasm['wasmPaths'] = { mjs: pathToFileURL(`${base}.mjs`).href };
  return ort;
}

/** 1.17 and 1.18: a script for browsers, which finds what a web worker has. */
function inWorker(dist: string): OrtPackage {
  const fetch = (url: string) =>
    Promise.resolve(
      new Response(readFileSync(join(dist, basename(url))), { headers: { 'content-type': 'application/wasm' } }),
    );
  const context = vm.createContext({
    ...{ WebAssembly, fetch, TextDecoder, TextEncoder, URL, console, performance, setTimeout, clearTimeout },
    ...{ queueMicrotask, ArrayBuffer, Map, Promise, Error, TypeError, BigInt64Array, BigUint64Array, Uint8Array },
    ...{ Uint16Array, Uint32Array, Int8Array, Int16Array, Int32Array, Float32Array, Float64Array },
    importScripts() {},
    self: { location: { href: 'http://localhost/worker.js' } },
    navigator: { hardwareConcurrency: 1, userAgent: 'node' },
    crypto: globalThis.crypto,
  });
  const script = readFileSync(join(dist, 'ort.training.wasm.min.js'), 'utf8');
  vm.runInContext(`${script};globalThis.ort = ort;`, context);
  const { ort } = context as { readonly ort: OrtPackage };
  ort.env.wasm['wasmPaths'] = 'http://localhost/';
  return ort;
}
