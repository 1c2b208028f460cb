// Every ONNX file of the optional corpus behaves as its index says.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import { floats, GraftError, tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { check } from '../../src/inspect/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { assets } from '../assets.js';

interface Step {
  readonly write?: readonly [string, number];
  readonly mkdir?: readonly [string];
  readonly symlink?: readonly [string, string];
  readonly hardlink?: readonly [string, string];
  readonly mkfifo?: readonly [string];
}
interface Case {
  readonly file: string;
  readonly expect: string;
  readonly code?: string;
  readonly options?: { readonly maxTensorBytes?: number };
  readonly setup?: readonly Step[];
}

const cases: readonly Case[] = assets
  ? (JSON.parse(readFileSync(join(assets, 'corpus/index.json'), 'utf8')) as { files: Case[] }).files.filter(
      ({ file }) => file.startsWith('onnx/'),
    )
  : [];

/** A fresh folder with the file and what it expects beside it. */
function place({ file, setup = [] }: Case): { outer: string; path: string } {
  const outer = mkdtempSync(join(tmpdir(), 'graft-corpus-'));
  const folder = join(outer, 'model');
  mkdirSync(folder);
  for (const step of setup) {
    if (step.mkdir) mkdirSync(join(folder, step.mkdir[0]), { recursive: true });
    if (step.write)
      writeFileSync(
        join(folder, step.write[0]),
        Uint8Array.from({ length: step.write[1] }, (_, i) => i),
      );
    if (step.symlink) symlinkSync(step.symlink[1], join(folder, step.symlink[0]));
    if (step.hardlink) linkSync(join(folder, step.hardlink[1]), join(folder, step.hardlink[0]));
    if (step.mkfifo) execFileSync('mkfifo', [join(folder, step.mkfifo[0])]);
  }
  const path = join(folder, basename(file));
  copyFileSync(join(assets!, 'corpus', file), path);
  return { outer, path };
}

test('there is a corpus', t => {
  if (!assets) t.log('no assets: skipped');
  t.true(!assets || cases.length > 100);
});

for (const one of cases)
  test(one.file, async t => {
    const { outer, path } = place(one);
    const began = performance.now();
    const limit = one.options?.maxTensorBytes;
    let found = 'load';
    try {
      const { model } = readModel(path, limit === undefined ? {} : { limits: { maxTensorBytes: limit } });
      check(model);
      const written = encodeModel(model);
      t.true(Buffer.from(encodeModel(decodeModel(written))).equals(written), 'writing is stable');
      if (/ext-/.test(one.file)) await weightsArrive(t, path, written);
    } catch (error) {
      found = error instanceof GraftError ? error.code : String((error as Error).stack);
    }
    t.is(found, one.expect === 'load' ? 'load' : one.code!);
    t.true(performance.now() - began < 5000);
    t.is((Object.prototype as { polluted?: unknown }).polluted, undefined);
    rmSync(outer, { recursive: true });
  });

/** With x = 0 the output is the weights, bit for bit. */
async function weightsArrive(t: { deepEqual(a: unknown, b: unknown): unknown }, path: string, written: Uint8Array) {
  const { model } = readModel(path);
  const [weight] = model.graph.initializers.values();
  if (!weight || model.graph.inputs.length !== 1 || model.graph.initializers.size !== 1) return;
  const runtime = nodeRuntime();
  const session = await runtime.open(written);
  const x = runtime.tensor(tensor('float32', [1, 4], new Float32Array(4)));
  const results = await session.run(new Map([[model.graph.inputs[0]!.name, x]]));
  const [y] = results.values();
  t.deepEqual([...floats(await y!.read())].slice(0, 4), [...floats(weight)].slice(0, 4));
  await session.close();
}
