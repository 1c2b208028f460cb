// The model card of an ensemble says what it is made of; names bring no markup in.

import test from 'ava';
import { ensembleCard } from '../../src/bundle/ensemble-card.js';

test('the tree, the comparison, sets and thresholds', t => {
  const leaf = (member: string) => ({ op: 'member', member, sha256: 'a'.repeat(64) });
  const card = ensembleCard({
    recipe: {
      version: 1,
      root: {
        op: 'average',
        rule: 'logit',
        weights: [0.75, 0.25],
        members: [leaf('/runs/a'), { op: 'tta', views: ['hflip'], members: [leaf('/runs/b|<b>')] }],
      },
    },
    members: [{ name: '/runs/a', sha256: 'a' }, { name: '/runs/b|<b>', sha256: 'b' }], // prettier-ignore
    calibration: { kind: 'temperature', temperature: 1.1 },
    sets: { kind: 'threshold', coverage: 0.9, threshold: 0.3 },
    outliers: { kind: 'energy', falseAlarmRate: 0.05, threshold: 1 },
    comparison: [
      { name: 'average', accuracy: 0.925, negativeLogLikelihood: 0.2, expectedCalibrationError: 0.03, ships: true },
    ],
  });
  for (const line of [
    '- the mean of (by logit; weights 0.75, 0.25)',
    '  - a (SHA-256 aaaaaaaaaaaa…)',
    '  - views of the picture (hflip)',
    '    - b\\|\\<b\\> (SHA-256 aaaaaaaaaaaa…)',
    '| average (this one) | 92.5% | 0.200 | 3.0% |',
    'Calibrated by: temperature.',
  ])
    t.true(card.split('\n').includes(line), line);
  t.true(card.includes('90.0% of pictures') && card.includes('5.0% of known ones (by energy)'));
});

test('a card of a bundle whose recipe is not known is still a card', t => {
  const card = ensembleCard({ recipe: 7, members: [{ name: 'a', sha256: '' }], calibration: null, comparison: [{}] });
  t.true(card.includes('## Made of'));
});
