// The report of the run inside the page: its document is taken apart, nothing that runs or loads is kept, and what is left
// lives in a shadow root under a style sheet of its own. Names of custom properties are the page's, and so are the colours.

import { element, fill } from './element.js';

/** What is never kept, with all that is in it. */
const dropped =
  'script, style, link, meta, base, title, iframe, frame, object, embed, form, input, button, textarea, select, template, noscript, audio, video, source, track, animate, animateMotion, animateTransform, set, foreignObject, use, image, dialog';

/** Attributes that lead somewhere, or run. */
const leading =
  /^(?:on.*|href|xlink:href|src|srcset|action|formaction|background|poster|ping|data|cite|longdesc|style|data-page-style|id|name|is|slot|part|autofocus|contenteditable|popover.*|loading|nonce|target|tabindex)$/i;

/** What style attributes are called until they are rules. */
const styled = 'data-page-style';

const dataPicture = /^data:(image\/(?:png|jpeg|webp|gif));base64,([A-Za-z0-9+/]+={0,2})$/;

/** What holds a shown report. */
export interface ShownReport {
  readonly element: HTMLElement;
  /** Frees its pictures. */
  close(): void;
}

/** @param html a whole document */
export function shownReport(html: string): ShownReport {
  // browsers hold the policy against styles while they parse, too: sheets are taken out before, attributes are renamed
  const sheets: string[] = [];
  const bare = html.replace(/<style\b[^>]*>([^]*?)<\/style\s*>/gi, (_, text: string) => (sheets.push(text), ''));
  const plain = bare.replace(/<[a-z][^<>]*>/gi, tag => tag.replace(/\sstyle(?=\s*=)/gi, ` ${styled}`));
  const parsed = new DOMParser().parseFromString(plain, 'text/html');
  const sheet = sheetOf(sheets.join('\n'));
  for (const one of parsed.querySelectorAll(dropped)) one.remove();
  const urls: string[] = [];
  const styles = new Map<Element, string>();
  for (const one of parsed.body.querySelectorAll('*')) cleaned(one, urls, styles);

  const host = element('div', { class: 'report' });
  const root = host.attachShadow({ mode: 'open' });
  const frame = new CSSStyleSheet();
  // shades end where ink on them can still be read
  frame.replaceSync(
    ':host { display: block; } .report-main { max-width: none; padding: 4px 0 0; } .matrix td.hit { background: color-mix(in oklab, var(--good) calc(6% + var(--share) * 0.38%), var(--surface)); } .matrix td.miss { background: color-mix(in oklab, var(--bad) calc(8% + var(--share) * 0.36%), var(--surface)); } .matrix td.strong { color: var(--ink); } .scroll:focus-visible { outline: 2px solid var(--good); outline-offset: 2px; }',
  );
  root.adoptedStyleSheets = [sheet, frame];
  const body = element('div', { class: 'report-body' });
  body.append(...document.importNode(parsed.body, true).childNodes);
  // the clone has its elements in the same order
  const copies = [...body.querySelectorAll<HTMLElement | SVGElement>('*')];
  [...parsed.body.querySelectorAll('*')].forEach((one, i) => {
    const style = styles.get(one);
    if (style !== undefined) copies[i]!.style.cssText = style;
  });
  forReaders(body);
  root.append(body);
  return { element: host, close: () => urls.forEach(url => URL.revokeObjectURL(url)) };
}

/** Takes from an element all that leads anywhere; pictures within the document become blobs. */
function cleaned(one: Element, urls: string[], styles: Map<Element, string>): void {
  const style = one.getAttribute(styled);
  if (style !== null && !/url|image|\\|@/i.test(style)) styles.set(one, style);
  const source = one.localName === 'img' ? dataPicture.exec(one.getAttribute('src') ?? '') : null;
  for (const { name } of [...one.attributes]) if (leading.test(name)) one.removeAttribute(name);
  if (!source) return;
  const bytes = Uint8Array.from(atob(source[2]!), c => c.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: source[1]! }));
  urls.push(url);
  one.setAttribute('src', url);
}

/** The report's rules, those of its `body` and `main` for what stands in their place. */
function sheetOf(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  const walk = (rules: CSSRuleList): void => {
    for (const rule of rules) {
      if (rule instanceof CSSStyleRule)
        rule.selectorText = rule.selectorText.replace(/(^|[\s,>+~(])(body|main)(?![\w-])/g, '$1.report-$2');
      else if (rule instanceof CSSGroupingRule) walk(rule.cssRules);
    }
  };
  walk(sheet.cssRules);
  return sheet;
}

/** Headings below the page's own; one `main` only; what scrolls can be scrolled from the keyboard. */
function forReaders(body: HTMLElement): void {
  for (const main of body.querySelectorAll('main'))
    main.replaceWith(fillOf(element('div', { class: 'report-main' }), main.childNodes));
  for (const heading of body.querySelectorAll('h1, h2, h3, h4'))
    heading.setAttribute('aria-level', String(Number(heading.localName[1]) + 1));
  for (const scroll of body.querySelectorAll<HTMLElement>('.scroll')) {
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'group');
    const title = scroll.closest('section')?.querySelector('h2')?.textContent;
    scroll.setAttribute('aria-label', `${title ?? 'Table'}, scrolls sideways`);
  }
}

function fillOf(into: HTMLElement, children: NodeListOf<ChildNode>): HTMLElement {
  fill(into, ...children);
  return into;
}
