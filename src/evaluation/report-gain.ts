// What each further member brings: the figure of ensembles of 1, 2, … members, with the interval of its difference to
// the best single member, which is the dashed line. Gains get smaller; the sentence says from where on.

import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import type { GainPoint } from './gain.js';
import { asIs, markup, nothing, type Markup } from './markup.js';
import { metrics } from './metrics.js';
import { columns, floor, path, plot, rows, type Frame } from './plot.js';
import { counted, decimal, percent, signed } from './wording.js';

const width = 480;
const height = 420;
const frame: Frame = { left: 52, right: width - 12, top: 14, bottom: height - 48 };

/** The section with the curve; nothing where there are fewer than two sizes. */
export function gainSection(gains: readonly GainPoint[]): Markup {
  const points = [...gains].sort((a, b) => a.members - b.members);
  if (points.length < 2) return nothing;
  const { title, share } = metrics[points[0]!.difference.metric];
  return markup`<section>
<h2>Members and gain</h2>
<p class="note">${said(points)} The band is the 95% interval of the difference to the best single member, the dashed line.</p>
${gainPlot(points, title, share)}
</section>`;
}

/** Where most of the gain is there, or that there is none. */
function said(points: readonly GainPoint[]): string {
  const { metric } = points[0]!.difference;
  const { better, share } = metrics[metric];
  const gain = ({ difference }: GainPoint) => (better === 'higher' ? difference.difference : -difference.difference);
  const best = points.reduce((a, b) => (gain(b) > gain(a) ? b : a));
  if (gain(best) <= 0) return 'No number of members is better than the best single one.';
  const enough = points.find(point => gain(point) >= 0.9 * gain(best))!;
  const whole = `Best with ${counted(best.members, 'member')}: ${signed(best.difference.difference, share)} against the best single one`;
  return enough === best ? `${whole}.` : `${whole}; 90% of that is there with ${counted(enough.members, 'member')}.`;
}

function gainPlot(points: readonly GainPoint[], title: string, share: boolean): Markup {
  const text = share ? percent : decimal;
  const single = points[0]!.difference.second;
  const ends = points.flatMap(({ difference: { first, low, high } }) => [first, single + low, single + high]);
  const [bottom, top] = [Math.min(single, ...ends), Math.max(single, ...ends)];
  const x = scaleLinear([points[0]!.members, points.at(-1)!.members], [frame.left + 10, frame.right - 10]);
  const y = scaleLinear([bottom, top > bottom ? top : bottom + 0.01], [frame.bottom, frame.top]).nice(5);
  const at = ({ members, difference }: GainPoint) => [x(members), y(difference.first)] as const;
  const draw = line<readonly [number, number]>().digits(2);
  const band = [
    ...points.map(({ members, difference }) => [x(members), y(single + difference.low)] as const),
    ...[...points].reverse().map(({ members, difference }) => [x(members), y(single + difference.high)] as const),
  ];
  const lower = metrics[points[0]!.difference.metric].better === 'lower';
  return plot(
    width,
    height,
    `${title} over the number of members`,
    rows(
      frame,
      y.ticks(5).map(value => ({ at: y(value), text: share ? percent(value).replace('.0%', '%') : tickText(value) })),
    ),
    markup`<path class="band" d="${path(band)}"/>`,
    markup`<line class="ideal" x1="${frame.left}" x2="${frame.right}" y1="${y(single)}" y2="${y(single)}"/>`,
    markup`<text class="small" x="${frame.right}" y="${y(single) + (lower ? -6 : 16)}" text-anchor="end">best single member</text>`,
    markup`<path class="line train" d="${asIs(draw(points.map(at).map(([a, b]) => [a, b])) ?? '')}"/>`,
    markup`${points.map(point => {
      const [cx, cy] = at(point);
      const { difference } = point;
      const says = `${counted(point.members, 'member')}: ${text(difference.first)}, ${signed(difference.difference, share)} (${signed(difference.low, share)} to ${signed(difference.high, share)})`;
      return markup`<circle class="dot" cx="${cx}" cy="${cy}" r="4"><title>${says}</title></circle>`;
    })}`,
    floor(frame),
    columns(
      frame,
      x
        .ticks(Math.min(8, points.length))
        .filter(Number.isInteger)
        .map(members => ({ at: x(members), text: String(members) })),
    ),
    markup`<text x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 40}" text-anchor="middle">members</text>`,
    markup`<text transform="translate(10 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">${title}</text>`,
  );
}

const tickText = (value: number): string => String(Number(value.toPrecision(6)));
