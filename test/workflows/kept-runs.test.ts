// Runs that keep members: what is in a checkpoint, put into the bundle's network by name, answers as the run's own graphs
// do with those weights; averages, cycles and statistics estimated anew come out as members beside the best epoch.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { decodeSafetensors, floats, tensor, type GraftError, type Tensor } from '../../src/base/index.js';
import { featuresKey, withWeights } from '../../src/artifacts/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { renameNode, type Model } from '../../src/graph/index.js';
import { tap } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { checkpointWeights, type CheckpointWeights, type WeightsKind } from '../../src/training/node.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { resolveHead } from '../../src/workflows/head-options.js';
import { openMember, openMembers } from '../../src/workflows/members.js';
import { transfer, type TransferOptions } from '../../src/workflows/transfer.js';
import { resolveTune } from '../../src/workflows/tune-options.js';
import { smallNetwork, smallNetworkFile } from '../small-network.js';

const runtime = nodeRuntime();
const network = await smallNetworkFile();
const colliding = await collidingNetwork();
const pixels = new Uint8Array(4 * 3072).map((_, i) => (i * 37) % 251);
const pictures = tensor('uint8', [4, 32, 32, 3], pixels);

async function trained(more: Partial<TransferOptions>) {
  const out = join(await mkdtemp(join(tmpdir(), 'graft-kept-')), 'run');
  const options = { backbone: network, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], cache: false, out } as const;
  return { out, result: await transfer(demoPictures, { ...options, ...more }, runtime) };
}

async function run(model: Model, feeds: ReadonlyMap<string, Tensor>, output: string): Promise<Float32Array> {
  const session = await runtime.open(encodeModel(model));
  try {
    const given = session.inputs.map(name => [name, runtime.tensor(feeds.get(name)!)] as const);
    return floats(await (await session.run(new Map(given), [output])).get(output)!.read()).slice();
  } finally {
    await session.close();
  }
}

const asked = new Map([['pictures', pictures]]);
const near = (t: ExecutionContext, found: Float32Array, wanted: Float32Array) => {
  const largest = Math.max(...wanted.map(Math.abs));
  t.is(found.length, wanted.length);
  found.forEach((value, i) => t.true(Math.abs(value - wanted[i]!) <= 1e-5 * largest, `${value}, wanted ${wanted[i]}`));
};

/** The logits that a run's own evaluation graph gives with some of its weights; `read` are the rows that it reads. */
async function evaluated(out: string, weights: ReadonlyMap<string, Tensor>, read: [string, Tensor]) {
  const graph = decodeModel(await readFile(join(out, 'artifacts', 'eval_model.onnx')));
  const feeds = new Map([read, ['labels', tensor('int64', [4], [0, 1, 0, 1])]]);
  return run(withWeights(graph, weights), feeds, 'logits');
}

/** The one set of weights that is asked for. */
async function weightsOf(out: string, which: WeightsKind | number): Promise<CheckpointWeights> {
  const [found] = await checkpointWeights(join(out, 'checkpoints'), which);
  return found!;
}

/** What a value of a model is for the pictures. */
async function valueOf(model: Model, name: string): Promise<{ readonly model: Model; readonly values: Float32Array }> {
  return { model, values: await run(tap(model, [name]), asked, name) };
}

test('heads: each checkpoint in the bundle answers as the evaluation graph with its weights', async t => {
  const { out, result } = await trained({ head: 'mlp', hidden: [6], epochs: 6, snapshots: 3, keep: 3 });
  t.deepEqual(result.head.snapshots, [2, 4, 6]);
  const bundle = decodeModel(await readFile(join(out, 'bundle', 'model.onnx')));
  const { values } = await valueOf(bundle, bundle.metadata.get(featuresKey)!);
  const { tensors } = decodeSafetensors(await readFile(join(out, 'artifacts', 'checkpoint.safetensors')));
  const [mean, deviation] = ['mean', 'deviation'].map(what => floats(tensors.get(`features.${what}`)!));
  const width = mean!.length;
  const standardised = values.map((value, i) => (value - mean![i % width]!) / deviation![i % width]!);
  const answers: Float32Array[] = [];
  for (const which of [2, 4, 6, 'last', 'average', 'best'] as const) {
    const { model } = await openMember(`${out}@${which}`);
    const { weights } = await weightsOf(out, which);
    const answer = await run(model, asked, 'logits');
    near(t, answer, await evaluated(out, weights, ['features', tensor('float32', [4, width], standardised)]));
    answers.push(answer);
  }
  t.deepEqual(answers[2], answers[3]);
  t.notDeepEqual(answers[0], answers[1]);
  t.notDeepEqual(answers[3], answers[4]);
  t.deepEqual(answers[5], await run(bundle, asked, 'logits'));
  const names = async (spec: WeightsKind) => (await openMembers(`${out}@${spec}`)).map(({ checkpoint }) => checkpoint);
  t.deepEqual(await names('snapshots'), ['2', '4', '6']);
  t.deepEqual(await names('checkpoints'), ['4', '5', '6']);
});

/** The small network with a weight of the trunk that has the name of a head's. */
async function collidingNetwork(): Promise<string> {
  const model = smallNetwork();
  const names = new Map([['stage4.weight', 'head.weight']]);
  const { graph } = model;
  const initializers = new Map([...graph.initializers].map(([name, data]) => [names.get(name) ?? name, data]));
  const nodes = graph.nodes.map(node => renameNode(node, names));
  const path = join(await mkdtemp(join(tmpdir(), 'graft-colliding-')), 'colliding.onnx');
  await writeFile(path, encodeModel({ ...model, graph: { ...graph, nodes, initializers } }));
  return path;
}

/** What the last stage reads: the third Relu's output. */
async function behindCut(out: string): Promise<[string, Tensor]> {
  const bundle = decodeModel(await readFile(join(out, 'bundle', 'model.onnx')));
  const cut = bundle.graph.nodes.filter(({ op }) => op === 'Relu')[2]!.outputs[0]!;
  const { values } = await valueOf(bundle, cut);
  const graph = decodeModel(await readFile(join(out, 'artifacts', 'eval_model.onnx'))).graph;
  return [graph.inputs[0]!.name, tensor('float32', [4, 12, 4, 4], values)];
}

for (const backbone of [network, colliding])
  test(`trunks: each checkpoint in the bundle answers as the evaluation graph with its weights, ${backbone === network ? 'names of their own' : 'a head whose names the trunk has'}`, async t => {
    const { out } = await trained({
      backbone,
      unfreeze: 'last:1',
      epochs: 2,
      batch: 8,
      snapshots: 2,
      batchNorm: 'train',
    });
    const read = await behindCut(out);
    for (const which of [1, 2, 'last', 'average', 'best'] as const) {
      const { model } = await openMember(`${out}@${which}`);
      const { weights } = await weightsOf(out, which);
      t.is(weights.size, 8);
      near(t, await run(model, asked, 'logits'), await evaluated(out, weights, read));
    }
    const [one, two] = await openMembers(`${out}@snapshots`);
    t.notDeepEqual(await run(one!.model, asked, 'logits'), await run(two!.model, asked, 'logits'));
  });

test('SWA of a head is the mean of its points, which stay for SWAG', async t => {
  const { out, result } = await trained({ epochs: 8, swa: 0.5 });
  t.is(result.head.optimizer, 'adamw');
  t.is(result.head.swa!.count, 4);
  t.is(result.head.swa!.statistics, 'none');
  t.true(result.head.swa!.validation!.loss > 0);
  const points = await checkpointWeights(join(out, 'checkpoints'), 'swa-points');
  t.deepEqual(
    points.map(({ epoch }) => epoch),
    [5, 6, 7, 8],
  );
  const [swa] = await checkpointWeights(join(out, 'checkpoints'), 'swa');
  for (const [name, mean] of swa!.weights) {
    const all = points.map(({ weights }) => floats(weights.get(name)!));
    floats(mean).forEach((value, i) => t.is(value, Math.fround(all.reduce((sum, at) => sum + at[i]!, 0) / 4)));
  }
  t.is((await openMembers(`${out}@swa-points`)).length, 4);
  const lines = (await readFile(join(out, 'history.jsonl'), 'utf8')).trim().split('\n');
  t.is(lines.filter(line => line.includes('"kind":"swa"')).length, 1);
});

test('SWA of a trunk has statistics estimated from all pictures under the averaged weights', async t => {
  const told: string[] = [];
  const tune = {
    unfreeze: 'last:1',
    epochs: 4,
    batch: 8,
    rate: 0.01,
    swa: 0.5,
    keep: 4,
    onWarning: (text: string) => told.push(text),
  } as const;
  const { out, result } = await trained({ ...tune, batchNorm: 'train' });
  t.deepEqual(told, []);
  t.is(result.head.swa!.statistics, 'estimated');
  const folder = join(out, 'checkpoints');
  const [swa] = await checkpointWeights(folder, 'swa');
  const points = (await checkpointWeights(folder, 'checkpoints')).slice(-2);
  const meanOf = (name: string) => {
    const [a, b] = points.map(({ weights }) => floats(weights.get(name)!));
    return a!.map((value, i) => Math.fround((value + b![i]!) / 2));
  };
  for (const [name, value] of swa!.weights) {
    if (/\.(mean|var)$/.test(name)) t.notDeepEqual([...floats(value)], [...meanOf(name)], name);
    else t.deepEqual([...floats(value)], [...meanOf(name)], name);
  }
  // the statistics are those of what the layer reads, over all pictures that train
  const { model } = await openMember(`${out}@swa`);
  near(t, await run(model, asked, 'logits'), await evaluated(out, swa!.weights, await behindCut(out)));

  // frozen statistics stay, and a network without any is told so
  const frozen = await trained(tune);
  t.is(frozen.result.head.swa!.statistics, 'frozen');
  t.deepEqual(told, []);
  const without = await trained({ ...tune, backbone: await smallNetworkFile({ normalized: false }) });
  t.is(without.result.head.swa!.statistics, 'none');
  t.regex(told.join(), /no BatchNormalization behind the cut/);
});

test('a run that is stopped goes on to the same average and the same members', async t => {
  const tune = { unfreeze: 'last:1', epochs: 4, batch: 8, rate: 0.01, swa: 0.5, batchNorm: 'train' } as const;
  const whole = await trained(tune);
  const stop = new AbortController();
  const out = join(await mkdtemp(join(tmpdir(), 'graft-kept-')), 'run');
  const onProgress = ({ what, done, total }: { what: string; done: number; total: number }) => {
    if (what === 'training' && done > 0.8 * total) stop.abort();
  };
  await t.throwsAsync(trained({ ...tune, out, signal: stop.signal, onProgress }), { any: true });
  t.deepEqual(await checkpointWeights(join(out, 'checkpoints'), 'swa'), []);
  await trained({ ...tune, out, resume: true });
  const bytesOf = async (folder: string) => {
    const names = (await readdir(join(folder, 'checkpoints'))).sort();
    return Promise.all(names.map(async name => [name, await readFile(join(folder, 'checkpoints', name), 'base64')]));
  };
  t.deepEqual(await bytesOf(out), await bytesOf(whole.out));
  t.is(await readFile(join(out, 'history.jsonl'), 'utf8'), await readFile(join(whole.out, 'history.jsonl'), 'utf8'));
});

test('--swa stands for the last quarter of the epochs, and the command tells what became of it', async t => {
  const graft = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
  const out = join(await mkdtemp(join(tmpdir(), 'graft-kept-')), 'a run');
  const words = ['--mean', '0.5', '0.5', '0.5', '--std', '0.25', '0.25', '0.25', '--cache', 'none', '--epochs', '8'];
  const args = ['train', demoPictures, '--backbone', network, ...words, '--swa', '--out', out];
  const { stdout } = await promisify(execFile)(process.execPath, [graft, ...args]);
  t.true(stdout.includes(`graft ensemble '${out}'@swa`));
  t.regex(stdout, /the average of 2 epochs \(SWA\), held out: loss/);
  const { options } = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as { options: { swa: number } };
  t.is(options.swa, 0.75);
});

test('what does not go together is refused, what only epochs have makes a linear head train by epochs', t => {
  for (const wish of [{ snapshots: 4 }, { swa: 0.75 }, { keep: 5 }]) {
    t.is(resolveHead(wish).optimizerName, 'adamw');
    const error = t.throws<GraftError>(() => resolveHead({ ...wish, optimizer: 'lbfgs' }));
    t.is(error.code, 'GRAFT_HEAD');
    t.regex(error.message, /L-BFGS has no epochs/);
  }
  t.is(resolveHead({}).optimizerName, 'lbfgs');
  t.is(resolveHead({ keep: 5 }).patience, 10);
  for (const wish of [{ snapshots: 4 }, { swa: 0.75 }]) t.is(resolveTune(wish).patience, 0);
  t.is(resolveHead({ snapshots: 4 }).scheduleName, 'cosine-restarts');
  const refused = (options: Parameters<typeof resolveHead>[0], code: string, message: RegExp) =>
    t.throws(() => resolveHead(options), { code, message });
  refused({ snapshots: 2, swa: 0.5 }, 'GRAFT_HEAD', /snapshots and swa/);
  refused({ snapshots: 2, schedule: 'one-cycle' }, 'GRAFT_HEAD', /half a cosine/);
  t.notThrows(() => resolveHead({ snapshots: 2, schedule: 'cosine', patience: 0 }));
  refused({ snapshots: 2, patience: 3 }, 'GRAFT_HEAD', /patience with snapshots/);
  refused({ swa: 0.5, patience: 3 }, 'GRAFT_HEAD', /patience with swa/);
  refused({ cycleMultiplier: 2 }, 'GRAFT_HEAD', /snapshots beside it/);
  refused({ swaRate: 0.1 }, 'GRAFT_HEAD', /swa beside it/);
  refused({ swaCycle: 2, head: 'mlp' }, 'GRAFT_HEAD', /swa beside it/);
  refused({ keep: 1 }, 'GRAFT_HEAD', /whole number from 2/);
  refused({ snapshots: 41 }, 'TRAINING_OPTION', /cycles is 41, wanted a whole number from 1 to the 40 epochs/);
  refused({ snapshots: 0 }, 'GRAFT_HEAD', /snapshots 0/);
  refused({ snapshots: 1.5 }, 'TRAINING_OPTION', /cycles is 1.5/);
  refused({ swa: 0.99 }, 'TRAINING_OPTION', /two of the 40 epochs/);
  refused({ swa: 0 }, 'GRAFT_HEAD', /swa 0/);
  refused({ swa: 1 }, 'TRAINING_OPTION', /above 0 and below 1/);
});
