// The law of passes that prepare a network for training: outputs and all gradients, computed by onnxruntime, are those of
// the network as it was. Gradients are of Σ outputs·r with fixed random r, by every input of the graph.

import type { ExecutionContext } from 'ava';
import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { differentiate } from '../../src/autodiff/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, embed, modelOf, verify, type Model, type Value } from '../../src/graph/index.js';
import { Add, Mul, ReduceSum } from '../../src/operators/index.js';
import type { Pass } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

/** A network of a batch of known size: what is fed by name, then weights by name, in; outputs out. */
export interface TrainedNetwork {
  readonly model: Model;
  readonly parameters: ReadonlySet<string>;
}

/** Attributes of a Conv, as far as they are given. */
export interface ConvAttributes {
  readonly group?: number;
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly auto_pad?: string;
}

/** Declares a trained weight. */
export type Weight = (name: string, shape: readonly number[]) => Value;

/** Builds a network on x. */
export function trained(
  shape: readonly number[],
  build: (x: Value, weight: Weight) => Value | readonly Value[],
): TrainedNetwork {
  const builder = new Builder('network');
  const parameters = new Set<string>();
  const x = builder.input('x', 'float32', shape);
  const made = build(x, (name, of) => {
    parameters.add(name);
    return builder.input(name, 'float32', of);
  });
  [made].flat().forEach((value, i) => builder.output(value, `out${i}`));
  return { model: modelOf(builder.finish()), parameters };
}

/** Random numbers as a constant; positive where asked, as variances are. */
export function constant(builder: Builder, shape: readonly number[], positive = false): Value {
  const random = new Random(`constant ${shape.join()}`);
  const count = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: count }, () => (positive ? 0.5 + random.uniform() : random.normal()));
  return builder.constant(tensor('float32', shape, values));
}

/** A network with the gradients by all of its inputs as further outputs. */
export function withGradients({ graph }: Model): Model {
  const builder = new Builder('step');
  const inputs = graph.inputs.map(({ name, shape }) => builder.input(name, 'float32', shape!));
  const made = embed(builder, graph, new Map(inputs.map(input => [input.name, input])));
  const terms = [...made.values()].map(value => ReduceSum(Mul(value, constant(builder, value.shape as number[])), undefined, { keepdims: 0 })); // prettier-ignore
  const loss = terms.reduce((sum, term) => Add(sum, term));
  const gradients = differentiate(builder, new Map([[loss, builder.constant(1)]]), inputs);
  for (const [name, value] of made) builder.output(value, name);
  for (const input of inputs) builder.output(gradients.get(input)!, `gradient ${input.name}`);
  return modelOf(builder.finish());
}

/** What onnxruntime makes of random inputs. */
export async function computed(model: Model): Promise<Map<string, Tensor>> {
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(model));
  try {
    const feeds = new Map(
      model.graph.inputs.map(({ name, shape }) => {
        const random = new Random(name);
        const sizes = shape as number[];
        const data = Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => random.normal());
        return [name, runtime.tensor(tensor('float32', sizes, data))] as const;
      }),
    );
    const results = new Map<string, Tensor>();
    for (const [name, value] of await session.run(feeds)) results.set(name, await value.read());
    return results;
  } finally {
    await session.close();
  }
}

/** Largest difference, as a share of the largest value. */
export function apart(a: Tensor, b: Tensor): number {
  const [x, y] = [floats(a), floats(b)];
  let [difference, most] = [0, 1e-6];
  for (const [i, value] of y.entries()) {
    difference = Math.max(difference, Math.abs(value - x[i]!));
    most = Math.max(most, Math.abs(value));
  }
  return difference / most;
}

/** Outputs within 1e-5, gradients within 1e-4; returns the network as the pass left it. */
export async function trainsTheSame(t: ExecutionContext, { model }: TrainedNetwork, pass: Pass): Promise<Model> {
  const after = pass(model);
  verify(after);
  t.deepEqual(
    after.graph.inputs.map(({ name, shape }) => [name, shape]),
    model.graph.inputs.map(({ name, shape }) => [name, shape]),
    'inputs',
  );
  await computesTheSame(t, withGradients(model), withGradients(after));
  return after;
}

/** The same outputs by name. */
export async function computesTheSame(t: ExecutionContext, before: Model, after: Model): Promise<void> {
  const [wanted, found] = [await computed(before), await computed(after)];
  t.deepEqual([...found.keys()], [...wanted.keys()]);
  for (const [name, value] of wanted) {
    t.deepEqual(found.get(name)!.shape, value.shape, name);
    const difference = apart(found.get(name)!, value);
    t.true(difference <= (name.startsWith('gradient') ? 1e-4 : 1e-5), `${name} differs by ${difference}`);
  }
}

/** How many nodes of a kind there are. */
export const count = ({ graph }: Model, op: string): number => graph.nodes.filter(node => node.op === op).length;

/** Kinds of the nodes in order; what only gives an output its name is left out. */
export const kinds = ({ graph }: Model): string[] => graph.nodes.flatMap(({ op }) => (op === 'Identity' ? [] : [op]));
