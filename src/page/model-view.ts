// What the chosen model is: its facts, its labels to search in, its members, and the line that asks it from a shell.

import { isMultiLabel } from './bars.js';
import type { Asked } from './card.js';
import { copyButton } from './copy.js';
import { curlLine, inferLine } from './curl.js';
import { element, fill, type Child } from './element.js';
import type { Tensor } from './protocol.js';
import { counted, named, roughPercent, visible } from './wording.js';

/** Labels that are listed at once. */
const mostShown = 60;

/** Draws all of it into `parent`. */
export function drawModel(parent: HTMLElement, asked: Asked): void {
  const { facts } = asked;
  const { labels = [], members = [] } = facts.parameters;
  fill(
    parent,
    element(
      'section',
      { class: 'panel' },
      element('h2', {}, named(facts.name)),
      element('dl', { class: 'facts' }, ...factRows(asked)),
    ),
    shellPanel(asked),
    members.length > 0 ? membersPanel(members) : undefined,
    labels.length > 0 ? labelsPanel(labels) : undefined,
  );
}

/** A line for a shell: pictures go the easy way, tensors by the Open Inference Protocol. */
function shellPanel({ choice, facts }: Asked): Child {
  const { preprocessing, members = [] } = facts.parameters;
  const line = (): string | undefined =>
    preprocessing === undefined
      ? inferLine(location.origin, choice, facts.inputs ?? [])
      : curlLine(location.origin, choice, members.length > 0);
  const written = line();
  if (written === undefined) return undefined;
  return element(
    'section',
    { class: 'panel' },
    element('h2', {}, 'Ask it from a shell'),
    element('pre', { class: 'code', tabindex: 0, 'aria-label': 'The command' }, element('code', { id: 'curl' }, written)), // prettier-ignore
    written.includes('"data":[…]')
      ? element('p', { class: 'soft small after-code' }, 'In place of … stand the numbers, row by row.')
      : undefined,
    copyButton('Copy', () => line() ?? ''),
  );
}

/** `pictures UINT8, any × 224 × 224 × 3`. */
const tensorText = ({ name, datatype, shape }: Tensor): string =>
  `${name} ${datatype}${shape.length === 0 ? '' : `, ${shape.map(side => (side < 0 ? 'any' : side)).join(' × ')}`}`;

function factRows({ facts }: Asked): HTMLElement[] {
  const { versions, parameters } = facts;
  const { labels, calibration, sets, preprocessing, sha256, explains } = parameters;
  const rows: [string, string | readonly string[] | undefined][] = [
    ['Versions', versions.map(visible).join(', ')],
    ['Answers', labels && (isMultiLabel(facts) ? 'any number of labels a picture' : 'one label a picture')],
    ['Labels', labels && counted(labels.length, 'label')],
    ['Sees', preprocessing && `${preprocessing.width} × ${preprocessing.height} pixels`],
    ['Calibration', told(calibration)],
    ['Prediction sets', told(sets)],
    ['Heat maps', preprocessing && (explains === true ? 'yes' : 'none: the network has no map of features')],
    ['Inputs', facts.inputs?.map(tensorText)],
    ['Outputs', facts.outputs?.map(tensorText)],
    ['SHA-256', sha256],
  ];
  return rows.flatMap(([what, value]) => {
    const lines = typeof value === 'string' ? [value] : (value ?? []);
    return lines.length === 0 ? [] : [element('dt', {}, what), ...lines.map(line => element('dd', {}, visible(line)))];
  });
}

/** `{kind: 'temperature', temperature: 1.37}` as `temperature 1.37`. */
function told(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, ...others } = value as Readonly<Record<string, unknown>>;
  const figures = Object.entries(others).flatMap(([name, figure]) => {
    if (typeof figure !== 'number') return [];
    if (name === 'coverage') return [`${Number((figure * 100).toFixed(1))}% coverage`];
    return [`${name} ${Number(figure.toPrecision(3))}`];
  });
  // a temperature is named by its figure
  const isNamed = typeof kind !== 'string' || kind in others;
  return [...(isNamed ? [] : [kind]), ...figures].join(', ') || undefined;
}

function membersPanel(members: readonly { readonly name: string; readonly weight?: number }[]): HTMLElement {
  return element(
    'section',
    { class: 'panel' },
    element('h2', {}, counted(members.length, 'member')),
    element(
      'ul',
      { class: 'names' },
      ...members.map(
        ({ name, weight }) =>
        element('li', {}, named(name), weight === undefined ? '' : element('span', { class: 'soft' }, ` ${roughPercent(weight)}`)), // prettier-ignore
      ),
    ),
  );
}

function labelsPanel(labels: readonly string[]): HTMLElement {
  const list = element('ul', { class: 'names labels' });
  const said = element('p', { class: 'soft small', 'aria-live': 'polite' });
  const field = element('input', { type: 'search', id: 'label-search', autocomplete: 'off', input: () => draw() });
  const draw = (): void => {
    const wanted = field.value.trim().toLocaleLowerCase();
    const found = labels.filter(label => label.toLocaleLowerCase().includes(wanted));
    fill(list, ...found.slice(0, mostShown).map(label => element('li', {}, named(label))));
    const hidden = found.length - Math.min(found.length, mostShown);
    said.textContent =
      found.length === 0
        ? 'No label like that.'
        : hidden > 0
          ? `and ${counted(hidden, 'more', 'more')}: search for them.`
          : '';
  };
  draw();
  const search: Child =
    labels.length > 12
      ? element('div', { class: 'field' }, element('label', { for: field.id }, 'Search'), field)
      : undefined;
  return element('section', { class: 'panel' }, element('h2', {}, counted(labels.length, 'label')), search, list, said);
}
