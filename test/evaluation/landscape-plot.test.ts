// The picture of a line: its numbers are where they belong, names cannot break out, the same input gives the same bytes.

import test from 'ava';
import { landscapeHtml, landscapeSvg, type LandscapePlot } from '../../src/evaluation/index.js';

const line: LandscapePlot = {
  from: 'run-a',
  to: '<b>&"run',
  points: [0, 0.5, 1].map(t => ({
    t,
    loss: t === 0.5 ? 2 : 1,
    calibratedLoss: t === 0.5 ? 1.5 : 0.75,
    accuracy: 0.8,
  })),
  barrier: { loss: 1, at: 0.5 },
  words: 'a barrier of 1.000',
  notes: ['Few pictures.'],
};

test('an SVG file of its own: two panels, curves, straight lines, the rise', t => {
  const svg = landscapeSvg(line);
  t.regex(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="640"/);
  t.true(svg.includes('negative log-likelihood') && svg.includes('accuracy') && svg.includes('+1.000'));
  t.is(svg.match(/<circle/g)!.length, 6);
  t.is(svg.match(/class="ideal"/g)!.length, 2);
  t.regex(svg, /t = 0.5: 2</);
  t.false(/<b>|var\(|href|url\(/.test(svg), 'nothing is loaded, and no name is markup');
  t.is(landscapeSvg(line), svg);
  // ends at the same height, the middle above them: y grows downwards
  const [, d] = /class="line train" d="([^"]+)"/.exec(svg)!;
  const [first, middle, last] = d!
    .split(/[ML]/)
    .slice(1)
    .map(pair => pair.split(',').map(Number));
  t.is(first![1], last![1]);
  t.true(middle![1]! < first![1]!);
  t.is(middle![0], (first![0]! + last![0]!) / 2);
});

test('a page around it, with verdict, notes and figures', t => {
  const html = landscapeHtml({ ...line, createdWith: 'onnx-graft 1' });
  for (const part of ['a barrier of 1.000', 'Few pictures.', '2.0000', '1.5000', '80', 'onnx-graft 1'])
    t.true(html.includes(part), part);
  t.false(html.includes('<b>&"'));
});

test('points that are no numbers are left out, and a flat line has an axis', t => {
  const points = [...line.points.slice(0, 2), { t: 0.75, loss: NaN, calibratedLoss: Infinity, accuracy: 0.8 }, line.points[2]!]; // prettier-ignore
  t.false(landscapeSvg({ ...line, points }).includes('NaN'));
  const flat = [0, 1].map(t => ({ t, loss: 0, calibratedLoss: 0, accuracy: 1 }));
  const svg = landscapeSvg({ ...line, points: flat, barrier: { loss: 0, at: 0 } });
  t.false(/NaN|Infinity/.test(svg));
  t.false(svg.includes('+0.000'));
});
