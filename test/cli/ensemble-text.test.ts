// The table of an ensemble at any width: the column of differences is whole, names are told apart.

import test from 'ava';
import { ensembleLines, type EnsembleTold } from '../../src/cli/ensemble-text.js';
import { predictionLines } from '../../src/cli/prediction-text.js';
import type { FilePrediction } from '../../src/index.js';

const row = (name: string, kind: 'member' | 'combination', i: number) => ({
  name,
  kind,
  accuracy: 0.9 + i / 100,
  accuracyInterval: [0.8, 0.95] as const,
  negativeLogLikelihood: 0.3 - i / 100,
  brierScore: 0.15,
  expectedCalibrationError: 0.05,
  differences:
    i === 0
      ? []
      : ([
          {
            metric: 'negativeLogLikelihood',
            first: 0.2,
            second: 0.3,
            difference: -0.0123,
            low: -0.0456,
            high: 0.0123,
            level: 0.95,
            wins: 0.7,
            verdict: 'unclear',
          },
        ] as const),
  cost: 526e6 * (i + 1),
});

const result = (members: number, isOutOfFold = false): EnsembleTold => ({
  table: {
    rows: [
      ...Array.from({ length: members }, (_, i) => row(`/data/some/where/run-${i}`, 'member', i)),
      row('average', 'combination', members),
    ],
    reference: 0,
    chosen: members,
  },
  verdict:
    'Averaging may have helped, and these pictures are too few to be sure of it at all, whatever is asked of them.',
  calibration: { memberFirst: true, kind: 'temperature' },
  counts: { select: 153, calibrate: 153, isShared: true },
  isOutOfFold,
  costUnit: 'flops',
  recipe: 'average[/data/some/where/run-0, /data/some/where/run-1]',
  ...(isOutOfFold ? {} : { difference: 2e-8 }),
});

const plain = { dim: (text: string) => text, bold: (text: string) => text };

test('differences are whole at 60, 80 and 120 columns, and no line is wider', t => {
  for (const width of [60, 80, 120]) {
    const lines = ensembleLines(result(3), { ...plain, width });
    const text = lines.join('\n');
    t.true(text.includes('−0.012 (−0.046 to +0.012)'), String(width));
    t.true(text.includes('run-2') && !text.includes('  /data/some/where/run-2'));
    t.is(text.includes('Brier'), width > 60);
    t.regex(text, /▸ average/);
    for (const line of lines) t.true(line.length <= Math.max(width, 56), `${width}: ${line}`);
    t.true(text.includes('each member by its temperature, then the pool by temperature'.slice(0, 20)));
  }
});

test('of many members the best are shown; out of fold one row', t => {
  const many = ensembleLines(result(100), { ...plain, width: 80 });
  t.true(many.some(line => line.includes('and 77 more')));
  t.true(many.some(line => line.includes('the best member')));
  const folds = ensembleLines(result(3, true), { ...plain, width: 80 }).join('\n');
  t.false(folds.includes('run-0 '));
  t.true(folds.includes('each by the one member that did not train on it'));
  t.false(folds.includes('within'));
});

test('members stand below their picture', t => {
  const answer: FilePrediction = {
    file: '/data/pictures/of/all/kinds/that/have/long/names/ant.jpg',
    label: 'ants',
    probability: 0.9,
    probabilities: [0.9, 0.1],
    members: ['runs/a', 'runs/b'].map(name => ({ name, label: 'ants', probability: 0.8, probabilities: [0.8, 0.2] })),
    predictionSet: ['ants', 'bees'],
    unknown: true,
  };
  const lines = predictionLines(
    [answer, { ...answer, file: '/data/pictures/of/all/kinds/that/have/long/names/bee.jpg' }],
    { ...plain, width: 80 },
  );
  t.is(lines.length, 7);
  t.regex(lines[1]!, /^ant\.jpg +ants +90\.0% +ants, bees +unknown kind$/);
  t.regex(lines[2]!, /^ {2}a +ants +80\.0%$/);
  t.deepEqual(predictionLines([], { ...plain, width: 80 }), []);
});
