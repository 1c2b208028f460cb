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
  readonly points: readonly {
    readonly t: number;
    readonly loss: number;
    /** At the best temperature: drawn as a second curve. */
    readonly calibratedLoss: number;
    readonly accuracy: number;
  }[];
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

// Colours by value: not every program that shows SVG knows custom properties.
const plainStyle = `text { fill: #5d626b; font: 12px system-ui, sans-serif; } .strong { fill: #1c1e22; font-weight: 600; }
.grid { stroke: #e2e2de; } .axis { stroke: #5d626b; }
.ideal { stroke: #5d626b; stroke-dasharray: 4 4; fill: none; } .line { fill: none; stroke: #2b69b0; stroke-width: 2; } .line.validation { stroke: #c04d1f; } .point { fill: #2b69b0; }`;

/** The line as the text of one SVG file. */
export function landscapeSvg(at: LandscapePlot): string {
  const { text } = drawn(at);
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${2 * panel}"`;
  const ground = `<rect width="${width}" height="${2 * panel}" fill="#ffffff"/>`;
  return `${text.replace('<svg', open).replace('>', `><style>${plainStyle}</style>${ground}`)}\n`;
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
<table><thead><tr><th>t</th><th class="number">negative log-likelihood</th><th class="number">at the best temperature</th><th class="number">accuracy</th></tr></thead>
<tbody>${at.points.map(
    ({ t, loss, calibratedLoss, accuracy }) =>
      markup`<tr><td>${t}</td><td class="number">${loss.toFixed(4)}</td><td class="number">${calibratedLoss.toFixed(4)}</td><td class="number">${percent(accuracy)}</td></tr>`,
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
  const text = (value: number) => String(Number(value.toPrecision(6)));
  const share = (value: number) => `${text(100 * value)}%`;
  const ends = { from, to };
  const loss: Chart = {
    title: 'negative log-likelihood',
    curve: points.map(({ t, loss: value }) => [t, value]),
    second: points.map(({ t, calibratedLoss }) => [t, calibratedLoss]),
    least: 0.05,
    text,
  };
  const accuracy: Chart = {
    title: 'accuracy',
    curve: points.map(({ t, accuracy: value }) => [t, value]),
    most: 1,
    least: 0.1,
    text: share,
  };
  const said = `Loss and accuracy along the line from ${from} to ${to}`;
  return plot(width, 2 * panel, said, chart(loss, frameAt(0), ends, barrier), chart(accuracy, frameAt(panel), ends));
}

interface Chart {
  readonly title: string;
  readonly curve: readonly Point[];
  /** The loss at the best temperature. */
  readonly second?: readonly Point[];
  /** The axis spans this much at least, so that noise does not look like hills, and ends here. */
  readonly least: number;
  readonly most?: number;
  readonly text: (value: number) => string;
}

/** One panel: the curves, the straight line between the ends. */
function chart(
  { title, curve: all, second = [], least, most = Infinity, text }: Chart,
  frame: Frame,
  { from, to }: { readonly from: string; readonly to: string },
  barrier?: LandscapePlot['barrier'],
): Markup {
  const values = [...all, ...second].map(([, value]) => value).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((high - low) * 0.08, (least - high + low) / 2);
  const x = scaleLinear([0, 1], [frame.left, frame.right]);
  const range = [Math.max(0, low - margin), Math.min(most, high + margin)];
  const y = scaleLinear(range, [frame.bottom, frame.top]).nice(4);
  const curve = line<Point>(
    ([t]) => x(t),
    ([, value]) => y(value),
  )
    .defined(([, value]) => Number.isFinite(value))
    .digits(2);
  const drawnAs = (points: readonly Point[], kind: string) =>
    points.length === 0 ? nothing : markup`<path class="${kind}" d="${asIs(curve([...points]) ?? '')}"/>`;
  const [first, last] = [all[0]!, all.at(-1)!];
  const dots = all.filter(([, value]) => Number.isFinite(value));
  const legend =
    second.length === 0
      ? nothing
      : markup`<line class="line validation" x1="${frame.right - 176}" x2="${frame.right - 154}" y1="${frame.top - 16}" y2="${frame.top - 16}"/><text x="${frame.right}" y="${frame.top - 12}" text-anchor="end">at the best temperature</text>`;
  return markup`${rows(
    frame,
    y.ticks(4).map(value => ({ at: y(value), text: text(value) })),
  )}${floor(frame)}${columns(
    frame,
    [0, 0.25, 0.5, 0.75, 1].map(t => ({ at: x(t), text: String(t) })),
  )}${drawnAs([first, last], 'ideal')}${drawnAs(second, 'line validation')}${drawnAs(all, 'line train')}${dots.map(
    ([t, value]) =>
      markup`<circle class="point train" cx="${x(t)}" cy="${y(value)}" r="3"><title>t = ${t}: ${text(value)}</title></circle>`,
  )}${barrier && barrier.loss > 0 ? marked(barrier, [first, last], x, y, frame) : nothing}<text class="strong" x="${frame.left}" y="${frame.top - 12}">${title}</text>${legend}<text x="${frame.left}" y="${frame.bottom + 36}" text-anchor="start">${short(from)}</text><text x="${frame.right}" y="${frame.bottom + 36}" text-anchor="end">${short(to)}</text>`;
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
  return markup`<line class="axis" x1="${place}" x2="${place}" y1="${top}" y2="${bottom}"/><text class="strong" x="${place + (isRight ? -8 : 8)}" y="${(top + bottom) / 2 + 4}" text-anchor="${isRight ? 'end' : 'start'}">+${decimal(loss)}</text>`;
}

/** The end of a path, as long as there is room for. */
const short = (text: string): string => (text.length > 36 ? `…${text.slice(-35)}` : text);
