import test from 'ava';
import { Random } from '../../src/base/index.js';
import { applyCalibrator, fitPredictionSets, predictionSets, setFigures } from '../../src/evaluation/index.js';
import { drawnLogits } from './made-logits.js';

const classes = ['a', 'b', 'c'];

test('threshold: by hand', t => {
  // scores 1 − p_y: .1 .2 .3 .4 .5 .6 .7 .8 .9; ⌈10 · 0.7⌉ = 7th
  const truth = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
  const probabilities = Float32Array.from(truth.flatMap(p => [p, (1 - p) / 2, (1 - p) / 2]));
  const { rule, whole, needed, count } = fitPredictionSets(
    { probabilities, labels: truth.map(() => 0), classes },
    { coverage: 0.7 },
  );
  t.is(rule.kind, 'threshold');
  t.is(1 - rule.threshold, Math.fround(0.3));
  t.deepEqual([whole, needed, count], [false, 3, 9]);
  t.deepEqual([...predictionSets(Float32Array.of(0.6, 0.3, 0.1, 0.29, 0.41, 0.3), 3, rule)], [1, 1, 0, 0, 1, 1]);
});

test('adaptive: by hand', t => {
  const probabilities = Float32Array.of(0.5, 0.25, 0.25, 0.75, 0.125, 0.125, 0.5, 0.375, 0.125, 0.25, 0.5, 0.25);
  // mass before the truth: 0.5, 0, 0.875, 0.75; equals come in the order of classes; ⌈5 · 0.4⌉ = 2nd
  const { rule } = fitPredictionSets(
    { probabilities, labels: [1, 0, 2, 2], classes },
    { kind: 'adaptive', coverage: 0.4 },
  );
  t.is(rule.threshold, 0.5 + 2 ** -24);
  // mass before the classes: 0 .5 .75 | 0 .75 .875 | .875 .5 0
  t.deepEqual(
    [...predictionSets(Float32Array.of(0.5, 0.25, 0.25, 0.75, 0.125, 0.125, 0.125, 0.375, 0.5), 3, rule)],
    [1, 1, 0, 1, 0, 0, 0, 1, 1],
  );
});

test('too few pictures for the promise: every class is in, and it is said', t => {
  const few = { probabilities: Float32Array.of(1, 0, 0, 1), labels: [0, 1], classes: ['a', 'b'] };
  for (const kind of ['threshold', 'adaptive'] as const) {
    const { rule, whole, needed } = fitPredictionSets(few, { kind, coverage: 0.9 });
    t.true(whole);
    t.is(needed, 9);
    t.deepEqual([...predictionSets(few.probabilities, 2, rule)], [1, 1, 1, 1]);
  }
  // nine are enough, eight are not: ⌈9 · 0.9⌉ = 9 > 8
  const of = (n: number) => ({
    probabilities: Float32Array.from({ length: 2 * n }, (_, i) => 1 - (i % 2)),
    labels: new Array<number>(n).fill(0),
    classes: ['a', 'b'],
  });
  t.deepEqual(
    [8, 9].map(n => fitPredictionSets(of(n), { coverage: 0.9 }).whole),
    [true, false],
  );
});

test('a class as improbable as the threshold is in, down to the smallest float32', t => {
  for (const small of [0.3, 1e-9, 3e-17, 2 ** -149].map(Math.fround)) {
    const at = { probabilities: Float32Array.of(small, 1 - small), labels: [0], classes: ['a', 'b'] };
    const { rule, whole } = fitPredictionSets(at, { coverage: 0.5 });
    t.false(whole);
    t.deepEqual([...predictionSets(at.probabilities, 2, rule)], [1, 1]);
  }
});

test('the most probable class is always in', t => {
  const sets = predictionSets(Float32Array.of(0.4, 0.3, 0.3), 3, { kind: 'threshold', coverage: 0.5, threshold: 0.1 });
  t.deepEqual([...sets], [1, 0, 0]);
  const none = predictionSets(Float32Array.of(0.4, 0.3, 0.3), 3, { kind: 'adaptive', coverage: 0.5, threshold: 0 });
  t.deepEqual([...none], [1, 0, 0]);
});

/** Mean coverage and size over many sets of n pictures that fit and 100 that are judged; networks that are too sure. */
function marginal(kind: 'threshold' | 'adaptive', coverage: number, n: number, trials: number) {
  const random = new Random(`${kind} ${coverage} ${n}`);
  let [covered, sizes] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const drawn = drawnLogits(random, n + 100, 5, 1.5, 1);
    const probabilities = applyCalibrator({ kind: 'temperature', temperature: 0.4 }, drawn);
    const { rule } = fitPredictionSets(
      { probabilities: probabilities.slice(0, 5 * n), labels: drawn.labels.slice(0, n), classes: drawn.classes },
      { kind, coverage },
    );
    const sets = predictionSets(probabilities.slice(5 * n), 5, rule);
    const figures = setFigures({ sets, labels: drawn.labels.slice(n), classes: drawn.classes });
    covered += figures.coverage / trials;
    sizes += figures.meanSize / trials;
  }
  return { coverage: covered, size: sizes };
}

// Of n calibration pictures the coverage is Beta(k, n + 1 − k), k = ⌈(n + 1) c⌉ (Vovk 2012), mean k / (n + 1). The mean
// of `trials` such, judged on 100 pictures each, has the variance (beta + k (n + 1 − k) / ((n + 1)(n + 2)) / 100) / trials.
for (const kind of ['threshold', 'adaptive'] as const)
  for (const [coverage, n] of [
    [0.9, 19],
    [0.8, 50],
    [0.95, 100],
  ] as const)
    test(`${kind} sets cover ${coverage} of new pictures with ${n} to fit, exactly`, t => {
      const trials = 300;
      const k = Math.ceil((n + 1) * coverage - 1e-9);
      const mean = k / (n + 1);
      const beta = (k * (n + 1 - k)) / ((n + 1) ** 2 * (n + 2));
      const error = Math.sqrt((beta + (k * (n + 1 - k)) / ((n + 1) * (n + 2)) / 100) / trials);
      const found = marginal(kind, coverage, n, trials);
      // the most probable class is in besides, which covers a little more where threshold sets would have been empty
      t.true(found.coverage > mean - 4 * error);
      t.true(found.coverage < mean + 4 * error + 0.005);
    });

test('threshold sets are the smallest on average; adaptive ones cover easy and hard pictures more alike', t => {
  const K = 10;
  // the posterior where the true logit is N(s, 1) and the others N(0, 1) is softmax(s z): 2 is easy, ½ hard
  const parts = [2, 0.5].map(sure => {
    const { logits, labels } = drawnLogits(new Random(sure), 4000, K, sure, 1);
    return { logits: logits.map(z => sure * z), labels };
  });
  const of = (from: number, to: number) => ({
    labels: parts.flatMap(({ labels }) => labels.slice(from, to)),
    logits: Float32Array.from(parts.flatMap(({ logits }) => [...logits.subarray(from * K, to * K)])),
    classes: Array.from({ length: K }, (_, k) => `class ${k}`),
  });
  const [fit, judged] = [of(0, 2000), of(2000, 4000)];
  const found = (['threshold', 'adaptive'] as const).map(kind => {
    const { rule } = fitPredictionSets({ ...fit, probabilities: applyCalibrator({ kind: 'none' }, fit) }, { kind, coverage: 0.8 }); // prettier-ignore
    const sets = predictionSets(applyCalibrator({ kind: 'none' }, judged), K, rule);
    const covered = judged.labels.map((label, row) => sets[row * K + label]!);
    const share = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length;
    return {
      gap: share(covered.slice(0, 2000)) - share(covered.slice(2000)),
      size: setFigures({ ...judged, sets }).meanSize,
    };
  });
  t.true(found[0]!.size < found[1]!.size);
  t.true(found[1]!.gap < found[0]!.gap - 0.05);
});

test('a network that is right more often than asked gives sets of one class', t => {
  const drawn = drawnLogits(new Random('sure'), 500, 3, 6, 1);
  const probabilities = applyCalibrator({ kind: 'none' }, drawn);
  for (const kind of ['threshold', 'adaptive'] as const) {
    const { rule } = fitPredictionSets({ ...drawn, probabilities }, { kind, coverage: 0.8 });
    const { coverage, meanSize } = setFigures({ ...drawn, sets: predictionSets(probabilities, 3, rule) });
    t.is(meanSize, 1);
    t.true(coverage > 0.95);
  }
});

test('what sets cannot be fitted to is refused', t => {
  const at = { probabilities: Float32Array.of(0.5, 0.5), labels: [0], classes: ['a', 'b'] };
  for (const coverage of [0, 1, Number.NaN])
    t.throws(() => fitPredictionSets(at, { coverage }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitPredictionSets({ ...at, probabilities: new Float32Array(0), labels: [] }), {
    code: 'EVALUATION_EMPTY',
  });
  t.throws(() => fitPredictionSets({ ...at, probabilities: Float32Array.of(3, -1) }), {
    code: 'EVALUATION_PROBABILITY',
  });
  t.throws(() => predictionSets(Float32Array.of(1), 2, { kind: 'threshold', coverage: 0.9, threshold: 1 }), {
    code: 'EVALUATION_SHAPE',
  });
  t.throws(() => predictionSets(at.probabilities, 2, { kind: 'threshold', coverage: 0.9, threshold: Number.NaN }), {
    code: 'EVALUATION_OPTION',
  });
});
