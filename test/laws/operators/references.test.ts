// Gradients beside those of another engine: what PyTorch finds in float64 for every sample of the laws, kept in
// fixtures/gradients.safetensors (tools/make-gradient-fixtures.ts). Ours, computed by onnxruntime in float32, differ by
// at most 1e-5 of the length of PyTorch's.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { decodeSafetensors, floats, tensor } from '../../../src/base/index.js';
import { encodeModel } from '../../../src/codec/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';
import { differentiated, modelWith, type Sample } from '../../../src/workflows/check-gradient.js';
import { referencePoint } from '../../../tools/make-gradient-fixtures.js';
import { samplers } from './samplers/index.js';
import { withoutReference } from './without-reference.js';

const path = fileURLToPath(new URL('../../../../fixtures/gradients.safetensors', import.meta.url));
const { tensors } = decodeSafetensors(readFileSync(path));
const tolerance = 1e-5;

const isWithout = (name: string, i: number) => withoutReference.has(name) || withoutReference.has(`${name}/${i}`);
const runtime = nodeRuntime();

/** The largest difference of a gradient from PyTorch's, relative to the length of PyTorch's. */
async function differences(name: string, i: number, sample: Sample): Promise<number[]> {
  const { graph, outputs, gradients } = differentiated(sample);
  const { at, weights } = referencePoint(name, i, sample);
  const session = await runtime.open(encodeModel(modelWith(graph)), { optimization: 'disabled' });
  try {
    const feeds = new Map([
      ...sample.shapes.map((shape, k) => [`x${k}`, runtime.tensor(tensor('float32', shape, at[k]!))] as const),
      ...outputs.map(({ shape }, k) => [`c${k}`, runtime.tensor(tensor('float32', shape as number[], weights[k]!))] as const), // prettier-ignore
    ]);
    const results = await session.run(feeds);
    return await Promise.all(
      gradients.map(async (gradient, k) => {
        const [ours, theirs] = [floats(await results.get(gradient.name)!.read()), floats(tensors.get(`${name}/${i}/x${k}`)!)]; // prettier-ignore
        const length = (list: ArrayLike<number>) => Math.hypot(...Array.from(list));
        return length(Array.from(theirs, (value, e) => value - ours[e]!)) / (length(theirs) || 1);
      }),
    );
  } finally {
    await session.close();
  }
}

for (const [name, samples] of Object.entries(samplers))
  if (!withoutReference.has(name))
    test(`the gradient of ${name} is PyTorch's`, async t => {
      const wrong: string[] = [];
      for (const [i, sample] of samples.entries()) {
        if (isWithout(name, i)) continue;
        t.true(tensors.has(`${name}/${i}/x0`), `sample ${i} has no reference: run tools/make-gradient-fixtures.js`);
        const found = await differences(name, i, sample);
        wrong.push(...found.flatMap((one, k) => (one <= tolerance ? [] : [`sample ${i}, input ${k}: ${one}`])));
      }
      t.deepEqual(wrong, []);
    });

test('every sample has a reference or a reason, and none has both', t => {
  const places = new Set(Object.entries(samplers).flatMap(([name, samples]) => [name, ...samples.map((_, i) => `${name}/${i}`)])); // prettier-ignore
  t.deepEqual([...withoutReference.keys()].filter(key => !places.has(key)), []); // prettier-ignore
  const held = [...tensors.keys()].map(key => key.replace(/\/x\d+$/, ''));
  t.true(held.length > 500);
  t.deepEqual(
    held.filter(
      key => withoutReference.has(key) || withoutReference.has(key.replace(/\/\d+$/, '')) || !places.has(key),
    ),
    [],
  );
});
