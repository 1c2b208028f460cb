// Small networks written as data, in any opset, and the law that every pass is held to: onnxruntime gives the same
// before and after, the result is sound, and a second time the pass finds nothing to do.

import type { ExecutionContext } from 'ava';
import { floats, Random, tensor, type DataType, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import {
  modelOf,
  verify,
  type Attribute,
  type Dim,
  type Graph,
  type Initializer,
  type Model,
  type Node,
  type ValueInfo,
} from '../../src/graph/index.js';
import type { Pass } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { differenceOf, randomFeeds, runOnce } from '../../src/workflows/compare.js';

/** `['Conv', 'x w', 'y', { group: 2 }]`; numbers, lists, strings, tensors and graphs become attributes. */
export type NodeText = readonly [
  op: string,
  inputs: string,
  outputs: string,
  attributes?: Readonly<Record<string, AttributeText>>,
];
type AttributeText = number | readonly number[] | string | Attribute;

const attributeOf = (value: AttributeText): Attribute => {
  if (typeof value === 'number') return { kind: 'int', value };
  if (typeof value === 'string') return { kind: 'string', value };
  return 'kind' in value ? value : { kind: 'ints', value };
};
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const held = (value: Initializer): Attribute => ({ kind: 'tensor', value });
export const body = (value: Graph): Attribute => ({ kind: 'graph', value });

/** Nodes from their texts; `_` stands for an input or output that is absent, `domain::Op` for another domain. */
export const nodesOf = (texts: readonly NodeText[]): Node[] =>
  texts.map(([name, inputs, outputs, attributes = {}], i) => {
    const [op, domain = ''] = name.split('::').reverse() as [string, string?];
    const names = (text: string) => text.split(' ').map(one => (one === '_' ? '' : one));
    return {
      op,
      domain,
      name: `${op}_${i}`,
      inputs: inputs ? names(inputs) : [],
      outputs: names(outputs),
      attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)])),
    };
  });

type Info = readonly [shape?: readonly Dim[], type?: DataType];
const infos = (all: Readonly<Record<string, Info>>): ValueInfo[] =>
  Object.entries(all).map(([name, [shape, type = 'float32']]) => ({ name, type, ...(shape ? { shape } : {}) }));

interface GraphText {
  readonly inputs?: Readonly<Record<string, Info>>;
  readonly outputs: Readonly<Record<string, Info>>;
  readonly weights?: Readonly<Record<string, Initializer>>;
  readonly nodes: readonly NodeText[];
}
/** A graph from its text. */
export const graphOf = ({ inputs = {}, outputs, weights = {}, nodes }: GraphText): Graph => ({
  name: 'case',
  inputs: infos(inputs),
  outputs: infos(outputs),
  nodes: nodesOf(nodes),
  initializers: new Map(Object.entries(weights)),
  sparseInitializers: [],
  values: new Map(),
});
/** A model around it. */
export const networkOf = (text: GraphText & { readonly opset?: number; readonly ir?: number }): Model => {
  const { opset = 20, ir = 9 } = text;
  const model = modelOf(graphOf(text));
  const domains = model.graph.nodes.map(({ domain }) => domain).filter(Boolean);
  return { ...model, irVersion: ir, opsets: new Map([['', opset], ...domains.map(one => [one, 1] as const)]) };
};

/** Normal weights by name. */
export function normal(name: string, shape: readonly number[], scale = 1): Tensor {
  const random = new Random(name);
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, () => random.normal() * scale),
  );
}
export const whole = (...values: readonly number[]): Tensor => tensor('int64', [values.length], values);

const runtime = nodeRuntime();
const widened = (all: ReadonlyMap<string, Tensor>) =>
  new Map(
    [...all].map(([name, one]) => [name, one.type === 'float16' ? tensor('float32', one.shape, floats(one)) : one]),
  );

/** What a pass did to a model whose outputs it kept. */
export async function keepsOutputs(
  t: ExecutionContext,
  pass: Pass,
  model: Model,
  { tolerance = 0, batch = 2, isSettled = true }: { tolerance?: number; batch?: number; isSettled?: boolean } = {},
): Promise<{ readonly model: Model; readonly told: readonly string[]; readonly ops: string }> {
  const told: string[] = [];
  const after = verify(pass(verify(model), (name, what) => told.push(`${name}: ${what}`)));
  const feeds = randomFeeds(model, new Random('pass'), { batch, other: 8 });
  const isHalf = [...feeds.values()].some(({ type }) => type === 'float16') && after.graph.inputs.every(({ type }) => type !== 'float16'); // prettier-ignore
  const wanted = await runOnce(runtime, encodeModel(model), feeds, { optimization: 'disabled' });
  const found = await runOnce(runtime, encodeModel(after), isHalf ? widened(feeds) : feeds, { optimization: 'disabled' }); // prettier-ignore
  const { relative, exact } = differenceOf(isHalf ? widened(wanted) : wanted, found);
  t.true(exact || relative <= tolerance, `outputs differ by ${relative}`);
  t.is(told.length > 0, after !== model);
  if (isSettled) t.is(pass(after), after, 'a second time there is nothing to do');
  return { model: after, told, ops: after.graph.nodes.map(({ op }) => op).join(' ') };
}
