// One picture and what became of it: waiting, asking, an answer, or a failure with a way on.

import { failureOf, isBusy, type Failure } from './advice.js';
import { answerOf, bars, verdict } from './bars.js';
import { copyButton } from './copy.js';
import { element, fill, spoken, type Child } from './element.js';
import { membersTable } from './members.js';
import { pictureView } from './picture-view.js';
import { predict, ServerError, type ModelChoice, type ModelFacts, type PredictAnswer } from './protocol.js';
import { sureness, warnings } from './sureness.js';
import { bytesText, named, percent, shortened, shown, visible } from './wording.js';

/** What a server takes unless it was told otherwise. */
export const largestPicture = 20 * 1024 * 1024;

/** How often a busy server is asked again by itself. */
const mostRetries = 3;

/** A picture that somebody gave, from wherever. */
export interface GivenPicture {
  readonly blob: Blob;
  readonly name: string;
  /** Known to be no picture file before it is sent. */
  readonly isFolder?: boolean;
}

export interface Asked {
  readonly choice: ModelChoice;
  readonly facts: ModelFacts;
}

export interface CardHooks {
  /** Queue this card again; `force` sends what the page would not. */
  readonly again: (card: Card, force: boolean) => void;
  readonly remove: (card: Card) => void;
}

export type CardState = 'waiting' | 'asking' | 'answered' | 'failed';

export interface Card {
  readonly element: HTMLElement;
  readonly state: CardState;
  /** Asks the server; resolves when there is an answer or a failure, to the line that is spoken. */
  ask(asked: Asked, force: boolean): Promise<{ readonly said: string; readonly answer?: PredictAnswer; readonly error?: unknown }>; // prettier-ignore
  /** Puts it back to where it waits. */
  wait(): void;
  close(): void;
}

let made = 0;

/** @param isRoomy whether what lies deeper is open from the start */
export function card(given: GivenPicture, hooks: CardHooks, isRoomy: boolean): Card {
  const id = `card-${++made}`;
  const picture = pictureView(given.blob, given.name);
  const head = element('div', { class: 'card-head' });
  const body = element('div', { class: 'card-body' });
  const remove = element('button', { type: 'button', class: 'icon', title: 'Remove', click: () => hooks.remove(it) }, closeMark(), spoken(`Remove ${shortened(given.name)}`)); // prettier-ignore
  const tag = element('span', { class: 'soft small' }, bytesText(given.blob.size));
  const top = element(
    'header',
    { class: 'card-top' },
    element('h3', { id, class: 'file', title: shortened(given.name, 200) }, named(given.name)),
    tag,
    remove,
  );
  const root = element('li', { class: 'card', 'aria-labelledby': id }, picture.element, element('div', { class: 'card-main' }, top, head, body)); // prettier-ignore
  let state: CardState = 'waiting';
  let running = new AbortController();

  const put = (next: CardState, ...children: readonly Child[]): void => {
    state = next;
    root.dataset['state'] = next;
    root.setAttribute('aria-busy', String(next === 'asking'));
    fill(head);
    fill(body, ...children);
  };

  const failed = (failure: Failure, error: unknown, canForce = false) => {
    picture.show();
    put(
      'failed',
      failureBox(failure, canForce, force => hooks.again(it, force)),
    );
    return { said: `${shown(given.name)}: ${visible(failure.message)}`, error };
  };

  const it: Card = {
    element: root,
    get state() {
      return state;
    },
    wait() {
      running.abort();
      picture.show();
      put('waiting', element('p', { class: 'soft' }, 'Waiting'));
    },
    async ask({ choice, facts }, force) {
      running.abort();
      const { signal } = (running = new AbortController());
      const refusal = force ? undefined : refusedHere(given);
      if (refusal) return failed(failureOf(refusal), refusal, refusal.code === 'BIG_FILE');
      put('asking', element('p', { class: 'asking' }, element('span', { class: 'pulse', 'aria-hidden': 'true' }), 'Asking…')); // prettier-ignore
      const hasMembers = (facts.parameters.members?.length ?? 0) > 0;
      try {
        const answer = await patiently(() => predict(choice, given.blob, hasMembers, signal), signal);
        const prediction = answer.predictions[0];
        if (!prediction) throw new ServerError(0, 'NO_PREDICTION', 'The server answered without a prediction.');
        // heat is asked of the version that answered only where a version was chosen
        picture.show({ choice, facts, prediction });
        tag.textContent = `${prediction.width} × ${prediction.height} · ${bytesText(given.blob.size)}`;
        put(
          'answered',
          bars(prediction, facts),
          sureness(prediction, facts),
          membersTable(prediction, facts, isRoomy),
          element(
            'footer',
            { class: 'card-actions' },
            copyButton('Copy as JSON', () => JSON.stringify(answer, undefined, 2)),
            element('span', { class: 'soft small' }, `${visible(answer.model_name)}, version ${visible(answer.model_version)}`), // prettier-ignore
          ),
        );
        fill(head, verdict(prediction, facts), ...warnings(answer, prediction));
        const best = answerOf(prediction, facts);
        const words = best.map(({ label, score }) => `${shortened(label, 80)}, ${percent(score)}`).join('; ');
        const isUnknown = prediction.unknown ? ' Unknown kind of picture.' : '';
        return { said: `${shortened(given.name)}: ${words || 'none of the labels'}.${isUnknown}`, answer };
      } catch (error) {
        if (signal.aborted) return { said: '' };
        return failed(failureOf(error), error);
      }
    },
    close() {
      running.abort();
      picture.close();
      root.remove();
    },
  };
  it.wait();
  return it;
}

/** What need not be sent to know that it will be refused. */
function refusedHere({ blob, isFolder = false }: GivenPicture): ServerError | undefined {
  if (isFolder) return new ServerError(0, 'FOLDER', 'This is a folder, not a picture.');
  if (blob.type !== '' && !blob.type.startsWith('image/'))
    return new ServerError(0, 'NOT_A_PICTURE', `This file is no picture (${visible(blob.type)}).`);
  if (blob.size === 0) return new ServerError(0, 'NOT_A_PICTURE', 'This file is empty.');
  if (blob.size > largestPicture)
    return new ServerError(0, 'BIG_FILE', `${bytesText(blob.size)} is more than the ${bytesText(largestPicture)} that servers take.`); // prettier-ignore
  return undefined;
}

/** Asks again while the server is busy, after as long as it says. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tried = 0; ; tried++)
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || tried >= mostRetries || signal.aborted) throw error;
      const seconds = Math.min(error.retryAfter ?? 1, 10);
      await new Promise(done => setTimeout(done, seconds * 1000));
    }
}

function failureBox(failure: Failure, canForce: boolean, again: (force: boolean) => void) {
  const { message, code, advice, requestId, canTryAgain } = failure;
  return element(
    'div',
    { class: 'failure' },
    element('p', { class: 'failure-text' }, visible(message)),
    element('p', {}, advice),
    element('p', { class: 'soft small' }, element('code', {}, visible(code)), requestId === undefined ? '' : ` · request ${visible(requestId)}`), // prettier-ignore
    canTryAgain
      ? element('button', { type: 'button', class: 'plain', click: () => again(canForce) }, canForce ? 'Send anyway' : 'Try again') // prettier-ignore
      : undefined,
  );
}

const closeMark = () => element('span', { class: 'close-mark', 'aria-hidden': 'true' });
