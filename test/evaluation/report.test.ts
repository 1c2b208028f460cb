import test from 'ava';
import {
  evaluate,
  reliability,
  reportHtml,
  topLosses,
  type HistoryPoint,
  type Mistake,
  type Predictions,
  type ReportInput,
} from '../../src/evaluation/index.js';

/** Four pictures of two classes, one of them wrong: bees as ants at 0.6. */
const predictions: Predictions = {
  probabilities: Float32Array.of(0.9, 0.1, 0.8, 0.2, 0.6, 0.4, 0.3, 0.7),
  labels: [0, 0, 1, 1],
  classes: ['ants', 'bees'],
};
const evaluation = evaluate(predictions, { split: 'val' });
const least: ReportInput = { title: 'ants and bees', evaluation, createdWith: 'onnx-graft 1.2.3' };
const pixel = 'data:image/png;base64,iVBORw0KGgo=';
const mistakesOf = (file: string, thumbnail?: string): Mistake[] =>
  topLosses(predictions, 1).map(loss => ({ ...loss, file, ...(thumbnail ? { thumbnail } : {}) }));
const full: ReportInput = {
  ...least,
  reliability: reliability(predictions),
  mistakes: mistakesOf('val/bees/1.jpg', pixel),
  history: [
    { epoch: 1, trainLoss: 0.9, validationLoss: 0.8 },
    { epoch: 2, trainLoss: 0.5, validationLoss: 0.6 },
    { epoch: 3, trainLoss: 0.3, validationLoss: 0.7 },
  ],
  classCounts: [
    { split: 'train', counts: [12345, 7] },
    { split: 'val', counts: [2, 2] },
  ],
  provenance: [['backbone', 'squeezenet1.1.onnx']],
};

/** What a reader sees: tags away, space collapsed. */
const words = (html: string): string =>
  html
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('the headline is what the evaluation says', t => {
  const text = words(reportHtml(full));
  // Wilson of 3 of 4: 0.3006 to 0.9544 (R: prop.test(3, 4, correct = FALSE))
  t.true(text.includes('accuracy 75.0%'));
  t.true(text.includes('95% interval 30.1% to 95.4%'));
  // −(ln 0.9 + ln 0.8 + ln 0.4 + ln 0.7) / 4 = 0.4004
  t.true(text.includes('negative log-likelihood 0.400'));
  // (0.02 + 0.08 + 0.72 + 0.18) / 4 = 0.25
  t.true(text.includes('Brier score 0.250'));
  // each picture is alone in its bin: (0.1 + 0.2 + 0.6 + 0.3) / 4 = 0.3
  t.true(text.includes('expected calibration error 30.0%'));
  // equal odds of two classes: ln 2 and 1/2
  t.true(text.includes('equal odds for all give 0.693'));
  t.true(text.includes('equal odds for all give 0.500'));
  // (1 + 1/2) / 2 and (0.8 + 0.667) / 2; each picture is a bin of equal mass, too
  t.true(text.includes('balanced accuracy 75.0%'));
  t.true(text.includes('macro F1 0.733'));
  t.true(text.includes('AUROC 1.000'));
  t.true(text.includes('30.0% over bins of equal mass'));
  t.true(text.includes('3 of 4 pictures in val right. Most often bees was taken for ants (1 time).'));
});

test('the matrix holds the counts, row by row, and the counts of classes are those given', t => {
  const html = reportHtml(full);
  const rows = [...html.match(/<table class="matrix".*?<\/table>/s)![0].matchAll(/<tr>(.*?)<\/tr>/gs)].slice(1);
  const cells = rows.map(row => [...row[1]!.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(cell => Number(cell[1])));
  t.deepEqual(cells, [
    [2, 0],
    [1, 1],
  ]);
  // F1 = 2·2/(2+3) and 2·1/(2+1); all pairs of an ant and a bee are in order
  t.true(words(html).includes('ants 12,345 2 66.7% 100% 0.800 1.000 bees 7 2 100% 50.0% 0.667 1.000'));
});

test('the reliability plot has fifteen bins, and a count over each that is not empty', t => {
  const html = reportHtml(full);
  t.true(words(html).includes('over 15 bins'));
  t.is(html.match(/<circle class="dot"/g)?.length, 4);
  t.true(html.includes('<title>86.7% to 93.3%: 1 picture, confidence 90.0%, right 100%</title>'));
});

test('the best epoch is the one of lowest validation loss', t => {
  t.true(words(reportHtml(full)).includes('Validation loss is lowest after epoch 2: 0.600.'));
});

test('nothing is loaded and nothing runs', t => {
  const html = reportHtml(full);
  t.false(/https?:|\/\/[a-z]|@import|url\(|<script|<link|<iframe|\son[a-z]+=/i.test(html));
  t.deepEqual(
    [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(match => match[1]),
    [pixel],
  );
  t.true(html.includes(`content="default-src 'none'`));
});

test('names are escaped wherever they come from', t => {
  const evil = `<img src=x onerror=alert(1)>"'&\u0007`;
  const named: Predictions = { ...predictions, classes: [`${evil}1`, `${evil}2`] };
  const html = reportHtml({
    title: evil,
    evaluation: evaluate(named, {
      split: evil,
      errors: [{ file: evil, error: { code: evil, message: evil } }],
    }),
    reliability: reliability(named),
    mistakes: topLosses(named).map(loss => ({ ...loss, file: evil })),
    classCounts: [{ split: evil, counts: [1, 2] }],
    provenance: [[evil, evil]],
    createdWith: evil,
  });
  t.false(html.includes('<img'));
  t.false(html.includes('\u0007'));
  t.true(html.includes('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\\u0007'));
  // every quote of an attribute is a quote of ours: tags hold no text that came from outside
  for (const [tag] of html.replace(/<style>.*<\/style>/s, '').matchAll(/<[^>]*>/g))
    t.regex(tag, /^<(?:!doctype html|\/?[a-z][a-z0-9]*(?:\s[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<]*")?)*\/?)>$/);
});

test('what is not given has no section', t => {
  const headings = (input: ReportInput) => [...reportHtml(input).matchAll(/<h2>(.*?)<\/h2>/g)].map(match => match[1]);
  t.deepEqual(headings(least), ['Confusion', 'Most confused', 'Classes']);
  t.deepEqual(headings(full), [
    'Confusion',
    'Most confused',
    'Classes',
    'Reliability',
    'Learning curves',
    'Top losses',
    'Where this comes from',
  ]);
});

test('a thumbnail that is no data URL is refused', t => {
  for (const thumbnail of [
    'https://example.org/x.png',
    'data:image/svg+xml;base64,AAAA',
    'data:image/png;base64,A"onload="x',
    'x.png',
  ])
    t.throws(() => reportHtml({ ...least, mistakes: mistakesOf('x.png', thumbnail) }), {
      code: 'EVALUATION_THUMBNAIL',
    });
});

test('a mistake without a thumbnail has a blank', t => {
  t.true(reportHtml({ ...least, mistakes: mistakesOf('val/bees/1.jpg') }).includes('no picture'));
});

test('the same input gives the same bytes', t => {
  t.is(reportHtml(full), reportHtml(full));
});

test('numbers of plots are numbers', t => {
  const histories: readonly (readonly HistoryPoint[])[] = [
    [{ epoch: 1, trainLoss: 0.5 }],
    [{ epoch: 1, validationLoss: 0 }],
    [{ epoch: 1, trainLoss: Number.NaN }],
    [
      { epoch: 1, trainLoss: 100, validationLoss: 90 },
      { epoch: 2, trainLoss: 0.001, validationLoss: 0.001 },
    ],
  ];
  for (const history of histories) t.notRegex(reportHtml({ ...full, history }), /NaN|Infinity|undefined/);
});

test('of several labels there is a table of what was given and missed', t => {
  const several: Predictions = {
    probabilities: Float32Array.of(0.9, 0.4, 0.2, 0.8),
    targets: [1, 1, 0, 1],
    classes: ['beach', 'sea'],
  };
  const html = reportHtml({ ...least, evaluation: evaluate(several), reliability: reliability(several) });
  t.true(words(html).includes('label rightly given missed wrongly given rightly not given'));
  t.true(words(html).includes('beach 1 0 0 1 sea 1 1 0 0'));
  t.true(words(html).includes('1 of 2 pictures in test have all their labels right.'));
  t.true(words(html).includes('answers a bin'));
});

test('of very many classes the matrix shows those with most mistakes', t => {
  const classes = Array.from({ length: 200 }, (_, k) => `class ${k}`);
  const probabilities = new Float32Array(200 * 200);
  // every picture is right but that of class 150, which is taken for class 7
  classes.forEach((_, k) => (probabilities[k * 200 + (k === 150 ? 7 : k)] = 1));
  const html = reportHtml({
    ...least,
    evaluation: evaluate({ probabilities, labels: classes.map((_, k) => k), classes }),
  });
  const matrix = html.match(/<table class="matrix".*?<\/table>/s)![0];
  t.is(matrix.match(/<tr>/g)?.length, 41);
  t.true(matrix.includes('1 picture of class 150 taken for class 7: 100%'));
  t.true(words(html).includes('Of 200 classes the 40 with most mistakes.'));
  t.true(words(html).includes('all 200 classes'));
});
