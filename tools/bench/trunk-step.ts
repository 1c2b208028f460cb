// Training steps of a network's end, or of all of it, beside PyTorch at the same work: CPU time, memory, differences.
// Usage: node dist/tools/bench/trunk-step.js [--cases a,b] [--peers ../shared/peers] [--python python3] [--rounds 5]
//        [--threads 1] [--steps 8] [--plain] [--whole] [--optimization all] [--profile] [--json]
//
// The cases are torch_peer.py's: it exports the network, we build S steps in one run (trunk-ours.ts), and PyTorch runs
// the same steps in both of its layouts. All take turns, so that a machine that others use slows all alike; the ratio is
// to the better of PyTorch's layouts. --profile prints our time by operator instead; --plain leaves the passes out,
// --whole only the one that computes no more than is read (PyTorch computes all tokens of a last block).

import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './measure.js';

/** Each case and the ratio that is wanted of it at most. */
const wanted = new Map([
  ['efficientnet_b0-last2', 0.9],
  ['resnet18-layer4', 0.95],
  ['mobilenet_v2-last3', 0.95],
  ['squeezenet1_1-last2', 1],
  ['vit_b_16-last', 1],
  ['convnext_tiny-last', 1.05],
  ['resnet18', 1.1],
]);
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: [...wanted.keys()].join(',') },
    peers: { type: 'string', default: '../shared/peers' },
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '8' },
    optimization: { type: 'string', default: 'all' },
    plain: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** What a program says of some steps, each per step. */
interface Told {
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly inside_ms?: number;
  readonly peak_mb: number;
}
/** A program that runs steps when asked. */
interface Runner {
  readonly name: string;
  /** What it said when it was ready. */
  readonly hello: string;
  run(steps: number): Promise<Told>;
  close(): Promise<void>;
}

const ours = fileURLToPath(new URL('./trunk-ours.js', import.meta.url));
const reference = fileURLToPath(new URL('../../../tools/bench/trunk_reference.py', import.meta.url));
const peer = join(values.peers, 'torch_peer.py');
if (!existsSync(peer)) throw new Error(`there is no ${peer}; --peers names its folder`);
const rows: object[] = [];
for (const name of values.cases.split(',')) rows.push(await compare(name));
if (values.json) console.log(JSON.stringify({ threads: Number(values.threads), cases: rows }, undefined, 2));

async function compare(name: string): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-trunk-'));
  try {
    execFileSync(values.python, ['-W', 'ignore', reference, values.peers, name, folder]);
    const shared = ['--threads', values.threads];
    const own = [
      join(folder, `${name}.onnx`),
      join(folder, 'reference.safetensors'),
      ...shared,
      '--steps',
      values.steps,
    ];
    own.push(
      '--optimization',
      values.optimization,
      ...(values.plain ? ['--plain'] : []),
      ...(values.whole ? ['--whole'] : []),
    );
    if (values.profile) {
      console.log(execFileSync(process.execPath, [ours, ...own, '--profile'], { encoding: 'utf8', cwd: folder }));
      return {};
    }
    const runners = [
      await start('ours', process.execPath, [ours, ...own]),
      await start('PyTorch NCHW', values.python, [peer, name, ...shared]),
      await start('PyTorch channels last', values.python, [peer, name, ...shared, '--channels-last']),
    ];
    const told = runners.map((): Told[] => []);
    for (let round = 0; round < Number(values.rounds); round++)
      for (const [i, runner] of runners.entries()) told[i]!.push(await runner.run(Number(values.steps)));
    for (const runner of runners) await runner.close();
    return report(name, runners, told);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(name: string, runners: readonly Runner[], told: readonly (readonly Told[])[]): object {
  // On several threads what counts is the clock.
  const of = (it: Told) => (Number(values.threads) > 1 ? it.wall_ms : it.cpu_ms);
  const middles = told.map(list => median(list.map(of)));
  const leasts = told.map(list => Math.min(...list.map(of)));
  const better = middles[1]! <= middles[2]! ? 1 : 2;
  const ratio = middles[0]! / middles[better]!;
  const least = leasts[0]! / Math.min(leasts[1]!, leasts[2]!);
  const paired = median(told[0]!.map((it, i) => of(it) / Math.min(of(told[1]![i]!), of(told[2]![i]!))));
  const inside = median(told[0]!.map(it => it.inside_ms! / it.cpu_ms));
  const peaks = told.map(list => Math.max(...list.map(it => it.peak_mb)));
  const differences = JSON.parse(runners[0]!.hello) as { gradient: number; of: string; loss: number };
  if (!values.json) {
    const goal = wanted.get(name);
    console.log(`${name}: ${ratio.toFixed(3)} of PyTorch's (pairs ${paired.toFixed(3)}, leasts ${least.toFixed(3)})${goal ? `, wanted at most ${goal}` : ''}`); // prettier-ignore
    for (const [i, runner] of runners.entries())
      console.log(`  ${runner.name.padEnd(22)} middle ${middles[i]!.toFixed(1)}, least ${leasts[i]!.toFixed(1)} ms a step, at most ${peaks[i]!.toFixed(0)} MB`); // prettier-ignore
    console.log(`  inside onnxruntime ${(100 * inside).toFixed(1)} % of our loop; gradients differ by ${differences.gradient.toExponential(1)} at most (${differences.of}), losses by ${differences.loss.toExponential(1)}`); // prettier-ignore
  }
  return {
    case: name,
    ratio,
    ratioOfPairs: paired,
    ratioOfLeasts: least,
    wanted: wanted.get(name),
    milliseconds: Object.fromEntries(
      runners.map((runner, i) => [runner.name, { middle: middles[i], least: leasts[i] }]),
    ),
    megabytes: Object.fromEntries(runners.map((runner, i) => [runner.name, peaks[i]])),
    insideShare: inside,
    ...differences,
  };
}

async function start(name: string, command: string, args: readonly string[]): Promise<Runner> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (): Promise<string> => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done) throw new Error(`${name} ended without an answer`);
    return value;
  };
  let hello = await said();
  while (!hello.startsWith('ready')) hello = await said();
  return {
    name,
    hello: hello.slice(5),
    async run(steps) {
      child.stdin.write(`${steps}\n`);
      return JSON.parse(await said()) as Told;
    },
    async close() {
      child.stdin.end();
      await new Promise(resolve => child.on('exit', resolve));
    },
  };
}
