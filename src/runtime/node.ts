// onnxruntime-node behind our interface. It blocks its thread in run and create; outputs are copied, feeds are not.

import './no-telemetry.js';
import * as ort from 'onnxruntime-node';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GraftError } from '../base/index.js';
import { runtimeOf, type OrtTensor } from './adapter.js';
import { openBeside } from './beside.js';
import { errors } from './errors.js';
import { proveProvider, type NodeProvider } from './provider.js';
import type { Runtime } from './runtime.js';
import { webgpuGaps } from './webgpu-gaps.js';

export type { NodeProvider } from './provider.js';

const require = createRequire(import.meta.url);
const { version } = require('onnxruntime-node/package.json') as { version: string };
const libraries = join(
  dirname(require.resolve('onnxruntime-node/package.json')),
  'bin/napi-v6',
  process.platform,
  process.arch,
);

/** How networks run, whatever opens them. */
export interface NodeRuntimeOptions {
  /** Threads inside one operator, where a session does not say otherwise; of the CPU only. @default 1 */
  readonly threads?: number;
}

/**
 * A provider as onnxruntime-node takes it for a model. WebGPU keeps the layout of the graph: in its own choice, channels
 * last, Conv of onnxruntime 1.30 is wrong where the input channels of a group are 6, 9, 15, … (of 3, not of 4) and the
 * outputs of 4.
 */
export function executionProvider(
  provider: NodeProvider,
  model: Uint8Array,
): ort.InferenceSession.ExecutionProviderConfig {
  if (provider !== 'webgpu') return provider;
  const gaps = webgpuGaps(model);
  return { name: provider, preferredLayout: 'NCHW', ...(gaps.length > 0 ? { forceCpuNodeNames: gaps } : {}) };
}

const makeTensor = (type: string, data: unknown, dims: readonly number[]): OrtTensor =>
  new ort.Tensor(type as 'float32', data as Float32Array, dims);

/** Proofs of this process: one a provider. A failure is not kept, for what was missing may come. */
const proofs = new Map<NodeProvider, Promise<void>>();

function proven(provider: NodeProvider): Promise<void> {
  if (provider === 'cpu') return Promise.resolve();
  const known = proofs.get(provider);
  if (known) return known;
  const proof = proveProvider(provider, {
    known: ort.listSupportedBackends().map(({ name }) => name),
    libraries,
    makeTensor,
    openOnly: (model, only) =>
      ort.InferenceSession.create(model, {
        executionProviders: [executionProvider(only, model)],
        logSeverityLevel: 4,
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      }),
  });
  proofs.set(provider, proof);
  proof.catch(() => proofs.delete(provider));
  return proof;
}

/**
 * onnxruntime-node as a {@link Runtime}. A provider other than `cpu` is proven before the first network is opened on it:
 * it is used, or opening fails; nothing falls to the CPU by itself. Nodes that a provider has no kernel for still run
 * on the CPU, between the others.
 *
 * @param provider where networks run, `cpu` by default
 * @throws RUNTIME_THREADS; its `open` RUNTIME_REFUSED and RUNTIME_PROVIDER_…
 * @example
 * const session = await nodeRuntime().open(bytes);
 */
export function nodeRuntime(provider: NodeProvider = 'cpu', { threads: usual = 1 }: NodeRuntimeOptions = {}): Runtime {
  if (!Number.isSafeInteger(usual) || usual < 1) throw errors.THREADS({ found: usual });
  const runtime = runtimeOf({
    // more threads may add in another order: features kept under this name are then others
    name: `onnxruntime-node ${version} ${provider}${provider === 'cpu' && usual > 1 ? ` of ${usual} threads` : ''}`,
    makeTensor,
    create: async (model, { threads = usual, optimization = 'all' }) => {
      await proven(provider);
      return await ort.InferenceSession.create(model, {
        executionProviders: [executionProvider(provider, model)],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: optimization,
        logSeverityLevel: 3,
      });
    },
  });
  // a device is one, and several threads in a network have the cores already: nothing is won beside them
  if (provider !== 'cpu' || usual > 1) return runtime;
  return { ...runtime, openBeside: (model, options) => openBeside(runtime, provider, model, options) };
}

/**
 * A {@link nodeRuntime} whose provider is proven before anything else is done. `auto` is CUDA where its libraries are
 * installed and a device answers, or else the CPU; WebGPU only runs when it is asked for by name, since its device may
 * be software that is slower than the CPU.
 *
 * @throws RUNTIME_PROVIDER_UNSUPPORTED, RUNTIME_PROVIDER_MISSING, RUNTIME_PROVIDER_UNUSABLE, RUNTIME_WEBGPU_UNUSABLE,
 *   RUNTIME_PROVIDER_ELSEWHERE, RUNTIME_THREADS
 * @example
 * const runtime = await openRuntime('auto');
 * console.log(runtime.name); // onnxruntime-node 1.30.0 cpu
 */
export async function openRuntime(
  provider: NodeProvider | 'auto' = 'cpu',
  options: NodeRuntimeOptions = {},
): Promise<Runtime> {
  const settled = provider === 'auto' ? ((await runs('cuda')) ? 'cuda' : 'cpu') : provider;
  const runtime = nodeRuntime(settled, options);
  await proven(settled);
  return runtime;
}

/** Whether a provider is there. */
async function runs(provider: NodeProvider): Promise<boolean> {
  try {
    await proven(provider);
    return true;
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}
