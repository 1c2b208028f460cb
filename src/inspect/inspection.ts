// Everything that `graft inspect` says about a network, as data: what it is, what enters and leaves, what it costs,
// and every cut with what lies before it.

import type { DataType } from '../base/index.js';
import {
  feedsOf,
  houseOpset,
  sliceOf,
  subgraphsOf,
  type Dim,
  type Graph,
  type Model,
  type Node,
} from '../graph/index.js';
import { coreOperators, inferShapes, type OperatorSet } from '../operators/index.js';
import { activationTeller } from './activated.js';
import { networkOf, type Network } from './classifier.js';
import { cutsOf, flowOf, type FactsByName } from './cuts.js';
import { pairsOf } from './pairs.js';
import { layersOf, type Layer } from './layers.js';
import { pictureInputOf, type PictureInput } from './layout.js';
import { stageNames } from './stages.js';
import { wiringOf } from './wiring.js';

/** A value with what is known of it. */
export interface DescribedValue {
  readonly name: string;
  readonly type?: DataType;
  readonly shape?: readonly Dim[];
}

/** A cut with its names and what lies on either side. */
export interface DescribedCut {
  readonly values: readonly string[];
  /** `features`, `logits`, `block1` …, or the authors' own names; any value name works too. */
  readonly names: readonly string[];
  readonly shapes: readonly (readonly Dim[] | undefined)[];
  /** Whether it lies after its activation. */
  readonly activated: boolean;
  readonly parametersBefore: number;
  readonly parametersAfter: number;
  /** Per picture. */
  readonly macsBefore: number;
  readonly macsAfter: number;
}

/** What a model is. */
export interface Inspection {
  readonly producer: string;
  readonly irVersion: number;
  /** Domain (`ai.onnx` for ONNX's own) to version. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly DescribedValue[];
  readonly outputs: readonly DescribedValue[];
  /** Operator to how many nodes. */
  readonly operators: Readonly<Record<string, number>>;
  readonly parameters: number;
  /** Multiply-accumulates per picture. */
  readonly macs: number;
  readonly network: Network;
  readonly picture?: PictureInput;
  /** `folded`: none is left though there are convolutions; `present`; `none`: there is nothing to fold into. */
  readonly batchNormalization: 'folded' | 'present' | 'none';
  readonly quantized: boolean;
  readonly cuts: readonly DescribedCut[];
  /** Names a person would use, to the values that they stand for. */
  readonly names: ReadonlyMap<string, string>;
  readonly layers: readonly Layer[];
  readonly facts: FactsByName;
  /** Operators that the house does not know, by domain and name. */
  readonly unknownOperators: readonly string[];
}

/**
 * Inspects a model.
 *
 * @example
 * const { network, cuts } = inspectModel(model);
 * if (network.kind === 'classifier') console.log(network.features.value);
 */
export function inspectModel(model: Model, operators: OperatorSet = coreOperators): Inspection {
  const { graph } = model;
  const { facts, problems, macs } = inferShapes(graph, operators, { opset: model.opsets.get('') ?? houseOpset });
  const network = networkOf(
    graph,
    facts,
    model.functions.map(({ domain }) => domain),
  );
  const wiring = wiringOf(graph, facts);
  const isActivated = activationTeller(wiring);
  const flow = flowOf(graph, facts);
  const cuts = cutsOf(graph, facts);
  const names = stageNames(cuts, { wiring, nodes: flow.nodes, makes: flow.makes, network, isActivated });
  const cost = costOf(graph, flow.nodes, macs);
  const namesBy = new Map<string, string[]>();
  for (const [name, value] of names) namesBy.set(value, [...(namesBy.get(value) ?? []), name]);
  const picture = pictureInputOf(wiring);
  const ops = allOperators(graph);
  const total = cost(flow.nodes.length);
  return {
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    irVersion: model.irVersion,
    opsets: fromEntries([...model.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    inputs: feedsOf(graph).map(({ name, type, shape }) => described(name, type, shape)),
    outputs: graph.outputs.map(({ name, type, shape }) =>
      described(name, facts.get(name)?.type ?? type, facts.get(name)?.shape ?? shape),
    ),
    operators: fromEntries([...ops].sort(([a], [b]) => (a < b ? -1 : 1))),
    parameters: total.parameters,
    macs: total.macs,
    network,
    ...(picture ? { picture } : {}),
    batchNormalization: ops.has('BatchNormalization') ? 'present' : hasConvolution(ops) ? 'folded' : 'none',
    quantized: [...ops.keys()].some(op =>
      /^(QLinear|Quantize|Dequantize|ConvInteger|MatMulInteger|DynamicQuantize)/.test(op),
    ),
    cuts: [...cuts, ...pairsOf(graph, facts)]
      .sort((a, b) => a.depth - b.depth)
      .map(({ values, depth }) => {
        const before = cost(depth);
        return {
          values,
          names: values.length === 1 ? (namesBy.get(values[0]!) ?? []) : [],
          shapes: values.map(name => facts.get(name)?.shape),
          activated: values.every(isActivated),
          parametersBefore: before.parameters,
          parametersAfter: total.parameters - before.parameters,
          macsBefore: before.macs,
          macsAfter: total.macs - before.macs,
        };
      }),
    names,
    layers: layersOf(wiring, name => isArithmetic(facts, name)),
    facts,
    unknownOperators: [
      ...new Set(
        problems
          .filter(({ error }) => !error)
          .filter(({ node }) => !operators.get(node.domain, node.op))
          .map(({ node }) => `${node.domain || 'ai.onnx'}::${node.op}`),
      ),
    ],
  };
}

const described = (name: string, type: DataType | undefined, shape: readonly Dim[] | undefined): DescribedValue => ({
  name,
  ...(type ? { type } : {}),
  ...(shape ? { shape } : {}),
});

/** Names come from files: no prototype may be met. */
const fromEntries = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> => {
  const made = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) made[key] = value;
  return made;
};

const hasConvolution = (ops: ReadonlyMap<string, number>): boolean =>
  ops.has('Conv') || ops.has('QLinearConv') || ops.has('ConvInteger');

const isArithmetic = (facts: FactsByName, name: string): boolean => facts.get(name)?.known !== undefined;

function allOperators(graph: Graph): Map<string, number> {
  const found = new Map<string, number>();
  const pending = [graph];
  for (let one = pending.pop(); one; one = pending.pop())
    for (const node of one.nodes) {
      pending.push(...subgraphsOf(node));
      const name = node.domain ? `${node.domain}::${node.op}` : node.op;
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  return found;
}

/** Parameters and multiply-accumulates of the first `depth` needed nodes; a shared weight counts where it is first read. */
function costOf(graph: Graph, nodes: readonly Node[], macs: ReadonlyMap<Node, number>) {
  const parameters = [0];
  const work = [0];
  const seen = new Set<string>();
  nodes.forEach((node, at) => {
    let own = 0;
    const { sources } = sliceOf({ ...graph, nodes: [node] }, node.outputs.filter(Boolean));
    for (const name of sources) {
      const held = graph.initializers.get(name);
      if (!held || seen.has(name)) continue;
      seen.add(name);
      if (held.type !== 'int64' && held.type !== 'bool' && held.type !== 'string' && held.shape.length > 0)
        own += held.shape.reduce((a, b) => a * b, 1);
    }
    parameters.push(parameters[at]! + own);
    work.push(work[at]! + (macs.get(node) ?? 0));
  });
  return (depth: number) => ({ parameters: parameters[depth]!, macs: work[depth]! });
}
