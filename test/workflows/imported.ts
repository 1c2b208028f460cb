// A folder of training artifacts trained both ways: by onnxruntime's own training session, and, imported, on a plain
// onnxruntime with nothing but the files that the import wrote.

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, floats, tensor, type Tensor } from '../../src/base/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import type { DeviceTensor, Session } from '../../src/runtime/index.js';
import { ortTraining, type OrtTraining, type Trained } from '../../tools/ort-training/runtime.js';

export type Batch = ReadonlyMap<string, Tensor>;
export const freshFolder = (): string => mkdtempSync(join(tmpdir(), 'graft-import-'));

let opened: Promise<OrtTraining> | undefined;
/** onnxruntime's own training; one session at a time. */
export const realTraining = (): Promise<OrtTraining> =>
  (opened ??= ortTraining(fileURLToPath(new URL('..', import.meta.resolve('ort-training')))));

/** Runs a session once and copies what it gives. */
export async function ran(session: Session, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const runtime = nodeRuntime();
  const given = new Map<string, DeviceTensor>();
  for (const name of session.inputs) given.set(name, runtime.tensor(feeds.get(name)!));
  const read = new Map<string, Tensor>();
  for (const [name, value] of await session.run(given)) {
    const { type, shape, bytes } = await value.read();
    read.set(name, { type, shape, bytes: bytes.slice() });
  }
  return read;
}

/** Steps by the files of a plain folder alone. */
export async function trainedPlain(
  folder: string,
  batches: readonly Batch[],
  rate = 0.001,
): Promise<Trained & { readonly state: ReadonlyMap<string, Tensor> }> {
  const runtime = nodeRuntime();
  const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const training = await runtime.open(bytes('training_model.onnx'));
  const optimizer = await runtime.open(bytes('optimizer_model.onnx'));
  try {
    const { tensors } = decodeSafetensors(bytes('checkpoint.safetensors'));
    const state = new Map(tensors);
    const done = Number(floats(tensors.get('step')!)[0]);
    const said = JSON.parse(readFileSync(join(folder, 'artifacts.json'), 'utf8')) as {
      parameters: readonly { name: string }[];
    };
    const losses: number[] = [];
    for (const [i, batch] of batches.entries()) {
      const results = await ran(training, new Map([...state, ...batch]));
      losses.push(floats(results.get('loss')!)[0]!);
      const scalars = [['rate', tensor('float32', [], [rate])], ['step', tensor('float32', [], [done + i + 1])]] as const; // prettier-ignore
      const updated = await ran(optimizer, new Map([...state, ...results, ...scalars]));
      // weights and moments, and the statistics that the training model moved
      for (const [name, next] of [...results, ...updated])
        if (name.startsWith('next.')) state.set(name.slice('next.'.length), next);
    }
    const flat = said.parameters.flatMap(({ name }) => Array.from(floats(state.get(name)!)));
    return { losses, parameters: Float32Array.from(flat), state };
  } finally {
    await training.close();
    await optimizer.close();
  }
}

/** The largest difference of two lists of one length. */
export function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    if (!(apart <= most)) most = apart; // a NaN stays
  }
  return most;
}
