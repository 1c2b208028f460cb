// Featurizing against its parts: pictures per CPU second of the whole, over 1 / (decode + forward).
// Usage: node dist/tools/bench/featurize.js [--assets ../shared/assets] [--pictures FOLDER] [--model FILE]... [--rounds 3]
//
// decode: sharp decoding and sharp's own resize to the network's size, alone, one picture after the other.
// forward: the network up to its features, alone in onnxruntime at one thread, 8 pictures a run.
// All in CPU time of the process with its threads, in turns; a CPU that others use too slows all three alike.

import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { feedsOf, modelOf } from '../../src/graph/index.js';
import { readSource, type PictureSet } from '../../src/pictures/node.js';
import type { Session } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { openBackbone, type Backbone } from '../../src/workflows/backbone.js';
import { setFeatures } from '../../src/workflows/set-features.js';
import { measured, median } from './measure.js';

/** Least share of 1 / (decode + forward), by file. */
const targets = new Map([
  ['squeezenet1.1-fp32.onnx', 0.9],
  ['mobilenetv1-0.25-224-fp32.onnx', 0.75],
]);
const batch = 8;

const { values } = parseArgs({
  options: {
    assets: { type: 'string', default: '../shared/assets' },
    pictures: { type: 'string' },
    model: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
  },
});
const set = await readSource(values.pictures ?? join(values.assets, 'pictures/hymenoptera'));
const models = values.model ?? [...targets.keys()].map(name => join(values.assets, 'models', name));
for (const model of models) await compare(model, set, Number(values.rounds));

async function compare(path: string, pictures: PictureSet, rounds: number): Promise<void> {
  const runtime = nodeRuntime();
  const backbone = openBackbone(path);
  const files = [...pictures.splits.values()].flat().map(({ file }) => file);
  const { graph, opsets } = backbone;
  const model = modelOf(graph);
  const session = await runtime.open(encodeModel({ ...model, opsets: new Map([...model.opsets, ...opsets]) }));
  await forward(session, backbone, 2 * batch);
  await decode(files.slice(0, 8), backbone);
  const whole: { cpu: number; wall: number }[] = [];
  const parts: { decode: number; forward: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const ours = await measured(() => setFeatures(runtime, backbone, pictures, { cache: false }));
    whole.push({ cpu: ours.cpu / files.length, wall: ours.wall / files.length });
    const decoding = await measured(() => decode(files, backbone));
    const running = await measured(() => forward(session, backbone, files.length));
    parts.push({ decode: decoding.cpu / files.length, forward: running.cpu / files.length });
  }
  await session.close();
  const cpu = median(whole.map(each => each.cpu));
  const wall = median(whole.map(each => each.wall));
  const [decodeCpu, forwardCpu] = [median(parts.map(each => each.decode)), median(parts.map(each => each.forward))];
  const share = median(whole.map((each, i) => (parts[i]!.decode + parts[i]!.forward) / each.cpu));
  const name = path.split('/').at(-1)!;
  const target = targets.get(name);
  console.log(
    `${name}: ${files.length} pictures, ${rounds} rounds, ${availableParallelism()} cores, milliseconds a picture`,
  );
  console.log(
    `  decode ${decodeCpu.toFixed(2)} + forward ${forwardCpu.toFixed(2)}   ours ${cpu.toFixed(2)} CPU, ${wall.toFixed(2)} wall`,
  );
  console.log(
    `  ${(1000 / cpu).toFixed(1)} pictures per CPU second: ${(100 * share).toFixed(1)} % of 1 / (decode + forward)${target ? `, wanted ${100 * target} %` : ''}`,
  );
  console.log(`  wall / CPU ${(wall / cpu).toFixed(2)}, wanted at most 0.60 on two quiet cores`);
}

async function decode(files: readonly string[], { preprocessing: { width, height } }: Backbone): Promise<void> {
  sharp.concurrency(1);
  sharp.cache(false);
  for (const file of files)
    await sharp(readFileSync(file))
      .resize(width, height, { fit: 'cover' })
      .toColourspace('srgb')
      .raw()
      .toBuffer()
      .catch(() => undefined); // a picture that cannot be read costs ours as well
}

async function forward(session: Session, { graph }: Backbone, count: number): Promise<void> {
  const [input] = feedsOf(graph);
  const shape = [batch, ...input!.shape!.slice(1).map(Number)];
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => (i % 251) / 251 - 0.5);
  const feed = nodeRuntime().tensor(tensor('float32', shape, data));
  for (let done = 0; done < count; done += batch) await session.run(new Map([[input!.name, feed]]));
}
