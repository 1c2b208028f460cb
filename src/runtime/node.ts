// onnxruntime-node behind our interface. It blocks its thread in run and create; outputs are copied, feeds are not.

import './no-telemetry.js';
import * as ort from 'onnxruntime-node';
import { createRequire } from 'node:module';
import { runtimeOf } from './adapter.js';
import { openBeside } from './beside.js';
import type { Runtime } from './runtime.js';

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** Where networks run. `cuda` needs `npm run setup:cuda` once. */
export type NodeProvider = 'cpu' | 'cuda' | 'webgpu';

/**
 * onnxruntime-node as a {@link Runtime}.
 *
 * @param provider where networks run, `cpu` by default
 * @example
 * const session = await nodeRuntime().open(bytes);
 */
export function nodeRuntime(provider: NodeProvider = 'cpu'): Runtime {
  const runtime = runtimeOf({
    name: `onnxruntime-node ${version} ${provider}`,
    makeTensor: (type, data, dims) => new ort.Tensor(type as 'float32', data as Float32Array, dims),
    create: async (model, { threads = 1, optimization = 'all' }) =>
      await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: optimization,
        logSeverityLevel: 3,
      }),
  });
  return { ...runtime, openBeside: (model, options) => openBeside(runtime, provider, model, options) };
}
