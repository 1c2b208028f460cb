import test from 'ava';
import {
  diversity,
  ensembleRows,
  evaluate,
  pairedDifferences,
  reportHtml,
  type EnsembleCandidate,
  type EnsembleReport,
} from '../../src/evaluation/index.js';
import { frontOf } from '../../src/evaluation/report-front.js';
import { made, meanOf, surer } from './made.js';

const members = [0, 1, 2].map(salt => surer(made(150, 4, 40, salt), 4));
const { labels, classes } = members[0]!;

/** Three members and their mean, all that a report can show of them. */
function reportOf(nameOf: (i: number) => string, costs: readonly number[] = [10, 11, 12, 33]): EnsembleReport {
  const candidates: EnsembleCandidate[] = [...members, meanOf(members)].map((predictions, i) => ({
    name: nameOf(i),
    kind: i < 3 ? 'member' : 'combination',
    predictions,
    ...(costs[i] === undefined ? {} : { cost: costs[i] }),
  }));
  const table = ensembleRows(candidates, { chosen: 3, resamples: 200 });
  const sizes = [1, 2, 3].map(size => meanOf(members.slice(0, size)));
  return {
    ...table,
    split: 'test',
    diversity: diversity(
      members.map(({ probabilities }, i) => ({ name: nameOf(i), probabilities })),
      { labels, classes },
    ),
    gains: pairedDifferences(sizes, members[table.reference]!, ['negativeLogLikelihood'], { resamples: 200 }).map(
      ([difference], i) => ({ members: i + 1, difference: difference! }),
    ),
  };
}
const full = reportOf(i => `network ${i}`);
const html = (ensemble: EnsembleReport, title = 'a pool') =>
  reportHtml({ title, evaluation: evaluate(meanOf(members)), ensemble, createdWith: 'onnx-graft 1.2.3' });
const headings = (text: string) => [...text.matchAll(/<h2>(.*?)<\/h2>/g)].map(match => match[1]);
const words = (text: string): string =>
  text
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('table, front, gain and diversity stand behind the headline; without an ensemble none does', t => {
  t.deepEqual(headings(html(full)).slice(0, 4), [
    'Ensemble',
    'Accuracy and cost',
    'Members and gain',
    'How members differ',
  ]);
  const { diversity: _d, gains: _g, ...table } = reportOf(i => `network ${i}`, []);
  t.deepEqual(headings(html(table)).slice(0, 2), ['Ensemble', 'Confusion']);
});

test('the table has the figures of each row, the chosen and the best single marked', t => {
  const text = html(full);
  const rows = [
    ...text
      .match(/<table class="ensemble".*?<\/table>/s)![0]
      .matchAll(/<tr(?: class="chosen")?><th scope="row">(.*?)<\/tr>/gs),
  ];
  t.is(rows.length, 4);
  full.rows.forEach((row, i) => {
    const cells = words(rows[i]![0]);
    t.true(cells.includes(row.negativeLogLikelihood.toFixed(3)), cells);
    t.true(cells.includes(`${(100 * row.accuracy).toFixed(1)}%`), cells);
    t.true(cells.includes(`${row.cost} ms`), cells);
    t.is(cells.includes('chosen'), i === 3);
    t.is(cells.includes('best single'), i === full.reference);
    t.is(rows[i]![0].match(/<svg/g)?.length ?? 0, i === full.reference ? 0 : 2);
  });
  t.true(words(text).includes('Averaging helped: network 3 has a negative log-likelihood of'));
});

test('a difference is drawn left of 0 where it is below 0, in the colour of its verdict', t => {
  const [nll] = [...html(full).matchAll(/<svg viewBox="0 0 180 20" class="(\w+)".*?<\/svg>/gs)].slice(-2);
  t.is(nll![1], 'better');
  const zero = Number(/class="zero" x1="([\d.]+)"/.exec(nll![0])![1]);
  const dot = Number(/class="dot" cx="([\d.]+)"/.exec(nll![0])![1]);
  t.true(dot < zero);
});

test('the front: what nothing cheaper, or as cheap, is as good as', t => {
  const points = [
    { cost: 3, value: 0.9 },
    { cost: 1, value: 0.8 },
    { cost: 2, value: 0.8 },
    { cost: 2, value: 0.85 },
    { cost: 4, value: 0.7 },
  ];
  t.deepEqual(frontOf(points, 'higher'), [points[1]!, points[3]!, points[0]!]);
  t.deepEqual(frontOf(points, 'lower'), [points[1]!, points[4]!]);
});

test('points far below the front are counted, not drawn; costs of floating-point operations are said so', t => {
  const point = (name: string, cost: number, accuracy: number) => ({
    name,
    cost,
    value: accuracy,
    interval: [accuracy - 0.02, accuracy + 0.02] as const,
  });
  const points = [point('small', 2e8, 0.9), { ...point('large', 4e9, 0.95), chosen: true }, point('broken', 1e9, 0.1)];
  const text = html({ ...full, front: { metric: 'accuracy', points }, costUnit: 'flops' });
  const plot = /<h2>Accuracy and cost<\/h2>.*?<\/section>/s.exec(text)![0];
  t.is(plot.match(/<circle class="dot"/g)?.length, 2);
  t.is(plot.match(/<circle class="ring"/g)?.length, 1);
  t.true(words(plot).includes('from 90.0% at 200 MFLOP to 95.0% at 4 GFLOP'));
  t.true(words(plot).includes('1 point far from the line not drawn.'));
});

test('a front of losses goes down, without whiskers where no interval is known', t => {
  const points = [5, 4, 4.5, 3].map((value, i) => ({ name: `of ${i + 1}`, cost: i + 1, value }));
  const text = html({ ...full, front: { metric: 'negativeLogLikelihood', points } });
  const plot = /<h2>Negative log-likelihood and cost<\/h2>.*?<\/section>/s.exec(text)![0];
  t.true(words(plot).includes('from 5.000 at 1 ms to 3.000 at 4 ms. </p>'.replace('</p>', '')));
  t.false(plot.includes('whisker'));
  t.is(/<path class="front" d="([^"]*)"/.exec(plot)![1]!.match(/V/g)?.length, 2);
});

test('of very many points the front and the best others are drawn', t => {
  const points = Array.from({ length: 5000 }, (_, i) => ({
    name: `of ${i}`,
    cost: 1 + (i % 50),
    value: 0.5 + (i % 97) / 1000,
  }));
  const text = html({ ...full, front: { metric: 'accuracy', points } });
  const plot = /<h2>Accuracy and cost<\/h2>.*?<\/section>/s.exec(text)![0];
  const front = frontOf(points, 'higher');
  t.is(plot.match(/<circle class="dot"/g)?.length, front.length + 300);
  t.true(
    words(plot).includes(`${(5000 - 300 - front.length).toLocaleString('en')} points far from the line not drawn.`),
  );
});

test('the gain says with how many members most of it is there', t => {
  const gains = full.gains!;
  const scaled = [0, -0.01, -0.095, -0.1].map((difference, i) => ({
    members: i + 1,
    difference: {
      ...gains[0]!.difference,
      difference,
      first: 0.5 + difference,
      second: 0.5,
      low: difference - 0.02,
      high: difference + 0.02,
    },
  }));
  t.true(
    words(html({ ...full, gains: scaled })).includes(
      'Best with 4 members: −0.100 against the best single one; 90% of that is there with 3 members.',
    ),
  );
  const none = scaled.slice(0, 1).concat(scaled.slice(0, 1).map(one => ({ ...one, members: 2 })));
  t.true(words(html({ ...full, gains: none })).includes('No number of members is better than the best single one.'));
});

test('the squares hold every pair, and the means are said', t => {
  const { means, disagreement } = full.diversity!;
  const section = /<h2>How members differ<\/h2>.*?<\/section>/s.exec(html(full))![0];
  t.is(section.match(/<table class="matrix/g)?.length, 3);
  t.true(words(section).includes(`different answers to ${(100 * means.disagreement!).toFixed(1)}% of the questions`));
  t.true(section.includes(`title="network 0 and network 1: ${Math.round(100 * disagreement[0]![1]!)}%"`));
});

test('names of networks are escaped', t => {
  const evil = `<img src=x onerror=alert(1)>"'&\u0007`;
  const text = html(
    reportOf(i => `${evil}${i}`),
    evil,
  );
  t.false(text.includes('<img'));
  t.false(text.includes('\u0007'));
  for (const [tag] of text.replace(/<style>.*<\/style>/s, '').matchAll(/<[^>]*>/g))
    t.regex(tag, /^<(?:!doctype html|\/?[a-z][a-z0-9]*(?:\s[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<]*")?)*\/?)>$/);
});

test('nothing is loaded, nothing runs, and numbers are numbers, whatever the costs', t => {
  for (const costs of [[10, 11, 12, 33], [10, 10, 10, 10], [0, 1, 1e9, 1e12], [Number.NaN, 1, 2, Infinity], []]) {
    const text = html(reportOf(i => `network ${i}`, costs));
    t.false(/https?:|\/\/[a-z]|@import|url\(|<script|<link|<iframe|\son[a-z]+=/i.test(text));
    for (const [svg] of text.matchAll(/<svg.*?<\/svg>/gs)) t.notRegex(svg, /NaN|Infinity|undefined/);
  }
});

test('of very many members the best and the marked ones are shown', t => {
  const row = full.rows[0]!;
  const rows = Array.from({ length: 500 }, (_, i) => ({
    ...row,
    name: `network ${i}`,
    negativeLogLikelihood: 1 + i / 500,
  }));
  const text = html({ ...full, rows: [...rows, full.rows[3]!], reference: 499, chosen: 500 });
  const table = text.match(/<table class="ensemble".*?<\/table>/s)![0];
  t.is(table.match(/<tr><th scope="row">/g)?.length, 30);
  t.true(words(table).includes('Members, the best 30 of 500'));
  t.true(table.includes('network 499'));
  t.true(table.includes('network 28'));
  t.false(table.includes('network 29<'));
});
