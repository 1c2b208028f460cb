import test from 'ava';
import { diversity, type DiversityMember } from '../../src/evaluation/index.js';
import { made, madeSeveral } from './made.js';

const { labels, classes } = made(60, 4, 40);
const members: DiversityMember[] = [
  { name: 'a', probabilities: made(60, 4, 40).probabilities },
  { name: 'b', probabilities: made(60, 4, 40, 1).probabilities },
  { name: 'c', probabilities: made(60, 4, 20, 2).probabilities },
];
const close = (a: number | null, b: number, tolerance = 1e-7) => a !== null && Math.abs(a - b) <= tolerance;

test('pairs as NumPy, SciPy and scikit-learn have them', t => {
  const found = diversity(members, { labels, classes });
  t.deepEqual(found.members, ['a', 'b', 'c']);
  // mean of argmax a ≠ argmax b; scipy.special.rel_entr summed, both ways; matthews_corrcoef of the two lists of errors
  for (const [a, b, disagreement, there, back, correlation] of [
    [0, 1, 0.5, 0.3406842188035832, 0.28881260291193445, -0.054729271060611144],
    [0, 2, 0.7, 0.29007709784331104, 0.2636973015216852, 0.001283697047496778],
    [1, 2, 0.7333333333333333, 0.376403755577623, 0.35738257689115893, -0.10164007482684918],
  ] as const) {
    t.is(found.disagreement[a]![b], disagreement);
    t.is(found.disagreement[b]![a], disagreement);
    t.true(close(found.divergence[a]![b]!, there));
    t.true(close(found.divergence[b]![a]!, back));
    t.true(close(found.errorCorrelation[a]![b]!, correlation));
  }
  t.true(close(found.means.disagreement, (0.5 + 0.7 + 0.7333333333333333) / 3));
  t.true(close(found.means.errorCorrelation, (-0.054729271060611144 + 0.001283697047496778 - 0.10164007482684918) / 3));
  t.true(
    close(
      found.means.divergence,
      (0.3406842188035832 +
        0.28881260291193445 +
        0.29007709784331104 +
        0.2636973015216852 +
        0.376403755577623 +
        0.35738257689115893) /
        6,
    ),
  );
  t.true(close(found.ambiguity.memberLikelihood, 1.067315049270687));
  t.true(close(found.ambiguity.poolLikelihood, 1.0295283819400407));
  t.true(close(found.ambiguity.gain, 1.067315049270687 - 1.0295283819400407));
});

test('a member beside itself: no distance, the same errors', t => {
  const { disagreement, divergence, errorCorrelation, ambiguity } = diversity([members[0]!, members[0]!], {
    labels,
    classes,
  });
  t.deepEqual(disagreement, [
    [0, 0],
    [0, 0],
  ]);
  t.deepEqual(divergence, disagreement);
  for (const row of errorCorrelation) for (const phi of row) t.true(close(phi, 1, 1e-12));
  t.true(Math.abs(ambiguity.gain) < 1e-12);
});

test('a member without errors, or with nothing else, has no correlation', t => {
  const right: DiversityMember = { name: 'right', probabilities: Float32Array.of(1, 0, 0, 1) };
  const wrong: DiversityMember = { name: 'wrong', probabilities: Float32Array.of(0, 1, 1, 0) };
  const half: DiversityMember = { name: 'half', probabilities: Float32Array.of(1, 0, 1, 0) };
  const found = diversity([right, wrong, half], { labels: [0, 1], classes: ['a', 'b'] });
  t.deepEqual(found.errorCorrelation, [
    [null, null, null],
    [null, null, null],
    [null, null, 1],
  ]);
  t.is(found.means.errorCorrelation, null);
  // ln p is clamped at 2^-126: a sure answer is 126 ln 2 away from its opposite
  t.true(close(found.divergence[0]![1]!, 126 * Math.LN2, 1e-9));
});

test('one member has no pairs', t => {
  const { means } = diversity([members[0]!], { labels, classes });
  t.deepEqual(means, { disagreement: null, divergence: null, errorCorrelation: null });
});

test('of several labels every answer counts, and Bernoulli distances add up', t => {
  const { targets, classes: names } = madeSeveral(2, 2);
  const one = { name: 'one', probabilities: Float32Array.of(0.5, 0.25, 0.75, 0.5) };
  const other = { name: 'other', probabilities: Float32Array.of(0.5, 0.75, 0.75, 0.25) };
  const found = diversity([one, other], { targets, classes: names });
  // the second and the fourth answer differ
  t.is(found.disagreement[0]![1], 0.5);
  // ¼ ln ⅓ + ¾ ln 3, and ½ ln 2 + ½ ln ⅔; over two pictures
  const wanted = 0.25 * Math.log(1 / 3) + 0.75 * Math.log(3) + 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3);
  t.true(close(found.divergence[0]![1]!, wanted / 2, 1e-12));
  t.true(found.ambiguity.gain > 0);
});

test('without members or pictures there is nothing to compare', t => {
  t.throws(() => diversity([], { labels, classes }), { code: 'EVALUATION_EMPTY' });
  t.throws(() => diversity([{ name: 'a', probabilities: new Float32Array(0) }], { labels: [], classes }), {
    code: 'EVALUATION_EMPTY',
  });
  t.throws(() => diversity([members[0]!, { name: 'd', probabilities: new Float32Array(4) }], { labels, classes }), {
    code: 'EVALUATION_SHAPE',
  });
});
