// Accuracy against cost: every network as a point with its interval, the front (what nothing cheaper is as good as) as
// a staircase, the one that ships ringed. The cost axis is logarithmic where costs span more than a factor of three.

import { scaleLinear, scaleLog } from 'd3-scale';
import { asIs, coordinate, markup, nothing, type Markup } from './markup.js';
import { columns, floor, plot, rows, type Frame } from './plot.js';
import { costText, counted, percent } from './wording.js';

/** A network as it is weighed: what it costs and how often it is right. */
export interface CostPoint {
  readonly name: string;
  /** Of one picture, in the report's unit; above 0. */
  readonly cost: number;
  readonly accuracy: number;
  readonly accuracyInterval: readonly [low: number, high: number];
  /** The one that ships. @default false */
  readonly chosen?: boolean;
}

const width = 480;
const height = 420;
const frame: Frame = { left: 52, right: width - 12, top: 14, bottom: height - 48 };

/** The section with the plot; nothing where fewer than two points have a cost. */
export function frontSection(points: readonly CostPoint[], unit: 'ms' | 'flops'): Markup {
  const priced = points.filter(({ cost }) => cost > 0 && Number.isFinite(cost));
  if (priced.length < 2) return nothing;
  const front = frontOf(priced);
  const drawn = near(priced, front);
  const far = priced.length - drawn.length;
  const best = front.at(-1)!;
  const cheap = front[0]!;
  return markup`<section>
<h2>Accuracy and cost</h2>
<p class="note">${
    front.length === 1
      ? markup`Nothing is better than the cheapest, ${cheap.name}.`
      : markup`The line joins what nothing cheaper is as good as: from ${percent(cheap.accuracy)} at ${costText(cheap.cost, unit)} to ${percent(best.accuracy)} at ${costText(best.cost, unit)}.`
  } Whiskers are 95% intervals; they are of the same pictures, so that differences are surer than they look. The ringed one ships.${far > 0 ? ` ${counted(far, 'point')} far below not drawn.` : ''}</p>
${frontPlot(drawn, front, unit)}
</section>`;
}

/** Points that nothing cheaper, or as cheap, is as good as, by rising cost. */
export function frontOf<P extends Pick<CostPoint, 'cost' | 'accuracy'>>(points: readonly P[]): P[] {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || b.accuracy - a.accuracy);
  let best = -Infinity;
  return sorted.filter(({ accuracy }) => {
    const higher = accuracy > best;
    best = Math.max(best, accuracy);
    return higher;
  });
}

/** Points but for those so far below that they would press the others together. */
function near(points: readonly CostPoint[], front: readonly CostPoint[]): CostPoint[] {
  const low = Math.min(...front.map(one => one.accuracyInterval[0]));
  const high = Math.max(...front.map(one => one.accuracyInterval[1]));
  return points.filter(({ accuracy, chosen }) => chosen || accuracy >= low - (high - low));
}

function frontPlot(points: readonly CostPoint[], front: readonly CostPoint[], unit: 'ms' | 'flops'): Markup {
  const costs = points.map(({ cost }) => cost);
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  const wide = most / least > 3;
  const x = wide
    ? scaleLog([least / 1.3, most * 1.3], [frame.left, frame.right])
    : scaleLinear([0, most * 1.08], [frame.left, frame.right]);
  const low = Math.min(...points.map(({ accuracy }) => accuracy), ...front.map(one => one.accuracyInterval[0]));
  const high = Math.max(...points.map(one => one.accuracyInterval[1]));
  const y = scaleLinear([low, high > low ? high : low + 0.01], [frame.bottom, frame.top])
    .nice(5)
    .clamp(true);
  const on = new Set(front);
  const at = (point: CostPoint) => [x(point.cost), y(point.accuracy)] as const;
  const stairs = front
    .map((point, i) =>
      i === 0 ? `M${at(point).map(coordinate).join(',')}` : `H${coordinate(at(point)[0])}V${coordinate(at(point)[1])}`,
    )
    .join('');
  const ticks = wide ? decades(x.ticks(6), least, most) : x.ticks(5).filter(cost => cost > 0);
  const behind = points.filter(point => !on.has(point));
  return plot(
    width,
    height,
    `Accuracy of ${points.length} networks against their cost`,
    rows(
      frame,
      y.ticks(5).map(share => ({ at: y(share), text: percent(share).replace('.0%', '%') })),
    ),
    floor(frame),
    columns(
      frame,
      ticks.map(cost => ({ at: x(cost), text: costText(cost, unit).replace(' ms', '').replace('FLOP', '') })),
    ),
    markup`<g class="off">${behind.map(point => mark(point, at(point), y, unit))}</g>`,
    markup`<path class="front" d="${asIs(stairs)}${front.length > 0 ? asIs(`H${coordinate(frame.right)}`) : nothing}"/>`,
    markup`${front.map(point => mark(point, at(point), y, unit))}`,
    markup`${points
      .filter(({ chosen }) => chosen)
      .map(point => markup`<circle class="ring" cx="${at(point)[0]}" cy="${at(point)[1]}" r="8"/>`)}`,
    names([...points.filter(({ chosen }) => chosen), ...[...front].reverse()], points.map(at), at),
    markup`<text x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 40}" text-anchor="middle">cost of one picture, ${unit === 'ms' ? 'milliseconds' : 'floating-point operations'}</text>`,
    markup`<text transform="translate(10 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">accuracy</text>`,
  );
}

function mark(
  point: CostPoint,
  [x, at]: readonly [number, number],
  y: (share: number) => number,
  unit: 'ms' | 'flops',
): Markup {
  const [low, high] = point.accuracyInterval;
  const says = `${point.name}: ${percent(point.accuracy)} (${percent(low)} to ${percent(high)}), ${costText(point.cost, unit)}`;
  return markup`<g><title>${says}</title><line class="whisker" x1="${x}" x2="${x}" y1="${y(low)}" y2="${y(high)}"/><circle class="dot" cx="${x}" cy="${at}" r="4.5"/></g>`;
}

/** Where a log scale offers more ticks than fit, the ones, twos and fives, or the decades alone. */
function decades(ticks: readonly number[], least: number, most: number): number[] {
  const within = ticks.filter(tick => tick >= least / 1.3 && tick <= most * 1.3);
  const leading = (tick: number) => Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
  const some = within.filter(tick => [1, 2, 5].includes(leading(tick)));
  return some.length <= 7 ? some : within.filter(tick => leading(tick) === 1);
}

/** A letter's width and a line's height, in units of the plot. */
const [letter, tall] = [6.1, 13];
const longest = 26;

/** Names beside their points, each where it lies over no point and no other name; without a place it is left to hovering. */
function names(
  points: readonly CostPoint[],
  dots: readonly (readonly [number, number])[],
  at: (point: CostPoint) => readonly [number, number],
): Markup {
  const taken: [left: number, top: number, right: number, bottom: number][] = dots.map(([x, y]) => [
    x - 5,
    y - 5,
    x + 5,
    y + 5,
  ]);
  const placed = [...new Set(points)].flatMap(point => {
    const text = point.name.length > longest ? `${point.name.slice(0, longest - 1)}…` : point.name;
    const [x, y] = at(point);
    const wide = text.length * letter;
    const spots = [
      { left: x + 11, top: y - 17 },
      { left: x + 11, top: y + 4 },
      { left: x - 11 - wide, top: y - 17 },
      { left: x - 11 - wide, top: y + 4 },
    ];
    const free = spots.find(
      ({ left, top }) =>
        left >= frame.left &&
        left + wide <= width &&
        top >= 0 &&
        top + tall <= frame.bottom &&
        taken.every(([l, t, r, b]) => left + wide <= l || left >= r || top + tall <= t || top >= b),
    );
    if (!free) return [];
    taken.push([free.left, free.top, free.left + wide, free.top + tall]);
    return [
      markup`<text class="small${point.chosen ? ' strong' : ''}" x="${free.left}" y="${free.top + 10}">${text}</text>`,
    ];
  });
  return markup`${placed}`;
}
