// Holds training artifacts to ONNX Runtime's own on-device training, of whichever release is given: every case of
// tools/ort-training/cases.ts, and whether the runtime has a kernel for every operator with a gradient rule, both ways.
// Prints one line a case; exits with 1 where something is further off than 1e-5 or does not run.
// Usage: node dist/tools/check-ort-versions.js FOLDER...   (unpacked packages: npm pack onnxruntime-web@1.18.0)

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ortRuntimes, type OrtRuntime } from '../src/artifacts/index.js';
import { encodeModel } from '../src/codec/index.js';
import { nodeRuntime } from '../src/runtime/node.js';
import { differentiated, modelWith } from '../src/workflows/check-gradient.js';
import { samplers } from '../test/laws/operators/samplers/index.js';
import { cases } from './ort-training/cases.js';
import { ortTraining, type OrtTraining } from './ort-training/runtime.js';

const tolerance = 1e-5;
const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('usage: check-ort-versions FOLDER... (unpacked onnxruntime-web packages)');

const isRuntime = (name: string): name is OrtRuntime => name in ortRuntimes;
let isGood = true;
for (const folder of folders) {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const runtime = version.split('.').slice(0, 2).join('.');
  if (!isRuntime(runtime)) throw new Error(`${folder} is onnxruntime-web ${version}, which has no training`);
  const ort = await ortTraining(folder);
  console.log(`onnxruntime-web ${version}: checkpoint version ${ortRuntimes[runtime].checkpointVersion}`);
  for (const [name, run] of cases) {
    const { loss, parameters, moved } = await run({ ort, own: nodeRuntime(), runtime });
    const isNear = loss <= tolerance && parameters <= tolerance;
    isGood &&= isNear;
    const figures = [loss, parameters, moved].map(value => value.toExponential(1));
    console.log(
      `  ${isNear ? ' ' : '✘'} ${name.padEnd(40)} loss ${figures[0]}  weights ${figures[1]}  moved ${figures[2]}`,
    );
  }
  isGood = (await kernels(ort)) && isGood;
}
process.exitCode = isGood ? 0 : 1;

/** Every sample of every operator, forward and backward, as a model that the runtime must open. */
async function kernels(ort: OrtTraining): Promise<boolean> {
  const missing = new Map<string, string>();
  let count = 0;
  for (const [operator, samples] of Object.entries(samplers))
    for (const sample of samples) {
      count++;
      const refusal = await ort.opens(encodeModel(modelWith(differentiated(sample).graph)));
      if (refusal) missing.set(operator, refusal.replace(/\s+/g, ' ').slice(0, 160));
    }
  console.log(`  ${count} graphs of ${Object.keys(samplers).length} operators, ${missing.size} operators refused`);
  for (const [operator, refusal] of missing) console.log(`  ✘ ${operator}: ${refusal}`);
  return missing.size === 0;
}
