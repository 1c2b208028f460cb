// Makes fixtures/gradients.safetensors: for every sample of the laws of operators the gradients that PyTorch finds in
// float64, as tensors `Operator/sample/input`. Lists the samples that PyTorch gives nothing for, and why; those go into
// test/laws/operators/without-reference.ts.
//   Usage: node dist/tools/make-gradient-fixtures.js --peers FOLDER --python INTERPRETER
// FOLDER holds onnx_torch.py, which runs ONNX files in PyTorch; the interpreter has torch and onnx.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeSafetensors, Random, tensor, type Tensor } from '../src/base/index.js';
import { encodeModel } from '../src/codec/index.js';
import { drawPoint, forward, modelWith, type Point, type Sample } from '../src/workflows/check-gradient.js';
import { samplers } from '../test/laws/operators/samplers/index.js';
import { withoutReference } from '../test/laws/operators/without-reference.js';
import { makeFixtures } from './make-fixtures.js';

/** Where a sample is compared with PyTorch: float32 numbers, so that both engines begin with the same. */
export function referencePoint(name: string, i: number, sample: Sample): Point {
  const point = drawPoint(sample, forward(sample).outputs, new Random('reference').at(name, i));
  const rounded = (lists: Point['at']) => lists.map(list => list.map(Math.fround));
  return { at: rounded(point.at), along: point.along, weights: rounded(point.weights) };
}

type Result = { readonly gradients: readonly (readonly number[])[] } | { readonly reason: string };

/** Asks PyTorch for every sample; what it gives by tensor name, and the reasons why some have nothing. */
export function askPyTorch(peers: string, python: string) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-gradients-'));
  try {
    const all = Object.entries(samplers)
      .flatMap(([name, samples]) => samples.map((sample, i) => ({ name, i, sample })))
      .filter(({ name, i }) => !withoutReference.has(name) && !withoutReference.has(`${name}/${i}`));
    const cases = all.map(({ name, i, sample }, n) => {
      const model = `${n}.onnx`;
      writeFileSync(join(folder, model), encodeModel(modelWith(forward(sample).graph)));
      const { at, weights } = referencePoint(name, i, sample);
      const inputs = Object.fromEntries(sample.shapes.map((shape, k) => [`x${k}`, [shape, at[k]]]));
      return { model, inputs, weights };
    });
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
    const script = fileURLToPath(new URL('../../tools/gradient_reference.py', import.meta.url));
    execFileSync(python, [script, peers, folder], { stdio: 'inherit' });
    const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Result[];
    const tensors = new Map<string, Tensor>();
    const reasons = new Map<string, string>();
    all.forEach(({ name, i, sample }, n) => {
      const result = results[n]!;
      if ('reason' in result) reasons.set(`${name}/${i}`, result.reason);
      else
        result.gradients.forEach((numbers, k) =>
          tensors.set(`${name}/${i}/x${k}`, tensor('float32', sample.shapes[k]!, numbers)),
        );
    });
    return { tensors, reasons };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1]?.endsWith('make-gradient-fixtures.js')) {
  const { peers, python } = parseArgs({ options: { peers: { type: 'string' }, python: { type: 'string' } } }).values;
  if (!peers || !python) throw new Error('Usage: make-gradient-fixtures --peers FOLDER --python INTERPRETER');
  const out = fileURLToPath(new URL('../../fixtures/', import.meta.url));
  const { tensors, reasons } = askPyTorch(peers, python);
  writeFileSync(join(out, 'gradients.safetensors'), Buffer.concat(encodeSafetensors(tensors)));
  writeFileSync(join(out, 'manifest.json'), makeFixtures().get('manifest.json')!);
  for (const [sample, reason] of [...withoutReference, ...reasons]) console.log(`${sample}: ${reason}`);
  console.log(`${tensors.size} gradients from PyTorch; nothing for ${reasons.size} samples without a known reason`);
}
