// The key of servers that ask for one: kept until the tab is closed, sent with every question, written nowhere else.

import { byId } from './element.js';

const place = 'graft-key';
let held: string | undefined;

const stored = (): string | undefined => {
  try {
    return sessionStorage.getItem(place) ?? undefined;
  } catch {
    return undefined;
  }
};

/** The header of the key, where there is one. */
export function keyHeaders(): [string, string][] {
  held ??= stored();
  return held === undefined ? [] : [['authorization', `Bearer ${held}`]];
}

export const hasKey = (): boolean => keyHeaders().length > 0;

/** Forgets the key where it is undefined. */
function keep(key: string | undefined): void {
  held = key;
  try {
    if (key === undefined) sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, key);
  } catch {
    // kept in memory only
  }
}

/** The form that asks for the key, hidden until the server does. */
export function keyForm(onKey: () => void) {
  const form = byId('key-form', 'form');
  const field = byId('key', 'input');
  const said = byId('key-said', 'p');
  form.addEventListener('submit', event => {
    event.preventDefault();
    const key = field.value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) {
      said.textContent = 'A key is made of letters, digits and signs, without spaces.';
      field.setAttribute('aria-invalid', 'true');
      field.focus();
      return;
    }
    keep(key);
    field.value = '';
    form.hidden = true;
    // what had the focus is gone
    byId('main', 'main').focus();
    onKey();
  });
  return {
    /** Asks for it; a key that was sent was wrong. */
    show(): void {
      const wasWrong = hasKey();
      keep(undefined);
      said.textContent = wasWrong ? 'The server does not take this key.' : '';
      if (wasWrong) field.setAttribute('aria-invalid', 'true');
      else field.removeAttribute('aria-invalid');
      const isNew = form.hidden;
      form.hidden = false;
      if (isNew) field.focus();
    },
  };
}
