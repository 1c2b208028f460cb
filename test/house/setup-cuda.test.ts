// npm run setup:cuda where it cannot do its work: it says what it wanted, refuses with a code, and leaves no traces.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { GraftError } from '../../src/base/index.js';
import { cudaPlan, missingLibraries, setupErrors } from '../../tools/setup-cuda.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tool = fileURLToPath(new URL('../../tools/setup-cuda.js', import.meta.url));

test('it knows from onnxruntime-node what to fetch', t => {
  const { script, files, from, cuda, ...plan } = cudaPlan('linux', 'x64');
  const { version } = JSON.parse(readFileSync(join(dirname(script), '../package.json'), 'utf8')) as { version: string };
  t.is(plan.package, `Microsoft.ML.OnnxRuntime.Gpu.Linux ${version}`);
  t.regex(from, /^https:\/\/api\.nuget\.org\//);
  t.regex(cuda, /^\d+$/);
  for (const name of ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'])
    t.true(files.includes(join(dirname(script), '../bin/napi-v6/linux/x64', name)), name);
});

test('where there is nothing to fetch it says so', t => {
  for (const [platform, architecture] of [
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'arm64'],
    ['sunos', 'x64'],
  ] as const) {
    const error = t.throws<GraftError>(() => cudaPlan(platform, architecture));
    t.is(error.code, 'SETUP_PLATFORM');
    t.true(error.message.includes(`${platform} ${architecture}`));
  }
});

test('without a network: what it wanted from where, a code, no stack trace', async t => {
  const nowhere = 'http://127.0.0.1:1';
  const env = { ...process.env, GLOBAL_AGENT_HTTPS_PROXY: nowhere, GLOBAL_AGENT_HTTP_PROXY: nowhere };
  const { status, out, err } = await new Promise<{ status: number; out: string; err: string }>(done => {
    execFile(process.execPath, [tool, '--force'], { env }, (error, stdout, stderr) =>
      done({ status: error ? Number(error.code) : 0, out: stdout, err: stderr }),
    );
  });
  t.is(status, 3);
  t.false(/\n\s+at /.test(err), err);
  if (process.platform === 'linux' && process.arch === 'x64') {
    t.regex(out, /^fetching Microsoft\.ML\.OnnxRuntime\.Gpu\.Linux .+ from https:\/\/api\.nuget\.org\//);
    t.regex(err, /^error SETUP_FETCH: .+ECONNREFUSED/);
  } else t.regex(err, /^error SETUP_PLATFORM: /);
});

test('libraries that the loader does not find are named by what they come with', t => {
  const ldd = [
    '\tlinux-vdso.so.1 (0x00007ffc)',
    '\tlibcublasLt.so.12 => not found',
    '\tlibcufft.so.11 => /usr/lib/libcufft.so.11 (0x00007f)',
    '\tlibcudart.so.12 => not found',
    '\tlibcudnn.so.9 => not found',
    '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)',
  ].join('\n');
  t.deepEqual(missingLibraries(ldd, '12'), ['CUDA 12 (libcublasLt.so.12, libcudart.so.12)', 'cuDNN 9 (libcudnn.so.9)']);
  t.deepEqual(missingLibraries('', '12'), []);
});

test('its other refusals name what is wrong', t => {
  const files = setupErrors.FILES({ files: ['libonnxruntime_providers_cuda.so'] });
  t.is(files.code, 'SETUP_FILES');
  t.regex(files.message, /libonnxruntime_providers_cuda\.so/);
  const named = setupErrors.NOT_RUNNING({ missing: ['cuDNN 9 (libcudnn.so.9)'], reason: 'no' });
  t.is(named.code, 'SETUP_NOT_RUNNING');
  t.regex(named.message, /missing are cuDNN 9 \(libcudnn\.so\.9\)$/);
  t.regex(setupErrors.NOT_RUNNING({ missing: [], reason: 'CUDA failure 100' }).message, /CUDA failure 100$/);
});

test('docs/cuda.md lists every refusal, and npm run setup:cuda builds first', t => {
  const page = readFileSync(join(root, 'docs/cuda.md'), 'utf8');
  for (const { code } of Object.values(setupErrors)) t.true(page.includes(`\`${code}\``), code);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  t.is(scripts['setup:cuda'], 'npm run build && node dist/tools/setup-cuda.js');
});
