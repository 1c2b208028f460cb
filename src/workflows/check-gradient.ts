// The laws of operators, for those of the house and for yours. Along any direction v a gradient is the central
// difference of the scalar Σ C · Y,  Σᵢ dXᵢ · vᵢ = (Σ C · Y(X + h · v) − Σ C · Y(X − h · v)) / 2h,  where the runtime
// computes in float32 and the sums are taken in float64. Shapes are as foretold, lowerings give the same numbers.

import { differentiate } from '../autodiff/index.js';
import { elementCount, floats, Random, tensor } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { Builder, modelOf, type Graph, type Model, type Value } from '../graph/index.js';
import { coreOperators, type AnyOperator, type OperatorSet } from '../operators/index.js';
import type { DeviceTensor, Runtime } from '../runtime/index.js';
import { errors } from './check-errors.js';

/**
 * Where the numbers of an input lie: `signed` ±[0.3, 1.5], `inner` ±[0.2, 0.7], `positive` [0.5, 1.5],
 * `above` [1.3, 2.5], `apart` on a grid, so that none changes places with another.
 */
export type Region = 'signed' | 'inner' | 'positive' | 'above' | 'apart';

/** A call to differentiate by each of its inputs, which are float32. */
export interface Sample {
  readonly shapes: readonly (readonly number[])[];
  /** One for all inputs, or one for each; away from kinks. @default 'signed' */
  readonly region?: Region | readonly Region[];
  /** Calls operators on the inputs and gives what is to be differentiated. */
  make(...inputs: Value[]): Value | readonly Value[];
}

export interface CheckOptions {
  /** Operators whose rules count. @default coreOperators, with the one that is checked */
  readonly operators?: OperatorSet;
  /** Random points, each with its own direction. @default 3 */
  readonly points?: number;
  /** What the random points follow from. @default 'check' */
  readonly seed?: string;
  /** The step h. @default 1/128 */
  readonly step?: number;
  /** Allowed difference, relative to the sum of the sizes of everything that was summed. @default 1e-3 */
  readonly tolerance?: number;
  /** What errors call the sample. @default 'sample' */
  readonly name?: string;
}

/** What one point gave. */
export interface GradientCheck {
  /** Σ dX · v as the rules compute it. */
  readonly rule: number;
  /** The central difference. */
  readonly difference: number;
  /** The sum of the sizes of all terms of both. */
  readonly size: number;
}

const defaults = { points: 3, seed: 'check', step: 1 / 128, tolerance: 1e-3, name: 'sample' };

/** Lowered outputs may differ by this, relative to the largest. */
const loweredTolerance = 1e-5;

/**
 * Checks the gradients of a call against central differences at several random points, and the shapes of everything
 * that it gives.
 *
 * @returns what each point gave
 * @throws CHECK_GRADIENT or CHECK_SHAPE where a law is broken; AUTODIFF_NO_GRADIENT where there is no rule
 * @example
 * const cube = operator('Cube', {
 *   inputs: ['X'],
 *   outputs: ['Y'],
 *   attributes: {},
 *   shape: ({ X }) => ({ Y: X.shape }),
 *   lower: ({ X }) => onnx.Mul(X, onnx.Mul(X, X)),
 * }, 'my.domain');
 * const operators = coreOperators.with(cube);
 * const checks = await checkGradient({ shapes: [[2, 3]], make: X => cube(X) }, nodeRuntime(), { operators });
 * checks.length; // 3
 */
export async function checkGradient(
  sample: Sample,
  runtime: Runtime,
  options: CheckOptions = {},
): Promise<readonly GradientCheck[]> {
  const { operators = coreOperators, points, seed, step, tolerance, name } = { ...defaults, ...options };
  const { graph, outputs, seeds, gradients } = differentiated(sample, operators);
  const session = await runtime.open(encodeModel(modelWith(graph)), { optimization: 'disabled' });
  try {
    const found: GradientCheck[] = [];
    for (let i = 0; i < points; i++) {
      const point = drawPoint(sample, outputs, new Random(seed).at('point', i));
      const run = async (by: number, fetches: readonly Value[]) => {
        const feeds = feedsAt(runtime, sample, point, by);
        seeds.forEach(({ name, shape }, k) =>
          feeds.set(name, runtime.tensor(tensor('float32', shape as number[], point.weights[k]!))),
        );
        const results = await session.run(feeds, fetches.map(value => value.name)); // prettier-ignore
        return Promise.all(
          fetches.map(async value => {
            const read = await results.get(value.name)!.read();
            if (value.shape.join() !== read.shape.join())
              throw errors.SHAPE({ sample: name, value: value.name, foretold: value.shape, computed: read.shape });
            return floats(read);
          }),
        );
      };
      const [up, down] = [await run(step, outputs), await run(-step, outputs)];
      const products = (await run(0, gradients)).map(dx => [...dx]);
      found.push(compared(up, down, products, point, step));
    }
    for (const { rule, difference, size } of found)
      if (!(Math.abs(rule - difference) <= tolerance * size))
        throw errors.GRADIENT({ sample: name, rule, difference, tolerance: tolerance * size });
    return found;
  } finally {
    await session.close();
  }
}

/**
 * Checks everything that an operator promises, over samples that call it: the shapes of its outputs, its gradients at
 * several random points, and that its lowering, if it has one, gives the numbers that the runtime's own kernel gives
 * (where the operator is one of ONNX's or onnxruntime's, so that there is a kernel).
 *
 * @throws CHECK_GRADIENT, CHECK_SHAPE or CHECK_LOWERING where a law is broken; CHECK_NOT_CALLED where no sample calls
 *   the operator
 * @example
 * const square = operator('Square', {
 *   inputs: ['X'],
 *   outputs: ['Y'],
 *   attributes: {},
 *   shape: ({ X }) => ({ Y: X.shape }),
 *   lower: ({ X }) => onnx.Mul(X, X),
 * }, 'my.domain');
 * await checkOperator(square, [{ shapes: [[2, 3]], make: X => square(X) }], nodeRuntime());
 */
export async function checkOperator(
  operator: AnyOperator,
  samples: readonly Sample[],
  runtime: Runtime,
  options: CheckOptions = {},
): Promise<void> {
  const { operatorName, domain, spec } = operator;
  const isKnown = coreOperators.get(domain, operatorName) !== undefined;
  const operators = options.operators ?? (isKnown ? coreOperators : coreOperators.with(operator));
  const calls = (graph: Graph) => graph.nodes.some(node => node.op === operatorName && node.domain === domain);
  if (!samples.some(sample => calls(forward(sample).graph))) throw errors.NOT_CALLED({ operator: operatorName });
  for (const [i, sample] of samples.entries()) {
    const name = `${operatorName} ${i}`;
    const own = { seed: name, name, ...options, operators };
    if (spec.gradient ?? spec.lower) await checkGradient(sample, runtime, own);
    if (spec.lower && !spec.gradient && (domain === '' || domain === 'com.microsoft'))
      await checkLowering(sample, runtime, operators, name);
  }
}

/** The outputs of a sample as it is and as it is written for its gradient are the same numbers. */
async function checkLowering(sample: Sample, runtime: Runtime, operators: OperatorSet, name: string): Promise<void> {
  const plain = forward(sample);
  const lowered = forward(sample, operators);
  const point = drawPoint(sample, plain.outputs, new Random(name));
  const run = async (graph: Graph, outputs: readonly Value[]) => {
    const session = await runtime.open(encodeModel(modelWith(graph)), { optimization: 'disabled' });
    try {
      const results = await session.run(feedsAt(runtime, sample, point, 0), outputs.map(value => value.name)); // prettier-ignore
      return await Promise.all(outputs.map(async value => floats(await results.get(value.name)!.read())));
    } finally {
      await session.close();
    }
  };
  const [a, b] = [await run(plain.graph, plain.outputs), await run(lowered.graph, lowered.outputs)];
  a.forEach((wanted, k) => {
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const difference = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - b[k]![i]!)), 0);
    if (!(difference <= loweredTolerance * Math.max(1, largest)))
      throw errors.LOWERING({ sample: name, value: plain.outputs[k]!.name, difference });
  });
}

/** A sample as a graph: inputs x0, x1, …, outputs y0, y1, …; with `lowered`, as it is written for its gradients. */
export function forward(
  { shapes, make }: Sample,
  lowered?: OperatorSet,
): { readonly graph: Graph; readonly outputs: readonly Value[] } {
  const builder = new Builder('sample');
  const xs = shapes.map((shape, i) => builder.input(`x${i}`, 'float32', shape));
  const ys = [make(...xs)].flat();
  // the gradients, which nothing asks for here, are left out when the graph is finished
  if (lowered) differentiate(builder, new Map(ys.map(y => [y, y])), xs, lowered);
  const outputs = ys.map((y, i) => builder.output(y, `y${i}`));
  return { graph: builder.finish(), outputs };
}

/** The same with inputs c0, c1, …, the gradients of a scalar by each output, and outputs dx0, dx1, … by each input. */
export function differentiated({ shapes, make }: Sample, operators: OperatorSet = coreOperators) {
  const builder = new Builder('sample');
  const xs = shapes.map((shape, i) => builder.input(`x${i}`, 'float32', shape));
  const ys = [make(...xs)].flat();
  const seeds = ys.map((y, i) => builder.input(`c${i}`, 'float32', y.shape));
  const found = differentiate(builder, new Map(ys.map((y, i) => [y, seeds[i]!])), xs, operators);
  const outputs = ys.map((y, i) => builder.output(y, `y${i}`));
  const gradients = xs.map((x, i) => builder.output(found.get(x)!, `dx${i}`));
  return { graph: builder.finish(), outputs, seeds, gradients };
}

/** A graph as a model that says which operators it holds. */
export function modelWith(graph: Graph): Model {
  const model = modelOf(graph);
  const domains = graph.nodes.map(({ domain }) => domain).filter(Boolean);
  return { ...model, opsets: new Map([...model.opsets, ...domains.map(domain => [domain, 1] as const)]) };
}

/** A place, a direction, and the gradient of the scalar by each output. */
export interface Point {
  readonly at: readonly (readonly number[])[];
  readonly along: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
}

/** Draws a point; the same for the same random. */
export function drawPoint({ shapes, region = 'signed' }: Sample, outputs: readonly Value[], random: Random): Point {
  const regionOf = (i: number): Region => (typeof region === 'string' ? region : (region[i] ?? 'signed'));
  return {
    at: shapes.map((shape, i) => draw(shape, regionOf(i), random.at('x', i), i)),
    along: shapes.map((shape, i) => draw(shape, 'signed', random.at('v', i))),
    weights: outputs.map(({ shape }, i) => draw(shape as number[], 'signed', random.at('c', i))),
  };
}

function draw(shape: readonly number[], region: Region, random: Random, input = 0): number[] {
  const count = elementCount(shape);
  if (region === 'apart') {
    // a grid of 0.13 with noise of 0.03, every other input half a step aside: what is moved by 1.5 h never meets
    const order = random.permutation(count);
    const aside = 0.065 * (input % 2) - 0.13 * Math.floor(count / 2);
    return Array.from(order, place => 0.13 * (place + 1) + aside + 0.03 * random.uniform());
  }
  const [low, high] = { signed: [0.3, 1.5], inner: [0.2, 0.7], positive: [0.5, 1.5], above: [1.3, 2.5] }[region];
  return Array.from({ length: count }, () => {
    const size = low! + (high! - low!) * random.uniform();
    return (region === 'signed' || region === 'inner') && random.uniform() < 0.5 ? -size : size;
  });
}

/** The inputs at a point moved along its direction. */
function feedsAt(runtime: Runtime, { shapes }: Sample, { at, along }: Point, by: number): Map<string, DeviceTensor> {
  return new Map(
    shapes.map((shape, i) => {
      const moved = at[i]!.map((value, k) => value + by * along[i]![k]!);
      return [`x${i}`, runtime.tensor(tensor('float32', shape, moved))];
    }),
  );
}

type Lists = readonly ArrayLike<number>[];

/** The two sides of the law and the size of what they sum. */
function compared(up: Lists, down: Lists, dxs: Lists, { along, weights }: Point, step: number): GradientCheck {
  const sum = (lists: Lists, by: readonly (readonly number[])[], f: (a: number) => number = a => a) =>
    lists.reduce((all, list, k) => all + by[k]!.reduce((n, factor, i) => n + f(list[i]! * factor), 0), 0);
  return {
    rule: sum(dxs, along),
    difference: (sum(up, weights) - sum(down, weights)) / (2 * step),
    size: sum(dxs, along, Math.abs) + sum(up, weights, Math.abs),
  };
}
