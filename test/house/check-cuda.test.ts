// npm run check:cuda where there is no CUDA: the code, how to install it, no stack trace, nothing measured.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const tool = fileURLToPath(new URL('../../tools/check-cuda.js', import.meta.url));
const installed = existsSync(
  join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  ),
);

test('without CUDA it says how to install it', async t => {
  if (installed) return t.pass('CUDA is installed here');
  const { status, out, err } = await new Promise<{ status: number; out: string; err: string }>(done => {
    execFile(process.execPath, [tool], (error, stdout, stderr) =>
      done({ status: error ? Number(error.code) : 0, out: stdout, err: stderr }),
    );
  });
  t.is(status, 3);
  t.is(out, '');
  if (process.platform === 'linux' && process.arch === 'x64')
    t.regex(err, /^error RUNTIME_PROVIDER_MISSING: [^\n]+\n {2}npm run setup:cuda [^\n]+\n$/);
  else t.regex(err, /^error RUNTIME_PROVIDER_UNSUPPORTED: /);
});
