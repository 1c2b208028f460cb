// What the server is still loading, and what it could not load, in a line above the page.

import { byId, element, fill } from './element.js';
import { repositoryIndex } from './protocol.js';
import { counted, shortened, shown } from './wording.js';

/** Failures that are told one by one. */
const mostTold = 3;

/** Asks the server and tells it; whether there is more to come. */
export async function tellLoading(): Promise<boolean> {
  const all = await repositoryIndex();
  const coming = [...new Set(all.filter(({ state }) => state === 'LOADING').map(({ name }) => name))];
  // what was never to be loaded has no code of an error
  const failed = all.filter(({ state, reason }) => state === 'UNAVAILABLE' && /^[A-Z][A-Z0-9_]+: /.test(reason));
  const lines = failed.slice(0, mostTold).map(
    ({ name, reason }) =>
      element('p', { class: 'bad' }, element('strong', {}, shortened(name)), ` could not be loaded: ${shown(reason.replace(/^[A-Z0-9_]+: /, ''))}`), // prettier-ignore
  );
  const rest = failed.length - mostTold;
  const names = coming.length > mostTold ? counted(coming.length, 'model') : coming.map(name => shortened(name)).join(', '); // prettier-ignore
  const line = byId('loading', 'div');
  const before = line.textContent;
  const told = [
    coming.length > 0
      ? element(
          'p',
          { class: 'asking' },
          element('span', { class: 'pulse', 'aria-hidden': 'true' }),
          `Loading ${names}…`,
        )
      : undefined,
    ...lines,
    rest > 0
      ? element('p', { class: 'bad' }, `And ${counted(rest, 'more', 'more')}: see the log of the server.`)
      : undefined,
  ].filter(one => one !== undefined);
  // what is the same is not spoken again
  if (told.map(({ textContent }) => textContent).join('') !== before) fill(line, ...told);
  return coming.length > 0;
}
