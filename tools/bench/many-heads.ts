// Many heads over the same features in one graph: CPU time at one thread of N heads at once, of the same heads one after
// another, and of one. Whole training runs: sessions opened, epochs walked, each judged, the best given.
// Usage: node dist/tools/bench/many-heads.js [--heads 10] [--rounds 5] [--epochs 20]
//
// All take turns, so that a machine that others use slows all alike; ratios are of the same round.

import { parseArgs } from 'node:util';
import { Random, tensor } from '../../src/base/index.js';
import {
  adamw,
  crossEntropy,
  linear,
  membersLoss,
  mlp,
  stacked,
  trainHead,
  type HeadArtifacts,
} from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { finish, membersRun, trainingRun, type LabelledFeatures } from '../../src/training/index.js';
import { measured, median } from './measure.js';

const { values } = parseArgs({
  options: {
    heads: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '20' },
  },
});
const [heads, rounds, epochs] = [values.heads, values.rounds, values.epochs].map(Number) as [number, number, number];
const runtime = nodeRuntime();

for (const { name, pictures, width, classes, hidden } of [
  { name: 'linear', pictures: 2000, width: 512, classes: 10, hidden: [] },
  { name: 'linear', pictures: 250, width: 1280, classes: 5, hidden: [] },
  { name: 'mlp 64', pictures: 2000, width: 512, classes: 10, hidden: [64] },
  { name: 'mlp 256', pictures: 250, width: 1280, classes: 5, hidden: [256] },
]) {
  const common = { features: width, classes, optimizer: adamw() };
  const alone = trainHead({ ...common, head: hidden.length ? mlp({ hidden }) : linear, loss: crossEntropy() });
  const together = trainHead({
    ...common,
    head: stacked({ members: heads, hidden }),
    loss: membersLoss(crossEntropy(), heads),
  });
  const train = made(pictures, width, classes, 'train');
  const validation = made(Math.ceil(pictures / 4), width, classes, 'validation');
  const how = { runtime, epochs, rate: 1e-3, batch: 32, checkpointEvery: epochs };
  const one = (seed: number) =>
    finish(
      trainingRun({
        ...how,
        artifacts: encoded(alone),
        initialState: alone.initialState(new Random(seed)),
        train,
        validation,
        seed,
      }),
    );
  const ways = {
    one: () => one(0),
    'one after another': async () => {
      for (let seed = 0; seed < heads; seed++) await one(seed);
    },
    'at once': async () => {
      const ones = ({ count }: LabelledFeatures) => ({ weights: new Float32Array(count * heads).fill(1) });
      const run = membersRun({
        ...how,
        artifacts: encoded(together),
        initialStates: Array.from({ length: heads }, (_, seed) => alone.initialState(new Random(seed))),
        train: { ...train, ...ones(train) },
        validation: { ...validation, ...ones(validation) },
      });
      await finish(run);
    },
  };
  const times = new Map(Object.keys(ways).map(way => [way, [] as number[]]));
  for (let round = -1; round < rounds; round++)
    for (const [way, work] of Object.entries(ways)) {
      const { cpu } = await measured(work);
      if (round >= 0) times.get(way)!.push(cpu); // the first round warms up
    }
  const [single, serial, joint] = [...times.values()] as [number[], number[], number[]];
  const ratio = (of: number[]) => median(joint.map((time, round) => time / of[round]!)).toFixed(2);
  console.log(`${name}, ${pictures} x ${width} -> ${classes}, ${epochs} epochs of batches of 32, CPU milliseconds`);
  for (const [way, list] of times) console.log(`  ${way.padEnd(17)} ${median(list).toFixed(0).padStart(6)}`);
  console.log(`  ${heads} at once: ${ratio(single)} of one, ${ratio(serial)} of ${heads} one after another`);
}

function encoded(made: HeadArtifacts) {
  const { epoch, evaluation, classes, parameters, slots, dropouts } = made;
  return { epoch: encodeModel(epoch), evaluation: encodeModel(evaluation), classes, parameters, slots, dropouts };
}

function made(count: number, width: number, classes: number, seed: string): LabelledFeatures {
  const random = new Random(seed);
  const features = Float32Array.from({ length: count * width }, () => random.normal());
  const labels = BigInt64Array.from({ length: count }, () => BigInt(random.integer(classes)));
  return { features, count, width, labels: tensor('int64', [count], labels) };
}
