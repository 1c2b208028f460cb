// What is gained for what it costs: every network as a point with its interval, the front (what nothing cheaper is as
// good as) as a staircase, the one that ships ringed. The cost axis is logarithmic where costs span more than a factor
// of three. Of very many networks those of the front and the best others are drawn.

import { scaleLinear, scaleLog } from 'd3-scale';
import { asIs, coordinate, markup, nothing, type Markup } from './markup.js';
import { metrics, type MetricName } from './metrics.js';
import { columns, floor, plot, rows, type Frame } from './plot.js';
import { costText, counted, decimal, grouped, percent } from './wording.js';

/** A network as it is weighed. */
export interface CostPoint {
  readonly name: string;
  /** Of one picture, in the report's unit; above 0. */
  readonly cost: number;
  /** The metric's figure. */
  readonly value: number;
  /** Of the figure, 95 %. @default no whisker */
  readonly interval?: readonly [low: number, high: number];
  /** The one that ships. @default false */
  readonly chosen?: boolean;
}

/** Networks weighed by one metric. */
export interface CostFront {
  readonly metric: MetricName;
  readonly points: readonly CostPoint[];
}

const width = 480;
const height = 420;
const frame: Frame = { left: 52, right: width - 12, top: 14, bottom: height - 48 };

/** How many points that are not on the front are drawn. */
const most = 300;

/** The section with the plot; nothing where fewer than two points have a cost. */
export function frontSection({ metric, points }: CostFront, unit: 'ms' | 'flops'): Markup {
  const priced = points.filter(({ cost, value }) => cost > 0 && Number.isFinite(cost) && Number.isFinite(value));
  if (priced.length < 2) return nothing;
  const { better, share, title } = metrics[metric];
  const front = frontOf(priced, better);
  const drawn = near(priced, front, better);
  const left = priced.length - drawn.length;
  const text = share ? percent : decimal;
  const [cheap, best] = [front[0]!, front.at(-1)!];
  const says =
    front.length === 1
      ? `Nothing is better than the cheapest, ${cheap.name}.`
      : `The line joins what nothing cheaper is as good as: from ${text(cheap.value)} at ${costText(cheap.cost, unit)} to ${text(best.value)} at ${costText(best.cost, unit)}.`;
  const whiskers = drawn.some(({ interval }) => interval)
    ? ' Whiskers are 95% intervals; they are of the same pictures, so that differences are surer than they look.'
    : '';
  const ring = drawn.some(({ chosen }) => chosen) ? ' The ringed one ships.' : '';
  return markup`<section>
<h2>${title.replace(/^[a-z]/, first => first.toUpperCase())} and cost</h2>
<p class="note">${says}${whiskers}${ring}${left > 0 ? ` ${counted(left, 'point')} far from the line not drawn.` : ''}</p>
${frontPlot(drawn, front, metric, unit)}
</section>`;
}

/** Points that nothing cheaper, or as cheap, is as good as, by rising cost. */
export function frontOf<P extends Pick<CostPoint, 'cost' | 'value'>>(
  points: readonly P[],
  better: 'higher' | 'lower',
): P[] {
  const sign = better === 'higher' ? 1 : -1;
  const sorted = [...points].sort((a, b) => a.cost - b.cost || sign * (b.value - a.value));
  let best = -Infinity;
  return sorted.filter(({ value }) => {
    const isBetter = sign * value > best;
    best = Math.max(best, sign * value);
    return isBetter;
  });
}

const ends = ({ value, interval }: CostPoint): readonly [low: number, high: number] => interval ?? [value, value];

/** Points but for those so far from the front that they would press the others together, and the worst of very many. */
function near(points: readonly CostPoint[], front: readonly CostPoint[], better: 'higher' | 'lower'): CostPoint[] {
  const low = Math.min(...front.map(one => ends(one)[0]));
  const high = Math.max(...front.map(one => ends(one)[1]));
  const sign = better === 'higher' ? 1 : -1;
  const least = better === 'higher' ? low - (high - low) : -high - (high - low);
  const on = new Set(front);
  const kept = points
    .filter(point => !on.has(point) && !point.chosen && (front.length === 1 || sign * point.value >= least))
    .sort((a, b) => sign * (b.value - a.value))
    .slice(0, most);
  const shown = new Set([...front, ...points.filter(({ chosen }) => chosen), ...kept]);
  return points.filter(point => shown.has(point));
}

function frontPlot(
  points: readonly CostPoint[],
  front: readonly CostPoint[],
  metric: MetricName,
  unit: 'ms' | 'flops',
): Markup {
  const { share, title } = metrics[metric];
  const text = share ? percent : decimal;
  const costs = points.map(({ cost }) => cost);
  const [least, dearest] = [Math.min(...costs), Math.max(...costs)];
  const wide = dearest / least > 3;
  const x = wide
    ? scaleLog([least / 1.3, dearest * 1.3], [frame.left, frame.right])
    : scaleLinear([0, dearest * 1.08], [frame.left, frame.right]);
  const low = Math.min(...points.map(({ value }) => value), ...front.map(one => ends(one)[0]));
  const high = Math.max(...points.map(({ value }) => value), ...front.map(one => ends(one)[1]));
  const y = scaleLinear([low, high > low ? high : low + 0.01], [frame.bottom, frame.top])
    .nice(5)
    .clamp(true);
  const on = new Set(front);
  const at = (point: CostPoint) => [x(point.cost), y(point.value)] as const;
  const stairs = front
    .map((point, i) => {
      const [right, up] = at(point).map(coordinate);
      return i === 0 ? `M${right},${up}` : `H${right}V${up}`;
    })
    .join('');
  const ticks = wide ? rounded(x.ticks(6), least, dearest) : x.ticks(5).filter(cost => cost > 0);
  const isRinged = ({ chosen }: CostPoint) => chosen === true;
  const draw = (point: CostPoint) => mark(point, at(point), y, unit, text);
  return plot(
    width,
    height,
    `${title} of ${grouped(points.length)} networks against their cost`,
    rows(
      frame,
      y.ticks(5).map(value => ({ at: y(value), text: share ? percent(value).replace('.0%', '%') : String(value) })),
    ),
    floor(frame),
    columns(
      frame,
      ticks.map(cost => ({ at: x(cost), text: costText(cost, unit).replace(' ms', '').replace('FLOP', '') })),
    ),
    markup`<g class="off">${points.filter(point => !on.has(point)).map(draw)}</g>`,
    markup`<path class="front" d="${asIs(`${stairs}H${coordinate(frame.right)}`)}"/>`,
    markup`${front.map(draw)}`,
    markup`${points.filter(isRinged).map(point => markup`<circle class="ring" cx="${at(point)[0]}" cy="${at(point)[1]}" r="8"/>`)}`,
    names([...points.filter(isRinged), ...[...front].reverse()], points.map(at), at),
    markup`<text x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 40}" text-anchor="middle">cost of one picture, ${unit === 'ms' ? 'milliseconds' : 'floating-point operations'}</text>`,
    markup`<text transform="translate(10 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">${title}</text>`,
  );
}

function mark(
  point: CostPoint,
  [x, at]: readonly [number, number],
  y: (value: number) => number,
  unit: 'ms' | 'flops',
  text: (value: number) => string,
): Markup {
  const { interval } = point;
  const between = interval ? ` (${text(interval[0])} to ${text(interval[1])})` : '';
  const says = `${point.name}: ${text(point.value)}${between}, ${costText(point.cost, unit)}`;
  return markup`<g><title>${says}</title>${
    interval
      ? markup`<line class="whisker" x1="${x}" x2="${x}" y1="${y(interval[0])}" y2="${y(interval[1])}"/>`
      : nothing
  }<circle class="dot" cx="${x}" cy="${at}" r="4.5"/></g>`;
}

/** Where a log scale offers more ticks than fit, the ones, twos and fives, or the decades alone. */
function rounded(ticks: readonly number[], least: number, dearest: number): number[] {
  const within = ticks.filter(tick => tick >= least / 1.3 && tick <= dearest * 1.3);
  const leading = (tick: number) => Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
  const some = within.filter(tick => [1, 2, 5].includes(leading(tick)));
  const tens = within.filter(tick => leading(tick) === 1);
  const every = Math.ceil(tens.length / 7);
  return some.length <= 7 ? some : tens.filter((_, i) => i % every === 0);
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
