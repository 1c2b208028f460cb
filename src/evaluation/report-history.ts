// Learning curves: the loss of training and validation over epochs, each line named at its end, the best validation
// epoch ringed. The scale is logarithmic where the losses span more than a factor of twenty.

import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { asIs, markup, nothing, type Markup } from './markup.js';
import { columns, floor, plot, rows, type Frame } from './plot.js';
import { decimal } from './wording.js';

/** The losses of one epoch; what was not measured is left out. */
export interface HistoryPoint {
  readonly epoch: number;
  readonly trainLoss?: number;
  readonly validationLoss?: number;
}

type Series = readonly (readonly [epoch: number, loss: number])[];

const width = 480;
const height = 420;
const frame: Frame = { left: 48, right: width - 84, top: 12, bottom: height - 44 };

/** The section with the curves; nothing where there is no loss to show. */
export function historySection(history: readonly HistoryPoint[]): Markup {
  const train = series(history, 'trainLoss');
  const validation = series(history, 'validationLoss');
  if (train.length + validation.length === 0) return nothing;
  const best = lowest(validation);
  return markup`<section>
<h2>Learning curves</h2>
<p class="note">${best ? `Validation loss is lowest after epoch ${best[0]}: ${decimal(best[1])}.` : 'Loss of training, epoch by epoch.'}</p>
${curves(train, validation, best)}
</section>`;
}

const series = (history: readonly HistoryPoint[], key: 'trainLoss' | 'validationLoss'): Series =>
  history.flatMap(point => {
    const loss = point[key];
    return loss !== undefined && Number.isFinite(loss) ? [[point.epoch, loss] as const] : [];
  });

const lowest = (of: Series): Series[number] | undefined =>
  of.reduce<Series[number] | undefined>((best, point) => (best && best[1] <= point[1] ? best : point), undefined);

function curves(train: Series, validation: Series, best: Series[number] | undefined): Markup {
  const all = [...train, ...validation];
  const epochs = extent(all.map(([epoch]) => epoch));
  const losses = extent(all.map(([, loss]) => loss));
  const x = scaleLinear(epochs[0] === epochs[1] ? [epochs[0] - 1, epochs[1] + 1] : epochs, [frame.left, frame.right]);
  const y = lossScale(losses);
  const draw = line<readonly [number, number]>(
    ([epoch]) => x(epoch),
    ([, loss]) => y(loss),
  ).digits(2);
  const curve = (of: Series, kind: string) =>
    of.length === 1
      ? markup`<circle class="point ${kind}" cx="${x(of[0]![0])}" cy="${y(of[0]![1])}" r="4"/>`
      : markup`<path class="line ${kind}" d="${asIs(draw([...of]) ?? '')}"/>`;
  return plot(
    width,
    height,
    'Loss over epochs',
    rows(
      frame,
      y.ticks.map(loss => ({ at: y(loss), text: String(loss) })),
    ),
    floor(frame),
    columns(
      frame,
      x
        .ticks(6)
        .filter(epoch => Number.isInteger(epoch) && epoch >= epochs[0] && epoch <= epochs[1])
        .map(epoch => ({ at: x(epoch), text: String(epoch) })),
    ),
    curve(train, 'train'),
    curve(validation, 'validation'),
    best
      ? markup`<circle class="best" cx="${x(best[0])}" cy="${y(best[1])}" r="4.5"><title>epoch ${best[0]}: ${decimal(best[1])}</title></circle>`
      : nothing,
    endLabels(train.at(-1), validation.at(-1), y),
    markup`<text x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 38}" text-anchor="middle">epoch</text>`,
    markup`<text transform="translate(10 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">loss</text>`,
  );
}

/** The names beside the ends of the lines, kept from lying over each other. */
function endLabels(train: Series[number] | undefined, validation: Series[number] | undefined, y: LossScale): Markup {
  const labels = [
    ...(train ? [{ text: 'train', tone: 'good-text', at: y(train[1]) }] : []),
    ...(validation ? [{ text: 'validation', tone: 'bad-text', at: y(validation[1]) }] : []),
  ].sort((a, b) => a.at - b.at);
  const gap = 16;
  const [first, second] = labels;
  if (first && second && second.at - first.at < gap) {
    const middle = Math.min((first.at + second.at) / 2, frame.bottom - gap / 2);
    [first.at, second.at] = [middle - gap / 2, middle + gap / 2];
  }
  return markup`${labels.map(
    ({ text, tone, at }) => markup`<text class="${tone}" x="${frame.right + 10}" y="${at + 4}">${text}</text>`,
  )}`;
}

interface LossScale {
  (loss: number): number;
  readonly ticks: readonly number[];
}

function lossScale([low, high]: readonly [number, number]): LossScale {
  const range = [frame.bottom, frame.top];
  if (low > 0 && high / low > 20) {
    const scale = scaleLog([low, high], range).nice();
    const ticks = scale.ticks(5);
    // a log scale offers nine ticks a decade: where that is too many, the decades alone
    const decades = ticks.filter(tick => Number.isInteger(Math.round(Math.log10(tick) * 1e6) / 1e6));
    return Object.assign((loss: number) => scale(loss), { ticks: ticks.length > 7 ? decades : ticks });
  }
  const scale = scaleLinear([Math.min(0, low), high > 0 ? high : 1], range).nice(5);
  return Object.assign((loss: number) => scale(loss), { ticks: scale.ticks(5) });
}

const extent = (values: readonly number[]): [number, number] =>
  values.reduce<[number, number]>(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
