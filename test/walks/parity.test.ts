// Training and inference graphs on the CPU and on onnxruntime-node's WebGPU provider, with a Vulkan device in software:
// the same numbers. In a process of its own, since the driver is looked for where the environment of its start says.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { softwareVulkan } from '../software-vulkan.js';
import type { ParityRow } from '../../tools/parity.js';

/** Largest |a − b| over the largest |a|; found: 1.0e-6 in the worst case, an epoch of three AdamW steps. */
const tolerance = 1e-5;

const tool = fileURLToPath(new URL('../../tools/parity.js', import.meta.url));

test('training and inference on WebGPU give what the CPU gives', async t => {
  const env = softwareVulkan();
  if (!env) {
    t.log('NOT RUN: there is no SwiftShader here (Debian: the package chromium-common)');
    return t.pass();
  }
  const { status, out, err } = await new Promise<{ status: number; out: string; err: string }>(done => {
    execFile(process.execPath, [tool, 'webgpu', '--json'], { env }, (error, stdout, stderr) =>
      done({ status: error ? Number(error.code) : 0, out: stdout, err: stderr }),
    );
  });
  t.is(status, 0, err);
  const rows = JSON.parse(out) as ParityRow[];
  for (const part of ['training_model', 'optimizer_model', 'epoch_model', 'bundle'])
    t.true(
      rows.some(({ name }) => name.endsWith(part)),
      part,
    );
  for (const { name, relative, output, there, onCpu, operatorsOnCpu } of rows) {
    t.true(relative <= tolerance, `${name}: ${output} differs by ${relative}`);
    // not the CPU compared with itself: all that is heavy ran on the device
    t.true(there > 4 * onCpu, `${name}: ${there} node runs on webgpu, ${onCpu} on the cpu`);
    for (const heavy of ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'FusedConv', 'FusedMatMul', 'FusedGemm'])
      t.false(operatorsOnCpu.includes(heavy), `${name}: ${heavy} on the cpu`);
  }
  const worst = Math.max(...rows.map(({ relative }) => relative));
  t.log(`${rows.length} graphs, largest relative difference ${worst.toExponential(1)}`);
});
