// The line between networks that are known: the same function with its hidden units in another order has a barrier
// between its copies, checkpoints of one run have none.

import test from 'ava';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elementCount, floats, tensor, type Tensor } from '../../src/base/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/training/checkpoint.js';
import { demoBackbone, demoPictures } from '../../src/workflows/fixtures.js';
import { landscape } from '../../src/workflows/landscape.js';
import { landscapeKind, writeLandscape } from '../../src/workflows/landscape-report.js';
import { transfer } from '../../src/workflows/transfer.js';
import { smallNetworkFile } from '../small-network.js';

const runtime = nodeRuntime();
const folder = await mkdtemp(join(tmpdir(), 'graft-landscape-'));
const run = join(folder, 'run');
const epochs = 20;
await transfer(demoPictures, { backbone: demoBackbone, head: 'mlp', hidden: [32], epochs, cache: false, out: run }, runtime); // prettier-ignore

/** Rows of [H, …], or columns of [O, H], backwards. */
function reversed(weight: Tensor, axis: 0 | 1): Tensor {
  const values = floats(weight);
  const H = weight.shape[axis]!;
  const inner = elementCount(weight.shape.slice(axis + 1));
  const next = values.map((_, i) => {
    const unit = Math.floor(i / inner) % H;
    return values[i + (H - 1 - 2 * unit) * inner]!;
  });
  return tensor('float32', weight.shape, next);
}

/** The run with the hidden units of its last checkpoint backwards: another place, the same function. */
async function mirroredRun(): Promise<string> {
  const path = join(folder, 'mirrored');
  await cp(run, path, { recursive: true });
  const file = join(path, 'checkpoints', `${String(epochs).padStart(6, '0')}.safetensors`);
  const checkpoint = decodeCheckpoint(await readFile(file));
  const state = new Map(checkpoint.state);
  for (const [name, axis] of [
    ['head.0.weight', 0],
    ['head.0.bias', 0],
    ['head.weight', 1],
  ] as const)
    // prettier-ignore
    state.set(name, reversed(state.get(name)!, axis));
  await writeFile(file, Buffer.concat(encodeCheckpoint({ ...checkpoint, state })));
  return path;
}

test('the same function with its hidden units in another order: equal ends, a barrier, and the words for it', async t => {
  const mirrored = await mirroredRun();
  const found = await landscape(`${run}@last`, `${mirrored}@last`, { points: 5 }, runtime);
  t.deepEqual(found.points.map(({ t: at }) => at), [0, 0.25, 0.5, 0.75, 1]); // prettier-ignore
  const [first, , middle, , last] = found.points;
  t.true(Math.abs(first!.loss - last!.loss) < 1e-4);
  t.is(first!.accuracy, last!.accuracy);
  t.true(middle!.loss > first!.loss + 0.05);
  t.true(Math.abs(found.barrier.loss - (middle!.loss - first!.loss)) < 1e-3);
  t.true(found.barrier.calibrated > 0.02 && found.barrier.calibrated <= found.barrier.loss);
  t.is(found.barrier.at, 0.5);
  t.is(found.verdict, 'barrier');
  t.regex(found.words, /^a barrier of .* why a soup of the two fails/);
  t.is(found.statistics, 'none');
  t.is(found.different, 3);
  t.is(found.count, 80);
  t.is(found.trainedOn, 0);
});

test('checkpoints of one run lie in one basin, told and written', async t => {
  const found = await landscape(`${run}@${epochs - 1}`, `${run}@last`, { points: 3, split: 'train' }, runtime);
  t.is(found.verdict, 'one basin');
  t.regex(found.words, /^one basin: a soup of the two will work/);
  t.true(found.count > 80);
  const file = (ending: string) => join(folder, `line.${ending}`);
  await writeLandscape(file('json'), found);
  t.deepEqual(JSON.parse(await readFile(file('json'), 'utf8')), found);
  await writeLandscape(file('svg'), found);
  await writeLandscape(file('html'), found);
  t.regex(await readFile(file('svg'), 'utf8'), /^<svg xmlns/);
  t.regex(await readFile(file('html'), 'utf8'), /one basin/);
  await t.throwsAsync(writeLandscape(file('svg'), found), { code: 'DISK_EXISTS' });
  t.throws(() => landscapeKind('line.png'), { code: 'GRAFT_PLOT_FILE' });
});

test('networks that lie on no line are refused with the reason', async t => {
  const at = (from: string, to: string, points = 3) => landscape(from, to, { points }, runtime);
  await t.throwsAsync(at(run, run), { code: 'GRAFT_LANDSCAPE', message: /same weights/ });
  await t.throwsAsync(at(run, run, 2), { code: 'GRAFT_POINTS' });
  const linear = join(folder, 'linear');
  await transfer(demoPictures, { backbone: demoBackbone, cache: false, out: linear }, runtime);
  await t.throwsAsync(at(run, linear), { code: 'ENSEMBLE_WEIGHTS', message: /member 2/ });
});

test('BatchNormalization that moved: averaged, or estimated anew between the ends, which stay', async t => {
  const tuned = join(folder, 'tuned');
  const network = { backbone: await smallNetworkFile(), mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const options = { ...network, unfreeze: 'last:1', batchNorm: 'train', epochs: 2, batch: 8, rate: 0.01 } as const;
  await transfer(demoPictures, { ...options, cache: false, out: tuned }, runtime);
  const [from, to] = [`${tuned}@1`, `${tuned}@2`];
  const averaged = await landscape(from, to, { points: 3 }, runtime);
  const anew = await landscape(from, to, { points: 3, statistics: 're-estimated' }, runtime);
  t.is(averaged.statistics, 'averaged');
  t.is(anew.statistics, 're-estimated');
  t.is(averaged.points[0]!.loss, anew.points[0]!.loss);
  t.is(averaged.points[2]!.loss, anew.points[2]!.loss);
  t.not(averaged.points[1]!.loss, anew.points[1]!.loss);
  t.regex(anew.notes.join(' '), /estimated anew/);
});
