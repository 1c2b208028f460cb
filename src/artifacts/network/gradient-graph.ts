// The backward half of a network's step as a graph of its own, for a batch of known size: weights in the layout of the
// loop, statistics, pictures, labels → a row of gradients for each row of weights, the loss, statistics.

import { tensor } from '../../base/index.js';
import { Builder, embed, modelOf, type Graph, type Model, type Value } from '../../graph/index.js';
import { dropUnused, foldShapes, inferShapes, pipeline } from '../../passes/index.js';
import { errors } from '../errors.js';
import { gradientsOf } from '../gradients.js';
import { valueOf } from '../losses/loss.js';
import { joined, parted, rowsOf, type Row } from '../row-state.js';
import type { TrainableNetwork } from './network.js';
import type { StepOptions, StoredParameter } from './step.js';
import { storedLayouts } from './stored-layouts.js';
import { classesOf, flatLogits } from './training-models.js';

/** The name of a row of the state, or of what stands beside it. */
export const rowName = (row: number, part: string): string => (part ? `row${row}.${part}` : `row${row}`);
/** The name of a row's gradient. */
export const gradientName = (row: number): string => `row${row}.grad`;
/** The name of what replaces a value of the state. */
export const nextName = (name: string): string => `next.${name}`;

/** The graph and how its weights are laid out. */
export interface GradientGraph {
  /** Inputs: `row0` …, statistics, what the network is fed, `labels`; outputs: `row0.grad` …, `loss`, `next.…`. */
  readonly model: Model;
  readonly rows: readonly Row<StoredParameter>[];
}

/** Builds the graph for so many pictures. */
export function gradientGraph(network: TrainableNetwork, options: StepOptions, pictures: number): GradientGraph {
  const { loss, optimizer } = options;
  const forward = forwardGraph(network, pictures, options);
  const { graph, layouts } = storedLayouts(forward, new Set(network.parameters.map(({ name }) => name)));
  const stored = network.parameters.map(({ name, shape, factor }): StoredParameter => {
    const layout = layouts.get(name);
    return { name, shape: layout?.shape ?? shape, layout, ...(factor === undefined ? {} : { factor }) };
  });
  const rows = rowsOf(optimizer, stored);
  const builder = new Builder('gradient');
  const weights = new Map<string, Value>();
  rows.forEach((row, i) => {
    const value = builder.input(rowName(i, ''), 'float32', [1, row.length]);
    for (const [{ name }, weight] of parted(row, value)) weights.set(name, weight);
  });
  const bindings = new Map(weights);
  for (const { name, shape } of network.statistics) bindings.set(name, builder.input(name, 'float32', shape));
  for (const name of network.inputs) {
    const info = graph.inputs.find(input => input.name === name)!;
    bindings.set(name, builder.input(name, info.type ?? 'float32', info.shape ?? []));
  }
  const classes = classesOf(network);
  const declared = loss.labels(classes);
  const labels = builder.input('labels', declared.type, [pictures, ...declared.shape.slice(1)]);
  const made = embed(builder, graph, bindings);
  const logits = flatLogits(made.get(network.logits)!);
  const targets = loss.targets(labels, classes);
  const share = builder.constant(tensor('float32', [1], [1 / pictures]));
  const gradients = gradientsOf(loss, logits, targets, share, weights, options.operators);
  rows.forEach((row, i) => {
    builder.output(
      joined(row, ({ name }) => gradients.get(name) ?? fail(name)),
      gradientName(i),
    );
  });
  builder.output(valueOf(loss, logits, targets), 'loss');
  for (const { name, next } of network.statistics) builder.output(made.get(next)!, nextName(name));
  return { model: modelOf(builder.finish()), rows };
}

const fail = (name: string): never => {
  throw errors.NO_PATH({ name });
};

/** The forward graph for a batch of known size, in fast forms. */
function forwardGraph(network: TrainableNetwork, batch: number, { lowering, optimizer }: StepOptions): Graph {
  const { graph, inputs, parameters, logits, statistics } = network;
  const kept = new Set([logits, ...statistics.map(({ next }) => next)]);
  const sized: Graph = {
    ...graph,
    inputs: graph.inputs.map(({ typeBytes: _, ...info }) =>
      inputs.includes(info.name) && info.shape && info.shape.length > 0
        ? { ...info, shape: [batch, ...info.shape.slice(1)] }
        : info,
    ),
    outputs: graph.outputs
      .filter(({ name }) => kept.has(name))
      .map(({ name, type }) => ({ name, ...(type ? { type } : {}) })),
    values: new Map(),
  };
  const model = pipeline('sized', inferShapes, foldShapes, dropUnused, inferShapes)(modelOf(sized));
  if (!lowering) return model.graph;
  const names = new Set(parameters.map(({ name }) => name));
  return lowering.forward({ parameters: names, isExact: optimizer.normalises })(model).graph;
}
