// A bundle in a plain Python onnxruntime, and on WebAssembly: the same numbers as in Node?
// Usage: node dist/tools/check-python.js BUNDLE PICTURES… [--python python3] [--most 16]
// Python reads the pixels and gives every output of model.onnx; what is printed is the largest difference of each.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { floats, tensor } from '../src/base/index.js';
import { readBundle } from '../src/bundle/node.js';
import { checkPreprocessing } from '../src/pictures/index.js';
import { listPictures, pictureStream } from '../src/pictures/node.js';
import type { Runtime } from '../src/runtime/index.js';
import { nodeRuntime } from '../src/runtime/node.js';
import { webRuntime } from '../src/runtime/web.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string', default: 'python3' }, most: { type: 'string', default: '16' } },
});
const [folder, ...paths] = positionals;
if (folder === undefined || paths.length === 0) throw new Error('a bundle and some pictures are wanted');
const bundle = await readBundle(folder);
const recipe = checkPreprocessing(bundle.manifest.preprocessing);
const files = (await listPictures(paths)).slice(0, Number(values.most));
const rows: Uint8Array[] = [];
for await (const picture of pictureStream(files, recipe)) if ('pixels' in picture) rows.push(picture.pixels);
const shape = [rows.length, recipe.height, recipe.width, 3];
const pixels = new Uint8Array(shape.reduce((a, b) => a * b));
rows.forEach((row, i) => pixels.set(row, i * row.length));
const names = bundle.manifest.outputs.map(({ name }) => name);

/** Every output, as float32. */
async function outputsOf(runtime: Runtime): Promise<Map<string, Float32Array>> {
  const session = await runtime.open(bundle.model);
  try {
    const results = await session.run(new Map([['pictures', runtime.tensor(tensor('uint8', shape, pixels))]]), names);
    const read = new Map<string, Float32Array>();
    for (const [name, value] of results) {
      const data = await value.read();
      read.set(name, data.type === 'bool' ? Float32Array.from(data.bytes) : floats(data).slice());
    }
    return read;
  } finally {
    await session.close();
  }
}

const script = `
import json, sys, numpy as np, onnxruntime
folder, model, shape, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
pixels = np.fromfile(folder + "/pixels", np.uint8).reshape(shape)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
for i, value in enumerate(session.run(names, {"pictures": pixels})):
    value.astype(np.float32).tofile(f"{folder}/{i}")
print(onnxruntime.__version__)
`;
function inPython(): { readonly version: string; readonly outputs: Map<string, Float32Array> } {
  const scratch = mkdtempSync(join(tmpdir(), 'graft-python-'));
  try {
    writeFileSync(join(scratch, 'pixels'), pixels);
    const said = spawnSync(
      values.python,
      ['-c', script, scratch, join(folder!, 'model.onnx'), JSON.stringify(shape), JSON.stringify(names)],
      { encoding: 'utf8' },
    );
    if (said.status !== 0) throw new Error(said.stderr);
    const outputs = names.map((name, i): [string, Float32Array] => {
      const { buffer } = new Uint8Array(readFileSync(join(scratch, String(i))));
      return [name, new Float32Array(buffer)];
    });
    return { version: said.stdout.trim(), outputs: new Map(outputs) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const node = await outputsOf(nodeRuntime());
const python = inPython();
const others = new Map([
  [`Python onnxruntime ${python.version}`, python.outputs],
  ['onnxruntime-web wasm', await outputsOf(webRuntime())],
]);
for (const [engine, outputs] of others)
  for (const name of names) {
    const [mine, theirs] = [node.get(name)!, outputs.get(name)!];
    const most = mine.reduce((worst, value, i) => Math.max(worst, Math.abs(value - theirs[i]!)), 0);
    console.log(`${engine}  ${name.padEnd(20)} ${most.toExponential(1)}`);
  }
