import test from 'ava';
import { Random } from '../../src/base/index.js';
import {
  applyCalibrator,
  chooseCalibrator,
  crossFitted,
  evaluate,
  fitCalibrator,
  foldsOf,
} from '../../src/evaluation/index.js';
import { drawnLogits, madeLogits, madeSeveralLogits } from './made-logits.js';

// Logits N(0, 1), of the true class N(s, 1): the posterior is softmax(s z), so that s of one class is 1 / T exactly.
const calibrated = (seed: number, count: number, K: number) => drawnLogits(new Random(seed), count, K, 1);
const times = <T extends { logits: Float32Array }>(at: T, factor: number): T => ({
  ...at,
  logits: at.logits.map(z => factor * z),
});

test('logits that are calibrated are left as they are', t => {
  for (const seed of [1, 2, 3]) t.is(chooseCalibrator(calibrated(seed, 300, 4)).chosen, 'none');
});

test('logits too sure by a factor get a temperature, not a vector', t => {
  const { chosen, calibrator, figures } = chooseCalibrator(times(calibrated(4, 300, 4), 3));
  t.is(chosen, 'temperature');
  t.true(calibrator.kind === 'temperature' && Math.abs(calibrator.temperature - 3) < 0.6);
  t.deepEqual(
    figures.map(({ kind }) => kind),
    ['none', 'temperature', 'vector'],
  );
  t.true(figures[1]!.gain > figures[1]!.gainError);
  t.is(figures[0]!.gain, 0);
});

test('a class that is preferred for nothing gets a vector', t => {
  const at = calibrated(5, 300, 4);
  const biased = { ...at, logits: at.logits.map((z, i) => (i % 4 === 1 ? z + 2 : z)) };
  const { chosen, calibrator } = chooseCalibrator(biased);
  t.is(chosen, 'vector');
  t.true(calibrator.kind === 'vector' && calibrator.shift[1]! - calibrator.shift[0]! < -1);
});

test('two classes whose margin bends get isotonic steps', t => {
  // the chance of class 1 is 0.1, 0.5, 0.9 on three steps of a margin that says much more
  const random = new Random(6);
  const rows = Array.from({ length: 1500 }, () => 20 * random.uniform() - 10);
  const at = {
    logits: Float32Array.from(rows.flatMap(margin => [0, margin])),
    labels: rows.map(margin => Number(random.uniform() < (margin < -1 ? 0.1 : margin < 9 ? 0.5 : 0.9))),
    classes: ['a', 'b'],
  };
  const { chosen, figures } = chooseCalibrator(at);
  t.is(chosen, 'isotonic');
  t.is(figures.length, 4);
});

test('figures are those of the cross-fitted probabilities, which the chosen kind gives back', t => {
  const at = times(calibrated(7, 120, 3), 2);
  const { chosen, figures, probabilities } = chooseCalibrator(at, { folds: 4, seed: 9 });
  t.deepEqual(probabilities, crossFitted(at, chosen, foldsOf(at, 4, 9)));
  const { negativeLogLikelihood, expectedCalibrationError } = evaluate({ ...at, probabilities });
  const found = figures.find(({ kind }) => kind === chosen)!;
  t.true(Math.abs(found.negativeLogLikelihood - negativeLogLikelihood) < 1e-9);
  t.true(Math.abs(found.expectedCalibrationError - expectedCalibrationError) < 1e-9);
});

test('a cross-fit does not see the picture that it judges', t => {
  const at = times(calibrated(8, 60, 3), 2);
  const fold = foldsOf(at, 5, 0);
  const found = crossFitted(at, 'vector', fold);
  const held = [...fold.keys()].filter(row => fold[row] === 2);
  // other labels for the pictures of one fold leave their own probabilities as they were, and move others
  const labels = at.labels.map((label, row) => (fold[row] === 2 ? (label + 1) % 3 : label));
  const changed = crossFitted({ ...at, labels }, 'vector', fold);
  for (const row of held) t.deepEqual(changed.subarray(3 * row, 3 * row + 3), found.subarray(3 * row, 3 * row + 3));
  t.notDeepEqual(changed, found);
  // and are what a calibrator of the other folds gives
  const rows = [...fold.keys()].filter(row => fold[row] !== 2);
  const rest = fitCalibrator('vector', {
    logits: Float32Array.from(rows.flatMap(row => [...at.logits.subarray(3 * row, 3 * row + 3)])),
    labels: rows.map(row => at.labels[row]!),
    classes: at.classes,
  });
  const own = applyCalibrator(rest, at);
  for (const row of held) t.deepEqual(own.subarray(3 * row, 3 * row + 3), found.subarray(3 * row, 3 * row + 3));
});

test('several labels choose among none, temperature and vector', t => {
  const { figures, calibrator } = chooseCalibrator(times(madeSeveralLogits(80, 3), 4));
  t.deepEqual(
    figures.map(({ kind }) => kind),
    ['none', 'temperature', 'vector'],
  );
  t.not(calibrator.kind, 'none');
});

test('a vector is not tried by itself with fewer than two pictures a class', t => {
  const kinds = (count: number, options = {}) =>
    chooseCalibrator(calibrated(10, count, 8), options).figures.map(({ kind }) => kind);
  t.deepEqual(kinds(15), ['none', 'temperature']);
  t.deepEqual(kinds(16), ['none', 'temperature', 'vector']);
  t.deepEqual(kinds(15, { candidates: ['vector'] }), ['vector']);
});

test('one picture tells nothing: the simplest candidate is kept', t => {
  t.is(chooseCalibrator(madeLogits(1, 3)).chosen, 'none');
  t.is(chooseCalibrator(madeLogits(1, 3), { candidates: ['vector', 'temperature'] }).chosen, 'temperature');
});

test('the same seed chooses the same, in whatever order candidates are named', t => {
  const at = times(calibrated(9, 100, 2), 2);
  t.deepEqual(
    chooseCalibrator(at, { candidates: ['vector', 'none', 'temperature'] }),
    chooseCalibrator(at, { candidates: ['none', 'temperature', 'vector'] }),
  );
});

test('what cannot be chosen from is refused', t => {
  const at = madeLogits(12, 3);
  const code = 'EVALUATION_OPTION';
  t.throws(() => chooseCalibrator(at, { candidates: ['isotonic'] }), { code });
  t.throws(() => chooseCalibrator(at, { candidates: [] }), { code });
  t.throws(() => chooseCalibrator(at, { folds: 1 }), { code });
  t.throws(() => chooseCalibrator({ ...at, logits: new Float32Array(0), labels: [] }), { code: 'EVALUATION_EMPTY' });
  t.throws(() => crossFitted(at, 'none', [0, 1]), { code: 'EVALUATION_SHAPE' });
});
