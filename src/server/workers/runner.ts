// A session behind tensors as they travel: aligned where they must be, texts taken apart and put together.

import { isUtf8 } from 'node:buffer';
import type { Runtime, Tensor } from '../../serving.js';
import { errors } from '../errors.js';
import { datatypeOf, datatypes, type Signature, type WireTensor } from '../tensors.js';

/** What a run gave. */
export interface Ran {
  readonly outputs: ReadonlyMap<string, WireTensor>;
  /** Nanoseconds: to take the inputs, to run, to bring the outputs. */
  readonly numbers: readonly number[];
}

/** A network that runs. */
export interface Runner {
  readonly outputs: readonly Signature[];
  run(inputs: ReadonlyMap<string, WireTensor>, wanted?: readonly string[]): Promise<Ran>;
  /** The outputs of no rows, where their shapes follow: onnxruntime 1.30 ends the process in TopK of no rows. */
  empty(inputs: ReadonlyMap<string, WireTensor>, wanted?: readonly string[]): Ran;
}

/** Opens a model. */
export async function openRunner(
  runtime: Runtime,
  model: Uint8Array,
  signatures: readonly Signature[],
): Promise<Runner> {
  const session = await runtime.open(model);
  const outputs = signatures.filter(({ name }) => session.outputs.includes(name));
  const namesOf = (wanted?: readonly string[]) =>
    wanted?.filter(name => session.outputs.includes(name)) ?? outputs.map(({ name }) => name);
  return {
    outputs,
    async run(inputs, wanted) {
      const began = performance.now();
      const feeds = new Map([...inputs].map(([name, held]) => [name, runtime.tensor(tensorOf(name, held))]));
      const fed = performance.now();
      const results = await session.run(feeds, namesOf(wanted));
      const ran = performance.now();
      const told = new Map<string, WireTensor>();
      for (const name of namesOf(wanted)) told.set(name, wireOf(await results.get(name)!.read()));
      for (const held of [...feeds.values(), ...results.values()]) held.dispose();
      const read = performance.now();
      return { outputs: told, numbers: [fed - began, ran - fed, read - ran].map(ms => Math.round(ms * 1e6)) };
    },
    empty: (_, wanted) => {
      const data = new Uint8Array(0);
      const names = new Set(namesOf(wanted));
      const told = outputs.filter(({ name }) => names.has(name));
      return {
        outputs: new Map(told.map(({ name, datatype, shape }) => [name, { datatype, shape: [0, ...shape.slice(1)], data }])),
        numbers: [0, 0, 0],
      };
    },
  }; // prettier-ignore
}

/** Whether inputs have no rows and the outputs' other dimensions are known. */
export const isEmpty = (inputs: ReadonlyMap<string, WireTensor>, { outputs }: Pick<Runner, 'outputs'>): boolean =>
  inputs.size > 0 &&
  [...inputs.values()].every(({ shape }) => shape[0] === 0) &&
  outputs.every(({ shape }) => shape[0] === -1 && shape.slice(1).every(dim => dim >= 0));

/**
 * As onnxruntime takes it: texts are made of their bytes; numbers are aligned already, for frames align what they carry.
 *
 * @throws BAD_DATA for texts that onnxruntime cannot be given
 */
function tensorOf(name: string, { datatype, shape, data }: WireTensor): Tensor {
  const { type } = datatypes[datatype];
  if (datatype === 'BYTES') return { type: 'string', shape, bytes: new Uint8Array(0), strings: textsIn(name, data) };
  return { type, shape, bytes: data };
}

/** As it travels. */
function wireOf({ type, shape, bytes, strings }: Tensor): WireTensor {
  const datatype = datatypeOf(type)!;
  return { datatype, shape, data: strings ? joined(strings) : bytes };
}

function textsIn(name: string, data: Uint8Array): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const texts: Uint8Array[] = [];
  for (let at = 0; at + 4 <= data.length;) {
    const length = view.getUint32(at, true);
    const text = data.subarray(at + 4, at + 4 + length);
    // its binding ends a text at the first zero, and makes other characters of what is no UTF-8
    if (text.includes(0) || !isUtf8(text))
      throw errors.BAD_DATA({ reason: `input ${name}: element ${texts.length} must be UTF-8 text without zero bytes` });
    texts.push(text);
    at += 4 + length;
  }
  return texts;
}

function joined(texts: readonly Uint8Array[]): Uint8Array {
  const data = new Uint8Array(texts.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const text of texts) {
    view.setUint32(at, text.length, true);
    data.set(text, at + 4);
    at += 4 + text.length;
  }
  return data;
}
