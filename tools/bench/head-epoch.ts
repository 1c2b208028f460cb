// One epoch of a linear head, all its steps in one run: CPU time at one thread, beside PyTorch and JAX where they are.
// Usage: node dist/tools/bench/head-epoch.js [--peers ../shared/peers] [--python python3] [--rounds 7] [--epochs 10]
//
// 2000 x 512 features, 10 classes, batches of 32, Adam, Polyak average: 62 steps. The peers are torch_peer.py (case
// head) and jax_peer.py: programs that print `ready` and, for each line N, run N epochs and print {"cpu_ms"}. All take
// turns, so that a machine that others use slows all alike. Wanted: at most 0.15 of PyTorch, 0.7 of JAX.

import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random, tensor, type Tensor } from '../../src/base/index.js';
import { adam, crossEntropy, linear, trainHead } from '../../src/artifacts/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { DeviceTensor, Session } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { int64Of } from '../../src/training/epoch-plan.js';
import { measured, median } from './measure.js';

const [pictures, width, classes, batch, steps] = [2000, 512, 10, 32, 62];

/** Something that trains epochs and says how many CPU milliseconds one took. */
interface Runner {
  readonly name: string;
  readonly wanted?: number;
  run(epochs: number): Promise<number>;
  close(): Promise<void>;
}

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '../shared/peers' },
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '7' },
    epochs: { type: 'string', default: '10' },
  },
});
const runners: Runner[] = [await ourselves()];
for (const [name, needs, wanted, script] of [
  ['PyTorch', 'torch', 0.15, ['torch_peer.py', 'head']],
  ['JAX', 'jax', 0.7, ['jax_peer.py']],
] as const) {
  const [file, ...rest] = [join(values.peers, script[0]), ...script.slice(1)];
  if (!existsSync(file)) console.log(`${name}: left out, there is no ${file}`);
  else if (!imports(values.python, needs)) console.log(`${name}: left out, ${values.python} cannot import ${needs}`);
  else runners.push(await peer(name, wanted, values.python, [file, ...rest]));
}

const times = runners.map((): number[] => []);
for (let round = 0; round < Number(values.rounds); round++)
  for (const [i, runner] of runners.entries()) times[i]!.push(await runner.run(Number(values.epochs)));
for (const runner of runners) await runner.close();

console.log(`${pictures} x ${width} -> ${classes}, batch ${batch}, ${steps} steps, CPU milliseconds an epoch`);
for (const [i, { name, wanted }] of runners.entries()) {
  const ratio = median(times[i]!.map((time, round) => times[0]![round]! / time));
  const told = wanted === undefined ? '' : `   ours to it ${ratio.toFixed(3)}, wanted at most ${wanted}`;
  console.log(`  ${name}: middle ${median(times[i]!).toFixed(2)}, least ${Math.min(...times[i]!).toFixed(2)}${told}`);
}

async function ourselves(): Promise<Runner> {
  const artifacts = trainHead({ features: width, classes, head: linear, loss: crossEntropy(), optimizer: adam() });
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(artifacts.epoch));
  const random = new Random(0);
  const features = Float32Array.from({ length: pictures * width }, () => Math.max(0, random.normal()));
  const labels = Array.from({ length: pictures }, () => random.integer(classes));
  const fixed = new Map<string, Tensor>([
    ['features', tensor('float32', [pictures, width], features)],
    ['labels', tensor('int64', [pictures], labels)],
  ]);
  let state = new Map([...artifacts.initialState(random)].map(([name, held]) => [name, runtime.tensor(held)]));
  let epoch = 0;
  const one = async () => {
    const series = seriesOf(random, epoch++);
    const feeds = new Map([...state, ...[...fixed, ...series].map(([name, held]) => [name, runtime.tensor(held)] as const)]); // prettier-ignore
    state = await next(session, feeds);
  };
  for (let i = 0; i < 3; i++) await one();
  return {
    name: 'ours',
    async run(epochs) {
      const { cpu } = await measured(async () => {
        for (let i = 0; i < epochs; i++) await one();
      });
      return cpu / epochs;
    },
    close: () => session.close(),
  };
}

/** What changes from step to step of an epoch. */
function seriesOf(random: Random, epoch: number): Map<string, Tensor> {
  const of = (value: (step: number) => number) =>
    tensor(
      'float32',
      [steps],
      new Float32Array(steps).map((_, i) => value(i)),
    );
  const rows = random.at('order', epoch).permutation(pictures);
  const order = int64Of(rows.subarray(0, steps * batch));
  return new Map([
    ['rate', of(() => 1e-3)],
    ['step', of(i => epoch * steps + i + 1)],
    ['averaging', of(() => 0.01)],
    ['order', tensor('int64', [steps, batch], order)],
  ]);
}

/** One epoch; the new state under the names that it is fed by. */
async function next(session: Session, feeds: ReadonlyMap<string, DeviceTensor>): Promise<Map<string, DeviceTensor>> {
  const results = await session.run(feeds);
  const state = new Map<string, DeviceTensor>();
  for (const [name, held] of results) if (name.startsWith('next.')) state.set(name.slice(5), held);
  return state;
}

function imports(python: string, packages: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${packages}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function peer(name: string, wanted: number, python: string, args: readonly string[]): Promise<Runner> {
  const XLA_FLAGS = '--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1';
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, XLA_FLAGS } });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (): Promise<string> => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done) throw new Error(`${name} ended without an answer`);
    return value;
  };
  while ((await said()) !== 'ready');
  return {
    name,
    wanted,
    async run(epochs) {
      child.stdin.write(`${epochs}\n`);
      return (JSON.parse(await said()) as { cpu_ms: number }).cpu_ms;
    },
    async close() {
      child.stdin.end();
      await new Promise(resolve => child.on('exit', resolve));
    },
  };
}
