// The oracle of training-only operators: their real kernels, in the last training build of ONNX Runtime that was
// published (onnxruntime-web 1.19.2, WebAssembly), which a plain inference session of that build runs in Node. A case is
// a model of one such operator; what its lowering computes in a plain onnxruntime must be what the kernel computes.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import { elements, floats, tensor, type ArrayType, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Attribute, type Graph, type Model, type Value } from '../../src/graph/index.js';
import { bind, inferOutputs, type AnyOperator } from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';

/** What onnxruntime-web offers, as far as it is used here. */
interface TrainingBuild {
  readonly env: {
    logLevel: string;
    readonly wasm: { numThreads: number; wasmBinary?: Uint8Array; wasmPaths?: object };
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Readonly<Record<string, object>>): Promise<Record<string, Fetched>>;
      release(): Promise<void>;
    }>;
  };
}
interface Fetched {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

let opened: Promise<TrainingBuild> | undefined;

/** The training build, loaded once. */
export function trainingBuild(): Promise<TrainingBuild> {
  const load = async () => {
    const dist = dirname(createRequire(import.meta.url).resolve('ort-training'));
    const found = (await import(pathToFileURL(join(dist, 'ort.training.wasm.min.mjs')).href)) as TrainingBuild;
    found.env.logLevel = 'fatal';
    found.env.wasm.numThreads = 1;
    found.env.wasm.wasmBinary = readFileSync(join(dist, 'ort-training-wasm-simd-threaded.wasm'));
    found.env.wasm.wasmPaths = { mjs: pathToFileURL(join(dist, 'ort-training-wasm-simd-threaded.mjs')).href };
    return found;
  };
  return (opened ??= load());
}

/** What a case feeds: undefined for an input that is absent, a constant where the kernel wants one. */
export interface Fed {
  readonly type?: ArrayType;
  readonly shape: readonly number[];
  /** The elements; smooth numbers around zero, distinct, where none are given. */
  readonly data?: readonly number[];
  /** A weight of the graph and no input. */
  readonly held?: boolean;
}

export interface Case {
  readonly inputs: readonly (Fed | undefined)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** How many outputs the node has; those whose name is in `absent` are not asked for. */
  readonly outputs?: number;
  readonly absent?: readonly number[];
  /** Attributes that only the lowering sees: what the graph around it would tell. */
  readonly told?: Readonly<Record<string, Attribute>>;
  /** The opset of the kernel's model. @default 17 */
  readonly opset?: number;
  /** Shapes with names, for the lowering only: `[['batch', 3], …]`. */
  readonly names?: readonly (readonly (number | string)[] | undefined)[];
  readonly tolerance?: number;
  /** The operator has its kernel in plain builds too, and only there. */
  readonly plain?: boolean;
  /** The kernel's outputs and the lowering's are compared as sorted lists. */
  readonly sorted?: boolean;
}

export const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });
export const int = (value: number): Attribute => ({ kind: 'int', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const smooth = (shape: readonly number[], seed: number) =>
  Array.from({ length: count(shape) }, (_, i) => Math.sin(1.7 * i + seed) + 0.2 * Math.cos(0.31 * i * (seed + 1)));
const tensorOf = (fed: Fed, seed: number): Tensor =>
  tensor(fed.type ?? 'float32', fed.shape, fed.data ?? smooth(fed.shape, seed));

/** Compares the lowering of an operator, in a plain onnxruntime, with the operator's own kernel. */
export async function sameAsKernel(t: ExecutionContext, operator: AnyOperator, one: Case): Promise<void> {
  const feeds = new Map<string, Tensor>();
  const outputs = one.outputs ?? 1;
  const asked = Array.from({ length: outputs }, (_, i) => i).filter(i => !one.absent?.includes(i));
  const start = (name: string, named: boolean) => {
    const builder = new Builder(name);
    const inputs = one.inputs.map((fed, i): Value | undefined => {
      if (!fed) return undefined;
      const data = tensorOf(fed, i);
      if (fed.held) return builder.parameter(`in${i}`, data);
      feeds.set(`in${i}`, data);
      return builder.input(`in${i}`, fed.type ?? 'float32', (named ? one.names?.[i] : undefined) ?? fed.shape);
    });
    return { builder, inputs };
  };

  const known = new Map(Object.entries(one.attributes ?? {}));
  const told = new Map([...known, ...Object.entries(one.told ?? {})]);
  const kernel = start('kernel', false);
  const infos = inferOutputs(operator, kernel.inputs, told, outputs);
  const node = {
    op: operator.operatorName,
    domain: operator.domain,
    name: 'node',
    inputs: kernel.inputs.map(value => value?.name ?? ''),
    outputs: infos.map((_, i) => (asked.includes(i) ? `out${i}` : '')),
    attributes: known,
  };
  const graph: Graph = {
    ...kernel.builder.finish(),
    initializers: kernel.builder.initializers,
    nodes: [node],
    outputs: asked.map(i => ({ name: `out${i}`, type: infos[i]!.type, shape: infos[i]!.shape })),
  };
  const wanted = await (one.plain ? runPlain : runKernel)({ ...modelOf(graph), irVersion: 8, opsets: new Map([['', one.opset ?? 17], ['com.microsoft', 1]]) }, feeds); // prettier-ignore

  const lowered = start('lowering', true);
  const made = operator.spec.lower!(bind(operator, lowered.inputs, told, outputs) as never);
  const values = 'name' in made ? [made] : made;
  for (const i of asked) lowered.builder.output(values[i]!, `out${i}`);
  const found = await runPlain(modelOf(lowered.builder.finish()), feeds);

  for (const i of asked) {
    const [a, b] = [found.get(`out${i}`)!, wanted.get(`out${i}`)!];
    const about = `${operator.operatorName} output ${i}`;
    t.deepEqual(a.shape, b.shape, about);
    const sort = (list: number[]) => (one.sorted ? list.sort((x, y) => x - y) : list);
    const [xs, ys] = [sort([...floats(a)]), sort([...floats(b)])];
    const scale = Math.max(1, ...ys.map(Math.abs));
    const worst = Math.max(0, ...ys.map((y, k) => Math.abs(xs[k]! - y))) / scale;
    t.true(worst <= (one.tolerance ?? 1e-5), `${about}: ${worst} apart; ${xs.slice(0, 4)} for ${ys.slice(0, 4)}`);
    t.true(ys.every(Number.isFinite), about);
    t.deepEqual(values[i]!.shape.map(dim => (typeof dim === 'number' ? dim : '?')), a.shape.map((dim, k) => (typeof values[i]!.shape[k] === 'number' ? dim : '?')), `${about}: foretold shape`); // prettier-ignore
  }
}

/** The build runs one thing at a time; tests of a file go on beside each other. */
let turn: Promise<unknown> = Promise.resolve();
function runKernel(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const result = turn.then(() => runAlone(model, feeds));
  turn = result.catch(() => undefined);
  return result;
}

async function runAlone(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const ort = await trainingBuild();
  const session = await ort.InferenceSession.create(encodeModel(model), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'disabled',
  });
  try {
    const given = [...feeds].map(([name, held]) => [name, new ort.Tensor(held.type, elements(held), held.shape)]);
    const results = await session.run(Object.fromEntries(given) as Record<string, object>);
    const types = new Map(model.graph.outputs.map(({ name, type }) => [name, type]));
    return new Map(
      Object.entries(results).map(([name, { dims, data }]) => [
        name,
        tensor((types.get(name) ?? 'float32') as ArrayType, dims, Array.from(data, Number)),
      ]),
    );
  } finally {
    await session.release();
  }
}

async function runPlain(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(model), { optimization: 'disabled' });
  try {
    const given = model.graph.inputs.map(({ name }) => [name, runtime.tensor(feeds.get(name)!)] as const);
    const results = await session.run(new Map(given));
    const read = await Promise.all([...results].map(async ([name, held]) => [name, await held.read()] as const));
    return new Map(read);
  } finally {
    await session.close();
  }
}
