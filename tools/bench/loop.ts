// What the loop around session.run costs: a whole fine-tuning with progress, judging and checkpoints on, its time inside
// onnxruntime beside the time it takes, and what each kind of graph took of it.
// Usage: node dist/tools/bench/loop.js --assets ../shared/assets [--model squeezenet1.1-fp32.onnx] [--set cats_dogs]
//        [--unfreeze last:1] [--epochs 2] [--augment flip@1] [--memory 1024] [--json]
// SqueezeNet 1.1's last two fires by default. The training phase goes from the opening of the first graph of steps to its
// closing: windows, judging of epochs, checkpoints on disk. One thread; opening graphs counts as inside onnxruntime.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Runtime } from '../../src/runtime/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { transfer } from '../../src/workflows/transfer.js';
import type { Measured } from './measure.js';

const { values } = parseArgs({
  options: {
    assets: { type: 'string', default: process.env['GRAFT_ASSETS'] ?? '../shared/assets' },
    model: { type: 'string', default: 'squeezenet1.1-fp32.onnx' },
    set: { type: 'string', default: 'cats_dogs' },
    unfreeze: { type: 'string', default: 'concat_47' },
    epochs: { type: 'string', default: '2' },
    augment: { type: 'string' },
    memory: { type: 'string', default: '1024' },
    json: { type: 'boolean', default: false },
  },
});

interface Spent extends Measured {
  readonly runs: number;
}

const nothing: Spent = { cpu: 0, wall: 0, runs: 0 };
const plus = (a: Spent, b: Spent): Spent => ({ cpu: a.cpu + b.cpu, wall: a.wall + b.wall, runs: a.runs + b.runs });

/** What was spent by what was done, in the training phase and beside it. */
const spent = { training: new Map<string, Spent>(), around: new Map<string, Spent>() };
interface Moment {
  readonly cpu: NodeJS.CpuUsage;
  readonly wall: number;
}
const begun: Moment = { cpu: process.cpuUsage(), wall: performance.now() };
let opened: Moment | undefined;
let phase: Measured | undefined;

function since({ cpu, wall }: Moment): Measured {
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall: performance.now() - wall };
}

function book(what: string, took: Measured): void {
  const on = opened && !phase ? spent.training : spent.around;
  on.set(what, plus(on.get(what) ?? nothing, { ...took, runs: 1 }));
}

/** A runtime that keeps account of its sessions by what they give. */
function counting(runtime: Runtime): Runtime {
  return {
    name: runtime.name,
    tensor: data => runtime.tensor(data),
    async open(model, options) {
      const before = { cpu: process.cpuUsage(), wall: performance.now() };
      const session = await runtime.open(model, options);
      const isSteps = session.outputs.includes('losses') && session.inputs.includes('order');
      if (isSteps) opened ??= before;
      book('opening graphs', since(before));
      const kind = isSteps ? 'steps' : session.outputs.includes('loss') ? 'judging' : 'others';
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        async run(feeds, fetches) {
          const began = { cpu: process.cpuUsage(), wall: performance.now() };
          const results = await session.run(feeds, fetches);
          book(kind, since(began));
          return results;
        },
        async close() {
          await session.close();
          if (isSteps && opened) phase ??= since(opened);
        },
      };
    },
  };
}

const out = mkdtempSync(join(tmpdir(), 'graft-loop-'));
try {
  await transfer(
    join(values.assets, 'pictures', values.set),
    {
      backbone: join(values.assets, 'models', values.model),
      out,
      force: true,
      cache: false,
      unfreeze: values.unfreeze,
      epochs: Number(values.epochs),
      memory: Number(values.memory),
      ...(values.augment === undefined ? {} : { augment: values.augment, augmentViews: 1 }),
      onProgress: () => undefined,
      onEpoch: () => undefined,
    },
    counting(nodeRuntime()),
  );
} finally {
  rmSync(out, { recursive: true, force: true });
}
const whole = since(begun);
const inside = [...spent.training.values()].reduce(plus, nothing);
const added = { cpu: phase!.cpu / inside.cpu - 1, wall: phase!.wall / inside.wall - 1 };
const peak = process.resourceUsage().maxRSS / 1024;
if (values.json) {
  const books = Object.fromEntries(Object.entries(spent).map(([name, book]) => [name, Object.fromEntries(book)]));
  console.log(JSON.stringify({ phase, inside, added, whole, peakMB: peak, ...books }, null, 2));
} else {
  const seconds = ({ cpu, wall }: Measured) =>
    `${(cpu / 1e3).toFixed(2).padStart(8)} s CPU ${(wall / 1e3).toFixed(2).padStart(8)} s`;
  for (const [name, book] of Object.entries(spent)) {
    console.log(name === 'training' ? 'inside onnxruntime, while it trains' : 'inside onnxruntime, before and after');
    for (const [what, took] of book) console.log(`  ${what.padEnd(16)} ${seconds(took)}  ${took.runs} times`);
  }
  console.log(`training phase     ${seconds(phase!)}`);
  console.log(`inside onnxruntime ${seconds(inside)}`);
  console.log(`the loop adds ${(100 * added.cpu).toFixed(1)}% CPU, ${(100 * added.wall).toFixed(1)}% time`);
  console.log(`everything         ${seconds(whole)}, at most ${peak.toFixed(0)} MB`);
}
