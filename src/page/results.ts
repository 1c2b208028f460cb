// The list of cards: pictures are asked about a few at a time, in the order in which they came; what comes back is spoken.

import { card, type Asked, type Card, type GivenPicture } from './card.js';
import { byId } from './element.js';
import type { PredictAnswer } from './protocol.js';
import { counted } from './wording.js';

/** Questions at the same time: servers batch what comes together. */
const atOnce = 4;

/** Pictures whose answers are all spoken, and whose cards open wide; of more only the sum is. */
const few = 3;

export interface Results {
  add(pictures: readonly GivenPicture[]): void;
  /** Asks about all pictures anew, as after the model was changed. */
  askAll(): void;
}

/**
 * @param asked the model to ask; undefined while none is chosen
 * @param onAnswer what a question gave, for whoever must look up
 */
export function results(
  asked: () => Asked | undefined,
  onAnswer: (answer: PredictAnswer | undefined, error: unknown) => void,
): Results {
  const section = byId('results', 'section');
  const list = byId('cards', 'ul');
  const status = byId('status', 'p');
  const progress = byId('progress', 'progress');
  const count = byId('count', 'p');
  const cards = new Set<Card>();
  const queue: { card: Card; force: boolean }[] = [];
  let running = 0;
  let isSpokenOneByOne = true;

  const say = (text: string): void => {
    if (text !== '') status.textContent = text;
  };

  const tell = (): void => {
    const all = [...cards];
    const done = all.filter(({ state }) => state === 'answered' || state === 'failed').length;
    const failures = all.filter(({ state }) => state === 'failed').length;
    section.hidden = all.length === 0;
    document.body.classList.toggle('has-results', all.length > 0);
    const isBusy = done < all.length;
    progress.hidden = !isBusy || all.length < 2;
    progress.max = Math.max(1, all.length);
    progress.value = done;
    count.textContent = isBusy
      ? `${done} of ${counted(all.length, 'picture')}`
      : `${counted(all.length, 'picture')}${failures > 0 ? `, ${failures} without an answer` : ''}`;
  };

  const work = async (): Promise<void> => {
    const model = asked();
    if (running >= atOnce || !model) return;
    const next = queue.shift();
    if (!next) return;
    running++;
    const answering = next.card.ask(model, next.force);
    tell();
    void work();
    const { said, answer, error } = await answering;
    running--;
    if (cards.has(next.card) && isSpokenOneByOne) say(said);
    tell();
    if (!isSpokenOneByOne && running === 0 && queue.length === 0) say(`All answered: ${count.textContent}.`);
    if (answer !== undefined || error !== undefined) onAnswer(answer, error);
    void work();
  };

  const enqueue = (one: Card, force: boolean): void => {
    drop(one);
    one.wait();
    queue.push({ card: one, force });
  };

  const drop = (one: Card): void => {
    const at = queue.findIndex(waiting => waiting.card === one);
    if (at >= 0) queue.splice(at, 1);
  };

  const remove = (one: Card): void => {
    const near = one.element.nextElementSibling ?? one.element.previousElementSibling;
    drop(one);
    cards.delete(one);
    one.close();
    tell();
    const next = near?.querySelector<HTMLElement>('.card-top button');
    (next ?? byId('choose', 'button')).focus();
    say('Removed.');
  };

  byId('clear', 'button').addEventListener('click', () => {
    queue.length = 0;
    for (const one of cards) one.close();
    cards.clear();
    tell();
    byId('choose', 'button').focus();
    say('All pictures were removed.');
  });

  const hooks = {
    remove,
    again: (one: Card, force: boolean) => {
      enqueue(one, force);
      tell();
      one.element.querySelector<HTMLElement>('.card-top button')?.focus();
      void work();
    },
  };

  return {
    add(pictures) {
      const isRoomy = pictures.length <= few;
      isSpokenOneByOne = isRoomy && (queue.length === 0 || isSpokenOneByOne);
      const news = pictures.map(picture => card(picture, hooks, isRoomy));
      for (const one of news) {
        cards.add(one);
        queue.push({ card: one, force: false });
      }
      // the newest stand first, as they were given
      list.prepend(...news.map(({ element }) => element));
      tell();
      say(`${counted(news.length, 'picture')} added.`);
      void work();
    },
    askAll() {
      queue.length = 0;
      isSpokenOneByOne = cards.size <= few;
      for (const element of list.children) for (const one of cards) if (one.element === element) enqueue(one, false);
      tell();
      void work();
    },
  };
}
