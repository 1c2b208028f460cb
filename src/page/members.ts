// Members side by side: a row for each, with what it says and how probable it takes the ensemble's foremost labels.

import { meter } from './bars.js';
import { element, type Child } from './element.js';
import type { MemberAnswer, ModelFacts, Prediction, ScoredLabel } from './protocol.js';
import { counted, named, percent, roughPercent, withoutCommonStart } from './wording.js';

/** Members that are listed before somebody asks for all. */
const first = 8;

/** Labels that get a column. */
const most = 3;

/** Whether the table opens with a card: as it was last set, where somebody did. */
const wish: { isOpen?: boolean } = {};

/** A table of the members; undefined for a single network. */
export function membersTable({ members, labels }: Prediction, facts: ModelFacts, isRoomy: boolean): Child {
  if (members === undefined || members.length === 0) return undefined;
  const columns = labels.slice(0, facts.parameters.labels?.length === 2 ? 1 : most);
  const short = withoutCommonStart(members.map(({ name }) => name));
  // where all weigh the same, that says nothing
  const hasWeights = members.some(({ weight }) => Math.abs((weight ?? 0) - (members[0]!.weight ?? 0)) > 1e-6);
  const head = [
    element('th', { scope: 'col' }, 'Member'),
    ...(hasWeights ? [element('th', { scope: 'col', class: 'number' }, 'Weight')] : []),
    element('th', { scope: 'col' }, 'Says'),
    ...columns.map(({ label }) => element('th', { scope: 'col', class: 'wide' }, named(label))),
  ];
  const rows = members.map((member, m) => row(member, short[m]!, columns, hasWeights));
  const pooled = element(
    'tr',
    { class: 'together' },
    element('th', { scope: 'row' }, 'Together'),
    ...(hasWeights ? [element('td', {})] : []),
    element('td', {}, labels[0] ? named(labels[0].label) : ''),
    ...columns.map(({ score }) => cell(score)),
  );
  const body = element('tbody', {}, pooled, ...rows.slice(0, first));
  const all = (): void => {
    body.append(...rows.slice(first));
    body.parentElement?.parentElement?.focus();
    more?.remove();
  };
  const hidden = rows.length - first;
  const more =
    hidden > 0
      ? element(
          'button',
          { type: 'button', class: 'text-button', click: all },
          `Show ${counted(hidden, 'more member')}`,
        )
      : undefined;
  const open = wish.isOpen ?? isRoomy;
  const summary = element('summary', { click: () => (wish.isOpen = !block.open) }, agreement(members, labels));
  const block = element(
    'details',
    { class: 'members', open },
    summary,
    element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Members, side by side' },
      element('table', {}, element('thead', {}, element('tr', {}, ...head)), body),
    ),
    more,
  );
  return block;
}

function row(member: MemberAnswer, name: string, columns: readonly ScoredLabel[], hasWeights: boolean): HTMLElement {
  const [best] = member.labels;
  const isOther = best !== undefined && best.index !== columns[0]?.index;
  const scores = new Map(member.labels.map(({ index, score }) => [index, score]));
  return element(
    'tr',
    {},
    element('th', { scope: 'row', title: name === member.name ? undefined : member.name }, named(name)),
    ...(hasWeights ? [element('td', { class: 'number' }, weightText(member.weight))] : []),
    element('td', { class: isOther ? 'says other' : 'says' }, best ? named(best.label) : '–'),
    ...columns.map(({ index }) => cell(scores.get(index), member.labels.at(-1)?.score)),
  );
}

/** @param below what a score that was not told is below of */
function cell(score: number | undefined, below?: number): HTMLElement {
  const text = score === undefined ? (below === undefined ? '–' : `<${percent(below)}`) : percent(score);
  return element('td', { class: 'wide' }, element('span', { class: 'cell' }, meter(score ?? 0), element('span', {}, text))); // prettier-ignore
}

const weightText = (weight: number | undefined): string => (weight === undefined ? '–' : roughPercent(weight));

/** How many members say what all of them say together. */
function agreement(members: readonly MemberAnswer[], [best]: readonly ScoredLabel[]): string {
  const agreeing = members.filter(({ labels }) => labels[0]?.index === best?.index).length;
  if (members.length === 1) return 'One member';
  if (agreeing === members.length) return `All ${members.length} members agree`;
  return `${agreeing} of ${members.length} members agree`;
}
