// The ways from logits to probabilities that can be believed, by their kind: as data, so that a bundle can hold one, and
// as two functions, one that fits a kind and one that applies it. z are a network's raw logits, or ln p of a pool.
//   none         softmax(z)                  temperature   softmax(z / T)
//   vector       softmax(z ∘ scale + shift)  isotonic      p1 = f(z1 − z0), f never falls; two classes only
// Of several labels sigmoid in place of softmax. In the order of this list each is freer than the one before.

import { errors } from './errors.js';
import { applyIsotonic, fitIsotonic, type IsotonicScaling } from './isotonic.js';
import { checkedScores, type Logits } from './likelihood.js';
import { isMultiLabel } from './predictions.js';
import { applyTemperature, fitTemperature } from './temperature.js';
import { fitVector, type VectorScaling } from './vector-scaling.js';

/** How probabilities are made of logits. */
export type Calibrator =
  | { readonly kind: 'none' }
  | { readonly kind: 'temperature'; readonly temperature: number }
  | VectorScaling
  | IsotonicScaling;

export type CalibratorKind = Calibrator['kind'];

/** Every kind, the simplest first. */
export const calibratorKinds = ['none', 'temperature', 'vector', 'isotonic'] as const satisfies CalibratorKind[];

/**
 * Fits a calibrator of a kind with its defaults; without pictures that is `none`.
 * Throws as `fitTemperature`, `fitVector` and `fitIsotonic`.
 *
 * @example
 * const calibrator = fitCalibrator('vector', { logits, labels, classes });
 */
export function fitCalibrator(kind: CalibratorKind, at: Logits): Calibrator {
  if (kind === 'none' || at.logits.length === 0) return { kind: 'none' };
  if (kind === 'temperature') return { kind, temperature: fitTemperature(at).temperature };
  return kind === 'vector' ? fitVector(at) : fitIsotonic(at);
}

/** The kinds that go with a truth: isotonic with two classes of one label only. */
export const kindsFor = (at: Logits): readonly CalibratorKind[] =>
  isMultiLabel(at) || at.classes.length !== 2 ? calibratorKinds.filter(kind => kind !== 'isotonic') : calibratorKinds;

/**
 * Probabilities [rows, classes] of logits. For stored logits; a bundle has its calibrator in the graph.
 * Throws EVALUATION_SHAPE and EVALUATION_OPTION where calibrator and classes do not go together, EVALUATION_NOT_FINITE.
 *
 * @example
 * const probabilities = applyCalibrator({ kind: 'vector', scale: [1, 0.5], shift: [0, 1] }, { logits, classes });
 */
export function applyCalibrator(
  calibrator: Calibrator,
  { logits, classes }: { readonly logits: Float32Array; readonly classes: readonly string[] },
  task: 'single' | 'multi-label' = 'single',
): Float32Array {
  checkCalibrator(calibrator, classes.length, task);
  const z = checkedScores(logits, classes, task);
  switch (calibrator.kind) {
    case 'none':
      return applyTemperature({ logits: z, classes }, 1, task);
    case 'temperature':
      return applyTemperature({ logits: z, classes }, calibrator.temperature, task);
    case 'vector': {
      const K = classes.length;
      const { scale, shift } = calibrator;
      return applyTemperature({ logits: z.map((one, i) => one * scale[i % K]! + shift[i % K]!), classes }, 1, task);
    }
    case 'isotonic':
      return applyIsotonic(calibrator, z);
  }
}

/** Checks what may have come from a file. */
function checkCalibrator(calibrator: Calibrator, K: number, task: 'single' | 'multi-label'): void {
  const wrong = (option: string, found: unknown, wanted: string) => errors.OPTION({ option, found, wanted });
  const finite = (values: readonly number[]) => values.every(Number.isFinite);
  if (calibrator.kind === 'vector') {
    const { scale, shift } = calibrator;
    if (scale.length !== K || shift.length !== K)
      throw wrong('the vector calibrator', `of ${scale.length} and ${shift.length} classes`, `of ${K}`);
    if (!finite(scale) || !finite(shift)) throw wrong('the vector calibrator', 'not finite', 'finite numbers');
  }
  if (calibrator.kind === 'isotonic') {
    const { points, values } = calibrator;
    if (K !== 2 || task !== 'single')
      throw wrong('isotonic calibration', `of ${K} classes`, 'of two classes, one label');
    const rises = (list: readonly number[]) => finite(list) && list.every((one, i) => i === 0 || one >= list[i - 1]!);
    if (points.length === 0 || points.length !== values.length || !rises(points) || !rises(values))
      throw wrong('the isotonic calibrator', 'points and values', 'as many of both, rising');
    if (values[0]! < 0 || values.at(-1)! > 1) throw wrong('the isotonic calibrator', 'other values', 'probabilities');
  }
}
