// Fine-tuning from pictures to figures beside PyTorch at the same recipe: accuracy of head and trunk, CPU time of the whole.
// Usage: node dist/tools/bench/fine-tune.js --assets ../shared/assets --python python3 [--set cats_dogs] [--fires 2]
//        [--epochs 5] [--rate F] [--trunk-rate F] [--flip] [--seeds 3] [--json]
// SqueezeNet 1.1, its last fires unfrozen. Both decode, run the frozen part once, fit the head, train, and judge every
// epoch, at one thread, nothing kept between runs; seeds take turns. The peer runs in both of its layouts
// (fine_tune_reference.py) and the better one counts.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMultiLabelEvaluation } from '../../src/evaluation/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { openTrainable } from '../../src/workflows/open-trainable.js';
import { resolveTune } from '../../src/workflows/tune-options.js';
import { transfer } from '../../src/workflows/transfer.js';
import { measured, median } from './measure.js';

const { values } = parseArgs({
  options: {
    assets: { type: 'string', default: process.env['GRAFT_ASSETS'] ?? '../shared/assets' },
    python: { type: 'string', default: 'python3' },
    set: { type: 'string', default: 'cats_dogs' },
    fires: { type: 'string', default: '2' },
    epochs: { type: 'string', default: '5' },
    rate: { type: 'string' },
    'trunk-rate': { type: 'string' },
    flip: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const pictures = join(values.assets, 'pictures', values.set);
const backbone = join(values.assets, 'models', 'squeezenet1.1-fp32.onnx');
const reference = fileURLToPath(new URL('../../../tools/bench/fine_tune_reference.py', import.meta.url));

/** What is left out is as `graft train` has it; the fires are one block, so all have one rate. */
const { rate, trunkRate, depthDecay, batch } = resolveTune({
  ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
  ...(values['trunk-rate'] === undefined ? {} : { trunkRate: Number(values['trunk-rate']) }),
  depthDecay: 1,
});
const recipe = { rate, trunkRate, depthDecay, batch };

interface Told {
  readonly accuracy: number;
  readonly head: number;
  readonly cpu_ms: number;
  readonly wall_ms: number;
}

/** The Concat before the last so many fires: each fire ends in one. */
function cutBefore(fires: number): string {
  const { model } = openTrainable(backbone);
  const ends = model.graph.nodes.filter(({ op }) => op === 'Concat').map(({ outputs }) => outputs[0]!);
  return ends.at(-1 - fires)!;
}

/** Without a second session beside the first while it featurizes: one thread. */
const { openBeside: _beside, ...runtime } = nodeRuntime();

async function ours(seed: number): Promise<Told & { readonly strength: number }> {
  const out = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    let result: Awaited<ReturnType<typeof transfer>> | undefined;
    const { cpu, wall } = await measured(async () => {
      result = await transfer(
        pictures,
        {
          backbone,
          out,
          force: true,
          cache: false,
          unfreeze: cutBefore(Number(values.fires)),
          epochs: Number(values.epochs),
          ...recipe,
          ...(values.flip ? { augment: 'flip@1', augmentViews: 1 } : {}),
          seed,
        },
        runtime,
      );
    });
    const { evaluation, tuned, head } = result!;
    const accuracy = isMultiLabelEvaluation(evaluation) ? NaN : evaluation.accuracy;
    return { accuracy, head: tuned!.headAccuracy, cpu_ms: cpu, wall_ms: wall, strength: head.strength ?? 0.01 };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** PyTorch, asked seed by seed. */
async function peer(layout: readonly string[], strength: number) {
  const { epochs, fires } = values;
  const child = spawn(
    values.python,
    [
      reference, backbone, pictures, '--cut-fires', fires, '--epochs', epochs, '--rate', String(rate),
      '--trunk-rate', String(trunkRate), '--batch', String(batch), '--strength', String(strength),
      ...(values.flip ? ['--flip'] : []), ...layout,
    ], // prettier-ignore
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, OMP_NUM_THREADS: '1' } },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = (await lines.next()) as IteratorResult<string, undefined>;
    if (done) throw new Error('the reference ended early');
    return value;
  };
  await next();
  return {
    async run(seed: number): Promise<Told> {
      child.stdin.write(`${JSON.stringify({ seed })}\n`);
      return JSON.parse(await next()) as Told;
    },
    close: () => child.stdin.end(),
  };
}

const rows: { seed: number; ours: Told; nchw: Told; last: Told }[] = [];
let peers: Awaited<ReturnType<typeof peer>>[] | undefined;
const percent = (value: number) => `${(100 * value).toFixed(2)}%`;
if (!values.json)
  console.log('seed   head     tuned    seconds   PyTorch: head   tuned    seconds nchw / channels last');
for (let seed = 0; seed < Number(values.seeds); seed++) {
  const mine = await ours(seed);
  peers ??= [await peer([], mine.strength), await peer(['--channels-last'], mine.strength)];
  const nchw = await peers[0]!.run(seed);
  const last = await peers[1]!.run(seed);
  rows.push({ seed, ours: mine, nchw, last });
  if (values.json) continue;
  const theirs = nchw.cpu_ms < last.cpu_ms ? nchw : last;
  console.log(
    `${String(seed).padEnd(6)} ${percent(mine.head)}   ${percent(mine.accuracy)}   ${(mine.cpu_ms / 1e3).toFixed(1).padEnd(9)} ${''.padEnd(8)} ${percent(theirs.head)}  ${percent(theirs.accuracy)}   ${(nchw.cpu_ms / 1e3).toFixed(1)} / ${(last.cpu_ms / 1e3).toFixed(1)}`,
  );
}
for (const one of peers ?? []) one.close();
const mean = (of: (row: (typeof rows)[number]) => number) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
const ratio = median(rows.map(row => row.ours.cpu_ms / Math.min(row.nchw.cpu_ms, row.last.cpu_ms)));
const summary = { head: mean(row => row.ours.head), tuned: mean(row => row.ours.accuracy), ratio };
if (values.json) console.log(JSON.stringify({ ...summary, rows }, null, 2));
else
  console.log(
    `mean of ${rows.length} seeds: head ${percent(summary.head)}, tuned ${percent(summary.tuned)} (${(100 * (summary.tuned - summary.head)).toFixed(2)} points); CPU time ${ratio.toFixed(2)} of PyTorch's better layout`,
  );
