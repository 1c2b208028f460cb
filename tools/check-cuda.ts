// Whether training and inference on CUDA give the CPU's numbers, and what a step costs there. On a machine without CUDA
// it ends with the error that says how to install it.
// Usage: npm run check:cuda [-- network.onnx …] [--batch 16] [--rounds 5] [--provider cuda|webgpu] [--json]
//
// Parity is held in a process with NVIDIA_TF32_OVERRIDE=0: onnxruntime's CUDA provider otherwise multiplies matrices in
// TF32, with ten bits of mantissa, on cards that have it. The table with TF32, as networks run, is shown beside it.
// Each network that is named trains whole; without one, the backbone that the package brings.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { decodeModel } from '../src/codec/index.js';
import { openRuntime, type NodeProvider } from '../src/runtime/node.js';
import { atTheDoor } from '../src/workflows/door.js';
import { demoBackbone } from '../src/workflows/fixtures.js';
import { parityTable, parityTolerance, type ParityRow } from './parity.js';
import { reportFailure } from './providers/report-failure.js';
import { speedRows, type SpeedNetwork } from './providers/speed.js';

const parityTool = fileURLToPath(new URL('./parity.js', import.meta.url));

/** The rows of parity.ts, made in a process of their own. */
function parityIn(provider: NodeProvider, env: NodeJS.ProcessEnv): Promise<ParityRow[]> {
  return new Promise((done, fail) => {
    const given = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
    execFile(process.execPath, [parityTool, provider, '--json'], given, (error, out, err) => {
      // status 7: rows that are too far apart, which the caller judges
      if (error && error.code !== 7) fail(new Error(err || error.message));
      else done(JSON.parse(out) as ParityRow[]);
    });
  });
}

/** Weights of convolutions and matrix products. */
function networkIn(file: string, batch: number): SpeedNetwork {
  const model = atTheDoor(decodeModel(readFileSync(file)));
  const { graph } = model;
  const trainable = new Set<string>();
  for (const { op, inputs } of graph.nodes)
    if (['Conv', 'Gemm', 'MatMul'].includes(op))
      for (const name of inputs) if (graph.initializers.get(name)?.type === 'float32') trainable.add(name);
  return { name: basename(file), model, trainable: [...trainable], batch };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '5' },
    provider: { type: 'string', default: 'cuda' },
    json: { type: 'boolean', default: false },
  },
});
const provider = values.provider as NodeProvider;
await reportFailure(async () => {
  const { name } = await openRuntime(provider);
  const say = (text: string) => (values.json ? undefined : console.log(text));
  say(`${name}\n\nthe CPU's numbers in float32 (at most ${parityTolerance} apart)`);
  const exact = await parityIn(provider, { NVIDIA_TF32_OVERRIDE: '0' });
  for (const line of parityTable(exact, provider)) say(line);
  const usual = provider === 'cuda' ? await parityIn(provider, {}) : undefined;
  if (usual) {
    say('\nas networks run, in TF32 where the card has it (not judged)');
    for (const line of parityTable(usual, provider)) say(line.replace(/^TOO FAR/, '       '));
  }
  const networks = (positionals.length > 0 ? positionals : [demoBackbone]).map(file =>
    networkIn(file, Number(values.batch)),
  );
  const speed = await speedRows(provider, networks, { rounds: Number(values.rounds) });
  say(`\nmilliseconds a step, middle of ${values.rounds}: the CPU at one thread, ${provider}`);
  for (const { name: of, steps, cpu, other } of speed)
    say(`${of}, ${steps} steps a run: ${cpu.toFixed(2)}, ${other.toFixed(2)} (${(cpu / other).toFixed(2)} x)`);
  if (values.json) console.log(JSON.stringify({ runtime: name, parity: exact, parityAsRun: usual, speed }));
  if (exact.some(({ relative }) => !(relative <= parityTolerance))) process.exitCode = 7;
});
