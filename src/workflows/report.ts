// The report of an evaluation as one HTML file: figures, confusion, calibration, the worst mistakes with their pictures,
// and where all of it comes from.

import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeAtomically } from '../base/node.js';
import { reliability, reportHtml, topLosses, type HistoryPoint, type SplitCounts } from '../evaluation/index.js';
import { thumbnail } from '../pictures/node.js';
import type { EvaluateResult } from './evaluate.js';
import { version } from './version.js';

/** How many of the worst mistakes are shown. */
const shown = 24;

/**
 * Writes the report.
 *
 * @param path the `.html` file
 * @throws DISK_EXISTS where it is there and `force` is not set
 */
export async function writeReport(
  path: string,
  result: Omit<EvaluateResult, 'seen'>,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const { evaluation, predictions, items, bundle } = result;
  const { manifest } = bundle;
  const mistakes = await Promise.all(
    topLosses(predictions, shown).map(async loss => {
      const item = items[loss.index]!;
      const picture = await thumbnail(item.file).catch(() => undefined);
      return { ...loss, file: item.name, ...(picture ? { thumbnail: picture } : {}) };
    }),
  );
  const trained: SplitCounts = {
    split: 'train',
    counts: manifest.labels.map(label => manifest.data.classes[label] ?? 0),
  };
  const html = reportHtml({
    title: `${manifest.data.source}: ${manifest.labels.length} ${manifest.task === 'single' ? 'classes' : 'labels'}`,
    evaluation,
    reliability: reliability(predictions),
    mistakes,
    history: await historyOf(bundle.folder),
    classCounts: [trained, { split: evaluation.split, counts: evaluation.perClass.map(({ support }) => support) }],
    provenance: [
      ['bundle', `${basename(bundle.folder)}, manifest SHA-256 ${bundle.sha256}`],
      ['backbone', `${manifest.backbone.file}, SHA-256 ${manifest.backbone.sha256}`],
      ['features', `${manifest.backbone.at}, ${manifest.backbone.features} wide`],
      ['pictures', `${manifest.data.train.length} trained on, ${manifest.data.validation.length} used for choosing`],
      ...Object.entries(manifest.versions).map(([name, value]) => [name, value] as const),
      ...Object.entries(manifest.seeds).map(([name, value]) => [`seed of the ${name}`, String(value)] as const),
    ],
    createdWith: `onnx-graft ${version}`,
  });
  await writeAtomically(path, html, { force });
}

/** Learning curves from the history of the run that the bundle lies in, if it is there. */
async function historyOf(bundle: string): Promise<HistoryPoint[]> {
  const text = await readFile(join(dirname(bundle), 'history.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap(line => {
    if (!line) return [];
    try {
      const event = JSON.parse(line) as {
        kind?: string;
        epoch?: number;
        trainLoss?: number;
        validation?: { loss?: number };
      };
      if (event.kind !== 'epoch' || typeof event.epoch !== 'number') return [];
      return [
        {
          epoch: event.epoch,
          ...(typeof event.trainLoss === 'number' ? { trainLoss: event.trainLoss } : {}),
          ...(typeof event.validation?.loss === 'number' ? { validationLoss: event.validation.loss } : {}),
        },
      ];
    } catch {
      return [];
    }
  });
}
