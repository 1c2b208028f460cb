// Three views of one page as tabs: arrows go from one to the next, as readers of ARIA's practices expect.

import { byId } from './element.js';

export type TabName = 'pictures' | 'report' | 'model';
const names: readonly TabName[] = ['pictures', 'report', 'model'];

/** @param onOpen called when a view comes to be seen */
export function tabs(onOpen: (name: TabName) => void): { readonly open: TabName } {
  const state: { open: TabName } = { open: 'pictures' };
  const buttonOf = (name: TabName) => byId(`tab-${name}`, 'button');

  const open = (name: TabName): void => {
    state.open = name;
    for (const one of names) {
      const isOpen = one === name;
      buttonOf(one).setAttribute('aria-selected', String(isOpen));
      buttonOf(one).tabIndex = isOpen ? 0 : -1;
      byId(`view-${one}`, 'section').hidden = !isOpen;
    }
    onOpen(name);
  };

  for (const [at, name] of names.entries()) {
    buttonOf(name).addEventListener('click', () => open(name));
    buttonOf(name).addEventListener('keydown', event => {
      const to = new Map([
        ['ArrowRight', at + 1],
        ['ArrowLeft', at - 1],
        ['Home', 0],
        ['End', names.length - 1],
      ]).get(event.key);
      if (to === undefined) return;
      event.preventDefault();
      const next = names.at(to % names.length)!;
      buttonOf(next).focus();
      open(next);
    });
  }
  return state;
}
