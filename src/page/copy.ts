// Copying text: by the clipboard where the browser gives it (secure pages), else by selecting it.

import { element } from './element.js';

/** Whether the text was copied. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element('textarea', { class: 'spoken', 'aria-hidden': 'true', tabindex: -1 });
    const before = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    if (before instanceof HTMLElement) before.focus();
    return isCopied;
  }
}

/** A button that copies, and says so for a moment. */
export function copyButton(name: string, text: () => string): HTMLButtonElement {
  const said = element('span', { 'aria-live': 'polite' }, name);
  const button = element('button', { type: 'button', class: 'quiet', click: () => void copy() }, said);
  const copy = async () => {
    said.textContent = (await copyText(text())) ? 'Copied' : 'Could not copy';
    setTimeout(() => (said.textContent = name), 1800);
  };
  return button;
}
