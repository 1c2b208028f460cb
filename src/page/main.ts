// The page: ways in for pictures, the model that is asked, what it answers, the report of its run.

import { failureOf } from './advice.js';
import { camera } from './camera.js';
import type { Asked } from './card.js';
import { chooser } from './chooser.js';
import { byId, element, fill } from './element.js';
import { intake } from './intake.js';
import { keyForm } from './key.js';
import { tellLoading } from './loading.js';
import { drawModel } from './model-view.js';
import { report, ServerError } from './protocol.js';
import { shownReport, type ShownReport } from './report-view.js';
import { results } from './results.js';
import { tabs, type TabName } from './tabs.js';
import { themeButton } from './theme.js';
import { counted, shortened, shown, visible } from './wording.js';

/** Milliseconds between looks at a server that loads. */
const loadingPause = 1000;

/** Labels that the empty page names. */
const mostKnown = 12;

const notice = byId('notice', 'div');
const reportView = byId('report', 'div');
const modelView = byId('model-facts', 'div');
let drawnReport: ShownReport | undefined;
let shownFor = '';
let isLoading = false;
/** Versions that have answered. */
const heardOf = new Set<string>();
let fetching = new AbortController();

themeButton();
const key = keyForm(() => void start());
const views = tabs(name => draw(name));
const models = chooser(onChange, onError);
const list = results(() => (takesPictures(models.asked) ? models.asked : undefined), onAnswer);
intake(pictures => {
  byId('tab-pictures', 'button').click();
  list.add(pictures);
});
byId('look-again', 'button').addEventListener('click', () => void start());
byId('to-model', 'button').addEventListener('click', () => {
  byId('tab-model', 'button').click();
  byId('tab-model', 'button').focus();
});
camera(picture => list.add([picture]));
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && models.isEmpty && byId('key-form', 'form').hidden) void start();
});
void start();

/** @param isNew false: only to see what came meanwhile */
async function start(isNew = true): Promise<void> {
  if (isNew) say();
  try {
    isLoading = await tellLoading();
    await models.load(isNew);
    if (isLoading) setTimeout(() => void start(false), loadingPause);
  } catch (error) {
    onError(error);
  }
}

/** @param isNew whether pictures are to be asked about anew */
function onChange(asked: Asked | undefined, isNew: boolean): void {
  say();
  byId('views', 'div').hidden = asked === undefined;
  byId('tabs', 'div').hidden = asked === undefined;
  byId('no-model', 'section').hidden = asked !== undefined || isLoading;
  if (!asked) return;
  const isForPictures = takesPictures(asked);
  byId('asking', 'div').hidden = !isForPictures;
  byId('no-pictures', 'section').hidden = isForPictures;
  fill(byId('knows', 'p'), ...knows(asked.facts.parameters.labels ?? []));
  if (isForPictures && isNew) list.askAll();
  draw(views.open);
}

/** Labels in a line, as far as they fit. */
function knows(labels: readonly string[]): (string | HTMLElement)[] {
  if (labels.length === 0) return [];
  const listed = labels.slice(0, mostKnown).flatMap((label, i) => [i === 0 ? '' : ', ', element('bdi', {}, shortened(shown(label), 40))]); // prettier-ignore
  const rest = labels.length - mostKnown;
  return [`This model knows ${counted(labels.length, 'label')}: `, ...listed, rest > 0 ? `, and ${counted(rest, 'more', 'more')}.` : '.']; // prettier-ignore
}

const takesPictures = (asked: Asked | undefined): boolean => asked?.facts.parameters.preprocessing !== undefined;

function draw(view: TabName): void {
  const { asked } = models;
  if (!asked) return;
  if (view === 'model') drawModel(modelView, asked);
  if (view === 'report') void drawReport(asked);
}

async function drawReport({ choice, facts }: Asked): Promise<void> {
  const wanted = JSON.stringify([choice, facts.versions, facts.parameters.sha256]);
  if (wanted === shownFor) return;
  fetching.abort();
  const { signal } = (fetching = new AbortController());
  drawnReport?.close();
  shownFor = '';
  fill(reportView, element('p', { class: 'soft' }, 'Loading the report…'));
  try {
    const html = await report(choice, signal);
    drawnReport = html === undefined ? undefined : shownReport(html);
    fill(reportView, drawnReport?.element ?? noReport());
    shownFor = wanted;
  } catch (error) {
    if (signal.aborted) return;
    fill(
      reportView,
      trouble(error, () => void drawReport({ choice, facts })),
    );
    askForKey(error);
  }
}

const noReport = () =>
  element(
    'div',
    { class: 'empty' },
    element('h2', {}, 'This model brings no report'),
    element('p', { class: 'soft' }, 'graft train and graft ensemble write report.html beside what they make; it is shown here where a model is served from there.'), // prettier-ignore
  );

/** A version that the page does not know of has answered, or one is gone. */
function onAnswer(answer: { readonly model_version: string } | undefined, error: unknown): void {
  const known = models.asked?.facts.versions ?? [];
  const isNews = answer !== undefined && !known.includes(answer.model_version) && !heardOf.has(answer.model_version);
  if (answer) heardOf.add(answer.model_version);
  const isGone = error instanceof ServerError && error.code === 'VERSION_NOT_FOUND';
  if (isNews && models.asked?.choice.version === undefined) void models.refresh().catch(onError);
  else if (isGone) void models.load().catch(onError);
  askForKey(error);
}

function onError(error: unknown): void {
  if (error instanceof ServerError && error.status === 401) askForKey(error);
  else say(trouble(error, () => void start()));
}

function askForKey(error: unknown): void {
  if (error instanceof ServerError && error.status === 401) key.show();
}

function trouble(error: unknown, again: () => void): HTMLElement {
  const { message, code, advice } = failureOf(error);
  return element(
    'div',
    { class: 'failure' },
    element('p', { class: 'failure-text' }, visible(message)),
    element('p', {}, advice, ' ', element('code', { class: 'soft' }, code)),
    element('button', { type: 'button', class: 'plain', click: again }, 'Try again'),
  );
}

function say(what?: HTMLElement): void {
  fill(notice, what);
}
