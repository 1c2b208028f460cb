// The optimizer of ONNX Runtime's training as a plain optimizer_model: P, P_grad, P.m, P.v, rate [], step [] → next.P, …
// Moments are kept unnormalised, as our own optimizers keep them. Clipping comes first, over all gradients together:
//   g ← g · min(1, clip / (‖g‖ + 1e-6))
// Source: onnxruntime orttraining/training_ops/cpu/optimizer (adamw.cc, clip_grad_norm.cc).

import { Builder, modelOf, type Model, type Value } from '../../graph/index.js';
import { Add, Div, Min, Mul, ReduceSumSquare, Sqrt, Sum, Unsqueeze } from '../../operators/index.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { joined, parted, partName, rowsOf, scalarsOf, updated, type RowParameter } from '../row-state.js';
import { ownOptimizer } from './optimizer.js';
import type { ReadOptimizer } from './read-optimizer.js';

/** The optimizer that was read, as our graphs have it. */
export function importedOptimizer({ optimizer, rateFactor, correctsBias }: ReadOptimizer): Optimizer {
  const own = ownOptimizer(optimizer);
  if (correctsBias && rateFactor === 1) return own;
  return {
    ...own,
    prepare: ({ rate, step }) => {
      const used = rateFactor === 1 ? rate : Mul(rate, rateFactor);
      // Uncorrected moments are those of a step so late that β^t is zero.
      const late = correctsBias ? step : Add(Mul(step, 0), 1e9);
      return own.prepare({ rate: used, step: late });
    },
  };
}

/** One update as a model of its own. */
export function importedOptimizerModel(read: ReadOptimizer, parameters: readonly RowParameter[]): Model {
  const optimizer = importedOptimizer(read);
  const builder = new Builder('optimizer');
  for (const { name, shape } of parameters)
    for (const part of [name, `${name}_grad`, ...optimizer.slots.map(slot => `${name}.${slot}`)])
      builder.input(part, 'float32', shape);
  const scalar = (name: string) => Unsqueeze(builder.input(name, 'float32', []), [0, 1]);
  const scalars = scalarsOf(optimizer, scalar('rate'), scalar('step'), undefined);
  const rows = rowsOf(optimizer, parameters).map(row => ({
    row,
    gradient: joined(row, ({ name }) => builder.value(`${name}_grad`)),
  }));
  const share = read.clip === undefined ? undefined : clipping(rows.map(({ gradient }) => gradient), read.clip); // prettier-ignore
  const next = new Map<string, Value>();
  for (const { row, gradient } of rows) {
    const state = new Map(
      ['', ...optimizer.slots].map(slot => [slot, joined(row, parameter => builder.value(partName(parameter, slot)))]),
    );
    const clipped = share ? Mul(gradient, share) : gradient;
    for (const [slot, result] of updated(optimizer, row, state, clipped, scalars(row)))
      for (const [parameter, value] of parted(row, result)) next.set(partName(parameter, slot), value);
  }
  for (const [part, value] of next) builder.output(value, `next.${part}`);
  return modelOf(builder.finish());
}

/** min(1, clip / (‖g‖ + 1e-6)), [1, 1] */
function clipping(gradients: readonly Value[], clip: number): Value {
  const squares = gradients.map(gradient => ReduceSumSquare(gradient));
  const norm = Sqrt(squares.length > 1 ? Sum(...squares) : squares[0]!);
  const quotient = Div(clip, Add(norm, 1e-6));
  return Min(quotient, 1);
}
