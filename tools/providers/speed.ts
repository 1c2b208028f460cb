// What a training step costs on a provider, beside the CPU, by how many steps one run holds: on CUDA the state crosses
// the bus twice a run, so that long runs are cheap ones.   Usage: imported by check-cuda.ts.

import {
  adam,
  crossEntropy,
  linear,
  networkStepsModel,
  sgd,
  trainableNetwork,
  trainHead,
} from '../../src/artifacts/index.js';
import { Random, tensor, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { feedsOf, type Model } from '../../src/graph/index.js';
import { fasterForward, fasterStep } from '../../src/passes/index.js';
import { openRuntime, nodeRuntime, type NodeProvider } from '../../src/runtime/node.js';
import type { DeviceTensor, Runtime } from '../../src/runtime/index.js';
import { median } from '../bench/measure.js';

/** A network that is trained whole, or from the weights given. */
export interface SpeedNetwork {
  readonly name: string;
  /** In the house's dialect, shapes known. */
  readonly model: Model;
  readonly trainable: readonly string[];
  readonly batch: number;
}

/** Milliseconds of the clock a step. */
export interface SpeedRow {
  readonly name: string;
  /** Steps in one run. */
  readonly steps: number;
  readonly cpu: number;
  readonly other: number;
}

/** A training graph for each kind of provider, and the sizes that it leaves open. */
interface Case {
  readonly name: string;
  /** Fast forms are those of the CPU: on a device convolutions stay what they are. */
  readonly onCpu: Model;
  readonly onDevice: Model;
  readonly pictures: number;
  readonly batch: number;
}

/** Times heads and networks; the network's weights move, so that nothing is the same twice. */
export async function speedRows(
  provider: NodeProvider,
  networks: readonly SpeedNetwork[],
  { stepsOfRun = [1, 8, 32], rounds = 5 }: { readonly stepsOfRun?: readonly number[]; readonly rounds?: number } = {},
): Promise<SpeedRow[]> {
  const other = await openRuntime(provider);
  const rows: SpeedRow[] = [];
  for (const it of [headCase(), ...networks.map(networkCase)])
    for (const steps of stepsOfRun) {
      const cpu = await perStep(nodeRuntime(), it.onCpu, it, steps, rounds);
      rows.push({ name: it.name, steps, cpu, other: await perStep(other, it.onDevice, it, steps, rounds) });
    }
  return rows;
}

/** 2000 x 512 → 10, batches of 32. */
function headCase(): Case {
  const head = { features: 512, classes: 10, head: linear, loss: crossEntropy(), optimizer: adam() };
  const { epoch } = trainHead(head);
  return { name: 'head 2000 x 512 → 10', onCpu: epoch, onDevice: epoch, pictures: 2000, batch: 32 };
}

function networkCase({ name, model, trainable, batch }: SpeedNetwork): Case {
  const network = trainableNetwork(model, { trainable });
  const options = { loss: crossEntropy(), optimizer: sgd(), batch, averaging: false };
  const lowering = { forward: fasterForward, step: fasterStep() };
  const onCpu = networkStepsModel(network, { ...options, lowering });
  return { name, onCpu, onDevice: networkStepsModel(network, options), pictures: batch, batch };
}

async function perStep(runtime: Runtime, model: Model, { pictures, batch }: Case, steps: number, rounds: number) {
  const session = await runtime.open(encodeModel(model));
  try {
    const random = new Random('speed');
    const sizes = new Map([['pictures', pictures], ['steps', steps], ['batch', batch], ['N', batch]]); // prettier-ignore
    let feeds = new Map<string, DeviceTensor>();
    for (const { name, shape = [], type } of feedsOf(model.graph)) {
      const dims = shape.map(dim => (typeof dim === 'number' ? dim : (sizes.get(dim) ?? 1)));
      feeds.set(name, runtime.tensor(drawn(name, dims, type === 'int64', random.at(name), pictures)));
    }
    const once = async () => {
      const results = await session.run(feeds);
      const next = new Map(feeds);
      for (const [name, value] of results)
        if (name.startsWith('next.')) next.set(name.slice('next.'.length), value);
        else await value.read();
      feeds = next;
    };
    // the first runs compile kernels and fill caches
    for (let i = 0; i < 2; i++) await once();
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const began = performance.now();
      await once();
      times.push((performance.now() - began) / steps);
    }
    return median(times);
  } finally {
    await session.close();
  }
}

/** Small numbers; rows of `order` below the pictures, labels below two; second moments and series above zero. */
function drawn(name: string, shape: readonly number[], whole: boolean, random: Random, pictures: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  if (whole) {
    const below = name === 'order' ? pictures : 2;
    return tensor(
      'int64',
      shape,
      BigInt64Array.from({ length: count }, () => BigInt(random.integer(below))),
    );
  }
  const one: (i: number) => number =
    name === 'rate'
      ? () => 1e-4
      : name === 'step'
        ? i => i + 1
        : name === 'averaging' || name.endsWith('.v')
          ? () => 0.01
          : () => random.normal() * 0.05;
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, (_, i) => one(i)),
  );
}
