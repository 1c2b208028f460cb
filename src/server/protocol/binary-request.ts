// Bodies with binary tensors (Triton, extension_binary_data): the JSON, whose length a header tells, then the tensors in the
// order of `inputs`. A length of 0 is a raw request: the whole body is the only input. Nothing is copied: tensors are
// views, at whatever byte they begin.

import { errors } from '../errors.js';
import type { WireTensor } from '../tensors.js';
import { datatypes } from '../tensors.js';
import { checkPacked, packOne } from './bytes-elements.js';
import type { ReadFacts, ReadInput } from './json-request.js';
import { quoted } from './quoted.js';
import { checkRows } from './shape.js';

/** The value of `Inference-Header-Content-Length`; undefined where it was not sent. @throws BAD_BINARY */
export function jsonLengthOf(header: string | undefined, body: number): number | undefined {
  if (header === undefined) return undefined;
  const length = /^[0-9]{1,15}$/.test(header) ? Number(header) : NaN;
  if (length <= body) return length;
  throw errors.BAD_BINARY({
    reason: `Inference-Header-Content-Length ${quoted(header)}: wanted a number from 0 to ${body}, the length of the body`,
  });
}

/** The tensors by name. @throws BAD_BINARY for BYTES whose lengths are wrong; BAD_DATA for BOOL that is neither 0 nor 1 */
export function tensorsOf(inputs: readonly ReadInput[], tail: Uint8Array): ReadonlyMap<string, WireTensor> {
  return new Map(
    inputs.map(({ name, datatype, shape, count, data }) => {
      if (data instanceof Uint8Array) return [name, { datatype, shape, data }];
      const view = tail.subarray(data.start, data.start + data.length);
      if (datatype === 'BYTES') checkPacked(view, count, `input ${quoted(name)}`);
      if (datatype === 'BOOL') checkBools(view, name);
      return [name, { datatype, shape, data: view }];
    }),
  );
}

function checkBools(bytes: Uint8Array, name: string): void {
  const at = bytes.findIndex(byte => byte > 1);
  if (at >= 0)
    throw errors.BAD_DATA({ reason: `input ${quoted(name)}: element ${at} is the byte ${bytes[at]}, wanted 0 or 1` });
}

/**
 * The only input of a raw request. One dimension may be free, and is what the bytes make it; where a second is free, the
 * first is rows, and 1.
 *
 * @throws BAD_BINARY where the model does not qualify, or the bytes do not; BAD_DATA; BAD_SHAPE over the model's batch
 */
export function rawTensor(body: Uint8Array, { inputs, maxBatch }: ReadFacts): ReadonlyMap<string, WireTensor> {
  const [only, second] = inputs;
  if (!only || second)
    throw errors.BAD_BINARY({ reason: `a raw request needs a model with one input, it has ${inputs.length}` });
  const { name, datatype } = only;
  const what = `input ${quoted(name)}`;
  const wanted = `[${only.shape.join(',')}]`;
  if (datatype === 'BYTES') {
    if (only.shape.some(dim => dim !== 1 && dim !== -1))
      throw errors.BAD_BINARY({
        reason: `${what}: a raw request is one element of BYTES, the model wants shape ${wanted}`,
      });
    return new Map([[name, { datatype, shape: only.shape.map(() => 1), data: packOne(body) }]]);
  }
  const free = only.shape.flatMap((dim, axis) => (dim < 0 ? [axis] : []));
  const rows = free.length > 1 && free[0] === 0 ? free.shift() : undefined;
  if (free.length > 1)
    throw errors.BAD_BINARY({
      reason: `${what}: a raw request needs a shape with one free dimension, it is ${wanted}`,
    });
  const shape = only.shape.map((dim, axis) => (axis === rows || dim < 0 ? 1 : dim));
  const unit = shape.reduce((product, dim) => product * dim, datatypes[datatype].bytes);
  const [axis] = free;
  const fits = axis === undefined ? body.length === unit : unit > 0 ? body.length % unit === 0 : body.length === 0;
  if (!fits)
    throw errors.BAD_BINARY({
      reason: `${what}: shape ${wanted} needs ${axis === undefined ? '' : 'a multiple of '}${unit} bytes, the body has ${body.length}`,
    });
  if (axis !== undefined) shape[axis] = unit > 0 ? body.length / unit : 0;
  checkRows([{ name, shape }], maxBatch);
  if (datatype === 'BOOL') checkBools(body, name);
  return new Map([[name, { datatype, shape, data: body }]]);
}
