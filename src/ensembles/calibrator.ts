// Calibration inside the graph, of logits z of a member or of a pool:
//   temperature  softmax(z / T)        vector  softmax(z · scale + shift)        of several labels with the sigmoid
//   isotonic     of two classes: p1 piecewise linear in z1 − z0, as a sum of ramps
//                p1 = v_0 + Σ (v_{i+1} − v_i) · clip((m − x_i) / (x_{i+1} − x_i), 0, 1)

import { tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { Add, Clip, Concat, MatMul, Mul, Sigmoid, Slice, Softmax, Sub } from '../operators/index.js';
import { errors } from './errors.js';

/** What turns logits into probabilities. */
export type Calibrator =
  | { readonly kind: 'none' }
  | { readonly kind: 'temperature'; readonly temperature: number }
  | { readonly kind: 'vector'; readonly scale: readonly number[]; readonly shift: readonly number[] }
  | { readonly kind: 'isotonic'; readonly points: readonly number[]; readonly values: readonly number[] };

export type Task = 'single' | 'multi-label';

/** z · scale + shift, one of each per class. */
export interface ScaleAndShift {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** A calibrator as a linear one; undefined for an isotonic one. */
export function linearCalibrator(calibrator: Calibrator | undefined, classes: number): ScaleAndShift | undefined {
  const all = (value: number) => Array.from({ length: classes }, () => value);
  if (!calibrator || calibrator.kind === 'none') return { scale: all(1), shift: all(0) };
  if (calibrator.kind === 'temperature') return { scale: all(1 / calibrator.temperature), shift: all(0) };
  if (calibrator.kind === 'vector') return { scale: calibrator.scale, shift: calibrator.shift };
  return undefined;
}

/** @throws ENSEMBLE_CALIBRATOR for one that does not fit the classes or the task */
export function checkCalibrator(calibrator: Calibrator | undefined, classes: number, task: Task): void {
  const unfit = (reason: string) => errors.CALIBRATOR({ calibrator: calibrator!.kind, reason });
  if (!calibrator || calibrator.kind === 'none') return;
  if (calibrator.kind === 'temperature') {
    if (!(calibrator.temperature > 0 && calibrator.temperature < Infinity))
      throw unfit(`its temperature is ${calibrator.temperature}`);
    return;
  }
  const isNumbers = (list: readonly number[], count: number) => list.length === count && list.every(Number.isFinite);
  if (calibrator.kind === 'vector') {
    if (!isNumbers(calibrator.scale, classes) || !isNumbers(calibrator.shift, classes))
      throw unfit(`it wants ${classes} scales and shifts`);
    return;
  }
  const { points, values } = calibrator;
  if (classes !== 2 || task !== 'single') throw unfit('it is for two classes of which one is right');
  const isRising = points.every((point, i) => i === 0 || point >= points[i - 1]!);
  const isShare = values.every(value => value >= 0 && value <= 1);
  if (
    points.length === 0 ||
    !isNumbers(values, points.length) ||
    !points.every(Number.isFinite) ||
    !isRising ||
    !isShare
  )
    throw unfit('it wants rising points, and as many values of 0 to 1');
}

/** Whether a linear calibrator leaves logits as they are. */
export const isPlain = ({ scale, shift }: ScaleAndShift): boolean =>
  scale.every(value => value === 1) && shift.every(value => value === 0);

/** z · scale + shift of rows [n, K], or of members [n, M, K], one calibrator each. */
export function scaled(logits: Value, each: readonly ScaleAndShift[]): Value {
  if (each.every(isPlain)) return logits;
  const classes = each[0]!.scale.length;
  const first = each[0]!.scale[0]!;
  const isOne = each.every(({ scale }) => scale.every(value => value === first));
  const shape = each.length === 1 ? [classes] : [each.length, classes];
  const held = (key: keyof ScaleAndShift) =>
    logits.builder.constant(
      tensor(
        'float32',
        shape,
        each.flatMap(one => one[key]),
      ),
      undefined,
      `calibration.${key}`,
    );
  const stretched = isOne ? (first === 1 ? logits : Mul(logits, first)) : Mul(logits, held('scale'));
  return each.every(({ shift }) => shift.every(value => value === 0)) ? stretched : Add(stretched, held('shift'));
}

/** Calibrated logits as probabilities, along the last axis. */
export const activated = (logits: Value, task: Task): Value => (task === 'single' ? Softmax(logits) : Sigmoid(logits));

/** Probabilities [n, K] of logits [n, K]. */
export function calibrated(logits: Value, calibrator: Calibrator | undefined, task: Task): Value {
  const classes = logits.shape[1] as number;
  if (calibrator?.kind === 'isotonic') return isotonic(logits, calibrator);
  return activated(scaled(logits, [linearCalibrator(calibrator, classes)!]), task);
}

/** [1 − p1, p1] of logits [n, 2]. */
function isotonic(logits: Value, { points, values }: Calibrator & { readonly kind: 'isotonic' }): Value {
  const { builder } = logits;
  const margin = Sub(Slice(logits, [1], [2], [1]), Slice(logits, [0], [1], [1]));
  const ramps = points.length - 1;
  const row = (make: (i: number) => number) =>
    tensor(
      'float32',
      [1, ramps],
      Array.from({ length: ramps }, (_, i) => make(i)),
    );
  let second: Value;
  if (ramps === 0) second = Add(Mul(margin, 0), values[0]);
  else {
    // a step is a ramp as steep as float32 has it
    const steep = row(i => Math.min(1 / (points[i + 1]! - points[i]!), 1e30));
    const ramp = Clip(Mul(Sub(margin, builder.constant(row(i => points[i]!))), builder.constant(steep)), 0, 1);
    const rises = tensor(
      'float32',
      [ramps, 1],
      Array.from({ length: ramps }, (_, i) => values[i + 1]! - values[i]!),
    );
    second = Clip(Add(MatMul(ramp, builder.constant(rises)), values[0]), 0, 1);
  }
  return Concat(Sub(1, second), second, { axis: 1 });
}
