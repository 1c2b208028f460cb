// How far an answer can be trusted: the set of labels that holds the true one, uncertainty and the part of it that comes
// from members that disagree, and the warning that a picture is of no kind that the model knows.

import { element, type Child } from './element.js';
import type { ModelFacts, PredictAnswer, Prediction } from './protocol.js';
import { counted, named, roughPercent, visible } from './wording.js';

/** Labels of a set that are listed before it is opened. */
const mostListed = 12;

/** Warnings above the bars. */
export function warnings(answer: PredictAnswer, prediction: Prediction): Child[] {
  const { degraded, missing_members: missing = [] } = answer;
  return [
    prediction.unknown
      ? warning('Unknown kind', `This picture looks like none of the kinds that the model has learnt. The labels below are the nearest it knows.`) // prettier-ignore
      : undefined,
    degraded
      ? warning('Not all members answered', missing.length > 0 ? `Missing: ${missing.map(visible).join(', ')}.` : 'The answer is that of fewer members.') // prettier-ignore
      : undefined,
  ];
}

const warning = (title: string, text: string): HTMLElement =>
  element(
    'div',
    { class: 'warning' },
    element('span', { class: 'warning-mark', 'aria-hidden': 'true' }, '!'),
    element('p', {}, element('strong', {}, title), ' ', text),
  );

/** The prediction set and the uncertainty, side by side where there is room. */
export function sureness(prediction: Prediction, facts: ModelFacts): Child {
  const parts = [setOf(prediction, facts), uncertaintyOf(prediction, facts)].filter(part => part !== undefined);
  return parts.length === 0 ? undefined : element('div', { class: 'sureness' }, ...parts);
}

function setOf({ prediction_set: set }: Prediction, { parameters }: ModelFacts): HTMLElement | undefined {
  if (set === undefined) return undefined;
  const coverage = coverageOf(parameters.sets);
  const chips = set.map(label => element('li', { class: 'chip' }, named(label)));
  const rest = chips.splice(mostListed);
  return element(
    'section',
    { class: 'fact' },
    element('h4', {}, 'Prediction set'),
    set.length === 0 ? element('p', {}, 'No label is likely enough.') : element('ul', { class: 'chips' }, ...chips),
    rest.length > 0
      ? element('details', {}, element('summary', {}, counted(rest.length, 'more label')), element('ul', { class: 'chips' }, ...rest)) // prettier-ignore
      : undefined,
    element(
      'p',
      { class: 'soft small' },
      coverage === undefined
        ? 'The label is among these as often as the model was made for.'
        : `The true label is in the set for ${Number((coverage * 100).toFixed(1))}% of pictures like those it was chosen on.`,
    ),
  );
}

function coverageOf(sets: unknown): number | undefined {
  if (typeof sets !== 'object' || sets === null || !('coverage' in sets)) return undefined;
  return typeof sets.coverage === 'number' ? sets.coverage : undefined;
}

function uncertaintyOf({ uncertainty }: Prediction, { parameters }: ModelFacts): HTMLElement | undefined {
  if (uncertainty === undefined) return undefined;
  const { entropy, mutual_information: disagreement } = uncertainty;
  const classes = parameters.labels?.length ?? 2;
  // of several labels a picture each is a question of its own
  const most = parameters.task === 'multi-label' ? classes * Math.LN2 : Math.log(classes);
  const share = most > 0 ? Math.min(Math.max(entropy / most, 0), 1) : 0;
  const apart = entropy > 0 ? Math.min(Math.max(disagreement / entropy, 0), 1) : 0;
  return element(
    'section',
    { class: 'fact' },
    element('h4', {}, 'Uncertainty'),
    element(
      'p',
      { class: 'uncertainty' },
      element('span', { class: 'meter split', 'aria-hidden': 'true', vars: { '--share': share, '--part': apart } }),
      element('strong', {}, share < 0.35 ? 'low' : share < 0.7 ? 'medium' : 'high'),
    ),
    element(
      'p',
      { class: 'soft small' },
      `${entropy.toFixed(2)} of at most ${most.toFixed(2)} nats, before calibration.`,
    ),
    element('p', { class: 'soft small key-disagree' }, `${roughPercent(apart)} of it because members disagree`),
  );
}
