// Makes graphs/golden/: the graphs that the package builds, as text, for small inputs, so that a change of what is
// computed shows as a diff of what is computed.   Usage: node dist/tools/make-graphs.js [folder]
//   heads/      training, evaluation, optimizer and epoch graphs of a head of four features and three classes
//   backbone/   what is run over pictures and what is shipped, of fixtures/backbone.onnx
//   ensembles/  small members fused: heads on one trunk, views, a cascade, what is told beside probabilities
//   gradients/  each operator with a gradient rule, forwards and backwards, in the samples of its law

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  adam,
  adamw,
  crossEntropy,
  featurizerModel,
  linear,
  membersLoss,
  mlp,
  servingModel,
  sgd,
  sigmoidCrossEntropy,
  stacked,
  standardised,
  trainHead,
  type FeaturizerOptions,
  type Loss,
  type Optimizer,
} from '../src/artifacts/index.js';
import { differentiate } from '../src/autodiff/index.js';
import { Random } from '../src/base/index.js';
import { fuse, type Fusion } from '../src/ensembles/index.js';
import { Builder, printGraph, printModel } from '../src/graph/index.js';
import { openBackbone } from '../src/workflows/backbone.js';
import { demoBackbone } from '../src/workflows/fixtures.js';
import { member, type MemberOptions } from '../test/ensembles/pictured-members.js';
import { samplers, type Sample } from '../test/laws/operators/samplers/index.js';

const size = { features: 4, classes: 3 } as const;

const losses: ReadonlyMap<string, Loss> = new Map([
  ['cross-entropy', crossEntropy()],
  ['cross-entropy-smoothed', crossEntropy({ labelSmoothing: 0.1 })],
  ['cross-entropy-weighted', crossEntropy({ labelSmoothing: 0.1, classWeights: [1, 2, 0.5] })],
  ['sigmoid-cross-entropy', sigmoidCrossEntropy()],
  ['sigmoid-cross-entropy-smoothed', sigmoidCrossEntropy({ labelSmoothing: 0.1 })],
]);
const optimizers: ReadonlyMap<string, Optimizer> = new Map([
  ['sgd', sgd({ momentum: 0 })],
  ['sgd-momentum', sgd({ momentum: 0.9, weightDecay: 1e-4 })],
  ['sgd-nesterov', sgd({ momentum: 0.9, nesterov: true })],
  ['adam', adam({ weightDecay: 1e-4 })],
  ['adamw', adamw()],
]);

/** Every golden graph, by its path in graphs/golden/. */
export function makeGraphs(): Map<string, string> {
  return new Map([...heads(), ...backbone(), ...ensembles(), ...gradients()]);
}

/** Each loss with one optimizer, each optimizer with one loss: what one of them decides stands in one file. */
function* heads(): Generator<[string, string]> {
  const first = { ...size, head: linear, loss: crossEntropy(), optimizer: sgd() };
  for (const [name, loss] of losses) {
    const { training, evaluation, epoch } = trainHead({ ...first, loss });
    yield [`heads/linear/${name}.training.txt`, printModel(training)];
    yield [`heads/linear/${name}.evaluation.txt`, printModel(evaluation)];
    yield [`heads/linear/${name}.epoch.txt`, printModel(epoch)];
  }
  for (const [name, optimizer] of optimizers) {
    const made = trainHead({ ...first, optimizer });
    yield [`heads/linear/${name}.optimizer.txt`, printModel(made.optimizer)];
    yield [`heads/linear/${name}.epoch.txt`, printModel(made.epoch)];
  }
  yield ['heads/linear/without-average.epoch.txt', printModel(trainHead({ ...first, averaging: false }).epoch)];
  const layered = trainHead({ ...first, head: mlp({ hidden: [5], dropout: 0.25 }), optimizer: adamw() });
  for (const kind of ['training', 'evaluation', 'optimizer', 'epoch'] as const)
    yield [`heads/mlp/${kind}.txt`, printModel(layered[kind])];
  for (const [name, hidden] of Object.entries({ linear: [], mlp: [5] })) {
    const head = stacked({ members: 3, hidden, dropout: 0.25 });
    const several = trainHead({ ...first, head, loss: membersLoss(crossEntropy(), 3) });
    for (const kind of ['evaluation', 'epoch'] as const)
      yield [`heads/stacked-${name}/${kind}.txt`, printModel(several[kind])];
  }
}

/** The embedded backbone in front of a head that has learnt nothing. */
function* backbone(): Generator<[string, string]> {
  const { graph, opsets, preprocessing, pixels, features } = openBackbone(demoBackbone);
  const { width, height } = preprocessing;
  const options: FeaturizerOptions = { backbone: graph, opsets, width, height, pixels };
  yield ['backbone/featurizer.txt', printModel(featurizerModel(options))];
  const format: FeaturizerOptions = {
    ...options,
    pixels: { ...pixels, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], channels: 'BGR' },
  };
  yield ['backbone/featurizer-normalized.txt', printModel(featurizerModel(format))];
  const { initialState } = trainHead({ ...size, features, head: linear, loss: crossEntropy(), optimizer: sgd() });
  const vector = (value: number) => new Float32Array(features).fill(value);
  const shipped = {
    ...options,
    head: standardised(linear, vector(0.5), vector(2)),
    trained: initialState(new Random(0)),
    classes: size.classes,
    temperature: 1.25,
  };
  yield ['backbone/serving-single.txt', printModel(servingModel({ ...shipped, task: 'single' }))];
  yield ['backbone/serving-multi-label.txt', printModel(servingModel({ ...shipped, task: 'multi-label' }))];
}

/** Members with a trunk of two convolutions, at twelve pixels a side. */
function* ensembles(): Generator<[string, string]> {
  const one = (name: string, options: MemberOptions): Fusion => ({ kind: 'member', name, model: member(options) });
  const heads = (['gemm', 'standardised', 'perceptron'] as const).map((written, i) => one(`head ${i}`, { written, head: `${i}` })); // prettier-ignore
  const identity = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;
  const mirrored = { name: 'hflip', map: [-1, 0, 12, 0, 1, 0, 0, 0, 1] } as const;
  const turned = { name: 'turned', map: [0.8, -0.6, 4.8, 0.6, 0.8, -2.4, 0, 0, 1] } as const;
  const [first, , last] = heads as [Fusion, Fusion, Fusion];
  const trees: Readonly<Record<string, Fusion>> = {
    'heads-on-one-trunk': { kind: 'average', rule: 'probability', members: heads },
    'mean-logits': { kind: 'average', rule: 'logit', members: heads.slice(0, 2), weights: [1, 3] },
    'two-trunks-by-rank': { kind: 'average', rule: 'rank', members: [first, one('other', { trunk: 'b' })] },
    mirrored: { kind: 'views', member: first, views: [identity, mirrored] },
    turned: { kind: 'views', member: first, views: [identity, turned] },
    cascade: { kind: 'cascade', stages: [{ member: first, threshold: 0.5 }], last, pooled: {} },
  };
  const shared = { width: 12, height: 12, classes: 3, task: 'single' } as const;
  for (const [name, root] of Object.entries(trees))
    yield [`ensembles/${name}.txt`, printModel(fuse({ ...shared, root }))];
  const told = {
    calibration: { kind: 'vector', scale: [1, 2, 0.5], shift: [0, 0.1, 0] },
    sets: { kind: 'adaptive', coverage: 0.9, threshold: 0.8 },
    outliers: { kind: 'energy', member: 'head 0', threshold: 1, falseAlarmRate: 0.05 },
  } as const;
  yield ['ensembles/told.txt', printModel(fuse({ ...shared, ...told, root: trees['heads-on-one-trunk']! }))];
  yield ['ensembles/one-head.txt', printModel(fuse({ ...shared, outputs: [], root: trees['mean-logits']! }))];
}

function* gradients(): Generator<[string, string]> {
  for (const [operator, samples] of Object.entries(samplers))
    yield [`gradients/${operator}.txt`, `${samples.map(sample => gradient(operator, sample)).join('\n\n')}\n`];
}

/** x0, x1, … and the gradients dy0, … of a scalar by y0, … → y0, … and the gradients dx0, dx1, … of the scalar. */
function gradient(operator: string, { shapes, make }: Sample): string {
  const builder = new Builder(operator);
  const xs = shapes.map((shape, i) => builder.input(`x${i}`, 'float32', shape));
  const ys = [make(...xs)].flat();
  const suffix = (i: number) => (ys.length > 1 ? String(i) : '');
  const seeds = ys.map((y, i) => [y, builder.input(`dy${suffix(i)}`, 'float32', y.shape)] as const);
  const found = differentiate(builder, new Map(seeds), xs);
  ys.forEach((y, i) => builder.output(y, `y${suffix(i)}`));
  xs.forEach((x, i) => builder.output(found.get(x)!, `dx${i}`));
  return printGraph(builder.finish());
}

/** The graphs that lie in a folder, by their paths. */
export const graphFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => name.endsWith('.txt'));

/** Writes the graphs into a folder and takes out those that are made no more. */
export function writeGraphs(folder: string): void {
  const made = makeGraphs();
  mkdirSync(folder, { recursive: true });
  for (const name of graphFiles(folder)) if (!made.has(name)) rmSync(join(folder, name));
  for (const [name, text] of made) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

if (process.argv[1]?.endsWith('make-graphs.js'))
  writeGraphs(process.argv[2] ?? fileURLToPath(new URL('../../graphs/golden/', import.meta.url)));
