// The reliability plot: for each bin of confidence how often it was right, as a bar with its 95 % interval, against
// the dashed line on which every confidence would come true; below it how many pictures each bin holds.

import { scaleLinear } from 'd3-scale';
import { markup, nothing, type Markup } from './markup.js';
import { columns, floor, path, plot, rows, type Frame } from './plot.js';
import type { Reliability, ReliabilityBin } from './reliability.js';
import { counted, grouped, percent, roughPercent } from './wording.js';

const width = 480;
const height = 420;
const upper: Frame = { left: 48, right: width - 8, top: 10, bottom: 280 };
const lower: Frame = { left: 48, right: width - 8, top: 326, bottom: 376 };

/** The section with the plot. `of` is what one outcome is: a picture, or an answer of several labels. */
export function reliabilitySection(reliability: Reliability, of: string): Markup {
  const { confidence, accuracy, expectedCalibrationError } = reliability;
  const sure = confidence > accuracy ? 'more sure than right' : 'less sure than right';
  return markup`<section>
<h2>Reliability</h2>
<p class="note">Mean confidence ${percent(confidence)}, right ${percent(accuracy)}: ${confidence === accuracy ? 'as sure as right' : `on the whole ${sure}`}. Expected calibration error ${percent(expectedCalibrationError)} over ${counted(reliability.bins.length, 'bin')}. Bars that end on the dashed line are as right as they are sure; whiskers are 95% intervals.</p>
${reliabilityPlot(reliability, of)}
</section>`;
}

function reliabilityPlot({ bins, count }: Reliability, of: string): Markup {
  const x = scaleLinear([0, 1], [upper.left, upper.right]);
  const y = scaleLinear([0, 1], [upper.bottom, upper.top]);
  const most = Math.max(...bins.map(bin => bin.count));
  const tall = scaleLinear([0, most], [lower.bottom, lower.top]);
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const ticks = shares.map(share => ({ at: x(share), text: roughPercent(share) }));
  return plot(
    width,
    height,
    `Reliability of ${counted(count, of)} in ${counted(bins.length, 'bin')}`,
    rows(
      upper,
      shares.map(share => ({ at: y(share), text: roughPercent(share) })),
    ),
    markup`${bins.map(bin => accuracyBar(bin, x, y))}`,
    markup`<path class="ideal" d="${path([
      [x(0), y(0)],
      [x(1), y(1)],
    ])}"/>`,
    markup`${bins.map(bin => accuracyMark(bin, x, y, of))}`,
    floor(upper),
    markup`<text x="${upper.left}" y="${lower.top - 20}">${of}s a bin</text>`,
    markup`${bins.map(bin => countBar(bin, x, tall, of))}`,
    floor(lower),
    columns(lower, ticks),
    markup`<text x="${(upper.left + upper.right) / 2}" y="${lower.bottom + 38}" text-anchor="middle">confidence</text>`,
    markup`<text transform="translate(10 ${(upper.top + upper.bottom) / 2}) rotate(-90)" text-anchor="middle">share that is right</text>`,
  );
}

type Scale = (value: number) => number;

/** Bins of equal mass may be a single confidence: they are drawn at least this wide. */
const thin = 2;

function accuracyBar({ low, high, accuracy }: ReliabilityBin, x: Scale, y: Scale): Markup {
  if (accuracy === null) return nothing;
  const wide = Math.max(thin, x(high) - x(low) - 2);
  return markup`<rect class="bar" x="${x(low) + 1}" width="${wide}" y="${y(accuracy)}" height="${y(0) - y(accuracy)}"/>`;
}

function accuracyMark(bin: ReliabilityBin, x: Scale, y: Scale, of: string): Markup {
  const { confidence, accuracy, accuracyInterval, count } = bin;
  if (confidence === null || accuracy === null) return nothing;
  const [low, high] = accuracyInterval;
  return markup`<g><title>${percent(bin.low)} to ${percent(bin.high)}: ${counted(count, of)}, confidence ${percent(confidence)}, right ${percent(accuracy)}</title><line class="whisker" x1="${x(confidence)}" x2="${x(confidence)}" y1="${y(low)}" y2="${y(high)}"/><circle class="dot" cx="${x(confidence)}" cy="${y(accuracy)}" r="4.5"/></g>`;
}

function countBar({ low, high, count }: ReliabilityBin, x: Scale, tall: Scale, of: string): Markup {
  if (count === 0) return nothing;
  const wide = Math.max(thin, x(high) - x(low) - 2);
  return markup`<g><title>${counted(count, of)}</title><rect class="bar" x="${x(low) + 1}" width="${wide}" y="${tall(count)}" height="${tall(0) - tall(count)}"/><text x="${(x(low) + x(high)) / 2}" y="${tall(count) - 4}" text-anchor="middle" style="font-size:10px">${grouped(count)}</text></g>`;
}
