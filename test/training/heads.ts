// Heads to train in tests: small sets of features of classes that overlap, and the encoded graphs for them.

import { elements, Random, tensor, type Tensor } from '../../src/base/index.js';
import { trainHead, type TrainHeadOptions } from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { EpochArtifacts, LabelledFeatures, StepArtifacts, TrainingRun } from '../../src/training/index.js';
import { finish, type TrainingEvent, type TrainingResult } from '../../src/training/index.js';

/** Features around one centre a class, with noise as large as the distance. */
export function blobs(count: number, width: number, classes: number, seed: number, noise = 1): LabelledFeatures {
  const random = new Random(seed);
  const spread = new Random('centres');
  const centres = Float32Array.from({ length: classes * width }, () => spread.normal());
  const labels = BigInt64Array.from({ length: count }, (_, i) => BigInt(i % classes));
  const features = Float32Array.from({ length: count * width }, (_, i) => {
    const label = Number(labels[Math.floor(i / width)]);
    return centres[label * width + (i % width)]! + noise * random.normal();
  });
  return { features, count, width, labels: tensor('int64', [count], labels) };
}

/** The same features with several labels each: the class itself, and whether the first feature is above zero. */
export function severalLabels({ features, count, width, labels }: LabelledFeatures, classes: number): LabelledFeatures {
  const single = elements(labels) as BigInt64Array;
  const several = new Float32Array(count * (classes + 1));
  for (let row = 0; row < count; row++) {
    several[row * (classes + 1) + Number(single[row])] = 1;
    several[row * (classes + 1) + classes] = Number(features[row * width]! > 0);
  }
  return { features, count, width, labels: tensor('float32', [count, classes + 1], several) };
}

/** Encoded graphs of a head and its initial state. */
export function artifactsOf(options: TrainHeadOptions): {
  readonly artifacts: EpochArtifacts & StepArtifacts;
  readonly initialState: ReadonlyMap<string, Tensor>;
} {
  const made = trainHead(options);
  const { classes, parameters, slots, dropouts } = made;
  return {
    artifacts: {
      parameters,
      slots,
      dropouts,
      classes,
      epoch: encodeModel(made.epoch),
      training: encodeModel(made.training),
      optimizer: encodeModel(made.optimizer),
      evaluation: encodeModel(made.evaluation),
    },
    initialState: made.initialState(new Random(7)),
  };
}

/** Everything a run tells and gives. */
export async function walked(
  run: TrainingRun,
): Promise<{ readonly events: TrainingEvent[]; readonly result: TrainingResult }> {
  const events: TrainingEvent[] = [];
  const result = await finish(run, event => void events.push(event));
  return { events, result };
}

/** Tensors as text that is equal where the bits are. */
export const bitsOf = (tensors: ReadonlyMap<string, Tensor>): Record<string, string> =>
  Object.fromEntries(
    [...tensors]
      .map(([name, { bytes }]): [string, string] => [name, Buffer.from(bytes).toString('base64')])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
