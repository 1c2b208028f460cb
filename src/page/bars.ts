// What a picture shows: the label as a headline, and every label with its probability as a bar.

import { element, fill, type Child } from './element.js';
import type { ModelFacts, Prediction, ScoredLabel } from './protocol.js';
import { counted, named, percent } from './wording.js';

/** Rows before somebody asks for more. */
const first = 5;

/** With several labels a picture, those it shows. */
const threshold = 0.5;

export const isMultiLabel = ({ parameters }: ModelFacts): boolean => parameters.task === 'multi-label';

/** The labels that are the answer: the best one, or all that are more likely than not. */
export function answerOf(prediction: Prediction, facts: ModelFacts): readonly ScoredLabel[] {
  return isMultiLabel(facts)
    ? prediction.labels.filter(({ score }) => score >= threshold)
    : prediction.labels.slice(0, 1);
}

/** The headline of a card. */
export function verdict(prediction: Prediction, facts: ModelFacts): HTMLElement {
  const answer = answerOf(prediction, facts);
  if (answer.length === 0)
    return element('p', { class: 'verdict' }, element('span', { class: 'verdict-label' }, 'none of the labels'));
  return element(
    'p',
    { class: answer.length > 1 ? 'verdict several' : 'verdict' },
    ...answer
      .slice(0, 8)
      .map(({ label, score }) =>
        element(
          'span',
          { class: 'verdict-one' },
          element('span', { class: 'verdict-label' }, named(label)),
          ' ',
          element('span', { class: 'verdict-score' }, percent(score)),
        ),
      ),
    ...(answer.length > 8 ? [element('span', { class: 'soft' }, `and ${answer.length - 8} more`)] : []),
  );
}

/** The bars, with a button for more of them. */
export function bars(prediction: Prediction, facts: ModelFacts): HTMLElement {
  const { labels } = prediction;
  const list = element('ol', { class: 'bars', 'aria-label': 'Labels by probability' });
  const after = element('div', { class: 'bars-after' });
  const draw = (count: number): void => {
    fill(list, ...labels.slice(0, count).map((one, i) => bar(one, i === 0)));
    const hidden = labels.length - Math.min(count, labels.length);
    fill(
      after,
      restLine(labels.slice(0, count), facts),
      hidden > 0 ? more(`Show ${counted(hidden, 'more label')}`, () => draw(labels.length)) : undefined,
      hidden === 0 && labels.length > first ? more('Show fewer', () => draw(first)) : undefined,
    );
  };
  const more = (text: string, click: () => void) =>
    element('button', { type: 'button', class: 'text-button', click: () => (click(), after.querySelector('button')?.focus()) }, text); // prettier-ignore
  draw(first);
  return element('div', { class: 'bars-block' }, list, after);
}

function bar({ label, score }: ScoredLabel, isBest: boolean): HTMLElement {
  return element(
    'li',
    { class: isBest ? 'bar best' : 'bar' },
    element('span', { class: 'bar-name' }, named(label)),
    meter(score),
    element('span', { class: 'bar-score' }, percent(score)),
  );
}

/** A bar without words of its own: the number stands beside it. */
export const meter = (share: number, kind = ''): HTMLElement =>
  element('span', {
    class: `meter ${kind}`,
    'aria-hidden': 'true',
    vars: { '--share': Math.min(Math.max(share, 0), 1) },
  });

function restLine(listed: readonly ScoredLabel[], facts: ModelFacts): Child {
  const rest = (facts.parameters.labels?.length ?? listed.length) - listed.length;
  if (rest <= 0) return undefined;
  const left = Math.max(0, 1 - listed.reduce((sum, { score }) => sum + score, 0));
  const together = isMultiLabel(facts) ? '' : `, together ${left < 1e-5 ? '<0.001%' : percent(left)}`;
  return element('span', { class: 'soft' }, `${counted(rest, 'other label')}${together}`);
}
