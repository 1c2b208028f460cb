import test from 'ava';
import {
  ensembleRows,
  ensembleVerdict,
  evaluate,
  pairedDifference,
  type EnsembleCandidate,
  type SingleLabel,
} from '../../src/evaluation/index.js';
import { made, meanOf, surer } from './made.js';

const members = [0, 1, 2].map(salt => surer(made(150, 4, 40, salt), 4));
const candidates: EnsembleCandidate[] = [
  ...members.map((predictions, i): EnsembleCandidate => ({ name: `seed ${i}`, kind: 'member', predictions, cost: 10 })),
  { name: 'mean', kind: 'combination', predictions: meanOf(members) },
];
const worse: EnsembleCandidate = { name: 'poor', kind: 'combination', predictions: made(150, 4, 5, 9) };

test('rows are the figures of each and its differences to the likeliest member', t => {
  const { rows, reference, chosen } = ensembleRows(candidates, { chosen: 3, seed: 4, resamples: 300 });
  const losses = members.map(one => evaluate(one).negativeLogLikelihood);
  t.is(reference, losses.indexOf(Math.min(...losses)));
  t.is(chosen, 3);
  const { accuracy, accuracyInterval, negativeLogLikelihood, brierScore, expectedCalibrationError } = evaluate(
    candidates[3]!.predictions,
  );
  const { differences, ...figures } = rows[3]!;
  t.deepEqual(figures, {
    name: 'mean',
    kind: 'combination',
    accuracy,
    accuracyInterval,
    negativeLogLikelihood,
    brierScore,
    expectedCalibrationError,
  });
  t.deepEqual(
    differences,
    (['negativeLogLikelihood', 'accuracy'] as const).map(metric =>
      pairedDifference(candidates[3]!.predictions, members[reference]!, metric, { seed: 4, resamples: 300 }),
    ),
  );
  t.deepEqual(rows[reference]!.differences, []);
  t.is(rows[0]!.cost, 10);
});

test('the verdict says that averaging helped, with the figures', t => {
  const table = ensembleRows(candidates, { chosen: 3 });
  const [first] = table.rows[3]!.differences;
  t.is(first!.verdict, 'better');
  t.true(
    ensembleVerdict(table).startsWith(
      `Averaging helped: mean has a negative log-likelihood of ${first!.first.toFixed(3)}, seed ${table.reference}, the best single member, ${first!.second.toFixed(3)} (−`,
    ),
    ensembleVerdict(table),
  );
});

test('the verdict says plainly that averaging hurt', t => {
  const table = ensembleRows([...candidates, worse], { chosen: 4 });
  t.true(ensembleVerdict(table).startsWith('Averaging hurt: poor has a negative log-likelihood of '));
});

test('where a member ships, what averaging would have done', t => {
  const { reference } = ensembleRows(candidates, { chosen: 0 });
  t.true(
    ensembleVerdict(ensembleRows(candidates, { chosen: reference })).startsWith(
      `seed ${reference} ships alone. Averaging would have helped: mean has`,
    ),
  );
  const hurts = ensembleRows([...candidates.slice(0, 3), worse], { chosen: reference });
  t.true(ensembleVerdict(hurts).startsWith(`seed ${reference} ships alone. Averaging would have hurt: poor has`));
  t.is(
    ensembleVerdict(ensembleRows(candidates.slice(0, 3), { chosen: 0 })),
    'seed 0 ships alone: there is no combination to compare it with.',
  );
});

test('too few pictures, or no difference, are said to be so', t => {
  const few: EnsembleCandidate[] = [
    { name: 'one', kind: 'member', predictions: made(8, 2, 40) },
    { name: 'two', kind: 'combination', predictions: made(8, 2, 38, 1) },
    { name: 'same', kind: 'combination', predictions: made(8, 2, 40) },
  ];
  const unclear = ensembleVerdict(ensembleRows(few, { chosen: 1 }));
  t.regex(unclear, /^Averaging (?:may have helped|did not help), and these pictures are too few to be sure: two has/);
  t.true(unclear.includes('; the interval holds 0.'));
  t.true(ensembleVerdict(ensembleRows(few, { chosen: 2 })).startsWith('Averaging changed nothing: same has'));
});

test('what got worse beside the likelihood is said', t => {
  // surer of the right ones and wrong about one more: likelihood rises, accuracy falls
  const p = (right: readonly number[]): SingleLabel => ({
    probabilities: Float32Array.from(right.flatMap(q => [q, 1 - q])),
    labels: right.map(() => 0),
    classes: ['a', 'b'],
  });
  const rows = ensembleRows(
    [
      { name: 'single', kind: 'member', predictions: p(Array.from({ length: 40 }, () => 0.55)) },
      {
        name: 'pool',
        kind: 'combination',
        predictions: p(Array.from({ length: 40 }, (_, i) => (i === 0 ? 0.45 : 0.9))),
      },
    ],
    { chosen: 1 },
  );
  t.true(ensembleVerdict(rows).endsWith('Not better in everything: accuracy −2.5 points.'), ensembleVerdict(rows));
});

test('rows that are not there are refused', t => {
  t.throws(() => ensembleRows(candidates, { chosen: 4 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => ensembleRows(candidates, { chosen: 0, reference: 3 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => ensembleRows([candidates[3]!], { chosen: 0 }), { code: 'EVALUATION_OPTION' });
});
