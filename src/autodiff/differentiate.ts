// The reverse walk. Marks what depends on `wrt`, walks the nodes backwards, asks each operator's rule for the gradient
// of each input on the path, sums broadcasts back and adds where values fan out. It holds no rule of its own.

import type { Builder, Dim, Node, Value } from '../graph/index.js';
import {
  Add,
  ReduceSum,
  bare,
  bind,
  bindOutputs,
  coreOperators,
  type AnyOperator,
  type OperatorSet,
} from '../operators/index.js';
import { errors } from './errors.js';

type AnyRule = 'none' | ((at: unknown) => Value | readonly (Value | undefined)[]);

/**
 * Adds the nodes that compute the gradients of a scalar by `wrt` to the graph under construction.
 *
 * @param seeds values of the graph and the gradient of the scalar by them: `new Map([[loss, one]])`, or the logits and
 *   the gradient that a loss states for them
 * @param wrt the values to differentiate by
 * @returns the gradient of each `wrt` that the seeds depend on, of its shape
 * @throws AUTODIFF_NO_GRADIENT before anything runs, naming operator, node and input
 */
export function differentiate(
  builder: Builder,
  seeds: ReadonlyMap<Value, Value>,
  wrt: readonly Value[],
  operators: OperatorSet = coreOperators,
): Map<Value, Value> {
  const nodes = [...builder.nodes];
  const path = dependents(nodes, wrt);
  const gradients = new Map<string, Value>();
  const accumulate = (x: Value, dx: Value) => {
    const summed = unbroadcast(dx, x.shape);
    const before = gradients.get(x.name);
    gradients.set(x.name, before ? Add(before, summed) : summed);
  };
  for (const [value, gradient] of seeds) accumulate(value, gradient);

  for (const node of nodes.reverse()) {
    const dys = node.outputs.map(name => gradients.get(name));
    if (!dys.some(Boolean) || !node.inputs.some(name => path.has(name))) continue;
    const { operator, inputs, at } = see(builder, node, dys, operators);
    (operator.spec.inputs as readonly string[]).forEach((declared, i) => {
      const variadic = declared.startsWith('...');
      const wanted = (variadic ? inputs.slice(i) : [inputs[i]]).map(x => (x && path.has(x.name) ? x : undefined));
      if (!wanted.some(Boolean)) return;
      const rule = operator.spec.gradient?.[bare(declared)] as AnyRule | undefined;
      if (!rule) throw errors.NO_GRADIENT({ operator: node.op, node: node.name, input: bare(declared) });
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

/** The node as its rules see it: values by ONNX's names, gradients of outputs under d…. */
function see(builder: Builder, node: Node, dys: readonly (Value | undefined)[], operators: OperatorSet) {
  const operator: AnyOperator | undefined = operators.get(node.domain, node.op);
  if (!operator) throw errors.NO_GRADIENT({ operator: node.op, node: node.name, input: node.inputs[0] ?? '' });
  const inputs = node.inputs.map(name => (name ? builder.value(name) : undefined));
  const at = bind(operator, inputs, node.attributes, node.outputs.length);
  const outputs = node.outputs.map(name => (name ? builder.value(name) : undefined));
  bindOutputs(bindOutputs(at, operator, outputs), operator, dys, 'd');
  return { operator, inputs, at };
}

/** The names of everything that depends on `from`. */
function dependents(nodes: readonly Node[], from: readonly Value[]): Set<string> {
  const names = new Set(from.map(value => value.name));
  for (const node of nodes)
    if (node.inputs.some(name => names.has(name))) for (const name of node.outputs) names.add(name);
  return names;
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
