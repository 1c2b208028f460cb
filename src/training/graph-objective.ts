// A training graph as a function to minimise: the parameters in one vector, their loss and its gradient by the graph, an
// L2 penalty on matrices added here in float64. With it L-BFGS fits any head full-batch, on any runtime.

import { elementCount, floats, tensor, type Tensor } from '../base/index.js';
import type { DeviceTensor, Feeds, Runtime, Session } from '../runtime/index.js';
import type { Evaluated } from './lbfgs.js';

/** Parameters of a graph, in the order in which a vector holds them. */
export type Parameters = readonly { readonly name: string; readonly shape: readonly number[] }[];

/**
 * The objective of a training graph: loss + penalty/2 · Σ W² over the parameters of two dimensions and more.
 *
 * @param session the training graph: the parameters `P` and what `feeds` holds → `loss`, `P_grad`
 * @param feeds everything else that the graph wants: `features`, `labels`, and masks of ones where it has dropout
 * @param penalty weight of the squares. @default 0
 * @example
 * const { x } = await lbfgs(graphObjective(runtime, session, parameters, feeds), packed(parameters, initialState));
 */
export function graphObjective(
  runtime: Runtime,
  session: Session,
  parameters: Parameters,
  feeds: Feeds,
  penalty = 0,
): (x: Float64Array) => Promise<Evaluated> {
  const fetches = ['loss', ...parameters.map(({ name }) => `${name}_grad`)];
  return async x => {
    const results = await session.run(new Map([...feeds, ...parameterFeeds(runtime, parameters, x)]), fetches);
    let value = floats(await results.get('loss')!.read())[0]!;
    const gradient = new Float64Array(x.length);
    let at = 0;
    for (const { name, shape } of parameters) {
      gradient.set(floats(await results.get(`${name}_grad`)!.read()), at);
      const end = at + elementCount(shape);
      if (shape.length > 1 && penalty > 0)
        for (let i = at; i < end; i++) {
          value += 0.5 * penalty * x[i]! * x[i]!;
          gradient[i]! += penalty * x[i]!;
        }
      at = end;
    }
    for (const result of results.values()) result.dispose();
    return { value, gradient };
  };
}

/** Parameters as one vector. */
export function packed(parameters: Parameters, tensors: ReadonlyMap<string, Tensor>): Float64Array {
  const all = new Float64Array(parameters.reduce((size, { shape }) => size + elementCount(shape), 0));
  let at = 0;
  for (const { name, shape } of parameters) {
    all.set(floats(tensors.get(name)!), at);
    at += elementCount(shape);
  }
  return all;
}

/** The vector as float32 parameters. */
export function unpacked(parameters: Parameters, x: Float64Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { name, shape } of parameters) {
    const size = elementCount(shape);
    tensors.set(name, tensor('float32', shape, Float32Array.from(x.subarray(at, at + size))));
    at += size;
  }
  return tensors;
}

/** The vector as what a graph is fed. */
export function parameterFeeds(runtime: Runtime, parameters: Parameters, x: Float64Array): Map<string, DeviceTensor> {
  return new Map([...unpacked(parameters, x)].map(([name, value]) => [name, runtime.tensor(value)]));
}
