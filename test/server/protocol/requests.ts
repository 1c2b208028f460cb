// Models and bodies for tests of the protocol: signatures by text, requests in few words.

import { GraftError } from '../../../src/index.js';
import { defaultLimits, type Limits } from '../../../src/server/limits.js';
import { readInferRequest, type InferRequest } from '../../../src/server/protocol/index.js';
import type { ReadFacts } from '../../../src/server/protocol/json-request.js';
import type { Datatype, Signature, WireTensor } from '../../../src/server/tensors.js';

export const signature = (name: string, datatype: Datatype, ...shape: number[]): Signature => ({
  name,
  datatype,
  shape,
});

export type TestFacts = ReadFacts & { readonly name: string; readonly version: string; readonly labels?: string[] };

const facts = (inputs: Signature[], outputs: Signature[], maxBatch = 0): TestFacts => ({ name: 'model', version: '1', inputs, outputs, maxBatch }); // prettier-ignore

/** x FP32 [1, 4] → y */
export const add = facts([signature('x', 'FP32', 1, 4)], [signature('y', 'FP32', 1, 4)]);
/** Two INT32 [1, 16] → two. */
export const sum2 = facts(
  [signature('INPUT0', 'INT32', 1, 16), signature('INPUT1', 'INT32', 1, 16)],
  [signature('OUTPUT0', 'INT32', 1, 16), signature('OUTPUT1', 'INT32', 1, 16)],
);
/** INPUT0 → OUTPUT0 of a type, free dimensions unless others are given. */
export const identity = (datatype: Datatype, shape: number[] = [-1, -1], maxBatch = 0): TestFacts =>
  facts([signature('INPUT0', datatype, ...shape)], [signature('OUTPUT0', datatype, ...shape)], maxBatch);

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const jsonOf = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));

/** One input of a request for {@link identity}. */
export const input = (datatype: string, shape: unknown, data?: unknown, size?: number): Record<string, unknown> => ({
  name: 'INPUT0',
  datatype,
  shape,
  ...(data === undefined ? {} : { data }),
  ...(size === undefined ? {} : { parameters: { binary_data_size: size } }),
});

/** Reads a request without a header. */
export const readJson = (value: unknown, of: TestFacts, limits: Limits = defaultLimits): Promise<InferRequest> =>
  readInferRequest(jsonOf(value), undefined, of, limits);

/** A body of JSON and bytes, with the header that goes with it. */
export function binaryBody(value: unknown, ...tail: Uint8Array[]): { body: Uint8Array; header: string } {
  const head = jsonOf(value);
  return { body: new Uint8Array(Buffer.concat([head, ...tail])), header: String(head.length) };
}

export const readBinary = (value: unknown, of: TestFacts, ...tail: Uint8Array[]): Promise<InferRequest> => {
  const { body, header } = binaryBody(value, ...tail);
  return readInferRequest(body, header, of, defaultLimits);
};

/** `CODE: message` of the refusal; fails where there is none, or one without a code. */
export async function refusal(read: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof read === 'function' ? read() : read);
  } catch (error) {
    if (error instanceof GraftError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The elements of FP32, INT32 or FP16 bits, wherever they begin. */
export const floatsOf = ({ data }: WireTensor): number[] => [...new Float32Array(new Uint8Array(data).buffer)];
export const floatBytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
