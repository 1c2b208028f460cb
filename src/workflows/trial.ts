// A network as it was and as a conversion made it, run on the same input. Half precision is compared as float32.

import { floats, GraftError, Random, tensor, type Tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { feedsOf } from '../graph/index.js';
import type { Runtime } from '../runtime/index.js';
import { differenceOf, randomFeeds, runOnce, type FeedSizes } from './compare.js';
import type { NetworkFile } from './network.js';
import { realFeeds } from './real-feeds.js';

/** Runs of one network and of what became of it. */
export class Trial {
  readonly #before: Uint8Array;
  constructor(
    readonly runtime: Runtime,
    readonly file: NetworkFile,
    readonly sizes: FeedSizes,
  ) {
    this.#before = encodeModel(file.model);
  }

  /** The largest difference of the outputs on one kind of input, over the largest output. */
  async difference(after: Uint8Array, kind: 'random' | 'real'): Promise<number> {
    const feeds =
      kind === 'random'
        ? randomFeeds(this.file.model, new Random('convert'), this.sizes)
        : await realFeeds(this.file, this.sizes);
    return apart(await this.#runBefore(feeds), await this.#run(after, feeds));
  }

  /** On how many rows of real input both name the same class first. */
  async agreement(after: Uint8Array): Promise<{ readonly same: number; readonly of: number }> {
    const feeds = await realFeeds(this.file, this.sizes);
    const [one, other] = [await this.#runBefore(feeds), await this.#run(after, feeds)];
    const rows = [...one].flatMap(([name, output]) => {
      const found = largestOf(other.get(name)!);
      return largestOf(output).map((place, i) => place === found[i]);
    });
    return { same: rows.filter(Boolean).length, of: rows.length };
  }

  /**
   * Whether a network whose batch of one was opened gives for three pictures at once what it gave for each. The
   * answer is the reason why not; undefined where it does.
   */
  async severalAtOnce(after: Uint8Array, tolerance: number): Promise<string | undefined> {
    const inputs = feedsOf(this.file.model.graph);
    const batched = new Set(inputs.filter(({ shape }) => shape?.[0] === 1).map(({ name }) => name));
    const shared = randomFeeds(this.file.model, new Random('shared'), this.sizes);
    const alone = [1, 2, 3].map(n => {
      const own = randomFeeds(this.file.model, new Random(`picture ${n}`), this.sizes);
      return new Map([...own].map(([name, feed]) => [name, batched.has(name) ? feed : shared.get(name)!]));
    });
    const together = new Map<string, Tensor>();
    for (const { name } of inputs)
      together.set(name, batched.has(name) ? stack(alone.map(one => one.get(name)!)) : shared.get(name)!);
    const singles: Map<string, Tensor>[] = [];
    for (const feeds of alone) singles.push(await this.#runBefore(feeds));
    try {
      const found = await this.#run(after, together);
      const wanted = new Map([...found.keys()].map(name => [name, stack(singles.map(one => one.get(name)!))]));
      const difference = apart(wanted, found);
      if (difference <= tolerance) return undefined;
      return 'three pictures at once do not give what each gives alone';
    } catch (error) {
      if (error instanceof GraftError && error.code.startsWith('RUNTIME_'))
        return 'onnxruntime cannot run it on three pictures at once';
      throw error;
    }
  }

  async #runBefore(feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    return widened(await runOnce(this.runtime, this.#before, feeds));
  }

  async #run(after: Uint8Array, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    return runOnce(this.runtime, after, widened(feeds));
  }
}

const apart = (before: ReadonlyMap<string, Tensor>, after: ReadonlyMap<string, Tensor>): number =>
  differenceOf(before, after).relative;

/** Where each row [batch, …] of a float output is largest; nothing of other outputs. */
function largestOf(output: Tensor): number[] {
  const [rows = 0, ...rest] = output.shape;
  const size = rest.reduce((a, b) => a * b, 1);
  if (output.type !== 'float32' || size < 2) return [];
  const held = floats(output);
  return Array.from({ length: rows }, (_, row) => {
    const own = held.subarray(row * size, (row + 1) * size);
    return own.reduce((best, value, i) => (value > own[best]! ? i : best), 0);
  });
}

/** Half precision as float32, as the door makes it. */
const widened = (all: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map(
    [...all].map(([name, one]) => {
      const isHalf = one.type === 'float16' || one.type === 'bfloat16';
      return [name, isHalf ? tensor('float32', one.shape, floats(one)) : one];
    }),
  );

/** [1, …] tensors as one [n, …]; what differs in size gives a tensor that equals nothing. */
function stack(list: readonly Tensor[]): Tensor {
  const first = list[0]!;
  const bytes = new Uint8Array(list.reduce((sum, one) => sum + one.bytes.length, 0));
  let at = 0;
  for (const one of list) {
    bytes.set(one.bytes, at);
    at += one.bytes.length;
  }
  const [batch = 1, ...rest] = first.shape;
  return { type: first.type, shape: [batch * list.length, ...rest], bytes };
}
