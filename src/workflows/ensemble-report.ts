// The report of an ensemble: what was compared, what further members bring, what cost brings, how members differ, and the
// mistakes of the one that ships.

import { commonStart } from '../base/index.js';
import {
  diversity,
  gainBySize,
  metricInterval,
  metrics,
  reliability,
  reportHtml,
  topLosses,
  type CostPoint,
  type EnsembleReport,
} from '../evaluation/index.js';
import { thumbnail } from '../pictures/node.js';
import { isMember } from './ensemble-leaves.js';
import type { Shipment } from './ensemble-ship.js';
import type { OpenedMember } from './members.js';
import { version } from './version.js';

/** How many of the worst mistakes are shown. */
const shown = 24;

/** The report's page. */
export async function ensembleReport(at: Shipment, networks: readonly OpenedMember[], recipe: string): Promise<string> {
  const { asked, chosenBy, table, compared, options } = at;
  const { best, costs } = compared;
  const mistakes = await Promise.all(
    topLosses(best.predictions, shown).map(async loss => {
      const picture = await thumbnail(chosenBy.files[loss.index]!).catch(() => undefined);
      return { ...loss, file: chosenBy.names[loss.index]!, ...(picture ? { thumbnail: picture } : {}) };
    }),
  );
  const count = networks.length;
  const short = commonStart(table.rows.map(({ name }) => name));
  return reportHtml({
    title: `ensemble of ${count} for ${asked.classes.length} ${asked.task === 'single' ? 'classes' : 'labels'}`,
    evaluation: best.evaluation,
    reliability: reliability(best.predictions),
    mistakes,
    // out of fold one answer stands for all: there is nothing to compare
    ...(chosenBy.owners
      ? {}
      : {
          ensemble: {
            ...table,
            rows: table.rows.map(row => ({ ...row, name: short(row.name) })),
            split: 'validation, cross-fitted',
            costUnit: costs.unit,
            ...beside(at, short),
          },
        }),
    provenance: [
      ['recipe', recipe],
      ...networks.map(({ name, sha256 }) => [`member ${name}`, `SHA-256 ${sha256}`] as const),
      [
        'judged by',
        chosenBy.owners
          ? `${chosenBy.files.length} pictures, each by the answer of the one member that did not train on it`
          : `${chosenBy.files.length} pictures that chose by ${metrics[options.metric ?? 'negativeLogLikelihood'].title}`,
      ],
      ['onnx-graft', version],
    ],
    createdWith: `onnx-graft ${version}`,
  });
}

/** What several members say beside the table; nothing where one answer stands for all. */
function beside(
  { asked, compared, options }: Shipment,
  short: (name: string) => string,
): Pick<EnsembleReport, 'diversity' | 'front' | 'gains'> {
  const { judged, front, chosen, best } = compared;
  const { metric = 'negativeLogLikelihood', seed = 0 } = options;
  const members = judged.filter(({ node }) => isMember(node));
  if (members.length < 2) return {};
  const truth = { classes: asked.classes, ...asked.truth };
  const isBetter = (a: (typeof members)[number], b: (typeof members)[number]) =>
    metric === 'accuracy'
      ? b.evaluation.accuracy - a.evaluation.accuracy
      : a.evaluation.negativeLogLikelihood - b.evaluation.negativeLogLikelihood;
  const ranked = [...members].sort(isBetter).map(({ predictions }) => predictions);
  const priced = [
    ...judged.map((one, i) =>
      i === chosen ? { ...best, name: one.name, isChosen: true } : { ...one, isChosen: false },
    ),
    ...front.map(({ judged: one }) => ({ ...one, isChosen: false })),
  ];
  const points = priced.map(({ name, cost, predictions, isChosen }): CostPoint => {
    const { value, low, high } = metricInterval(predictions, metric, { seed });
    return { name: short(name), cost, value, interval: [low, high], chosen: isChosen };
  });
  return {
    gains: gainBySize(ranked, ranked[0]!, metric, { seed }),
    front: { metric, points: isOneCost(points) ? [] : points },
    diversity: diversity(
      members.map(({ name, predictions: { probabilities } }) => ({ name: short(name), probabilities })),
      truth,
    ),
  };
}

/** Where members share nearly all that they cost, there is nothing to weigh. */
const isOneCost = (points: readonly CostPoint[]): boolean =>
  Math.max(...points.map(({ cost }) => cost)) <= 1.02 * Math.min(...points.map(({ cost }) => cost));
