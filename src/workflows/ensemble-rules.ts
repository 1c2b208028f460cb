// What an ensemble says beside probabilities, fitted: sets that hold the true label, and when a picture is of an unknown kind.

import { floats, tensor, type Tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { fuse, type FuseOptions, type Fusion } from '../ensembles/index.js';
import {
  fitMahalanobis,
  fitOutliers,
  fitPredictionSets,
  outlierScores,
  type OutlierDetector,
  type PredictionSetRule,
} from '../evaluation/index.js';
import { featuresKey } from '../artifacts/index.js';
import type { Model } from '../graph/index.js';
import { pictureStream, type AllowedFormat } from '../pictures/node.js';
import type { Preprocessing } from '../pictures/index.js';
import { tap } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import { rowsAt, truthAt } from './ensemble-answers.js';
import type { Shipment } from './ensemble-ship.js';
import { errors } from './errors.js';
import { batchesOf, trainingSample } from './training-sample.js';

/** A threshold for strange pictures, by what one member says of them. */
export type FittedRule = NonNullable<FuseOptions['outliers']>;

/** Prediction sets from pictures that calibrated nothing they are judged by. */
export function setsOf({ asked, compared: { best }, parts, options }: Shipment): PredictionSetRule | undefined {
  const { coverage, sets: kind = 'threshold', onWarning } = options;
  if (coverage === undefined) return undefined;
  const K = asked.classes.length;
  const probabilities = rowsAt(best.predictions.probabilities, parts.calibrate, K);
  const truth = truthAt(asked, parts.calibrate) as { labels: ArrayLike<number> };
  const fitted = fitPredictionSets({ probabilities, classes: asked.classes, ...truth }, { kind, coverage });
  if (fitted.whole)
    onWarning?.(`${fitted.count} pictures are too few for sets of coverage ${coverage}: ${fitted.needed} are needed, and until then every set is all labels`); // prettier-ignore
  return fitted.rule;
}

/** A threshold for strange pictures, by the tree's first network. */
export async function outliersOf(runtime: Runtime, at: Shipment): Promise<FittedRule | undefined> {
  const { asked, final, parts, options } = at;
  const { reject, rejectBy: kind = 'energy', onWarning } = options;
  if (reject === undefined) return undefined;
  const K = asked.classes.length;
  const { name: member, logits } = final.answer.first;
  const detector: OutlierDetector = kind === 'mahalanobis' ? await distancesOf(runtime, at) : { kind };
  const scores =
    detector.kind === 'mahalanobis'
      ? await scoresOf(runtime, detector, at)
      : outlierScores(detector, rowsAt(logits, parts.calibrate, K), K);
  const { threshold, falseAlarmRate, never, count, needed } = fitOutliers(scores, { falseAlarmRate: reject });
  if (never)
    onWarning?.(`${count} pictures are too few for a false-alarm rate of ${reject}: ${needed} are needed, and until then no picture is called unknown`); // prettier-ignore
  return { ...detector, member, threshold, falseAlarmRate };
}

/** Training pictures that means and precision are fitted to, and how many run at once. */
const [enough, together] = [2000, 8];

/** Means and precision of the features of pictures that the first network was trained on. */
async function distancesOf(runtime: Runtime, at: Shipment): Promise<Extract<OutlierDetector, { kind: 'mahalanobis' }>> {
  const { asked, options, final, own } = at;
  const { name } = final.answer.first;
  const { model } = memberIn(final.answer.fusion, name)!;
  const member = own.identities.get(name)!.networks[0]!;
  const features = model.metadata.get(featuresKey);
  if (features === undefined) throw errors.ENSEMBLE_OPTION({ option: '--reject-by', found: 'mahalanobis', wanted: `another: ${name} does not tell its features` }); // prettier-ignore
  const sample = await trainingSample(member, enough, options);
  const rows: Float32Array[] = [];
  await throughModel(runtime, tap(model, [features]), features, batchesOf(sample, together), read => {
    rows.push(floats(read).slice());
  });
  const width = rows.reduce((sum, row) => sum + row.length, 0) / sample.count;
  const all = new Float32Array(sample.count * width);
  let end = 0;
  for (const row of rows) {
    all.set(row, end);
    end += row.length;
  }
  const isSingle = asked.task === 'single';
  const classes = isSingle ? asked.classes : ['any'];
  const labels = sample.labels.map(label => (isSingle ? (label as number) : 0));
  const { means, precision } = fitMahalanobis({ features: all, labels, classes, width });
  // of several labels one mean stands for each
  const spread = isSingle ? means : Float32Array.from({ length: asked.classes.length * width }, (_, i) => means[i % width]!); // prettier-ignore
  return { kind: 'mahalanobis', means: spread, precision };
}

/** The scores of the pictures that calibrate, by the graph that ships: the same pixels and the same arithmetic. */
async function scoresOf(
  runtime: Runtime,
  detector: Extract<OutlierDetector, { kind: 'mahalanobis' }>,
  { asked, chosenBy, final, own, options, parts }: Shipment,
): Promise<Float32Array> {
  const { frame } = own;
  const { name } = final.answer.first;
  const judge = fuse({
    root: memberIn(final.answer.fusion, name)!,
    width: frame.width,
    height: frame.height,
    classes: asked.classes.length,
    task: asked.task,
    outliers: { ...detector, member: name, threshold: 0, falseAlarmRate: 0 },
    outputs: [],
  });
  const files = parts.calibrate.map(row => chosenBy.files[row]!);
  const scores: number[] = [];
  await throughModel(runtime, judge, 'outlierScore', framesOf(files, frame, options), read => scores.push(...floats(read))); // prettier-ignore
  return Float32Array.from(scores);
}

async function* framesOf(
  files: readonly string[],
  frame: Preprocessing,
  { allowFormats = [], signal }: { readonly allowFormats?: readonly AllowedFormat[]; readonly signal?: AbortSignal },
): AsyncGenerator<Tensor> {
  for await (const picture of pictureStream(files, frame, { allowFormats, ...(signal ? { signal } : {}) })) {
    if ('error' in picture) throw errors.PICTURES_MISSING({ source: picture.file, missing: 1 }, picture.error);
    yield tensor('uint8', [1, frame.height, frame.width, 3], picture.pixels);
  }
}

async function throughModel(
  runtime: Runtime,
  model: Model,
  output: string,
  batches: AsyncIterable<Tensor>,
  use: (read: Tensor) => void,
): Promise<void> {
  const session = await runtime.open(encodeModel(model));
  try {
    for await (const batch of batches) {
      const feed = runtime.tensor(batch);
      const results = await session.run(new Map([['pictures', feed]]), [output]);
      use(await results.get(output)!.read());
      for (const held of [feed, ...results.values()]) held.dispose();
    }
  } finally {
    await session.close();
  }
}

/** A network of a tree by its name. */
function memberIn(node: Fusion, name: string): Extract<Fusion, { kind: 'member' }> | undefined {
  if (node.kind === 'member') return node.name === name ? node : undefined;
  const below =
    node.kind === 'views'
      ? [node.member]
      : node.kind === 'cascade'
        ? [...node.stages.map(({ member }) => member), node.last]
        : node.members;
  for (const one of below) {
    const found = memberIn(one, name);
    if (found) return found;
  }
  return undefined;
}
