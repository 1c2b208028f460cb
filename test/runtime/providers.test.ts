// Providers that are not there: each refuses with a code and the way out, before any network is opened, and nothing runs
// on the CPU in their place. That networks do run on WebGPU is test/walks/parity.test.ts.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { errors } from '../../src/runtime/errors.js';
import { nodeRuntime, openRuntime, type NodeProvider } from '../../src/runtime/node.js';
import { good } from '../attacks/hostile-onnx.js';
import { codeOf } from '../code-of.js';

const libraries = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
  `bin/napi-v6/${process.platform}/${process.arch}`,
);
const hasCuda = existsSync(join(libraries, 'libonnxruntime_providers_cuda.so'));
const graft = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));

/** A process of its own: a Vulkan driver is looked for once a process, and where the environment says. */
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  new Promise<{ status: number; out: string; err: string }>(done => {
    const given = { ...process.env, NO_COLOR: '1', ...env };
    execFile(process.execPath, args, { env: given }, (error, out, err) =>
      done({ status: error ? Number(error.code) : 0, out, err }),
    );
  });
const noVulkan = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };

test('CUDA without its libraries: how to install it, and no network is opened', async t => {
  if (hasCuda) return t.pass('CUDA is installed here');
  const code =
    process.platform === 'linux' && process.arch === 'x64'
      ? 'RUNTIME_PROVIDER_MISSING'
      : 'RUNTIME_PROVIDER_UNSUPPORTED';
  for (const attempt of [() => openRuntime('cuda'), () => nodeRuntime('cuda').open(good())])
    t.is(await codeOf(attempt()), code);
  const { status, err } = await run([graft, 'predict', 'no-bundle', 'no-picture.jpg', '--provider', 'cuda']);
  t.is(status, 3);
  t.true(err.includes(code), err);
  t.false(/onnxruntime_src|\n\s+at /.test(err), err);
  if (code === 'RUNTIME_PROVIDER_MISSING') t.regex(err, /npm run setup:cuda/);
});

test('auto is the CPU where CUDA is not installed', async t => {
  if (hasCuda) return t.pass('CUDA is installed here');
  const runtime = await openRuntime('auto');
  t.regex(runtime.name, /^onnxruntime-node \S+ cpu$/);
  await (await runtime.open(good())).close();
});

test('a provider that onnxruntime-node does not have is named beside those it has', async t => {
  const error = await t.throwsAsync(openRuntime('abacus' as NodeProvider), { code: 'RUNTIME_PROVIDER_UNSUPPORTED' });
  t.regex(error.message, /abacus.*it has cpu/);
  const { status, err } = await run([graft, 'predict', 'bundle', 'a.jpg', '--provider', 'abacus']);
  t.is(status, 2);
  t.regex(err, /cpu, cuda, webgpu, auto/);
});

test('WebGPU without a device: a code and the way out', async t => {
  if (process.platform !== 'linux') return t.pass('other systems have a driver of their own');
  const { status, err } = await run([graft, 'predict', 'no-bundle', 'a.jpg', '--provider', 'webgpu'], noVulkan);
  t.is(status, 3);
  t.regex(err, /RUNTIME_WEBGPU_UNUSABLE: the provider webgpu finds no device: [^/]+\n/);
  t.regex(err, /libvulkan\.so\.1.*docs\/providers\.md/);
});

test('a library that is there and does not work says so', async t => {
  // TensorRT's provider is known to onnxruntime-node and lacks its libraries as CUDA's would lack the driver
  const known = process.platform === 'linux' && process.arch === 'x64' && !hasCuda;
  if (!known) return t.pass('only Linux on x64 knows it');
  const error = await t.throwsAsync(openRuntime('tensorrt' as NodeProvider), { code: 'RUNTIME_PROVIDER_UNUSABLE' });
  t.regex(error.message, /Failed to load shared library/);
});

test('a provider that leaves its work to the CPU is refused', t => {
  const error = errors.PROVIDER_ELSEWHERE({ provider: 'cuda' });
  t.is(error.code, 'RUNTIME_PROVIDER_ELSEWHERE');
  t.regex(error.message, /provider cuda.*on the CPU/);
});

test('threads: told once for every session, part of the name, refused where they are no number', async t => {
  t.throws(() => nodeRuntime('cpu', { threads: 0 }), { code: 'RUNTIME_THREADS', message: /0.*from 1/ });
  const two = nodeRuntime('cpu', { threads: 2 });
  t.regex(two.name, / cpu of 2 threads$/);
  t.is(two.openBeside, undefined);
  t.is(nodeRuntime('cpu', { threads: 1 }).name, nodeRuntime().name);
  await (await two.open(good())).close();
});
