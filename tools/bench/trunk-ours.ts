// Our side of trunk-step.ts, in a process of its own: training steps of an exported network, S in one run.
// Usage: node dist/tools/bench/trunk-ours.js MODEL.onnx reference.safetensors [--threads 1] [--steps 8] [--plain] [--whole]
//        [--optimization all] [--profile]
//
// Prints `ready` with how far the first step is from PyTorch's, then for each line N runs at least N steps and prints
// {"runs", "wall_ms", "cpu_ms", "inside_ms", "peak_mb"} per step, like torch_peer.py. `inside_ms` is CPU time in session.run.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { decodeSafetensors, elementCount, floats, tensor, type Tensor } from '../../src/base/index.js';
import {
  crossEntropy,
  networkStepsModel,
  sgd,
  trainableNetwork,
  type StepLowering,
} from '../../src/artifacts/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import type { Graph, Model } from '../../src/graph/index.js';
import { fasterForward, fasterStep } from '../../src/passes/index.js';
import type { DeviceTensor, OpenOptions } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { atTheDoor } from '../../src/workflows/door.js';
import { int64Of } from '../../src/training/epoch-plan.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '8' },
    optimization: { type: 'string', default: 'all' },
    plain: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const [path, reference] = positionals as [string, string];
const steps = Number(values.steps);
const { tensors: held } = decodeSafetensors(readFileSync(reference));
const batch = held.get('labels')!.shape[0]!;
const network = atTheDoor(decodeModel(readFileSync(path)));
const trained = trainableNetwork(network, { trainable: weightsOf(network.graph) });
const lowering: StepLowering = {
  forward: at => fasterForward({ ...at, selections: !values.whole }),
  step: fasterStep(),
};
const model = networkStepsModel(trained, {
  loss: crossEntropy(),
  optimizer: sgd(),
  batch,
  averaging: false,
  ...(values.plain ? {} : { lowering }),
});
const runtime = nodeRuntime();
const open: OpenOptions = {
  threads: Number(values.threads),
  optimization: values.optimization as NonNullable<OpenOptions['optimization']>,
};
const bytes = encodeModel(model);
const session = await runtime.open(bytes, open);

let state = new Map<string, DeviceTensor>();
for (const { name, initial } of trained.parameters) {
  state.set(name, runtime.tensor(initial));
  state.set(`${name}.v`, runtime.tensor(zeros(initial.shape)));
}
const fixed = new Map([...trained.inputs, 'labels'].map(name => [name, runtime.tensor(held.get(name)!)] as const));

let inside = 0;
let done = 0;
if (values.profile) await profile(model, bytes);
/** S steps on the one batch; the state moves on. */
async function run(count: number): Promise<readonly number[]> {
  const feeds = new Map([...state, ...fixed, ...[...seriesOf(count)].map(([name, it]) => [name, runtime.tensor(it)] as const)]); // prettier-ignore
  const before = process.cpuUsage();
  const results = await session.run(feeds);
  const { user, system } = process.cpuUsage(before);
  inside += (user + system) / 1000;
  state = new Map();
  for (const [name, value] of results) if (name.startsWith('next.')) state.set(name.slice(5), value);
  done += count;
  return [...floats(await results.get('losses')!.read())];
}

const first = await run(1);
const differences: { name: string; weight: number; gradient: number }[] = [];
for (const { name, initial } of trained.parameters) {
  const now = floats(await state.get(name)!.read());
  // v after the first step is the gradient
  const gradient = relative(floats(await state.get(`${name}.v`)!.read()), floats(held.get(`gradient:${name}`)!));
  differences.push({ name, gradient, weight: moved(now, floats(held.get(`step1:${name}`)!), floats(initial)) });
}
const second = await run(1);
const losses = floats(held.get('losses')!);
const worst = differences.reduce((a, b) => (b.gradient > a.gradient ? b : a));
await run(steps);
inside = 0;
const loss = Math.max(...[first[0]!, second[0]!].map((it, i) => Math.abs(it - losses[i]!) / losses[i]!));
console.log(`ready ${JSON.stringify({ gradient: worst.gradient, of: worst.name, loss })}`);

for await (const line of createInterface(process.stdin)) {
  const [cpu, wall, began] = [process.cpuUsage(), performance.now(), done];
  inside = 0;
  while (done - began < Number(line)) await run(steps);
  const { user, system } = process.cpuUsage(cpu);
  const runs = done - began;
  console.log(
    JSON.stringify({
      runs,
      wall_ms: (performance.now() - wall) / runs,
      cpu_ms: (user + system) / 1000 / runs,
      inside_ms: inside / runs,
      peak_mb: process.resourceUsage().maxRSS / 1024,
    }),
  );
}
await session.close();

/** What torch_peer.py trains: every float weight that is no stored statistic of a BatchNormalization. */
function weightsOf(graph: Graph): string[] {
  return [...held.keys()].flatMap(name => {
    const weight = name.startsWith('gradient:') ? name.slice(9) : '';
    return weight && graph.initializers.has(weight) ? [weight] : [];
  });
}

function seriesOf(count: number): Map<string, Tensor> {
  const of = (value: (step: number) => number) =>
    tensor(
      'float32',
      [count],
      Float32Array.from({ length: count }, (_, i) => value(i)),
    );
  const order = int64Of(Uint32Array.from({ length: count * batch }, (_, i) => i % batch));
  return new Map([
    ['rate', of(() => 0.01)],
    ['step', of(i => done + i + 1)],
    ['order', tensor('int64', [count, batch], order)],
  ]);
}

function zeros(shape: readonly number[]): Tensor {
  return tensor('float32', shape, new Float32Array(elementCount(shape)));
}

/** ‖a − b‖ / ‖b‖ */
function relative(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  for (const [i, value] of b.entries()) [difference, norm] = [difference + (a[i]! - value) ** 2, norm + value ** 2];
  return Math.sqrt(difference / norm);
}

/** The same of what was moved by the step. */
function moved(a: Float32Array, b: Float32Array, from: Float32Array): number {
  return relative(
    a.map((value, i) => value - from[i]!),
    b.map((value, i) => value - from[i]!),
  );
}

/** Time by operator of one run, from onnxruntime's profiler; then the process ends. */
async function profile(made: Model, encoded: Uint8Array): Promise<never> {
  const prefix = `trunk-profile-${process.pid}`;
  const it = await ort.InferenceSession.create(encoded, {
    intraOpNumThreads: Number(values.threads),
    graphOptimizationLevel: open.optimization ?? 'all',
    enableProfiling: true,
    profileFilePrefix: prefix,
    logSeverityLevel: 3,
  });
  const feeds: Record<string, ort.Tensor> = {};
  const give = (name: string, { type, shape, bytes: data }: Tensor) => {
    const copy = new Uint8Array(data).buffer;
    const typed = type === 'int64' ? new BigInt64Array(copy) : new Float32Array(copy);
    feeds[name] = new ort.Tensor(type as 'float32', typed as Float32Array, [...shape]);
  };
  for (const { name, initial } of trained.parameters) {
    give(name, initial);
    give(`${name}.v`, zeros(initial.shape));
  }
  for (const name of [...trained.inputs, 'labels']) give(name, held.get(name)!);
  for (const [name, value] of seriesOf(steps)) give(name, value);
  await it.run(feeds);
  it.endProfiling();
  const file = readdirSync('.').find(name => name.startsWith(prefix))!;
  const events = JSON.parse(readFileSync(file, 'utf8')) as Event[];
  rmSync(file);
  print(events);
  console.log(`${made.graph.nodes.length} nodes outside the loop`);
  process.exit(0);
}
interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly output_type_shape?: unknown;
    readonly input_type_shape?: unknown;
  };
}
function print(events: readonly Event[]): void {
  const byOperator = new Map<string, { ms: number; nodes: number }>();
  const byNode = new Map<string, { ms: number; op: string; shapes: string }>();
  let all = 0;
  for (const { cat, name, dur, args } of events) {
    const op = args?.op_name;
    if (cat !== 'Node' || !op || op === 'Scan' || !name.endsWith('_kernel_time')) continue;
    const ms = dur / 1000 / steps;
    all += ms;
    const of = byOperator.get(op) ?? { ms: 0, nodes: 0 };
    byOperator.set(op, { ms: of.ms + ms, nodes: of.nodes + 1 });
    const at = byNode.get(name) ?? { ms: 0, op, shapes: shapesOf(args.input_type_shape, args.output_type_shape) };
    byNode.set(name, { ...at, ms: at.ms + ms });
  }
  console.log(`kernels ${all.toFixed(1)} ms a step`);
  const sorted = [...byOperator].sort(([, a], [, b]) => b.ms - a.ms);
  for (const [op, { ms, nodes }] of sorted.slice(0, 24))
    console.log(`  ${op.padEnd(24)} ${ms.toFixed(2).padStart(9)} ms ${((100 * ms) / all).toFixed(1).padStart(5)} %  ${Math.round(nodes / steps)} nodes`); // prettier-ignore
  console.log('the dearest nodes');
  for (const [name, { ms, op, shapes }] of [...byNode].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 40))
    console.log(`  ${ms.toFixed(2).padStart(8)} ms ${op.padEnd(18)} ${shapes}  ${name.replace('_kernel_time', '')}`);
}
function shapesOf(...sides: readonly unknown[]): string {
  const side = (list: unknown) =>
    (Array.isArray(list) ? (list as Record<string, number[]>[]) : [])
      .map(it => `[${Object.values(it)[0]!.join(',')}]`)
      .join(' ');
  return sides.map(side).join(' -> ');
}
