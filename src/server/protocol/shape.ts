// Shapes of requests: whole numbers from 0, whose product and bytes are worked out with BigInt, since 16 · (2^60 + 2)
// elements of 4 bytes are 128 bytes to a 64-bit product; and whether a shape is what the model takes.

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import { datatypes, type Signature } from '../tensors.js';
import { quoted } from './quoted.js';

const mostElements = 2n ** 63n - 1n;

/** A shape and its product. */
export interface CheckedShape {
  readonly shape: readonly number[];
  readonly count: number;
}

/**
 * The shape of an input, as sent. Elements of BYTES count with the 4 bytes of their lengths.
 *
 * @throws BAD_SHAPE; TOO_LARGE over `limits.tensors`
 */
export function checkShape(
  value: unknown,
  signature: Signature,
  limits: Pick<Limits, 'rank' | 'tensors'>,
): CheckedShape {
  const what = `input ${quoted(signature.name)}`;
  const shape = dimensionsOf(value, what, limits.rank);
  const count = shape.reduce((product, dim) => product * BigInt(dim), 1n);
  if (count > mostElements)
    throw errors.BAD_SHAPE({ reason: `${what}: shape ${quoted(shape)} has more than 2^63 - 1 elements` });
  if (!fits(shape, signature.shape))
    throw errors.BAD_SHAPE({ reason: `${what}: wanted shape [${signature.shape.join(',')}], got ${quoted(shape)}` });
  const bytes = count * BigInt(datatypes[signature.datatype].bytes || 4);
  if (bytes > BigInt(limits.tensors))
    throw errors.TOO_LARGE({ reason: `${what}: ${bytes} bytes, the limit of a request is ${limits.tensors}` });
  return { shape, count: Number(count) };
}

function dimensionsOf(value: unknown, what: string, mostRank: number): readonly number[] {
  if (!Array.isArray(value)) throw errors.BAD_SHAPE({ reason: `${what}: wanted a shape, got ${quoted(value)}` });
  if (value.length > mostRank)
    throw errors.BAD_SHAPE({ reason: `${what}: a shape of rank ${value.length}, the limit is ${mostRank}` });
  return value.map((dim: unknown) => {
    if (typeof dim === 'number' && Number.isSafeInteger(dim) && dim >= 0) return dim + 0; // -0 is 0
    throw errors.BAD_SHAPE({ reason: `${what}: wanted dimensions from 0 to 2^53 - 1, got ${quoted(value)}` });
  });
}

const fits = (shape: readonly number[], wanted: readonly number[]): boolean =>
  shape.length === wanted.length && wanted.every((dim, axis) => dim < 0 || dim === shape[axis]);

/**
 * Where a model joins requests, the first dimension of every input is its rows.
 *
 * @throws BAD_SHAPE where inputs disagree, or rows are more than one run takes
 */
export function checkRows(
  inputs: readonly { readonly name: string; readonly shape: readonly number[] }[],
  most: number,
): void {
  const [first] = inputs;
  if (most === 0 || first === undefined) return;
  const rows = first.shape[0]!;
  for (const { name, shape } of inputs)
    if (shape[0] !== rows)
      throw errors.BAD_SHAPE({
        reason: `input ${quoted(name)}: ${shape[0]} rows, input ${quoted(first.name)} has ${rows}`,
      });
  if (rows > most)
    throw errors.BAD_SHAPE({ reason: `input ${quoted(first.name)}: ${rows} rows, the limit of a request is ${most}` });
}
