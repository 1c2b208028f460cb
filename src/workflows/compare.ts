// Two ways of computing the same: how far apart are their outputs?

import { elements, floats, Random, tensor, type ArrayType, type Tensor } from '../base/index.js';
import { feedsOf, type Model, type ValueInfo } from '../graph/index.js';
import type { OpenOptions, Runtime } from '../runtime/index.js';

/** Opens a model, runs it once, closes it. */
export async function runOnce(
  runtime: Runtime,
  model: Uint8Array,
  feeds: ReadonlyMap<string, Tensor>,
  options: OpenOptions = {},
): Promise<Map<string, Tensor>> {
  const session = await runtime.open(model, options);
  try {
    const given = new Map(session.inputs.map(name => [name, runtime.tensor(feeds.get(name)!)]));
    const results = await session.run(given);
    const read = new Map<string, Tensor>();
    for (const [name, value] of results) read.set(name, await value.read());
    return read;
  } finally {
    await session.close();
  }
}

/** How far two sets of outputs lie apart. */
export interface Difference {
  /** Largest |a − b| over the largest |a|, of floating point outputs; 1 where other outputs differ at all. */
  readonly relative: number;
  /** Whether every byte is equal. */
  readonly exact: boolean;
  /** The output that differs most. */
  readonly output: string;
}

/** Compares outputs by name. */
export function differenceOf(a: ReadonlyMap<string, Tensor>, b: ReadonlyMap<string, Tensor>): Difference {
  let worst: Difference = { relative: 0, exact: true, output: [...a.keys()][0] ?? '' };
  for (const [name, one] of a) {
    const other = b.get(name);
    const exact = other !== undefined && equalBytes(one.bytes, other.bytes);
    if (exact) continue;
    const relative = other ? relativeDifference(one, other) : 1;
    if (worst.exact || relative > worst.relative)
      worst = { relative: Math.max(relative, worst.relative), exact: false, output: name };
  }
  return worst;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function relativeDifference(a: Tensor, b: Tensor): number {
  if (!/^(b?float|double)/.test(a.type) || a.type !== b.type || a.shape.join() !== b.shape.join()) return 1;
  const [x, y] = a.type === 'float64' ? [elements(a), elements(b)] : [floats(a), floats(b)];
  let largest = 0;
  let apart = 0;
  for (let i = 0; i < x.length; i++) {
    const [p, q] = [Number(x[i]), Number(y[i])];
    if (Number.isNaN(p) && Number.isNaN(q)) continue;
    if (p === q) continue;
    largest = Math.max(largest, Math.abs(p));
    apart = Math.max(apart, Number.isFinite(p - q) ? Math.abs(p - q) : Infinity);
  }
  for (const value of x) largest = Math.max(largest, Number.isFinite(Number(value)) ? Math.abs(Number(value)) : 0);
  return apart === 0 ? 0 : apart / Math.max(largest, Number.MIN_VALUE);
}

/** How open dimensions are filled for a trial run. */
export interface FeedSizes {
  readonly batch: number;
  /** For other named dimensions, such as height and width. */
  readonly other: number;
}

/** Random input of the shapes that a model declares: standard normal floats, bytes, small integers. */
export function randomFeeds(model: Model, random: Random, { batch, other }: FeedSizes): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const input of feedsOf(model.graph)) {
    const shape = (input.shape ?? []).map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? batch : other));
    feeds.set(input.name, randomTensor(input, shape, random.at(input.name)));
  }
  return feeds;
}

function randomTensor({ type = 'float32' }: ValueInfo, shape: readonly number[], random: Random): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const of = (one: () => number) => tensor(type as ArrayType, shape, Array.from({ length: count }, one));
  if (type === 'float32' || type === 'float16' || type === 'float64') return of(() => random.normal());
  if (type === 'bool') return of(() => random.integer(2));
  if (type === 'uint8') return of(() => random.integer(256));
  if (type === 'int8') return of(() => random.integer(256) - 128);
  return of(() => random.integer(4));
}
