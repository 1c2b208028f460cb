// What a model card says of an ensemble: the tree that it is made of, what was compared, and its sets and thresholds.

import { commonStart } from '../base/index.js';
import type { BundleEnsemble } from './manifest.js';
import { plain } from './plain.js';

type Fields = Readonly<Record<string, unknown>>;

/** The sections of an ensemble, as Markdown. */
export function ensembleCard({ recipe, members, calibration, sets, outliers, comparison }: BundleEnsemble): string {
  const short = commonStart([...members, ...comparison].map(({ name }) => String(name)));
  const root = fieldsOf(fieldsOf(recipe)['root']);
  const told = [
    `Calibrated by: ${word(fieldsOf(calibration)['kind'])}.`,
    ...(sets ? [`\`predictionSet\` holds the true label of ${share(fieldsOf(sets)['coverage'])} of pictures like these.`] : []),
    ...(outliers
      ? [`\`unknown\` marks pictures of other kinds, and wrongly ${share(fieldsOf(outliers)['falseAlarmRate'])} of known ones (by ${word(fieldsOf(outliers)['kind'])}).`]
      : []),
  ]; // prettier-ignore
  const rows = comparison.slice(0, most).map(row => `| ${plain(short(String(row['name'])))}${row['ships'] === true ? ' (this one)' : ''} | ${share(row['accuracy'])} | ${digits(row['negativeLogLikelihood'])} | ${share(row['expectedCalibrationError'])} |`); // prettier-ignore
  const left = comparison.length - rows.length;
  return `
## Made of

${treeOf(root, short, 0).join('\n')}

${told.join('\n')}

| compared on the validation pictures | accuracy | NLL | ECE |
|---|---|---|---|
${rows.join('\n')}
${left > 0 ? `\n${left} more are in \`manifest.json\`.\n` : ''}`;
}

/** Rows of the comparison that are shown. */
const most = 30;
const deepest = 16;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const word = (value: unknown) => (typeof value === 'string' ? plain(value) : 'nothing');
const share = (value: unknown) => (typeof value === 'number' ? `${(100 * value).toFixed(1)}%` : '–');
const digits = (value: unknown) => (typeof value === 'number' ? value.toFixed(3) : '–');

const titles = new Map([
  ['average', 'the mean of'],
  ['stack', 'a logistic regression on the logits of'],
  ['soup', 'one network, the mean of the weights of'],
  ['tta', 'views of the picture'],
  ['cascade', 'one after the other, as long as the answer is unsure'],
]);

/** A node and what is below it, as a list of lists. */
function treeOf(node: Fields, short: (name: string) => string, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const { op, member, members, rule, views, weights, sha256, thresholds } = node;
  if (op === 'member') {
    const identity = typeof sha256 === 'string' ? ` (SHA-256 ${sha256.slice(0, 12)}…)` : '';
    return [`${indent}- ${plain(short(String(member)))}${identity}`];
  }
  if (!Array.isArray(members) || depth > deepest) return [];
  const shown = (one: unknown) => (typeof one === 'number' ? Number(one.toPrecision(3)) : String(one));
  const list = (values: unknown) => (Array.isArray(values) ? values.map(shown).join(', ') : String(values));
  const said = [
    ...(typeof rule === 'string' && rule !== 'probability' ? [`by ${rule}`] : []),
    ...(views === undefined ? [] : [list(views)]),
    ...(weights === undefined ? [] : [`weights ${list(weights)}`]),
    ...(thresholds === undefined ? [] : [`margins ${list(thresholds)}`]),
  ];
  const title = titles.get(String(op)) ?? String(op);
  return [
    `${indent}- ${title}${said.length > 0 ? ` (${plain(said.join('; '))})` : ''}`,
    ...members.flatMap(one => treeOf(fieldsOf(one), short, depth + 1)),
  ];
}
