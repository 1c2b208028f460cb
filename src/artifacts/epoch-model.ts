// epoch_model: state, the whole set, series [S] → next.…, losses [S]. S steps in one Scan: the state is carried, the set
// lies in the outer graph, each step gathers its rows. In the body a node costs as much as a pass over a thousand numbers,
// so what depends on no weight is made for all steps at once, outside: the optimizer's scalars before, the losses after.

import { Builder, modelOf, type Attribute, type Model, type Value } from '../graph/index.js';
import { Gather, Mul, Unsqueeze } from '../operators/index.js';
import { gradientsOf } from './gradients.js';
import type { DropoutMask, Parameter, TrainHeadOptions } from './head-options.js';
import { shareOf } from './losses/loss.js';
import { joined, parted, partName, rowsOf, updated } from './row-state.js';

/** Builds the graph of S steps. */
export function epochModel(
  { features: width, classes, head, loss, optimizer, averaging = true }: TrainHeadOptions,
  parameters: readonly Parameter[],
  slots: readonly string[],
  dropouts: readonly DropoutMask[],
): Model {
  const outer = new Builder('epoch');
  const parts = ['', ...slots];
  for (const parameter of parameters)
    for (const slot of parts) outer.input(partName(parameter, slot), 'float32', parameter.shape);
  const features = outer.input('features', 'float32', ['pictures', width]);
  const declared = loss.labels(classes);
  const labels = outer.input('labels', declared.type, ['pictures', ...declared.shape.slice(1)]);
  const targets = loss.targets(labels, classes);
  const scalars = (name: string) => Unsqueeze(outer.input(name, 'float32', ['steps']), [1, 2]);
  const prepared = optimizer.prepare({ rate: scalars('rate'), step: scalars('step') });
  const average = averaging ? scalars('averaging') : undefined;
  const order = outer.input('order', 'int64', ['steps', 'batch']);
  const masks = dropouts.map(({ name, width: w }) => outer.input(name, 'float32', ['steps', 'batch', w]));
  const share = shareOf(order, 1);

  const body = new Builder('step', outer);
  const enter = ({ name, type }: Value, shape: Value['shape']) => body.input(outer.fresh(`${name}.now`), type, shape);
  const rows = rowsOf(optimizer, parameters);
  const carried = rows.flatMap(row =>
    parts.map(slot => ({ row, slot, before: joined(row, parameter => outer.value(partName(parameter, slot))) })),
  );
  const state = carried.map(({ row, slot, before }) => ({ row, slot, now: enter(before, before.shape) }));
  const series = [...prepared, ...(average ? [average] : []), order, ...masks];
  const now = new Map(series.map(value => [value, enter(value, value.shape.slice(1))]));
  const stateOf = (row: (typeof rows)[number]) =>
    new Map(state.filter(it => it.row === row).map(it => [it.slot, it.now]));

  const weights = new Map<string, Value>();
  for (const row of rows) for (const [{ name }, value] of parted(row, stateOf(row).get('')!)) weights.set(name, value);
  // Gathered here and not for all steps at once: a slice of a series lies at any address, where sums add in another order.
  const gathered = (value: Value) => Gather(body.capture(value), now.get(order));
  const logits = head(gathered(features), {
    classes,
    parameter: name => weights.get(name)!,
    dropout: (name, value) => Mul(value, now.get(outer.value(name))),
  });
  const gradients = gradientsOf(loss, logits, gathered(targets), body.capture(share), weights);
  const scalarsNow = {
    prepared: prepared.map(value => now.get(value)!),
    averaging: average && now.get(average)!,
  };
  for (const row of rows) {
    const gradient = joined(row, ({ name }) => gradients.get(name)!);
    const next = updated(optimizer, row, stateOf(row), gradient, scalarsNow);
    for (const slot of parts) body.output(next.get(slot)!);
  }
  body.output(logits);

  const attributes = new Map<string, Attribute>([
    ['body', { kind: 'graph', value: body.finish() }],
    ['num_scan_inputs', { kind: 'int', value: series.length }],
  ]);
  const results = outer.append({
    op: 'Scan',
    inputs: [...carried.map(({ before }) => before), ...series],
    attributes,
    outputs: [
      ...carried.map(({ before: { shape } }) => ({ type: 'float32' as const, shape })),
      { type: 'float32', shape: ['steps', 'batch', logits.shape[1]!] },
    ],
  });
  const next = new Map(
    carried.flatMap(({ row, slot }, i) =>
      [...parted(row, results[i]!)].map(([parameter, value]) => [partName(parameter, slot), value] as const),
    ),
  );
  for (const parameter of parameters)
    for (const slot of parts) outer.output(next.get(partName(parameter, slot))!, `next.${partName(parameter, slot)}`);
  outer.output(loss.value(results.at(-1)!, Gather(targets, order)), 'losses');
  return modelOf(outer.finish());
}
