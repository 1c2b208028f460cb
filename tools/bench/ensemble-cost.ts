// What an ensemble costs beside one of its members, as one fused graph.
// Usage: node dist/tools/bench/ensemble-cost.js [--assets ../shared/assets] [--model FILE]... [--rounds 9] [--classes 10]
//
// Heads are linear, random, of `classes` classes; pictures are random bytes at the network's size. Everything runs in
// onnxruntime at one thread, in CPU time of the process, the compared graphs in turns: ratios of each round, their median.
//   ten heads     ten linear heads on one trunk, all outputs, over one model: at most 1.10, at 1 and 16 pictures
//   trunks        all models in one graph, over the sum of the models alone: at most 1.05
//   hflip         the picture and its mirror image, over one view: at most 2.0
//   mean weights  three networks' weights averaged, over one model: 1

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { adam, crossEntropy, linear, servingModel, trainHead } from '../../src/artifacts/index.js';
import { Random, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { averageModels, fuse, type Fusion } from '../../src/ensembles/index.js';
import type { Model } from '../../src/graph/index.js';
import type { Session } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { openBackbone, type Backbone } from '../../src/workflows/backbone.js';
import { measured, median } from './measure.js';

const { values } = parseArgs({
  options: {
    assets: { type: 'string', default: '../shared/assets' },
    model: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '9' },
    classes: { type: 'string', default: '10' },
  },
});
const usual = ['squeezenet1.1-fp32.onnx', 'mobilenetv1-0.25-224-fp32.onnx'];
const files = values.model ?? usual.map(name => join(values.assets, 'models', name));
const classes = Number(values.classes);
const rounds = Number(values.rounds);
/** CPU milliseconds that one measurement takes at least. */
const longEnough = 150;

const backbones = files.map(file => ({ name: file.split('/').at(-1)!, backbone: openBackbone(file) }));
const member = (name: string, model: Model): Fusion => ({ kind: 'member', name, model });
const average = (members: readonly Fusion[]): Fusion => ({ kind: 'average', rule: 'probability', members });

for (const { name, backbone } of backbones) {
  console.log(`${name}: ${rounds} rounds`);
  const alone = served(backbone, 0);
  const { width, height } = backbone.preprocessing;
  const fused = (root: Fusion) => fuse({ root, width, height, classes, task: 'single' });
  const heads = fused(average(Array.from({ length: 10 }, (_, i) => member(`head ${i}`, served(backbone, i)))));
  const identity = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;
  const mirrored = { name: 'hflip', map: [-1, 0, width, 0, 1, 0, 0, 0, 1] } as const;
  const views = fused({ kind: 'views', member: member('one', alone), views: [identity, mirrored] });
  const soup = averageModels([0, 1, 2].map(seed => served(backbone, seed))).model;
  for (const batch of [1, 16]) {
    await compare('ten heads', heads, [alone], backbone, batch, 1.1);
    await compare('hflip', views, [alone], backbone, batch, 2);
    await compare('mean weights', soup, [alone], backbone, batch, 1);
  }
}
const [first] = backbones as [(typeof backbones)[number]];
const alike = backbones.filter(
  ({ backbone: { preprocessing: at } }) => at.width === first.backbone.preprocessing.width,
);
if (alike.length > 1) {
  const each = alike.map(({ backbone }) => served(backbone, 0));
  const { width, height } = first.backbone.preprocessing;
  const members = each.map((model, i) => member(alike[i]!.name, model));
  const all = fuse({ root: average(members), width, height, classes, task: 'single' });
  console.log(alike.map(({ name }) => name).join(' + '));
  for (const batch of [1, 16]) await compare('trunks', all, each, first.backbone, batch, 1.05);
}

/** A bundle's model: the backbone with a random linear head. */
function served(at: Backbone, seed: number): Model {
  const { graph: backbone, opsets, preprocessing, pixels } = at;
  const { width, height } = preprocessing;
  const options = { backbone, width, height, pixels, opsets };
  const { features } = at;
  const made = trainHead({ features, classes, head: linear, loss: crossEntropy(), optimizer: adam() });
  const random = new Random(`head ${seed}`);
  const trained = new Map(
    [...made.initialState(new Random(seed))].map(([name, held]) => {
      const count = held.shape.reduce((a, b) => a * b, 1);
      return [name, held.type === 'float32' ? tensor('float32', held.shape, Float32Array.from({ length: count }, () => 0.05 * random.normal())) : held]; // prettier-ignore
    }),
  );
  return servingModel({ ...options, head: linear, trained, classes, task: 'single' });
}

async function compare(
  what: string,
  whole: Model,
  parts: readonly Model[],
  { preprocessing }: Backbone,
  batch: number,
  most: number,
) {
  const runtime = nodeRuntime();
  const { width, height } = preprocessing;
  const bytes = Uint8Array.from({ length: batch * height * width * 3 }, (_, i) => (i * 7919) % 251);
  const feed = runtime.tensor(tensor('uint8', [batch, height, width, 3], bytes));
  const open = (model: Model) => runtime.open(encodeModel(model), { threads: 1 });
  const sessions = [await open(whole), ...(await Promise.all(parts.map(open)))];
  const run = async (session: Session, times: number) => {
    for (let i = 0; i < times; i++)
      for (const value of (await session.run(new Map([['pictures', feed]]))).values()) value.dispose();
  };
  for (const session of sessions) await run(session, 3);
  const once = await measured(() => run(sessions[1]!, 3));
  const times = Math.max(2, Math.ceil(longEnough / (once.cpu / 3)));
  const ratios: number[] = [];
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // in turns, and the turns the other way round every second time
    const cpu = new Map<Session, number>();
    for (const session of round % 2 ? sessions.toReversed() : sessions)
      cpu.set(session, (await measured(() => run(session, times))).cpu / times);
    const [ours, ...others] = sessions.map(session => cpu.get(session)!);
    const sum = others.reduce((a, b) => a + b, 0);
    ratios.push(ours! / sum);
    costs.push(sum);
  }
  for (const session of sessions) await session.close();
  feed.dispose();
  const spread = [...ratios].sort((a, b) => a - b);
  console.log(
    `  ${what.padEnd(12)} ${String(batch).padStart(2)} pictures: ${median(ratios).toFixed(3)} of ${median(costs).toFixed(2)} ms (${spread[0]!.toFixed(3)} to ${spread.at(-1)!.toFixed(3)}), at most ${most}`,
  );
}
