import { defineErrors, printable } from '../base/index.js';

export const errors = defineErrors('RUNTIME', {
  REFUSED: {
    kind: 'input',
    message: (at: { reason: string }) => `onnxruntime does not open the model: ${printable(at.reason)}`,
    hint: 'graft convert writes a clean model, or names what it cannot read.',
  },
  RUN_FAILED: {
    kind: 'input',
    message: (at: { reason: string }) => `onnxruntime could not run the model: ${printable(at.reason)}`,
    hint: 'Look at the shapes and types that graft inspect prints for its inputs.',
  },
  FEED_MISSING: {
    kind: 'usage',
    message: (at: { name: string }) => `the model's input ${printable(at.name)} was not fed`,
  },
  TENSOR: {
    kind: 'usage',
    message: (at: { found: number; wanted: number; shape: readonly number[] }) =>
      `a tensor of shape [${at.shape.join(',')}] needs ${at.wanted} elements, found ${at.found}`,
  },
  THREADS: {
    kind: 'usage',
    message: (at: { found: number }) => `threads is ${at.found}, wanted a whole number from 1`,
  },
  PROVIDER_UNSUPPORTED: {
    kind: 'unsupported',
    message: (at: { provider: string; platform: string; known: readonly string[] }) =>
      `onnxruntime-node has no provider ${printable(at.provider)} for ${at.platform}; it has ${at.known.join(', ')}`,
    hint: 'Choose --provider cpu, which runs everywhere.',
  },
  PROVIDER_MISSING: {
    kind: 'missing',
    message: (at: { provider: string; files: readonly string[]; folder: string }) =>
      `the provider ${at.provider} is not installed: ${at.files.join(' and ')} ${at.files.length === 1 ? 'is' : 'are'} not in ${printable(at.folder)}`,
    hint: 'npm run setup:cuda fetches it; docs/cuda.md says how where onnx-graft is a dependency. --provider cpu needs nothing.',
  },
  PROVIDER_UNUSABLE: {
    kind: 'missing',
    message: (at: { provider: string; reason: string }) =>
      `the provider ${at.provider} is installed, but no network runs on it: ${printable(at.reason)}`,
    hint: 'npm run setup:cuda says what the machine lacks; docs/cuda.md lists what it needs. --provider cpu needs nothing.',
  },
  WEBGPU_UNUSABLE: {
    kind: 'missing',
    message: (at: { provider: string; reason: string }) =>
      `the provider ${at.provider} finds no device: ${printable(at.reason)}`,
    hint: 'On Linux it needs libvulkan.so.1 (Debian: libvulkan1) and a Vulkan driver; docs/providers.md also names a software device. --provider cpu needs nothing.',
  },
  PROVIDER_ELSEWHERE: {
    kind: 'missing',
    message: (at: { provider: string }) =>
      `a network was opened on the provider ${at.provider}, but onnxruntime put its nodes on the CPU`,
    hint: 'Choose --provider cpu, or install onnxruntime-node anew.',
  },
});
