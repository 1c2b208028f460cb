// Where networks run in Node, and the proof that they do. A provider counts only when a small network opened on it with
// the way back to the CPU closed, and gave the right number: onnxruntime otherwise fails with a raw text, or runs
// elsewhere what the provider does not take. Nothing ever falls to the CPU by itself.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OrtSession, OrtTensor } from './adapter.js';
import { errors } from './errors.js';
import { probe, probeModel } from './probe-model.js';

/** Where networks run. `cuda` needs `npm run setup:cuda` once, `webgpu` a Vulkan, Metal or Direct3D 12 driver. */
export type NodeProvider = 'cpu' | 'cuda' | 'webgpu';

/** What the proof needs of onnxruntime-node. */
export interface ProviderEngine {
  /** Names of the providers that its build for this platform knows. */
  readonly known: readonly string[];
  /** Folder of its libraries. */
  readonly libraries: string;
  /** Opens a network on one provider alone. */
  openOnly(model: Uint8Array, provider: NodeProvider): Promise<OrtSession>;
  makeTensor(type: string, data: unknown, dims: readonly number[]): OrtTensor;
}

/** Libraries that its package leaves out; without them onnxruntime prints to the terminal before it throws. */
const separate: Readonly<Partial<Record<NodeProvider, readonly string[]>>> = {
  cuda: ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'],
};

/**
 * Proves that networks run on a provider.
 *
 * @throws RUNTIME_PROVIDER_UNSUPPORTED, RUNTIME_PROVIDER_MISSING, RUNTIME_PROVIDER_UNUSABLE, RUNTIME_PROVIDER_ELSEWHERE
 */
export async function proveProvider(
  provider: NodeProvider,
  { known, libraries, openOnly, makeTensor }: ProviderEngine,
): Promise<void> {
  if (!known.includes(provider))
    throw errors.PROVIDER_UNSUPPORTED({ provider, platform: `${process.platform} ${process.arch}`, known });
  const absent = (separate[provider] ?? []).filter(name => !existsSync(join(libraries, name)));
  if (absent.length > 0) throw errors.PROVIDER_MISSING({ provider, files: absent, folder: libraries });
  const fed = makeTensor('float32', Float32Array.from(probe.fed), probe.shape);
  let found: unknown;
  try {
    const session = await openOnly(probeModel(), provider);
    try {
      const given = (await session.run({ [probe.input]: fed }, [probe.output]))[probe.output]!;
      found = (given.data as Float32Array)[0];
    } finally {
      await session.release();
    }
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).trim();
    if (/fallback to CPU EP has been explicitly disabled/.test(reason))
      throw errors.PROVIDER_ELSEWHERE({ provider }, cause);
    throw unusable(provider, reason, cause);
  }
  // small whole numbers: every kind of arithmetic, half precision too, gives them exactly
  if (found !== probe.given) throw unusable(provider, `it answers ${String(found)} where ${probe.given} is right`);
}

function unusable(provider: NodeProvider, reason: string, cause?: unknown) {
  const at = { provider, reason: sentenceOf(reason) };
  return provider === 'webgpu' ? errors.WEBGPU_UNUSABLE(at, cause) : errors.PROVIDER_UNUSABLE(at, cause);
}

/** onnxruntime's texts without the place in its source and without the function's signature. */
const sentenceOf = (reason: string): string =>
  reason
    .replace(/^\/\S+:\d+ .*? was false\. /, '')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
