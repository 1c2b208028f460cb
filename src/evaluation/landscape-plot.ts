// The line between two networks as a picture: loss above, accuracy below, the straight line between the ends dashed,
// the highest rise over it marked. As one SVG file, or as an HTML page around it; neither loads anything.

import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { asIs, markup, name, nothing, type Markup } from './markup.js';
import { columns, floor, plot, rows, type Frame } from './plot.js';
import { style } from './report-style.js';
import { decimal, percent } from './wording.js';

/** What is drawn. */
export interface LandscapePlot {
  /** The names of the networks at 0 and at 1. */
  readonly from: string;
  readonly to: string;
  /** Ordered by t, from 0 to 1. */
  readonly points: readonly { readonly t: number; readonly loss: number; readonly accuracy: number }[];
  readonly barrier: { readonly loss: number; readonly at: number };
  /** The verdict in words. */
  readonly words: string;
  /** What else a reader should know, a sentence each. @default [] */
  readonly notes?: readonly string[];
}

const width = 640;
const panel = 260;
const frameAt = (top: number): Frame => ({ left: 64, right: width - 24, top: top + 28, bottom: top + panel - 52 });

type Point = readonly [t: number, value: number];

/** The line as the text of one SVG file. */
export function landscapeSvg(at: LandscapePlot): string {
  const { text } = drawn(at);
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${2 * panel}"`;
  return `${text.replace('<svg', open).replace('>', `><style>${style.text}svg { background: var(--surface); }</style>`)}\n`;
}

/** The line as the text of one HTML file: picture, verdict and figures. */
export function landscapeHtml(at: LandscapePlot & { readonly createdWith: string }): string {
  const title = `From ${at.from} to ${at.to}`;
  return `<!doctype html>
${
  markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>${name(title)}</h1><p>${at.words}</p></header>
<section>
<h2>Loss and accuracy along the line</h2>
${(at.notes ?? []).map(note => markup`<p class="note">${note}</p>`)}
${drawn(at)}
</section>
<section class="long">
<h2>Figures</h2>
<table><thead><tr><th>t</th><th class="number">negative log-likelihood</th><th class="number">accuracy</th></tr></thead>
<tbody>${at.points.map(
    ({ t, loss, accuracy }) =>
      markup`<tr><td>${t}</td><td class="number">${loss.toFixed(4)}</td><td class="number">${percent(accuracy)}</td></tr>`,
  )}</tbody></table>
</section>
<footer>Made with ${at.createdWith}.</footer>
</main>
</body>
</html>
`.text
}`;
}

function drawn({ from, to, points, barrier }: LandscapePlot): Markup {
  const losses = points.map(({ t, loss }): Point => [t, loss]);
  const accuracies = points.map(({ t, accuracy }): Point => [t, accuracy]);
  const said = `Loss and accuracy along the line from ${from} to ${to}`;
  const lossText = (value: number) => String(Number(value.toPrecision(6)));
  return plot(
    width,
    2 * panel,
    said,
    chart('negative log-likelihood', losses, frameAt(0), { from, to }, lossText, barrier),
    chart('accuracy', accuracies, frameAt(panel), { from, to }, value => `${lossText(100 * value)}%`),
  );
}

/** One panel: the curve, its ends, the straight line between them. */
function chart(
  title: string,
  all: readonly Point[],
  frame: Frame,
  { from, to }: { readonly from: string; readonly to: string },
  text: (value: number) => string,
  barrier?: LandscapePlot['barrier'],
): Markup {
  const values = all.map(([, value]) => value).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  const x = scaleLinear([0, 1], [frame.left, frame.right]);
  const y = scaleLinear([Math.max(0, low - margin), high + margin], [frame.bottom, frame.top]).nice(4);
  const finite = all.filter(([, value]) => Number.isFinite(value));
  const curve = line<Point>(
    ([t]) => x(t),
    ([, value]) => y(value),
  ).digits(2);
  const [first, last] = [all[0]!, all.at(-1)!];
  return markup`${rows(
    frame,
    y.ticks(4).map(value => ({ at: y(value), text: text(value) })),
  )}${floor(frame)}${columns(
    frame,
    [0, 0.25, 0.5, 0.75, 1].map(t => ({ at: x(t), text: String(t) })),
  )}<path class="ideal" d="${asIs(curve([first, last]) ?? '')}"/><path class="line train" d="${asIs(curve(finite) ?? '')}"/>${finite.map(
    ([t, value]) =>
      markup`<circle class="point train" cx="${x(t)}" cy="${y(value)}" r="3"><title>t = ${t}: ${text(value)}</title></circle>`,
  )}${barrier && barrier.loss > 0 ? marked(barrier, [first, last], x, y, frame) : nothing}<text class="strong" x="${frame.left}" y="${frame.top - 12}">${title}</text><text x="${frame.left}" y="${frame.bottom + 36}" text-anchor="start">${short(from)}</text><text x="${frame.right}" y="${frame.bottom + 36}" text-anchor="end">${short(to)}</text>`;
}

type Scale = (value: number) => number;

/** The rise from the straight line to the curve, with its height. */
function marked(
  { loss, at }: LandscapePlot['barrier'],
  [first, last]: readonly [Point, Point],
  x: Scale,
  y: Scale,
  { right }: Frame,
): Markup {
  const below = (1 - at) * first[1] + at * last[1];
  const [place, top, bottom] = [x(at), y(below + loss), y(below)];
  const isRight = place > right - 120;
  return markup`<line class="best" x1="${place}" x2="${place}" y1="${top}" y2="${bottom}"/><text class="bad-text" x="${place + (isRight ? -8 : 8)}" y="${(top + bottom) / 2 + 4}" text-anchor="${isRight ? 'end' : 'start'}">+${decimal(loss)}</text>`;
}

/** The end of a path, as long as there is room for. */
const short = (text: string): string => (text.length > 36 ? `…${text.slice(-35)}` : text);
