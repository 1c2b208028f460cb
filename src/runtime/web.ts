// onnxruntime-web's WebAssembly engine behind our interface: browsers, and Node for tests.

import * as ort from 'onnxruntime-web';
import { runtimeOf, type OrtSession } from './adapter.js';
import type { Runtime } from './runtime.js';

/** How the WebAssembly engine is set up, once for the page. */
export interface WebRuntimeOptions {
  /** Folder URL of onnxruntime-web's `.wasm` and `.mjs` files. Default: beside the script. */
  readonly wasmPaths?: string;
  readonly provider?: 'wasm' | 'webgpu';
}

/** The engine is one per page and breaks when calls overlap, even those of two sessions: each waits for the one before. */
let before: Promise<unknown> = Promise.resolve();
function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const mine = before.then(task, task);
  before = mine.catch(() => undefined);
  return mine;
}

/**
 * onnxruntime-web as a {@link Runtime}; one thread, so that it needs no cross-origin isolation.
 *
 * @example
 * const session = await webRuntime().open(bytes);
 */
export function webRuntime({ wasmPaths, provider = 'wasm' }: WebRuntimeOptions = {}): Runtime {
  ort.env.wasm.numThreads = 1;
  if (wasmPaths) ort.env.wasm.wasmPaths = wasmPaths;
  return runtimeOf({
    name: `onnxruntime-web ${ort.env.versions.web ?? ''} ${provider}`,
    makeTensor: (type, data, dims) => new ort.Tensor(type as 'float32', data as Float32Array, dims),
    create: async (model, { optimization = 'all' }): Promise<OrtSession> => {
      const session = await inTurn(() =>
        ort.InferenceSession.create(model, {
          executionProviders: [provider],
          graphOptimizationLevel: optimization,
          logSeverityLevel: 3,
        }),
      );
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: (feeds, fetches) => inTurn(() => session.run(feeds as Record<string, ort.Tensor>, fetches)),
        release: () => inTurn(() => session.release()),
      };
    },
  });
}
