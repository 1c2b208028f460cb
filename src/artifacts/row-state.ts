// The state as the graphs compute with it: every part (the parameters themselves, each slot, the average) as row vectors
// [1, n] in which the parameters that are treated alike stand end to end. One update then serves them all, and equal
// shapes give equal bits wherever it stands.

import { elementCount } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { Concat, Reshape, Split, Sub } from '../operators/index.js';
import type { Parameter } from './head-options.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { addScaled } from './optimizers/row-vectors.js';

/** Parameters in one row vector. */
export interface Row {
  readonly parameters: readonly Parameter[];
  readonly length: number;
  readonly decays: boolean;
}

/** Parameters of so many elements stand alone: joining them would be a pass over memory that saves nothing. */
const large = 1 << 16;

/** The rows of a run. */
export function rowsOf(optimizer: Optimizer, parameters: readonly Parameter[]): Row[] {
  const rows: Parameter[][] = [];
  const shared = new Map<boolean, Parameter[]>();
  for (const parameter of parameters) {
    const key = optimizer.decays && decays(parameter);
    const row = elementCount(parameter.shape) < large ? shared.get(key) : undefined;
    if (row) row.push(parameter);
    else {
      rows.push([parameter]);
      if (elementCount(parameter.shape) < large) shared.set(key, rows.at(-1)!);
    }
  }
  return rows.map(row => ({
    parameters: row,
    length: row.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    decays: row.every(decays),
  }));
}

/** Matrices decay, biases do not. */
const decays = ({ shape }: Parameter) => shape.length > 1;

/** A part of the state as a row. */
export function joined({ parameters }: Row, part: (parameter: Parameter) => Value): Value {
  const flat = parameters.map(parameter => Reshape(part(parameter), [1, elementCount(parameter.shape)]));
  return flat.length === 1 ? flat[0]! : Concat(...flat, { axis: 1 });
}

/** The parameters that stand in a row, each in its shape. */
export function parted({ parameters }: Row, row: Value): Map<Parameter, Value> {
  const sizes = row.builder.constant(parameters.map(({ shape }) => elementCount(shape)));
  const flat = parameters.length === 1 ? [row] : Split.all(parameters.length, row, sizes, { axis: 1 });
  return new Map(parameters.map((parameter, i) => [parameter, Reshape(flat[i], parameter.shape)]));
}

/** The scalars of a step, [1, 1] each. */
export interface Scalars {
  /** What the optimizer made of rate and step. */
  readonly prepared: readonly Value[];
  readonly averaging: Value | undefined;
}

/**
 * One update of a row and of what stands beside it.
 *
 * @param state the row itself under '', its slots and its average under their names
 */
export function updated(
  optimizer: Optimizer,
  { decays }: Row,
  state: ReadonlyMap<string, Value>,
  gradient: Value,
  { prepared, averaging }: Scalars,
): Map<string, Value> {
  const slots = optimizer.slots.map(slot => state.get(slot)!);
  const result = optimizer.update({ parameter: state.get('')!, gradient, slots, decays }, prepared);
  const next = new Map([
    ['', result.parameter],
    ...optimizer.slots.map((slot, i) => [slot, result.slots[i]!] as const),
  ]);
  if (averaging) {
    const average = state.get('average')!;
    next.set('average', addScaled(average, averaging, Sub(result.parameter, average)));
  }
  return next;
}

/** The name of a part of the state: `P`, `P.m`, `P.average`. */
export const partName = ({ name }: Parameter, slot: string): string => (slot ? `${name}.${slot}` : name);
