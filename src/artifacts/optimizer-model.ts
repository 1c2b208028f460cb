// optimizer_model: parameters, their gradients and what stands beside them → the same after one update.

import { Builder, modelOf, type Model, type Value } from '../graph/index.js';
import { Unsqueeze } from '../operators/index.js';
import type { TrainHeadOptions } from './head-options.js';
import { joined, parted, partName, rowsOf, scalarsOf, updated, type RowParameter } from './row-state.js';

/**
 * One update as a model of its own: `P`, `P_grad`, `P.m`, … `rate` [], `step` [], `averaging` [] → `next.P`, `next.P.m`, …
 *
 * @param slots what stands beside each parameter, the average among them
 */
export function optimizerModel(
  { optimizer, averaging = true }: Pick<TrainHeadOptions, 'optimizer' | 'averaging'>,
  parameters: readonly RowParameter[],
  slots: readonly string[],
): Model {
  const builder = new Builder('optimizer');
  for (const { name, shape } of parameters)
    for (const state of [name, `${name}_grad`, ...slots.map(slot => `${name}.${slot}`)])
      builder.input(state, 'float32', shape);
  const scalar = (name: string) => Unsqueeze(builder.input(name, 'float32', []), [0, 1]);
  const scalars = scalarsOf(optimizer, scalar('rate'), scalar('step'), averaging ? scalar('averaging') : undefined);
  const next = new Map<string, Value>();
  for (const row of rowsOf(optimizer, parameters)) {
    const state = new Map(
      ['', ...slots].map(slot => [slot, joined(row, parameter => builder.value(partName(parameter, slot)))]),
    );
    const gradient = joined(row, ({ name }) => builder.value(`${name}_grad`));
    for (const [slot, result] of updated(optimizer, row, state, gradient, scalars(row)))
      for (const [parameter, value] of parted(row, result)) next.set(partName(parameter, slot), value);
  }
  for (const parameter of parameters)
    for (const slot of ['', ...slots]) {
      const part = partName(parameter, slot);
      builder.output(next.get(part)!, `next.${part}`);
    }
  return modelOf(builder.finish());
}
