// The model card: a README.md that says in a page what the bundle is, what it was worth, and how to use it.

import { ensembleCard } from './ensemble-card.js';
import type { Manifest } from './manifest.js';
import { plain } from './plain.js';

/** The text of `README.md`. */
export function modelCard(manifest: Omit<Manifest, 'files'>): string {
  const { labels, task, backbone, data, metrics, preprocessing, versions, inputs, outputs, ensemble } = manifest;
  const recipe = preprocessing as { width?: number; height?: number };
  const percent = (value: unknown) => (typeof value === 'number' ? `${(100 * value).toFixed(1)}%` : 'not measured');
  const interval = Array.isArray(metrics['accuracyInterval'])
    ? ` (95% interval ${metrics['accuracyInterval'].map(percent).join(' to ')})`
    : '';
  const counts = Object.entries(data.classes).map(([label, count]) => `| ${plain(label)} | ${count} |`);
  const kind = ensemble ? 'An ensemble for' : 'A classifier of';
  const from = ensemble ? (ensemble.members.length === 1 ? 'one network' : `the answers of ${ensemble.members.length} members`) : `the network \`${backbone.file.replaceAll('`', "'")}\``; // prettier-ignore
  return `# ${kind} ${labels.length} ${task === 'single' ? 'classes' : 'labels'}

Made by onnx-graft ${versions['onnx-graft'] ?? ''} from ${from} and ${data.train.length + data.validation.length} pictures.

| measured on | pictures | accuracy |
|---|---|---|
| validation (also used for choosing${metrics['crossFitted'] === true ? '; each picture judged by what was fitted without it' : ''}) | ${typeof metrics['count'] === 'number' ? metrics['count'] : data.validation.length} | ${percent(metrics['accuracy'])}${interval} |

Negative log-likelihood ${number(metrics['negativeLogLikelihood'])}, expected calibration error ${number(metrics['expectedCalibrationError'])}, Brier score ${number(metrics['brierScore'])}.${classesAlike(metrics)}

${ensemble ? ensembleCard(ensemble) : ''}
| label | training pictures |
|---|---|
${counts.join('\n')}

## Use

\`model.onnx\` runs in any ONNX Runtime. Everything from the picture's bytes to calibrated probabilities is in it; only decoding, size and crop (\`manifest.json\`, \`preprocessing\`) lie outside.

| | name | type | shape |
|---|---|---|---|
${[...inputs.map(value => row('input', value)), ...outputs.map(value => row('output', value))].join('\n')}

Pictures are RGB, ${recipe.width} wide and ${recipe.height} high.

\`\`\`
graft predict <this folder> pictures/
\`\`\`

## Limits

It knows only the ${task === 'single' ? 'classes' : 'labels'} above and answers with one of them whatever it is shown. Its figures hold for pictures like those it was made from. The licence of the network it stands on applies.
`;
}

/** Figures that weigh classes alike, where they were measured. */
function classesAlike(metrics: Manifest['metrics']): string {
  const figures = [
    ['balanced accuracy', metrics['balancedAccuracy']],
    ['macro F1', metrics['macroF1']],
    ['AUROC', metrics['auroc']],
  ] as const;
  const said = figures.flatMap(([name, value]) => (typeof value === 'number' ? [`${name} ${number(value)}`] : []));
  return said.length === 0 ? '' : ` Of all classes alike: ${said.join(', ')}.`;
}

const row = (
  kind: string,
  { name, type, shape }: { name: string; type: string; shape: readonly (number | string)[] },
) => `| ${kind} | ${plain(name)} | ${type} | ${plain(`[${shape.join(', ')}]`)} |`;
const number = (value: unknown) => (typeof value === 'number' ? value.toFixed(3) : 'not measured');
