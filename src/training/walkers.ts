// Two ways to walk a window of steps. `epochAtOnce` runs all steps inside one Scan, so that the state is never copied
// between them; `stepByStep` runs the training and the optimizer graph in turn. Both give the same bits.

import { floats, tensor, type Tensor } from '../base/index.js';
import type { DeviceTensor, Runtime, Session } from '../runtime/index.js';
import type { Window } from './epoch-plan.js';
import type { LabelledFeatures } from './labelled-features.js';

export type DeviceState = ReadonlyMap<string, DeviceTensor>;

/** Walks windows. Who calls owns the state before and after. */
export interface Walker {
  walk(
    state: DeviceState,
    window: Window,
    epoch: number,
  ): Promise<{ readonly next: DeviceState; readonly losses: Float32Array }>;
  close(): Promise<void>;
}

/** One run of the epoch graph a window; `whole` is what it takes of the set beside features and labels. */
export async function epochAtOnce(
  runtime: Runtime,
  model: Uint8Array,
  train: LabelledFeatures,
  whole: ReadonlyMap<string, Tensor> = new Map(),
): Promise<Walker> {
  const session = await runtime.open(model);
  const features = tensor('float32', [train.count, train.width], train.features);
  const set = onDevice(runtime, new Map([...whole, ['features', features], ['labels', train.labels]]));
  return {
    async walk(state, { steps, batch, rate, step, averaging, order, masks }) {
      const series = new Map([
        ['rate', tensor('float32', [steps], rate)],
        ['step', tensor('float32', [steps], step)],
        ['averaging', tensor('float32', [steps], averaging)],
        ['order', tensor('int64', [steps, batch], order)],
      ]);
      for (const [name, mask] of masks)
        series.set(name, tensor('float32', [steps, batch, mask.length / (steps * batch)], mask));
      const fed = onDevice(runtime, series);
      const results = await session.run(new Map([...state, ...fed, ...set]), session.outputs);
      disposeAll(fed);
      const losses = results.get('losses')!;
      const read = floats(await losses.read());
      losses.dispose();
      return { next: nextOf(results), losses: read };
    },
    async close() {
      disposeAll(set);
      await session.close();
    },
  };
}

/** One run of the training graph and one of the optimizer graph a step. */
export async function stepByStep(
  runtime: Runtime,
  { training, optimizer }: { readonly training: Uint8Array; readonly optimizer: Uint8Array },
  train: LabelledFeatures,
): Promise<Walker> {
  const gradientsOf = await runtime.open(training);
  let update: Session;
  try {
    update = await runtime.open(optimizer);
  } catch (cause) {
    await gradientsOf.close();
    throw cause;
  }
  const wanted = gradientsOf.outputs.filter(name => name !== 'logits');
  return {
    async walk(state, window) {
      const losses = new Float32Array(window.steps);
      let now = state;
      for (let i = 0; i < window.steps; i++) {
        const batch = onDevice(runtime, batchOf(train, window, i));
        const gradients = await gradientsOf.run(new Map([...now, ...batch]), wanted);
        losses[i] = floats(await gradients.get('loss')!.read())[0]!;
        const scalars = onDevice(runtime, scalarsOf(window, i));
        const next = nextOf(await update.run(new Map([...now, ...gradients, ...scalars]), update.outputs));
        for (const done of [batch, gradients, scalars]) disposeAll(done);
        if (now !== state) disposeAll(now);
        now = next;
      }
      return { next: now, losses };
    },
    async close() {
      await gradientsOf.close();
      await update.close();
    },
  };
}

/** Features, labels and masks of one step. */
function batchOf({ features, width, labels }: LabelledFeatures, window: Window, i: number): Map<string, Tensor> {
  const { batch, order, masks } = window;
  const rows = Array.from(order.subarray(i * batch, (i + 1) * batch), Number);
  const chosen = new Float32Array(batch * width);
  rows.forEach((from, to) => chosen.set(features.subarray(from * width, (from + 1) * width), to * width));
  const step = new Map([
    ['features', tensor('float32', [batch, width], chosen)],
    ['labels', rowsOf(labels, rows)],
  ]);
  for (const [name, mask] of masks) {
    const size = mask.length / window.steps;
    step.set(name, tensor('float32', [batch, size / batch], mask.subarray(i * size, (i + 1) * size)));
  }
  return step;
}

/** Values as they are now, read from the device. */
export async function readAll(state: DeviceState): Promise<Map<string, Tensor>> {
  const read = new Map<string, Tensor>();
  for (const [name, value] of state) read.set(name, await value.read());
  return read;
}

/** Rows of a tensor, whatever its type. */
export function rowsOf({ type, shape, bytes }: Tensor, rows: readonly number[]): Tensor {
  const size = bytes.length / shape[0]!;
  const chosen = new Uint8Array(rows.length * size);
  rows.forEach((from, to) => chosen.set(bytes.subarray(from * size, (from + 1) * size), to * size));
  return { type, shape: [rows.length, ...shape.slice(1)], bytes: chosen };
}

function scalarsOf({ rate, step, averaging }: Window, i: number): Map<string, Tensor> {
  const scalar = (from: Float32Array) => tensor('float32', [], from.slice(i, i + 1));
  return new Map([
    ['rate', scalar(rate)],
    ['step', scalar(step)],
    ['averaging', scalar(averaging)],
  ]);
}

/** `next.P` becomes `P`. */
export function nextOf(results: ReadonlyMap<string, DeviceTensor>): DeviceState {
  const next = new Map<string, DeviceTensor>();
  for (const [name, value] of results) if (name.startsWith('next.')) next.set(name.slice('next.'.length), value);
  return next;
}

/** Hands tensors to a runtime. */
export function onDevice(runtime: Runtime, tensors: ReadonlyMap<string, Tensor>): DeviceState {
  return new Map([...tensors].map(([name, value]) => [name, runtime.tensor(value)]));
}

/** Gives the memory of tensors back. */
export function disposeAll(tensors: DeviceState): void {
  for (const value of tensors.values()) value.dispose();
}
