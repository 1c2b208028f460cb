// epoch_model of a network: state, pictures, series [S] → next.…, losses [S]. S steps in one Scan; the state is carried
// and so never copied between steps, frozen weights and pictures lie in the outer graph, each step gathers its rows.

import { elementCount } from '../../base/index.js';
import { Builder, embed, modelOf, type Attribute, type Graph, type Model, type Value } from '../../graph/index.js';
import { Gather, Unsqueeze } from '../../operators/index.js';
import { joined, parted, partName } from '../row-state.js';
import type { TrainableNetwork } from './network.js';
import { nextName, rowName } from './gradient-graph.js';
import { trainingStep, type StepOptions } from './step.js';

/** Constants of so few elements stay inside the body, where kernels see that they are constant. */
const small = 1024;

/**
 * Many steps in one run. Inputs: weights `P` and what stands beside them `P.m`, …, statistics; what the network is fed
 * [pictures, …], `labels`, `order` int64 [S, B], `rate`, `step`, `averaging` [S]. Outputs: `next.P`, …, `losses` [S].
 *
 * @throws what {@link trainingStep} throws
 */
export function networkStepsModel(network: TrainableNetwork, options: StepOptions): Model {
  const { averaging = true, batch } = options;
  const { model, rows, parts } = trainingStep(network, options);
  const step = model.graph;
  const infoOf = (name: string) => step.inputs.find(info => info.name === name)!;
  const outer = new Builder('epoch');
  for (const row of network.parameters)
    for (const part of parts) outer.input(partName(row, part), 'float32', row.shape);
  const statistics = network.statistics.map(({ name, shape }) => outer.input(name, 'float32', shape));
  const fed = [...network.inputs, 'labels'].map(name => {
    const { type = 'float32', shape = [] } = infoOf(name);
    return outer.input(name, type, ['pictures', ...shape.slice(1)]);
  });
  const order = outer.input('order', 'int64', ['steps', batch]);
  const scalars = ['rate', 'step', ...(averaging ? ['averaging'] : [])];
  const series = scalars.map(name => Unsqueeze(outer.input(name, 'float32', ['steps']), [1, 2]));

  // Weights come in their own layout and go into the loop in the layout that it reads.
  const carried = rows.flatMap((row, i) =>
    parts.map(part => {
      const value = joined(row, parameter => {
        const own = outer.value(partName(parameter, part));
        return parameter.layout ? parameter.layout.to(own) : own;
      });
      return { name: rowName(i, part), value };
    }),
  );
  const state = [...carried, ...statistics.map(value => ({ name: value.name, value }))];
  const body = stepBody(outer, step, { state, series: [...series, order], fed, scalars });

  const attributes = new Map<string, Attribute>([
    ['body', { kind: 'graph', value: body }],
    ['num_scan_inputs', { kind: 'int', value: series.length + 1 }],
  ]);
  const results = outer.append({
    op: 'Scan',
    inputs: [...state.map(({ value }) => value), ...series, order],
    attributes,
    outputs: [...state.map(({ value: { type, shape } }) => ({ type, shape })), { type: 'float32', shape: ['steps'] }],
  });
  const next = new Map(state.map(({ name }, i) => [name, results[i]!]));
  rows.forEach((row, i) => {
    for (const part of parts)
      for (const [parameter, value] of parted(row, next.get(rowName(i, part))!)) {
        const own = parameter.layout ? parameter.layout.from(value) : value;
        outer.output(own, nextName(partName(parameter, part)));
      }
  });
  for (const { name } of network.statistics) outer.output(next.get(name)!, nextName(name));
  outer.output(results.at(-1)!, 'losses');
  return modelOf(outer.finish());
}

interface Body {
  readonly state: readonly { readonly name: string; readonly value: Value }[];
  /** The scalars of the steps, then their order. */
  readonly series: readonly Value[];
  readonly fed: readonly Value[];
  readonly scalars: readonly string[];
}

/** The step as the body of the Scan: state and the rows of one step in, state and loss out. */
function stepBody(outer: Builder, step: Graph, { state, series, fed, scalars }: Body): Graph {
  const body = new Builder('step', outer);
  const enter = ({ type }: Value, name: string, shape: Value['shape']) =>
    body.input(outer.fresh(`${name}.now`), type, shape);
  const bindings = new Map<string, Value>();
  for (const { name, value } of state) bindings.set(name, enter(value, name, value.shape));
  const now = series.map(value => enter(value, value.name, value.shape.slice(1)));
  scalars.forEach((name, i) => bindings.set(name, now[i]!));
  const rowsNow = now.at(-1)!;
  for (const value of fed) bindings.set(value.name, Gather(body.capture(value), rowsNow));
  for (const [name, data] of step.initializers)
    if (elementCount(data.shape) > small)
      bindings.set(name, body.capture(outer.parameter(outer.isFree(name) ? name : outer.fresh(name), data)));
  const made = embed(body, step, bindings);
  for (const { name } of state) body.output(made.get(nextName(name))!);
  body.output(made.get('loss')!);
  return body.finish();
}
