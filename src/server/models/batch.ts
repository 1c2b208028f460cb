// Rows of several requests as one run, and its outputs as those of each. Tensors are row by row: rows lie one after the
// other, also those of BYTES, whose elements have their lengths before them. Neither joining nor splitting copies.

import { datatypes, type SentTensor, type WireTensor } from '../tensors.js';

type Tensors = ReadonlyMap<string, WireTensor>;

/** Rows of a request; nothing where its inputs do not have the same number of them. */
export function rowsOf(inputs: Tensors): number | undefined {
  let rows: number | undefined;
  for (const { shape } of inputs.values()) {
    if (shape.length === 0 || (rows !== undefined && shape[0] !== rows)) return undefined;
    rows = shape[0];
  }
  return rows;
}

/** Bytes of all inputs. */
export function bytesOf(inputs: Tensors): number {
  let bytes = 0;
  for (const { data } of inputs.values()) bytes += data.length;
  return bytes;
}

/**
 * What two requests have in common that may be one run: the outputs that are asked for, types, and all dimensions but rows.
 *
 * @param names of the inputs, as the network has them
 */
export function joinKey(inputs: Tensors, names: readonly string[], outputs: readonly string[] | undefined): string {
  const parts: unknown[] = [outputs ?? 0];
  for (const name of names) {
    const tensor = inputs.get(name);
    parts.push(tensor ? [tensor.datatype, ...tensor.shape.slice(1)] : 0);
  }
  return JSON.stringify(parts);
}

/** One request of all their rows, in their order: [rows, …] each, alike but for the rows. */
export function joinRows(requests: readonly Tensors[]): Map<string, SentTensor> {
  const [first] = requests as [Tensors];
  const joined = new Map<string, SentTensor>();
  for (const [name, { datatype, shape }] of first) {
    const all = requests.map(inputs => inputs.get(name)!);
    const rows = all.reduce((sum, tensor) => sum + tensor.shape[0]!, 0);
    joined.set(name, { datatype, shape: [rows, ...shape.slice(1)], data: all.map(({ data }) => data) });
  }
  return joined;
}

/**
 * The outputs of each request: views of those of the run.
 *
 * @param rows of each request, in the order in which they were joined
 * @returns nothing where an output does not have a row for each row that went in
 */
export function splitRows(outputs: Tensors, rows: readonly number[]): Map<string, WireTensor>[] | undefined {
  const parts = rows.map(() => new Map<string, WireTensor>());
  const total = rows.reduce((a, b) => a + b, 0);
  for (const [name, tensor] of outputs) {
    if (tensor.shape[0] !== total) return undefined;
    const ends = datatypes[tensor.datatype].bytes > 0 ? evenEnds(tensor, rows, total) : endsOfElements(tensor, rows);
    if (ends?.at(-1) !== tensor.data.length) return undefined;
    const rest = tensor.shape.slice(1);
    parts.forEach((part, i) => {
      const data = tensor.data.subarray(ends[i - 1] ?? 0, ends[i]);
      part.set(name, { datatype: tensor.datatype, shape: [rows[i]!, ...rest], data });
    });
  }
  return parts;
}

/** Where each request's rows end, in bytes, when all rows are of the same size. */
function evenEnds({ data }: WireTensor, rows: readonly number[], total: number): number[] {
  const size = total === 0 ? 0 : data.length / total;
  let end = 0;
  return rows.map(count => (end += count * size));
}

/** Where each request's rows end when elements have lengths of their own; nothing where they pass the end. */
function endsOfElements({ shape, data }: WireTensor, rows: readonly number[]): number[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const ends: number[] = [];
  let at = 0;
  for (const count of rows) {
    for (let left = count * width; left > 0; left--) {
      if (at + 4 > data.length) return undefined;
      at += 4 + view.getUint32(at, true);
    }
    ends.push(at);
  }
  return ends;
}
