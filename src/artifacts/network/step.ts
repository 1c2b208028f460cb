// One training step as a flat graph for a batch of known size: state, batch, rate → state, loss. Forward, backward and
// update in one, as fast as passes make it: the forward graph is brought into fast forms before it is differentiated
// (the backward half follows by the chain rule), and the whole step is cleaned afterwards.

import { Builder, embed, modelOf, type Attribute, type Graph, type Model, type Value } from '../../graph/index.js';
import {
  Add,
  Concat,
  Div,
  Min,
  Mul,
  ReduceMean,
  ReduceSum,
  ReduceSumSquare,
  Reshape,
  Sqrt,
  type OperatorSet,
} from '../../operators/index.js';
import type { Pass } from '../../passes/index.js';
import type { Loss } from '../losses/loss.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { scalarsOf, updated, type Row, type RowParameter } from '../row-state.js';
import { gradientGraph, gradientName, nextName, rowName } from './gradient-graph.js';
import type { TrainableNetwork } from './network.js';
import type { Layout } from './stored-layouts.js';

/** How a step is brought into fast forms. */
export interface StepLowering {
  /** Of the forward graph, before it is differentiated. */
  forward(at: { readonly parameters: ReadonlySet<string>; readonly isExact: boolean }): Pass;
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
  /** At least so many equal parts of the batch one after the other: less memory, the same gradients. @default 1 */
  readonly accumulate?: number;
  /** What operators mean, yours among them. @default coreOperators */
  readonly operators?: OperatorSet;
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

/**
 * Builds the step.
 *
 * @throws ARTIFACTS_LOGITS, ARTIFACTS_NO_PATH, AUTODIFF_…
 */
export function trainingStep(network: TrainableNetwork, options: StepOptions): Step {
  const { loss, optimizer, batch, averaging = true, clip, lowering, accumulate = 1 } = options;
  const count = partsOf(batch, accumulate);
  const { model: gradients, rows } = gradientGraph(network, options, batch / count);
  const parts = ['', ...optimizer.slots, ...(averaging ? ['average'] : [])];

  const builder = new Builder('step');
  const state = rows.map((row, i) => {
    const enter = (part: string) => builder.input(rowName(i, part), 'float32', [1, row.length]);
    return new Map(parts.map(part => [part, enter(part)]));
  });
  const bindings = new Map<string, Value>(rows.map((_, i) => [rowName(i, ''), state[i]!.get('')!]));
  const enter = (name: string) => {
    const info = gradients.graph.inputs.find(input => input.name === name)!;
    return builder.input(name, info.type ?? 'float32', info.shape ?? []);
  };
  for (const { name } of network.statistics) bindings.set(name, enter(name));
  for (const name of network.inputs) {
    const { type = 'float32', shape = [] } = gradients.graph.inputs.find(input => input.name === name)!;
    bindings.set(name, builder.input(name, type, [batch, ...shape.slice(1)]));
  }
  const declared = loss.labels(1);
  const labelShape = gradients.graph.inputs.find(({ name }) => name === 'labels')!.shape!;
  bindings.set('labels', builder.input('labels', declared.type, [batch, ...labelShape.slice(1)]));
  const scalar = (name: string) => builder.input(name, 'float32', [1, 1]);
  const [rate, number] = [scalar('rate'), scalar('step')];
  const scalars = scalarsOf(optimizer, rate, number, averaging ? scalar('averaging') : undefined);

  const made =
    count === 1
      ? embed(builder, gradients.graph, bindings)
      : accumulated(builder, (lowering ? lowering.step(gradients) : gradients).graph, network, bindings, count);
  const raw = rows.map((_, i) => made.get(gradientName(i))!);
  const clipped = clip === undefined ? raw : clippedBy(raw, clip);
  rows.forEach((row, i) => {
    const next = updated(optimizer, row, state[i]!, clipped[i]!, scalars(row));
    for (const part of parts) builder.output(next.get(part)!, nextName(rowName(i, part)));
  });
  for (const { name } of network.statistics) builder.output(made.get(nextName(name))!, nextName(name));
  builder.output(made.get('loss')!, 'loss');
  const model = modelOf(builder.finish());
  return { model: lowering ? lowering.step(model) : model, rows, parts };
}

/** The parts of a batch: at least so many, all of one size. */
function partsOf(batch: number, wanted: number): number {
  for (let count = Math.max(1, wanted); count < batch; count++) if (batch % count === 0) return count;
  return wanted > 1 ? batch : 1;
}

/** Gradients of the parts of a batch, one part after the other, and their mean: a Scan that carries the sums. */
function accumulated(
  builder: Builder,
  graph: Graph,
  { inputs, statistics }: TrainableNetwork,
  bindings: ReadonlyMap<string, Value>,
  count: number,
): Map<string, Value> {
  const sums = graph.outputs.filter(({ name }) => name.endsWith('.grad'));
  const fed = [...inputs, 'labels'];
  const carried = [
    ...sums.map(({ name }) => {
      const weights = bindings.get(name.slice(0, -'.grad'.length))!;
      return { name, start: Mul(weights, 0) };
    }),
    ...statistics.map(({ name }) => ({ name, start: bindings.get(name)! })),
  ];
  const series = fed.map(name => {
    const value = bindings.get(name)!;
    return Reshape(value, [count, (value.shape[0] as number) / count, ...(value.shape.slice(1) as number[])]);
  });
  const body = new Builder('part', builder);
  const now = new Map<string, Value>();
  for (const { name, start } of carried)
    now.set(name, body.input(builder.fresh(`${name}.now`), start.type, start.shape));
  fed.forEach((name, i) => {
    const { type, shape } = series[i]!;
    now.set(name, body.input(builder.fresh(`${name}.part`), type, shape.slice(1)));
  });
  const inner = new Map<string, Value>();
  for (const { name } of graph.inputs) inner.set(name, now.get(name) ?? body.capture(bindings.get(name)!));
  const made = embed(body, graph, inner);
  for (const { name } of sums) body.output(Add(now.get(name), made.get(name)));
  for (const { name } of statistics) body.output(made.get(nextName(name))!);
  body.output(made.get('loss')!);
  const attributes = new Map<string, Attribute>([
    ['body', { kind: 'graph', value: body.finish() }],
    ['num_scan_inputs', { kind: 'int', value: fed.length }],
  ]);
  const results = builder.append({
    op: 'Scan',
    inputs: [...carried.map(({ start }) => start), ...series],
    attributes,
    outputs: [
      ...carried.map(({ start: { type, shape } }) => ({ type, shape })),
      { type: 'float32' as const, shape: [count] },
    ],
  });
  const mean = new Map<string, Value>();
  sums.forEach(({ name }, i) => mean.set(name, Mul(results[i], 1 / count)));
  statistics.forEach(({ name }, i) => mean.set(nextName(name), results[sums.length + i]!));
  mean.set('loss', ReduceMean(results.at(-1), [0], { keepdims: 0 }));
  return mean;
}

/** g · min(1, c / (‖g‖ + 1e-6)) over all rows together, as torch.nn.utils.clip_grad_norm_. */
function clippedBy(gradients: readonly Value[], most: number): Value[] {
  const squares = gradients.map(row => ReduceSumSquare(row, [1])); // [1, 1] each
  const norm = Sqrt(squares.length === 1 ? squares[0] : ReduceSum(Concat(...squares, { axis: 1 }), [1]));
  const { builder } = norm;
  const scale = Min(Div(builder.constant(most), Add(norm, 1e-6)), 1);
  return gradients.map(row => Mul(row, scale));
}
