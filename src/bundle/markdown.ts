// Text inside Markdown.

import { printable } from '../base/index.js';

/** Names come from folders: no markup may come through. */
export const plain = (text: string): string =>
  printable(text).replace(/[\\`*_{}[\]()#+!|<>~]/g, letter => `\\${letter}`);
