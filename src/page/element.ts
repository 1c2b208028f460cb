// Elements without markup: names and texts become text nodes, never HTML, and styles are set through CSSOM, so that the
// page lives under a policy without inline scripts and styles.

type Listener = (event: Event) => void;
type Given = string | number | boolean | undefined | Listener | Readonly<Record<`--${string}`, string | number>>;
export type Child = Node | string | undefined | readonly (Node | string)[];

/**
 * An element: attributes as they are named in HTML, `true` for those without a value; functions listen to the event they
 * are named after; `vars` are custom properties.
 *
 * @example element('button', { type: 'button', class: 'quiet', click: () => clear() }, 'Clear')
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Readonly<Record<string, Given>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (typeof value === 'object') {
      for (const [property, set] of Object.entries(value)) made.style.setProperty(property, String(set));
    } else made.setAttribute(name, value === true ? '' : String(value));
  }
  fill(made, ...children);
  return made;
}

/** Replaces what an element holds. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.flat().filter(child => child !== undefined));
}

/** An element of the page's own markup. */
export function byId<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id);
  if (found?.localName !== tag) throw new Error(`the page has no ${tag} #${id}`);
  return found as HTMLElementTagNameMap[K];
}

/** What only screen readers say. */
export const spoken = (text: string): HTMLElement => element('span', { class: 'spoken' }, text);
