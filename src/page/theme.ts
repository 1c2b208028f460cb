// Light or dark: the reader's own setting, until the button says otherwise.

import { byId } from './element.js';

const place = 'graft-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

const stored = (): string | null => {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
};

/** The button that turns the lights on and off. */
export function themeButton(): void {
  const button = byId('theme', 'button');
  const root = document.documentElement;
  const isDark = (): boolean => (root.dataset['theme'] ?? (dark.matches ? 'dark' : 'light')) === 'dark';
  const tell = (): void => {
    button.setAttribute('aria-pressed', String(isDark()));
  };
  const held = stored();
  if (held === 'light' || held === 'dark') root.dataset['theme'] = held;
  tell();
  dark.addEventListener('change', tell);
  button.addEventListener('click', () => {
    const next = isDark() ? 'light' : 'dark';
    // what the reader's own setting says needs no word of ours
    const isOwn = next === (dark.matches ? 'dark' : 'light');
    if (isOwn) delete root.dataset['theme'];
    else root.dataset['theme'] = next;
    try {
      if (isOwn) localStorage.removeItem(place);
      else localStorage.setItem(place, next);
    } catch {
      // kept for this visit only
    }
    tell();
  });
}
