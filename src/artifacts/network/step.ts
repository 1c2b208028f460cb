// One training step as a flat graph for a batch of known size: state, batch, rate → state, loss. Forward, backward and
// update in one, as fast as passes make it: the forward graph is brought into fast forms before it is differentiated
// (the backward half follows by the chain rule), and the whole step is cleaned afterwards.

import { tensor } from '../../base/index.js';
import { Builder, embed, modelOf, type Graph, type Model, type Value } from '../../graph/index.js';
import { Add, Concat, Div, Min, Mul, ReduceSum, ReduceSumSquare, Sqrt } from '../../operators/index.js';
import { dropUnused, foldShapes, inferShapes, pipeline, type Pass } from '../../passes/index.js';
import { errors } from '../errors.js';
import { gradientsOf } from '../gradients.js';
import { valueOf, type Loss } from '../losses/loss.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { joined, parted, rowsOf, scalarsOf, updated, type Row, type RowParameter } from '../row-state.js';
import type { TrainableNetwork } from './network.js';
import { storedLayouts, type Layout } from './stored-layouts.js';
import { classesOf, flatLogits } from './training-models.js';

/** How a step is brought into fast forms. */
export interface StepLowering {
  /** Of the forward graph, before it is differentiated. */
  forward(at: { readonly parameters: ReadonlySet<string> }): Pass;
  /** Of the whole step. */
  readonly step: Pass;
}

/** Options of a training step. */
export interface StepOptions {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Pictures a step. */
  readonly batch: number;
  /** Keep a Polyak average of every weight beside it. @default true */
  readonly averaging?: boolean;
  /** Largest global L2 norm of the gradients; larger ones are scaled down to it. @default none */
  readonly clip?: number;
  /** @default none: the plain operators */
  readonly lowering?: StepLowering;
}

/** A weight as the loop holds it. */
export interface StoredParameter extends RowParameter {
  /** Its name outside. */
  readonly name: string;
  /** Its shape inside the loop. */
  readonly shape: readonly number[];
  readonly layout: Layout | undefined;
}

/** A step and how its state is laid out. */
export interface Step {
  /** Inputs: rows of state, statistics, what the network is fed, `labels`, `rate`, `step`, `averaging` [1, 1]; outputs: the same state, `loss`. */
  readonly model: Model;
  readonly rows: readonly Row<StoredParameter>[];
  /** What stands beside each weight, `''` for the weight itself. */
  readonly parts: readonly string[];
}

/** The name of a row of the state. */
export const rowName = (row: number, part: string): string => (part ? `row${row}.${part}` : `row${row}`);
/** The name of what replaces it. */
export const nextName = (name: string): string => `next.${name}`;

/**
 * Builds the step.
 *
 * @throws ARTIFACTS_LOGITS, ARTIFACTS_NO_PATH, AUTODIFF_…
 */
export function trainingStep(network: TrainableNetwork, options: StepOptions): Step {
  const { loss, optimizer, batch, averaging = true, clip, lowering } = options;
  const forward = forwardGraph(network, batch, lowering);
  const { graph, layouts } = storedLayouts(forward, new Set(network.parameters.map(({ name }) => name)));
  const stored = network.parameters.map(({ name, shape, factor }): StoredParameter => {
    const layout = layouts.get(name);
    return { name, shape: layout?.shape ?? shape, layout, ...(factor === undefined ? {} : { factor }) };
  });
  const rows = rowsOf(optimizer, stored);
  const parts = ['', ...optimizer.slots, ...(averaging ? ['average'] : [])];

  const builder = new Builder('step');
  const state = rows.map((row, i) => {
    const enter = (part: string) => builder.input(rowName(i, part), 'float32', [1, row.length]);
    return new Map(parts.map(part => [part, enter(part)]));
  });
  const weights = new Map<string, Value>();
  rows.forEach((row, i) => {
    for (const [{ name }, value] of parted(row, state[i]!.get('')!)) weights.set(name, value);
  });
  const bindings = new Map(weights);
  for (const { name, shape } of network.statistics) bindings.set(name, builder.input(name, 'float32', shape));
  for (const name of network.inputs) {
    const info = graph.inputs.find(input => input.name === name)!;
    bindings.set(name, builder.input(name, info.type ?? 'float32', info.shape ?? []));
  }
  const classes = classesOf(network);
  const declared = loss.labels(classes);
  const labels = builder.input('labels', declared.type, [batch, ...declared.shape.slice(1)]);
  const scalar = (name: string) => builder.input(name, 'float32', [1, 1]);
  const [rate, number] = [scalar('rate'), scalar('step')];
  const scalars = scalarsOf(optimizer, rate, number, averaging ? scalar('averaging') : undefined);

  const made = embed(builder, graph, bindings);
  const logits = flatLogits(made.get(network.logits)!);
  const targets = loss.targets(labels, classes);
  const share = builder.constant(tensor('float32', [1], [1 / batch]));
  const gradients = gradientsOf(loss, logits, targets, share, weights);
  const raw = rows.map(row => joined(row, ({ name }) => gradients.get(name) ?? fail(name)));
  const clipped = clip === undefined ? raw : clippedBy(raw, clip);
  rows.forEach((row, i) => {
    const next = updated(optimizer, row, state[i]!, clipped[i]!, scalars(row));
    for (const part of parts) builder.output(next.get(part)!, nextName(rowName(i, part)));
  });
  for (const { name, next } of network.statistics) builder.output(made.get(next)!, nextName(name));
  builder.output(valueOf(loss, logits, targets), 'loss');
  const model = modelOf(builder.finish());
  return { model: lowering ? lowering.step(model) : model, rows, parts };
}

const fail = (name: string): never => {
  throw errors.NO_PATH({ name });
};

/** The forward graph for a batch of known size, in fast forms. */
function forwardGraph(network: TrainableNetwork, batch: number, lowering: StepLowering | undefined): Graph {
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
  return (lowering ? lowering.forward({ parameters: new Set(parameters.map(({ name }) => name)) })(model) : model)
    .graph;
}

/** g · min(1, c / (‖g‖ + 1e-6)) over all rows together, as torch.nn.utils.clip_grad_norm_. */
function clippedBy(gradients: readonly Value[], most: number): Value[] {
  const squares = gradients.map(row => ReduceSumSquare(row, [1])); // [1, 1] each
  const norm = Sqrt(squares.length === 1 ? squares[0] : ReduceSum(Concat(...squares, { axis: 1 }), [1]));
  const { builder } = norm;
  const scale = Min(Div(builder.constant(most), Add(norm, 1e-6)), 1);
  return gradients.map(row => Mul(row, scale));
}
