// Training artifacts of a network file: complete, consistent, and what trains is what was asked for.

import test from 'ava';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors, floats, tensor, type GraftError } from '../../src/base/index.js';
import { sha256 } from '../../src/base/node.js';
import { Builder, modelOf } from '../../src/graph/index.js';
import { Relu } from '../../src/operators/index.js';
import { artifacts } from '../../src/workflows/artifacts.js';
import { atTheDoor } from '../../src/workflows/door.js';
import { openTrainable } from '../../src/workflows/open-trainable.js';
import { unfrozen } from '../../src/workflows/unfreeze.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { smallNetworkFile } from '../small-network.js';

const folder = () => mkdtemp(join(tmpdir(), 'graft-artifacts-'));

test('the folder holds graphs that train, and says what they are', async t => {
  const out = join(await folder(), 'made');
  const { files, parameters, logits } = await artifacts(await smallNetworkFile(), { out, optimizer: 'adam' });
  t.deepEqual((await readdir(out)).sort(), [...files].sort());
  const said = JSON.parse(await readFile(join(out, 'artifacts.json'), 'utf8')) as {
    target: string;
    logits: string;
    inputs: { name: string; shape: (number | string)[] }[];
    parameters: { name: string; trainable: boolean }[];
    files: { name: string; bytes: number; sha256: string }[];
  };
  t.is(said.target, 'plain');
  t.is(said.logits, logits);
  t.true(said.parameters.length > 2 && said.parameters.every(({ trainable }) => trainable));
  t.deepEqual(
    said.parameters.map(({ name }) => name),
    parameters.map(({ name }) => name),
  );
  for (const { name, bytes, sha256: sum } of said.files) {
    const content = await readFile(join(out, name));
    t.is(content.length, bytes);
    t.is(sha256(content), sum);
  }
  // by these files alone: a few steps of one batch bring its loss down
  const runtime = nodeRuntime();
  const training = await runtime.open(await readFile(join(out, 'training_model.onnx')));
  const update = await runtime.open(await readFile(join(out, 'optimizer_model.onnx')));
  try {
    const state = new Map(decodeSafetensors(await readFile(join(out, 'checkpoint.safetensors'))).tensors);
    t.is(Number(state.get('step')!.bytes[0]), 0);
    state.delete('step');
    const [picture] = said.inputs;
    const shape = [4, ...picture!.shape.slice(1)] as number[];
    const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i));
    const fed = new Map([
      [picture!.name, runtime.tensor(tensor('float32', shape, pixels))],
      ['labels', runtime.tensor(tensor('int64', [4], [0, 1, 2, 3]))],
    ]);
    let now = new Map([...state].map(([name, value]) => [name, runtime.tensor(value)]));
    const found: number[] = [];
    for (let step = 1; step <= 8; step++) {
      const results = await training.run(new Map([...now, ...fed]));
      found.push(floats(await results.get('loss')!.read())[0]!);
      const scalars = { rate: 0.03, step, averaging: 1 / step };
      const scalar = Object.entries(scalars).map(
        ([name, value]) => [name, runtime.tensor(tensor('float32', [], [value]))] as const,
      );
      const next = await update.run(new Map([...now, ...results, ...scalar]));
      now = new Map([...next].map(([name, value]) => [name.slice('next.'.length), value]));
    }
    t.true(found.at(-1)! < 0.8 * found[0]!, found.join(' '));
  } finally {
    await training.close();
    await update.close();
  }
});

test('all, last blocks, a cut and names say what trains', async t => {
  const { model, inspection } = openTrainable(await smallNetworkFile());
  const all = unfrozen(model, 'all');
  t.is(all.cut, undefined);
  const blocks = [...inspection.names.keys()].filter(name => /^block\d+$/.test(name));
  t.true(blocks.length >= 2);
  const last = unfrozen(model, 'last:1');
  t.is(last.cut, inspection.names.get(`block${blocks.length - 1}`));
  t.deepEqual(unfrozen(model, `block${blocks.length - 1}`), last);
  t.true(last.names.length > 0 && last.names.length < all.names.length);
  t.deepEqual(all.names.slice(-last.names.length), last.names);
  t.deepEqual(unfrozen(model, `last:${blocks.length}`).names, all.names);
  t.deepEqual(unfrozen(model, all.names.slice(0, 2)).names, all.names.slice(0, 2));
});

test('a network without a float weight has nothing to unfreeze', t => {
  const b = new Builder();
  b.output(Relu(b.input('x', 'float32', ['batch', 4])), 'y');
  const error = t.throws<GraftError>(() => unfrozen(atTheDoor(modelOf(b.finish())), 'all'));
  t.is(error.code, 'GRAFT_UNFREEZE');
  t.regex(error.message, /float weights/);
});

for (const said of ['nothing', 'last:0', ['nothing', 'else']])
  test(`what names nothing is refused: ${[said].flat().join(' ')}`, async t => {
    const { model } = openTrainable(await smallNetworkFile());
    t.is(t.throws<GraftError>(() => unfrozen(model, said)).code, 'GRAFT_UNFREEZE');
  });
