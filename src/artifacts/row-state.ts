// The state as the graphs compute with it: every part (the parameters themselves, each slot, the average) as row vectors
// [1, n] in which the parameters that are treated alike stand end to end. One update then serves them all, and equal
// shapes give equal bits wherever it stands.

import { elementCount } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { Concat, Mul, Reshape, Split, Sub } from '../operators/index.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { addScaled } from './optimizers/row-vectors.js';

/** A parameter as rows hold it. */
export interface RowParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Its learning rate as a share of the run's. @default 1 */
  readonly factor?: number;
}

/** Parameters in one row vector. */
export interface Row<P extends RowParameter = RowParameter> {
  readonly parameters: readonly P[];
  readonly length: number;
  readonly decays: boolean;
  /** Learning rate of all of them as a share of the run's. */
  readonly factor: number;
}

/** Parameters of so many elements stand alone: joining them would be a pass over memory that saves nothing. */
const large = 1 << 16;

/** The rows of a run. */
export function rowsOf<P extends RowParameter>(optimizer: Optimizer, parameters: readonly P[]): Row<P>[] {
  const rows: P[][] = [];
  const shared = new Map<string, P[]>();
  for (const parameter of parameters) {
    const isLarge = elementCount(parameter.shape) >= large;
    const key = `${optimizer.decays && decays(optimizer, parameter)} ${parameter.factor ?? 1}`;
    const row = isLarge ? undefined : shared.get(key);
    if (row) row.push(parameter);
    else {
      rows.push([parameter]);
      if (!isLarge) shared.set(key, rows.at(-1)!);
    }
  }
  return rows.map(row => ({
    parameters: row,
    length: row.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    decays: row.every(parameter => decays(optimizer, parameter)),
    factor: row[0]!.factor ?? 1,
  }));
}

/** Matrices decay, biases only where all do. */
const decays = ({ decayed }: Optimizer, { shape }: RowParameter) => decayed === 'all' || shape.length > 1;

/** A part of the state as a row. */
export function joined<P extends RowParameter>({ parameters }: Row<P>, part: (parameter: P) => Value): Value {
  const flat = parameters.map(parameter => Reshape(part(parameter), [1, elementCount(parameter.shape)]));
  return flat.length === 1 ? flat[0]! : Concat(...flat, { axis: 1 });
}

/** The parameters that stand in a row, each in its shape. */
export function parted<P extends RowParameter>({ parameters }: Row<P>, row: Value): Map<P, Value> {
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

/** The scalars of a step for each row, made once for each share of the rate; all [1, 1]. */
export function scalarsOf(optimizer: Optimizer, rate: Value, step: Value, averaging: Value | undefined) {
  const prepared = new Map<number, readonly Value[]>();
  return ({ factor }: Row): Scalars => {
    const made = prepared.get(factor) ?? optimizer.prepare({ rate: factor === 1 ? rate : Mul(rate, factor), step });
    prepared.set(factor, made);
    return { prepared: made, averaging };
  };
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
export const partName = ({ name }: RowParameter, slot: string): string => (slot ? `${name}.${slot}` : name);
