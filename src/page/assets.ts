// The files of the page, read once by whoever serves them (Node). What browsers load is listed here by name: nothing else
// of the folder can be asked for.

import { readFileSync } from 'node:fs';
import { pageHtml, pageIcon } from './markup.js';
import { pageCss } from './style.js';

/** A file of the page. */
export interface PageAsset {
  /** Its `content-type`. */
  readonly type: string;
  readonly body: Uint8Array;
}

const modules = [
  'advice', 'bars', 'camera', 'card', 'chooser', 'copy', 'crop', 'curl', 'element', 'heat', 'intake', 'key', 'loading', 'main',
  'members', 'model-view', 'picture-view', 'protocol', 'report-view', 'results', 'sureness', 'tabs', 'theme', 'wording',
] as const; // prettier-ignore

/**
 * All files by name: `index.html` is what `/` gives, the others lie under `/page/`.
 *
 * @example
 * const { type, body } = pageAssets().get('main.js')!;
 */
export function pageAssets(): Map<string, PageAsset> {
  const text = (type: string, body: string): PageAsset => ({
    type: `${type}; charset=utf-8`,
    body: new TextEncoder().encode(body),
  });
  const assets = new Map([
    ['index.html', text('text/html', pageHtml(modules))],
    ['page.css', text('text/css', pageCss)],
    ['icon.svg', text('image/svg+xml', pageIcon)],
  ]);
  // compiled modules lie beside this one
  for (const name of modules) {
    const file = new URL(`./${name}.js`, import.meta.url);
    assets.set(`${name}.js`, text('text/javascript', readFileSync(file, 'utf8')));
  }
  return assets;
}
