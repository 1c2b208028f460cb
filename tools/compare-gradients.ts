// Holds the gradients of whole networks against PyTorch in float64 on the same file: loss, logits, every weight.
// Usage: npm run compare:gradients -- files.onnx… --python INTERPRETER [--peers DIR] [--seeds 5] [--size 224] [--json]
// --peers: the folder of onnx_torch.py and smooth_twin.py (default: $GRAFT_PEERS, or ../shared/peers). A network passes
// where the median over the seeds of its worst weight's relative L2 error is at most 1e-4, or 3 × the same median of
// PyTorch's own float32 where that is larger, and on its smooth twin at most 1e-4. Weights whose whole gradient is below
// 1e-7 of the network's are compared to that: no float32 holds them.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  crossEntropy,
  logitsOf,
  networkTrainingModel,
  trainableNetwork,
  type TrainableNetwork,
} from '../src/artifacts/index.js';
import { decodeSafetensors, floats, GraftError, type Tensor } from '../src/base/index.js';
import { encodeModel } from '../src/codec/index.js';
import { feedsOf } from '../src/graph/index.js';
import { trainableWeights, wiringOf } from '../src/inspect/index.js';
import { nodeRuntime } from '../src/runtime/node.js';
import { openTrainable } from '../src/workflows/open-trainable.js';
import { median } from './bench/measure.js';

const { values: flags, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: process.env['GRAFT_PYTHON'] ?? 'python3' },
    peers: { type: 'string', default: process.env['GRAFT_PEERS'] ?? '../shared/peers' },
    seeds: { type: 'string', default: '5' },
    size: { type: 'string', default: '224' },
    json: { type: 'boolean', default: false },
  },
});
if (files.length === 0) throw new Error('usage: compare-gradients files.onnx… --python INTERPRETER [--json]');
const script = resolve(fileURLToPath(import.meta.url), '../../../tools/networks/network_gradients.py');
const runtime = nodeRuntime();
const seeds = Number(flags.seeds);
const limit = 1e-4;

/** What the comparison says of one file. */
interface Row {
  readonly file: string;
  readonly parameters: number;
  /** Median over the seeds of the worst weight's relative L2 error. */
  readonly worst: number;
  readonly worstParameter: string;
  /** The same of PyTorch in float32. */
  readonly peer: number;
  /** The same as worst, on the smooth twin. */
  readonly twin: number | null;
  /** Largest relative errors over the seeds. */
  readonly loss: number;
  readonly logits: number;
  readonly passed: boolean;
  readonly error?: string;
}

/** Worst weight, loss and logits of one seed. */
interface Found {
  readonly worst: number;
  readonly name: string;
  readonly loss: number;
  readonly logits: number;
  readonly count: number;
}

const squares = (values: ArrayLike<number>) =>
  Array.prototype.reduce.call(values, (sum, v) => (sum as number) + (v as number) ** 2, 0) as number;
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.sqrt(squares(Array.from(a, (v, i) => v - b[i]!)));

/** The network with every weight trainable that PyTorch has a gradient for. */
function networkOf(path: string, wanted: ReadonlySet<string>): TrainableNetwork {
  const { model, inspection } = openTrainable(path, { size: Number(flags.size) });
  const own = trainableWeights(wiringOf(model.graph, inspection.facts)).map(({ name }) => name);
  const missing = own.filter(name => !wanted.has(name));
  const kept = own.filter(name => wanted.has(name));
  if (kept.length === 0)
    throw new Error(`no weight of ${basename(path)} has its name in PyTorch: ${missing.join(', ')}`);
  return trainableNetwork(model, { trainable: kept, logits: logitsOf(model.graph) });
}

async function compareSeeds(path: string, folder: string, prefix: string): Promise<Found[]> {
  const first = decodeSafetensors(readFileSync(join(folder, `${prefix}0.safetensors`))).tensors;
  const wanted = new Set([...first.keys()].filter(key => key.startsWith('grad:')).map(key => key.slice(5)));
  const network = networkOf(path, wanted);
  const session = await runtime.open(encodeModel(networkTrainingModel(network, crossEntropy())));
  try {
    const found: Found[] = [];
    for (let seed = 0; seed < seeds; seed++) {
      const theirs = decodeSafetensors(readFileSync(join(folder, `${prefix}${seed}.safetensors`))).tensors;
      const feeds = new Map([
        [feedsOf(network.graph)[0]!.name, runtime.tensor(theirs.get('input')!)],
        ['labels', runtime.tensor(theirs.get('labels')!)],
        ...network.parameters.map(({ name, initial }) => [name, runtime.tensor(initial)] as const),
      ]);
      const wants = network.parameters.map(({ name }) => `${name}_grad`);
      const results = await session.run(feeds, ['loss', network.outputs[0]!, ...wants]);
      const read = async (name: string) => floats(await results.get(name)!.read());
      const whole = Math.sqrt(
        network.parameters.reduce((sum, { name }) => sum + squares(floats(theirs.get(`grad:${name}`)!)), 0),
      );
      let worst = { error: 0, name: '' };
      for (const { name } of network.parameters) {
        const reference = floats(theirs.get(`grad:${name}`)!);
        const error =
          distance(await read(`${name}_grad`), reference) / Math.max(Math.sqrt(squares(reference)), 1e-7 * whole);
        if (!(error <= worst.error)) worst = { error, name };
      }
      const loss = doubles(theirs.get('loss')!)[0]!;
      const logits = floats(theirs.get('logits')!);
      const isLogits = network.outputs[0] === network.logits;
      const made = await read(network.outputs[0]!);
      found.push({
        worst: worst.error,
        name: worst.name,
        loss: Math.abs((await read('loss'))[0]! - loss) / Math.abs(loss),
        logits:
          distance(made, isLogits ? logits : softmax(logits, theirs.get('logits')!.shape[1]!)) /
          Math.sqrt(squares(isLogits ? logits : softmax(logits, theirs.get('logits')!.shape[1]!))),
        count: network.parameters.length,
      });
      for (const value of results.values()) value.dispose();
    }
    return found;
  } finally {
    await session.close();
  }
}

const doubles = ({ bytes }: Tensor) => new Float64Array(bytes.slice().buffer);

/** Probabilities of rows of logits, where the network gives those. */
function softmax(logits: Float32Array, classes: number): Float64Array {
  const made = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    const most = Math.max(...logits.subarray(row, row + classes));
    let sum = 0;
    for (let i = row; i < row + classes; i++) sum += made[i] = Math.exp(logits[i]! - most);
    for (let i = row; i < row + classes; i++) made[i]! /= sum;
  }
  return made;
}

async function compareFile(path: string): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-gradients-'));
  const none = {
    file: path,
    parameters: 0,
    worst: NaN,
    worstParameter: '',
    peer: NaN,
    twin: null,
    loss: NaN,
    logits: NaN,
  };
  try {
    const { model } = openTrainable(path, { size: Number(flags.size) });
    const args = [script, resolve(flags.peers), path, folder, '--seeds', flags.seeds, '--size', flags.size, '--twin'];
    const logits = logitsOf(model.graph);
    const isShown = model.graph.outputs.some(({ name }) => name === logits);
    const said = execFileSync(flags.python, isShown ? args : [...args, '--logits', logits], {
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { peer: peers } = JSON.parse(said.toString().trim().split('\n').at(-1)!) as { peer: number[] };
    const found = await compareSeeds(path, folder, '');
    const twins = existsSync(join(folder, 'twin.onnx'))
      ? await compareSeeds(join(folder, 'twin.onnx'), folder, 'twin-')
      : [];
    const worst = median(found.map(it => it.worst));
    const peer = median(peers);
    const twin = twins.length > 0 ? Math.max(...twins.map(it => it.worst)) : null;
    const largest = (of: (it: Found) => number) => found.reduce((most, it) => Math.max(most, of(it)), 0);
    return {
      file: path,
      parameters: found[0]!.count,
      worst,
      worstParameter: found.find(it => it.worst === worst)?.name ?? found[0]!.name,
      peer,
      twin,
      loss: largest(it => it.loss),
      logits: largest(it => it.logits),
      passed: worst <= Math.max(limit, 3 * peer) && (twin === null || twin <= limit),
    };
  } catch (error) {
    const shown =
      error instanceof GraftError
        ? `${error.code}: ${error.message}`
        : String((error as { stderr?: Buffer }).stderr ?? error);
    return { ...none, passed: false, error: shown.trim().split('\n').at(-1)!.slice(0, 400) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const short = (value: number | null) => (value === null || Number.isNaN(value) ? '-' : value.toExponential(1));
const columns = [40, 8, 9, 9, 9, 9, 9, 6] as const;
const line = (cells: readonly string[]) =>
  cells
    .map((cell, i) => cell.padEnd(columns[i] ?? 0))
    .join(' ')
    .trimEnd();
const rows: Row[] = [];
if (!flags.json)
  console.log(line(['network', 'weights', 'worst', 'PyTorch', 'twin', 'loss', 'logits', '', 'worst weight']));
for (const path of files) {
  const row = await compareFile(path);
  rows.push(row);
  if (flags.json) continue;
  const { parameters, worst, peer, twin, loss, logits, passed, error, worstParameter } = row;
  const numbers = [worst, peer, twin, loss, logits].map(short);
  console.log(line([basename(path), String(parameters), ...numbers, passed ? 'ok' : 'FAILS', error ?? worstParameter]));
}
if (flags.json) console.log(JSON.stringify(rows, null, 2));
process.exitCode = rows.every(({ passed }) => passed) ? 0 : 1;
