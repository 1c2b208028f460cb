// The reverse walk. Marks what depends on `wrt`, writes operators that have only a lowering in simpler ones, walks the
// nodes backwards, asks each operator's rule for the gradient of each input on the path, sums broadcasts back and adds
// where values fan out. It holds no rule of its own.

import { replaceNode, type Builder, type Dim, type Graph, type Node, type Value } from '../graph/index.js';
import {
  Add,
  Mul,
  ReduceSum,
  bare,
  bind,
  bindOutputs,
  coreOperators,
  inferOutputs,
  type AnyOperator,
  type OperatorSet,
} from '../operators/index.js';
import { errors } from './errors.js';
import { blockersOf, isDetached, isFloatType, pathOf, trainableFrom } from './trainable.js';

type AnyRule = 'none' | ((at: unknown) => Value | readonly (Value | undefined)[]);

/**
 * Adds the nodes that compute the gradients of a scalar by `wrt` to the graph under construction.
 *
 * @param seeds values of the graph and the gradient of the scalar by them: `new Map([[loss, one]])`, or the logits and
 *   the gradient that a loss states for them
 * @param wrt the values to differentiate by
 * @returns the gradient of each `wrt` that the seeds depend on, of its shape
 * @throws AUTODIFF_NO_GRADIENT before anything runs, naming operator, node, input, and from where on everything is
 *   trainable; AUTODIFF_CONTROL_FLOW where an If, Loop or Scan lies between
 */
export function differentiate(
  builder: Builder,
  seeds: ReadonlyMap<Value, Value>,
  wrt: readonly Value[],
  operators: OperatorSet = coreOperators,
): Map<Value, Value> {
  const isFloat = (name: string) => isFloatType(builder.has(name) ? builder.value(name).type : undefined);
  const from = new Set(wrt.map(({ name }) => name));
  prepare(builder, seeds, from, operators, isFloat);
  const nodes = [...builder.nodes];
  const path = pathOf(nodes, from, operators, isFloat);
  const gradients = new Map<string, Value>();
  const accumulate = (x: Value, dx: Value) => {
    const summed = unbroadcast(dx, x.shape);
    const before = gradients.get(x.name);
    gradients.set(x.name, before ? Add(before, summed) : summed);
  };
  for (const [value, gradient] of seeds) accumulate(value, gradient);

  for (const node of nodes.reverse()) {
    const operator = operators.get(node.domain, node.op);
    const reached = node.outputs.map((name, i) => (isDetached(operator, i) ? undefined : gradients.get(name)));
    if (!operator || !reached.some(Boolean) || !node.inputs.some(name => path.has(name))) continue;
    const { inputs, at } = see(builder, node, reached, operator);
    (operator.spec.inputs as readonly string[]).forEach((declared, i) => {
      const variadic = declared.startsWith('...');
      const wanted = (variadic ? inputs.slice(i) : [inputs[i]]).map(x => (x && path.has(x.name) ? x : undefined));
      if (!wanted.some(Boolean)) return;
      const rule = operator.spec.gradient?.[bare(declared)] as AnyRule;
      if (rule === 'none') return;
      const found = rule(at);
      const dxs = variadic ? (found as readonly (Value | undefined)[]) : [found as Value];
      wanted.forEach((x, k) => {
        const dx = dxs[k];
        if (x && dx) accumulate(x, dx);
      });
    });
  }
  return new Map(
    wrt.flatMap(value => (gradients.has(value.name) ? [[value, gradients.get(value.name)!] as const] : [])),
  );
}

/**
 * Writes the nodes on the way that have no rule in the operators that their lowerings name, in place, so that forwards
 * and backwards share what they compute; has others give what their rules read. Refuses what cannot be differentiated.
 */
function prepare(
  builder: Builder,
  seeds: ReadonlyMap<Value, Value>,
  from: ReadonlySet<string>,
  operators: OperatorSet,
  isFloat: (name: string) => boolean,
): void {
  const wanted = [...seeds.keys()].map(({ name }) => name);
  const refuse = (nodes: readonly Node[]) => {
    const [first] = blockersOf(nodes, from, wanted, operators, isFloat);
    if (!first) return;
    const { node, operator, input, isControlFlow } = first.blocker;
    const { after } = trainableFrom(graphOf(builder, nodes, wanted), operators, { parameters: from, outputs: wanted });
    const way = after === undefined ? {} : { after };
    throw isControlFlow
      ? errors.CONTROL_FLOW({ operator, node, ...way })
      : errors.NO_GRADIENT({ operator, node, input, ...way });
  };
  refuse(builder.nodes);
  const path = pathOf(builder.nodes, from, operators, isFloat);
  const pending = builder.nodes.filter(node => node.inputs.some(name => path.has(name)));
  for (let node = pending.pop(); node; node = pending.pop()) {
    const operator = operators.get(node.domain, node.op);
    if (!operator) continue;
    const { gradient, lower, keeps } = operator.spec;
    const inputs = node.inputs.map(name => (name ? builder.value(name) : undefined));
    const at = bind(operator, inputs, node.attributes, node.outputs.length);
    if (lower && !gradient) pending.push(...replaceNode(builder, node, () => [lower(at as never)].flat()));
    else if (keeps) keep(builder, node, operator, inputs, keeps(at as never) as readonly string[]);
  }
  refuse(builder.nodes);
}

/** Has a node give outputs that it left out. */
function keep(
  builder: Builder,
  node: Node,
  operator: AnyOperator,
  inputs: readonly (Value | undefined)[],
  wanted: readonly string[],
): void {
  const places = wanted.map(name => (operator.spec.outputs as readonly string[]).findIndex(one => bare(one) === name));
  if (places.every(place => node.outputs[place])) return;
  const { op, domain, attributes } = node;
  replaceNode(builder, node, () => {
    const count = Math.max(node.outputs.length, ...places.map(place => place + 1));
    const outputs = inferOutputs(operator, inputs, attributes, count);
    return builder.append({ op, domain, inputs, attributes, outputs });
  });
}

/** What is built so far as a graph to ask about. */
function graphOf(builder: Builder, nodes: readonly Node[], outputs: readonly string[]): Graph {
  const info = ({ name, type, shape }: Value) => ({ name, type, shape });
  return {
    name: builder.name,
    inputs: builder.inputs.map(info),
    outputs: outputs.map(name => ({ name })),
    nodes,
    initializers: builder.initializers,
    sparseInitializers: [],
    values: new Map([...builder.values].map(value => [value.name, info(value)])),
  };
}

/** The node as its rules see it: values by ONNX's names, gradients of outputs under d…. */
function see(builder: Builder, node: Node, reached: readonly (Value | undefined)[], operator: AnyOperator) {
  const inputs = node.inputs.map(name => (name ? builder.value(name) : undefined));
  const at = bind(operator, inputs, node.attributes, node.outputs.length);
  const outputs = node.outputs.map(name => (name ? builder.value(name) : undefined));
  // a rule counts on the gradient of what its node always gives
  const dys = (operator.spec.outputs as readonly string[]).flatMap((declared, i) => {
    if (declared.startsWith('...')) return reached.slice(i);
    const isCounted = outputs[i] && !declared.endsWith('?') && isFloatType(outputs[i].type);
    return [reached[i] ?? (isCounted ? Mul(outputs[i], 0) : undefined)];
  });
  bindOutputs(bindOutputs(at, operator, outputs), operator, dys, 'd');
  return { inputs, at };
}

/** Sums a gradient over the axes along which the value was broadcast. */
function unbroadcast(dx: Value, shape: readonly Dim[]): Value {
  const extra = dx.shape.length - shape.length;
  const stretched = dx.shape.flatMap((dim, i) => (i >= extra && shape[i - extra] === 1 && dim !== 1 ? [i] : []));
  const kept = stretched.length ? ReduceSum(dx, stretched) : dx;
  return extra > 0
    ? ReduceSum(
        kept,
        Array.from({ length: extra }, (_, i) => i),
        { keepdims: 0 },
      )
    : kept;
}
